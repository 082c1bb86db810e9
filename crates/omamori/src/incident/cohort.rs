//! The cohort: versions of its question, counts, and the lists that they fill.

use std::collections::{BTreeSet, HashMap, HashSet};

use omamori_db::{Db, Query, Row, sql};
use serde_json::json;

use super::count::{Found, Position};
use super::figures::{Counted, Figures};
use super::moves::Move;
use super::own;
use super::query::{self, Asked};
use super::{log, row};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::gate::Act;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// A version of the question.
#[derive(Clone, Debug)]
pub struct Version {
    /// From 1.
    pub version: i64,
    /// The question.
    pub query: query::Query,
    /// `stf_…`.
    pub made_by: String,
    /// When.
    pub made_at: Micros,
}

/// The versions, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn versions(registry: &Db, incident_id: &str) -> Result<Vec<Version>> {
    let query = sql("SELECT version, query, made_by, made_at FROM incident_cohort
         WHERE incident_id = $1 ORDER BY version DESC");
    let mut versions = Vec::new();
    for row in registry.all(query.bind(incident_id)).await? {
        versions.push(Version {
            version: row.int("version")?,
            query: serde_json::from_str(&row.text("query")?)?,
            made_by: row.text("made_by")?,
            made_at: row.int("made_at")?,
        });
    }
    Ok(versions)
}

/// Saves a version of the question. Gives its number; the same question again keeps its own.
///
/// # Errors
/// A wrong field; [`Code::NotFound`], [`Code::IncidentClosed`]; a fault.
pub async fn save(app: &App, actor: &Actor, incident_id: &str, asked: &Asked) -> Result<i64> {
    let query = asked.read()?;
    let registry = &app.stores.registry;
    row::open_one(registry, incident_id).await?;
    let newest = versions(registry, incident_id).await?.into_iter().next();
    if let Some(same) = newest.as_ref().filter(|newest| newest.query == query) {
        return Ok(same.version);
    }
    let version = newest.map_or(1, |newest| newest.version + 1);
    let now = app.clock.now();
    let about = json!({ "incident": incident_id, "version": version, "query": query });
    let clearance = actor.decide(app, Act::IncidentCohort, None, &about, Ok(())).await?;
    let mut tx = registry.begin().await?;
    log::add(&mut tx, incident_id, (&actor.id, now), "cohort", &version.to_string()).await?;
    let insert = sql("INSERT INTO incident_cohort (incident_id, version, query, made_by, made_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (incident_id, version) DO NOTHING");
    let insert = insert.bind(incident_id).bind(version).bind(serde_json::to_string(&query)?);
    if tx.execute(insert.bind(&actor.id).bind(now)).await? != 1 {
        return Err(Error::RetryAfter(Code::Busy, 1)); // somebody else saved one just now
    }
    let act = Act::IncidentCohort;
    let (before, after) = (json!({ "version": version - 1 }), about);
    let entry = Entry { actor, act, subject: incident_id, before, after, reason: "" };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(version)
}

/// A count that was made.
#[derive(Clone, Debug)]
pub struct Count {
    /// From 1.
    pub number: i64,
    /// Of which version.
    pub version: i64,
    /// Up to where.
    pub position: Position,
    /// What was found.
    pub figures: Figures,
    /// Of all that was found.
    pub digest: [u8; 32],
    /// `stf_…`.
    pub counted_by: String,
}

/// The counts, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn counts(registry: &Db, incident_id: &str) -> Result<Vec<Count>> {
    let query = sql("SELECT number, version, position, figures, digest, counted_by
         FROM incident_count WHERE incident_id = $1 ORDER BY number DESC");
    let mut counts = Vec::new();
    for row in registry.all(query.bind(incident_id)).await? {
        counts.push(Count {
            number: row.int("number")?,
            version: row.int("version")?,
            position: serde_json::from_str(&row.text("position")?)?,
            figures: serde_json::from_str(&row.text("figures")?)?,
            digest: row.array("digest")?,
            counted_by: row.text("counted_by")?,
        });
    }
    Ok(counts)
}

pub(super) fn figures_of(found: &Found) -> Figures {
    let counted = |(id, seen): (&'_ String, &'_ super::count::Seen)| (id.clone(), seen.clone());
    let members: Vec<_> = found.members.iter().map(counted).collect();
    let members: Vec<_> = members
        .iter()
        .map(|(customer_id, seen)| Counted {
            customer_id,
            first_at: seen.first_at,
            networks: &seen.networks,
        })
        .collect();
    Figures::of(&members, &found.moves)
}

/// Pushes a move into an insert of many.
///
/// What a customer claims is reviewed before it counts.
pub(super) fn move_row(insert: &mut Query, incident_id: &str, one: &Move, source: &str) {
    insert.push(incident_id);
    insert.push(one.transfer_id.to_be_bytes());
    insert.push(&one.customer_id);
    insert.push(&one.kind);
    insert.push(if source == "claim" { "claimed" } else { "disputed" });
    insert.push(source);
    insert.push(one.came);
    insert.push(one.out);
    insert.push(one.back);
    insert.push(&one.store_id);
    insert.push(&one.decision_id);
    insert.push(one.at);
}

/// How many customers were not cleared, and what they lost, by incident.
///
/// # Errors
/// A fault if the registry fails.
pub async fn extents(registry: &Db) -> Result<HashMap<String, (i64, i64)>> {
    let members = sql("SELECT incident_id, CAST(COUNT(*) AS BIGINT) AS customers
         FROM incident_member WHERE state <> 'cleared' GROUP BY incident_id");
    let losses = sql("SELECT v.incident_id, CAST(SUM(v.out_yen - v.back_yen) AS BIGINT) AS loss
         FROM incident_move v JOIN incident_member m
             ON m.incident_id = v.incident_id AND m.customer_id = v.customer_id
         WHERE v.state = 'disputed' AND m.state <> 'cleared' GROUP BY v.incident_id");
    let mut extents = HashMap::new();
    for row in registry.all(members).await? {
        extents.insert(row.text("incident_id")?, (row.int("customers")?, 0));
    }
    for row in registry.all(losses).await? {
        extents.entry(row.text("incident_id")?).or_insert((0, 0)).1 = row.int("loss")?;
    }
    // Where members sent to members, a sum does not know whose loss it is.
    let chains = sql("SELECT DISTINCT incident_id FROM incident_move
         WHERE kind = 'receive' AND state = 'disputed'");
    for row in registry.all(chains).await? {
        let incident_id = row.text("incident_id")?;
        let loss = Lists::read(registry, &incident_id).await?.extent.loss;
        extents.entry(incident_id).or_insert((0, 0)).1 = loss;
    }
    Ok(extents)
}

/// A customer in the lists.
#[derive(Clone, Debug)]
pub struct Member {
    /// `cus_…`.
    pub customer_id: String,
    /// `suspected`, `confirmed`, `cleared`.
    pub state: String,
    /// `count`, `claim`, `hand`.
    pub source: String,
    /// Whence they were seen.
    pub networks: BTreeSet<(String, i64)>,
    /// Decisions that matched.
    pub acts: i64,
    /// The first of them.
    pub first_at: Micros,
    /// Why decided so.
    pub reason: String,
    /// `stf_…`.
    pub decided_by: Option<String>,
    /// Since when they know.
    pub told_at: Option<Micros>,
}

impl Member {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            customer_id: row.text("customer_id")?,
            state: row.text("state")?,
            source: row.text("source")?,
            networks: serde_json::from_str(&row.text("networks")?)?,
            acts: row.int("acts")?,
            first_at: row.int("first_at")?,
            reason: row.text("reason")?,
            decided_by: row.text_optional("decided_by")?,
            told_at: row.int_optional("told_at")?,
        })
    }

    /// For [`Figures::of`].
    #[must_use]
    pub fn counted(&self) -> Counted<'_> {
        Counted {
            customer_id: &self.customer_id,
            first_at: self.first_at,
            networks: &self.networks,
        }
    }
}

/// All members, the confirmed first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn members(registry: &Db, incident_id: &str) -> Result<Vec<Member>> {
    let query = sql("SELECT customer_id, state, source, networks, acts, first_at, reason,
             decided_by, told_at FROM incident_member WHERE incident_id = $1
         ORDER BY CASE state WHEN 'confirmed' THEN 0 WHEN 'suspected' THEN 1 ELSE 2 END,
             first_at, customer_id");
    registry.all(query.bind(incident_id)).await?.iter().map(Member::read).collect()
}

/// Members after one, in the order of their ids, each with what they lost.
///
/// # Errors
/// A fault if the registry fails.
pub async fn members_after(
    registry: &Db,
    incident_id: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<(Member, i64)>> {
    let query = sql("SELECT customer_id, state, source, networks, acts, first_at, reason,
             decided_by, told_at,
             (SELECT CAST(COALESCE(SUM(v.out_yen - v.back_yen), 0) AS BIGINT)
              FROM incident_move v WHERE v.incident_id = m.incident_id
                  AND v.customer_id = m.customer_id AND v.state = 'disputed') AS loss
         FROM incident_member m WHERE incident_id = $1 AND customer_id > $2
         ORDER BY customer_id LIMIT $3");
    let query = query.bind(incident_id).bind(after).bind(limit);
    let read = |row: &Row| Ok((Member::read(row)?, row.int("loss")?));
    let rows = registry.all(query).await?;
    let mut page = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let receivers = sql("SELECT DISTINCT customer_id FROM incident_move
         WHERE incident_id = $1 AND kind = 'receive' AND state = 'disputed'");
    let receivers = registry.all(receivers.bind(incident_id)).await?;
    let receivers: HashSet<String> =
        receivers.iter().map(|row| row.text("customer_id")).collect::<omamori_db::Result<_>>()?;
    for (member, loss) in &mut page {
        if receivers.contains(&member.customer_id) {
            let moves = disputed_of(registry, incident_id, &member.customer_id).await?;
            *loss = moves.iter().map(Move::loss).sum();
        }
    }
    Ok(page)
}

/// The disputed moves; those that were cleared count no more.
///
/// # Errors
/// A fault if the registry fails.
pub async fn disputed(registry: &Db, incident_id: &str) -> Result<Vec<Move>> {
    let mut moves = moves(registry, incident_id).await?;
    moves.retain(|(_, state)| state == "disputed");
    Ok(moves.into_iter().map(|(one, _)| one).collect())
}

/// The disputed moves of one customer.
///
/// # Errors
/// A fault if the registry fails.
pub async fn disputed_of(registry: &Db, incident_id: &str, customer_id: &str) -> Result<Vec<Move>> {
    let query = sql("SELECT transfer_id, customer_id, kind, in_yen, out_yen, back_yen, store_id,
             decision_id, at FROM incident_move
         WHERE incident_id = $1 AND customer_id = $2 AND state = 'disputed'
         ORDER BY at, transfer_id");
    let query = query.bind(incident_id).bind(customer_id);
    let rows = registry.all(query).await?;
    let mut moves = rows.iter().map(read_move).collect::<Result<Vec<_>>>()?;
    own::share_as_listed(registry, incident_id, &mut moves, &HashSet::new()).await?;
    Ok(moves)
}

/// All moves, and how each stands: `disputed`, `claimed` (and not reviewed) or `cleared`.
///
/// # Errors
/// A fault if the registry fails.
pub async fn moves(registry: &Db, incident_id: &str) -> Result<Vec<(Move, String)>> {
    let query = sql("SELECT transfer_id, customer_id, kind, state, in_yen, out_yen, back_yen,
             store_id, decision_id, at FROM incident_move
         WHERE incident_id = $1 ORDER BY at, transfer_id");
    let read = |row: &Row| Ok((read_move(row)?, row.text("state")?));
    registry.all(query.bind(incident_id)).await?.iter().map(read).collect()
}

/// The disputed moves of one customer that an act, and no other, makes good or takes back, each
/// with what it had from other members when that was planned.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn made_good_by(
    registry: &Db,
    (incident_id, act_id): (&str, &str),
    customer_id: &str,
) -> Result<Vec<Move>> {
    let query = sql("SELECT m.transfer_id, m.customer_id, m.kind, m.in_yen, m.out_yen, m.back_yen,
             m.store_id, m.decision_id, m.at, COALESCE(a.received_yen, 0) AS received_yen
         FROM incident_move m
         JOIN incident_paid p ON p.transfer_id = m.transfer_id
         LEFT JOIN incident_act_move a
             ON a.act_id = p.act_id AND a.transfer_id = m.transfer_id
         WHERE m.incident_id = $1 AND m.customer_id = $2 AND p.act_id = $3
             AND m.state = 'disputed'");
    let query = query.bind(incident_id).bind(customer_id).bind(act_id);
    let read = |row: &Row| Ok(Move { received: row.int("received_yen")?, ..read_move(row)? });
    registry.all(query).await?.iter().map(read).collect()
}

/// The transfers of an incident that an act makes good or takes back already, its own or another
/// one's.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn made_good(registry: &Db, incident_id: &str) -> Result<HashSet<u128>> {
    let query = sql("SELECT m.transfer_id FROM incident_move m
         JOIN incident_paid p ON p.transfer_id = m.transfer_id WHERE m.incident_id = $1");
    let rows = registry.all(query.bind(incident_id)).await?;
    rows.iter().map(|row| Ok(u128::from_be_bytes(row.array("transfer_id")?))).collect()
}

fn read_move(row: &Row) -> Result<Move> {
    Ok(Move {
        transfer_id: u128::from_be_bytes(row.array("transfer_id")?),
        customer_id: row.text("customer_id")?,
        kind: row.text("kind")?,
        at: row.int("at")?,
        came: row.int("in_yen")?,
        out: row.int("out_yen")?,
        back: row.int("back_yen")?,
        store_id: row.text("store_id")?,
        decision_id: row.text("decision_id")?,
        received: 0,
    })
}

/// The lists with their figures, as they stand.
pub struct Lists {
    /// All members.
    pub members: Vec<Member>,
    /// Their disputed moves.
    pub moves: Vec<Move>,
    /// Of all who were not cleared: the largest extent.
    pub extent: Figures,
    /// Of the confirmed.
    pub confirmed: Figures,
}

impl Lists {
    /// Reads them.
    ///
    /// # Errors
    /// A fault if the registry fails.
    pub async fn read(registry: &Db, incident_id: &str) -> Result<Self> {
        let members = members(registry, incident_id).await?;
        let mut moves = disputed(registry, incident_id).await?;
        own::share_as_listed(registry, incident_id, &mut moves, &HashSet::new()).await?;
        let of = |fits: fn(&str) -> bool| {
            let kept = members.iter().filter(|member| fits(&member.state));
            Figures::of(&kept.map(Member::counted).collect::<Vec<_>>(), &moves)
        };
        let extent = of(|state| state != "cleared");
        let confirmed = of(|state| state == "confirmed");
        Ok(Self { extent, confirmed, members, moves })
    }

    /// How many are in a state.
    #[must_use]
    pub fn count(&self, state: &str) -> i64 {
        let count = self.members.iter().filter(|member| member.state == state).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    }

    /// What each customer lost.
    #[must_use]
    pub fn losses(&self) -> HashMap<&str, i64> {
        let mut losses: HashMap<&str, i64> = HashMap::new();
        for one in &self.moves {
            *losses.entry(&one.customer_id).or_default() += one.loss();
        }
        losses
    }
}
