//! The cohort: versions of its question, counts, and the lists that they fill.

use std::collections::{BTreeSet, HashSet};

use omamori_db::{Db, Row, Tx, sql};
use serde_json::{Value, json};

use super::count::{Found, Position, count};
use super::figures::{Counted, Figures};
use super::moves::Move;
use super::query::{Asked, Query};
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
    pub query: Query,
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

fn figures_of(found: &Found) -> Figures {
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

/// Counts the newest version up to now and takes over what was found: who is new is suspected; who
/// was decided about stays so; who is suspected by an earlier count alone and is not found any more
/// leaves the lists.
///
/// # Errors
/// [`Code::NotFound`]: there is no question yet; [`Code::IncidentClosed`]; a fault.
pub async fn count_now(app: &App, actor: &Actor, incident_id: &str) -> Result<Count> {
    let registry = &app.stores.registry;
    row::open_one(registry, incident_id).await?;
    let version = versions(registry, incident_id).await?.into_iter().next();
    let version = version.ok_or(Code::NotFound)?;
    let found = count(app, &version.query, Position::now(app).await?).await?;
    let number = counts(registry, incident_id).await?.first().map_or(1, |last| last.number + 1);
    let made = Count {
        number,
        version: version.version,
        figures: figures_of(&found),
        digest: found.digest()?,
        position: found.position.clone(),
        counted_by: actor.id.clone(),
    };
    let after = json!({ "incident": incident_id, "number": number, "version": made.version,
        "customers": made.figures.customers, "loss": made.figures.loss });
    let clearance = actor.decide(app, Act::IncidentCount, None, &after, Ok(())).await?;
    let now = app.clock.now();
    let mut tx = registry.begin().await?;
    let told = format!("{} {} {}", number, made.figures.customers, made.figures.loss);
    log::add(&mut tx, incident_id, (&actor.id, now), "counted", &told).await?;
    let insert = sql("INSERT INTO incident_count
             (incident_id, number, version, position, figures, digest, counted_by, counted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (incident_id, number) DO NOTHING");
    let insert = insert.bind(incident_id).bind(number).bind(made.version);
    let insert = insert.bind(serde_json::to_string(&made.position)?);
    let insert = insert.bind(serde_json::to_string(&made.figures)?).bind(made.digest);
    if tx.execute(insert.bind(&actor.id).bind(now)).await? != 1 {
        return Err(Error::RetryAfter(Code::Busy, 1)); // somebody else counted just now
    }
    take_over(&mut tx, incident_id, &found, now).await?;
    let entry = Entry {
        actor,
        act: Act::IncidentCount,
        subject: incident_id,
        before: Value::Null,
        after,
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(made)
}

async fn take_over(tx: &mut Tx, incident_id: &str, found: &Found, now: Micros) -> Result<()> {
    let known = sql("SELECT customer_id FROM incident_member
         WHERE incident_id = $1 AND state = 'suspected' AND source = 'count'");
    for row in tx.all(known.bind(incident_id)).await? {
        let customer = row.text("customer_id")?;
        if !found.members.contains_key(&customer) {
            let gone = sql("DELETE FROM incident_member WHERE incident_id = $1
                 AND customer_id = $2");
            tx.execute(gone.bind(incident_id).bind(&customer)).await?;
        }
    }
    for (customer, seen) in &found.members {
        let insert = sql("INSERT INTO incident_member (incident_id, customer_id, state, source,
                 networks, acts, first_at, reason, added_at)
             VALUES ($1, $2, 'suspected', 'count', $3, $4, $5, '', $6)
             ON CONFLICT (incident_id, customer_id) DO UPDATE SET networks = excluded.networks,
                 acts = excluded.acts, first_at = excluded.first_at");
        let insert = insert.bind(incident_id).bind(customer);
        let insert = insert.bind(serde_json::to_string(&seen.networks)?).bind(seen.acts);
        tx.execute(insert.bind(seen.first_at).bind(now)).await?;
    }
    // Of who is confirmed and not found any more, what was found before stays.
    let old = sql("DELETE FROM incident_move WHERE incident_id = $1 AND source = 'count'
             AND state = 'disputed' AND customer_id NOT IN
             (SELECT customer_id FROM incident_member WHERE incident_id = $1
              AND state = 'confirmed')
             AND transfer_id NOT IN (SELECT transfer_id FROM incident_paid
              WHERE incident_id = $1)");
    tx.execute(old.bind(incident_id)).await?;
    for one in &found.moves {
        insert_move(tx, incident_id, one, "count").await?;
    }
    Ok(())
}

/// One transfer is in an incident once; what came back of it is kept up to date.
pub(super) async fn insert_move(
    tx: &mut Tx,
    incident_id: &str,
    one: &Move,
    source: &str,
) -> Result<()> {
    let insert =
        sql("INSERT INTO incident_move (incident_id, transfer_id, customer_id, kind, state,
             source, in_yen, out_yen, back_yen, store_id, decision_id, at)
         VALUES ($1, $2, $3, $4, 'disputed', $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (incident_id, transfer_id) DO UPDATE SET back_yen = excluded.back_yen");
    let insert = insert.bind(incident_id).bind(one.transfer_id.to_be_bytes());
    let insert = insert.bind(&one.customer_id).bind(&one.kind).bind(source);
    let insert = insert.bind(one.came).bind(one.out).bind(one.back).bind(&one.store_id);
    tx.execute(insert.bind(&one.decision_id).bind(one.at)).await?;
    Ok(())
}

/// Counts again up to where an earlier count looked. Gives the figures and whether all that is
/// found is the same.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn count_again(app: &App, incident_id: &str, number: i64) -> Result<(Figures, bool)> {
    let registry = &app.stores.registry;
    let counts = counts(registry, incident_id).await?;
    let then = counts.into_iter().find(|count| count.number == number).ok_or(Code::NotFound)?;
    let versions = versions(registry, incident_id).await?;
    let version = versions.into_iter().find(|version| version.version == then.version);
    let query = version.ok_or(Code::NotFound)?.query;
    let found = count(app, &query, then.position).await?;
    Ok((figures_of(&found), found.digest()? == then.digest))
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

/// The disputed moves; those that were cleared count no more.
///
/// # Errors
/// A fault if the registry fails.
pub async fn disputed(registry: &Db, incident_id: &str) -> Result<Vec<Move>> {
    let mut moves = moves(registry, incident_id).await?;
    moves.retain(|(_, is_disputed)| *is_disputed);
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
    registry.all(query).await?.iter().map(read_move).collect()
}

/// All moves, and whether each is disputed.
///
/// # Errors
/// A fault if the registry fails.
pub async fn moves(registry: &Db, incident_id: &str) -> Result<Vec<(Move, bool)>> {
    let query = sql("SELECT transfer_id, customer_id, kind, state, in_yen, out_yen, back_yen,
             store_id, decision_id, at FROM incident_move
         WHERE incident_id = $1 ORDER BY at, transfer_id");
    let read = |row: &Row| Ok((read_move(row)?, row.text("state")? == "disputed"));
    registry.all(query.bind(incident_id)).await?.iter().map(read).collect()
}

/// The disputed moves of one customer that an act, and no other, makes good.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn made_good_by(
    registry: &Db,
    (incident_id, act_id): (&str, &str),
    customer_id: &str,
) -> Result<Vec<Move>> {
    let query = sql("SELECT m.transfer_id, m.customer_id, m.kind, m.in_yen, m.out_yen, m.back_yen,
             m.store_id, m.decision_id, m.at FROM incident_move m
         JOIN incident_paid p ON p.transfer_id = m.transfer_id
         WHERE m.incident_id = $1 AND m.customer_id = $2 AND p.act_id = $3
             AND m.state = 'disputed'");
    let query = query.bind(incident_id).bind(customer_id).bind(act_id);
    registry.all(query).await?.iter().map(read_move).collect()
}

/// The transfers of an incident that an act makes good already, its own or another one's.
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
        let moves = disputed(registry, incident_id).await?;
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

    /// What a customer lost.
    #[must_use]
    pub fn loss_of(&self, customer_id: &str) -> i64 {
        self.moves.iter().filter(|one| one.customer_id == customer_id).map(Move::loss).sum()
    }
}
