//! The cohort's question, answered up to a place in the records and the journal.
//!
//! Nothing that is looked at is ever changed: decisions are appended with rising numbers a
//! process, transfers with rising timestamps. So an answer up to a [`Position`] is the same on any
//! later day, as long as the records are kept.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::condition::Condition;
use super::counting::Steps;
use super::moves::{self, Move};
use super::query::Query;
use crate::app::App;
use crate::clock::{HOUR, Micros};
use crate::gate::evidence::DecisionId;
use crate::risk::log::Log;
use crate::web::error::Result;

/// A row of records may begin so much before a decision in it; far more than it ever is.
const BATCH_SPAN: Micros = HOUR;

/// Up to where was looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// When that was.
    pub at: Micros,
    /// The journal's newest fact, in nanoseconds.
    pub ledger: u64,
    /// The newest decision of each process.
    pub decisions: BTreeMap<i64, i64>,
}

impl Position {
    /// Up to now. The journal first: what is decided meanwhile is in the records before it is in
    /// the journal.
    ///
    /// # Errors
    /// A fault if a store fails; busy.
    pub async fn now(app: &App) -> Result<Self> {
        app.gate.catch_up().await?;
        let (_, ledger) = app.gate.account_at(0);
        let query = sql("SELECT b.node, b.last_number AS newest FROM decision_node n
             JOIN decision_batch b ON b.node = n.node AND b.first_number =
                 (SELECT MAX(first_number) FROM decision_batch WHERE node = n.node)");
        let mut decisions = BTreeMap::new();
        for row in app.stores.evidence.all(query).await? {
            decisions.insert(row.int("node")?, row.int("newest")?);
        }
        Ok(Self { at: app.clock.now(), ledger, decisions })
    }

    /// Up to now in the journal alone.
    ///
    /// # Errors
    /// A fault if a store fails; busy.
    pub async fn of_ledger(app: &App) -> Result<Self> {
        app.gate.catch_up().await?;
        let (_, ledger) = app.gate.account_at(0);
        Ok(Self { at: app.clock.now(), ledger, decisions: BTreeMap::new() })
    }

    fn holds(&self, node: i64, number: i64) -> bool {
        self.decisions.get(&node).is_some_and(|newest| number <= *newest)
    }
}

/// A decision record, as far as conditions look at it.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub at: Micros,
    pub act: String,
    pub verdict: String,
    #[serde(default)]
    pub customer: Option<String>,
    #[serde(default)]
    pub device: Option<String>,
    #[serde(default)]
    pub terminal: Option<i64>,
    #[serde(default)]
    pub amount: Option<i64>,
    #[serde(default)]
    risk: Value,
    #[serde(default)]
    detail: Value,
}

impl Line {
    pub fn address(&self) -> Option<IpAddr> {
        self.detail["ip"].as_str().and_then(|text| text.parse().ok())
    }

    pub fn asn(&self) -> Option<i64> {
        self.risk["signals"]["ip.asn"].as_i64()
    }

    pub fn country(&self) -> Option<&str> {
        self.risk["signals"]["ip.country"].as_str()
    }

    pub fn store(&self) -> Option<&str> {
        self.detail["store_id"].as_str()
    }

    /// Who of the staff did it, if it was one of them.
    pub fn staff(&self) -> Option<&str> {
        self.detail["actor"].as_str()
    }

    pub fn rules(&self) -> impl Iterator<Item = &str> {
        let hits = self.risk["hits"].as_array().into_iter().flatten();
        hits.filter_map(|hit| hit["rule"].as_str())
    }
}

/// A customer who was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The first decision that matched.
    pub first_at: Micros,
    /// How many matched.
    pub acts: i64,
    /// Whence, by country and autonomous system, as far as they were known then.
    pub networks: BTreeSet<(String, i64)>,
    /// Their ids.
    #[serde(skip)]
    pub(super) decisions: HashSet<u128>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Found {
    /// Up to where was looked.
    pub position: Position,
    /// Each customer once.
    pub members: BTreeMap<String, Seen>,
    /// Their disputed money.
    pub moves: Vec<Move>,
}

impl Found {
    /// A hash of all that was found: equal answers have equal ones.
    ///
    /// # Errors
    /// A fault: never.
    pub fn digest(&self) -> Result<[u8; 32]> {
        let mut hash = Sha256::new();
        hash.update(b"omamori incident count v1\0");
        hash.update(serde_json::to_vec(&self.members)?);
        hash.update(serde_json::to_vec(&self.moves)?);
        Ok(hash.finalize().into())
    }
}

/// Answers the question up to a position.
///
/// # Errors
/// A fault if a store fails or a record is not as it was written.
pub(super) async fn count(
    app: &App,
    query: &Query,
    position: Position,
    steps: &mut Steps<'_>,
) -> Result<Option<Found>> {
    let Some(members) = members(app, query, &position, steps).await? else { return Ok(None) };
    let moves = moves::of(app, query, &position, &members, steps).await?;
    Ok(moves.map(|moves| Found { position, members, moves }))
}

/// Of each group of conditions, what must stand in a record for all of them to hold. To look for it
/// costs a small part of what reading the record does.
struct Needles(Vec<Vec<String>>);

impl Needles {
    fn of(query: &Query) -> Self {
        let of_group =
            |group: &Vec<Condition>| group.iter().filter_map(Condition::needle).collect();
        Self(query.any.iter().map(of_group).collect())
    }

    fn may_hold(&self, text: &str) -> bool {
        self.0.iter().any(|group| group.iter().all(|needle| text.contains(needle.as_str())))
    }
}

/// How many of a hundred parts of a count are the records; the others are the money.
pub(super) const RECORDS: i64 = 60;

async fn members(
    app: &App,
    query: &Query,
    position: &Position,
    steps: &mut Steps<'_>,
) -> Result<Option<BTreeMap<String, Seen>>> {
    let end = query.end(position.at);
    let needles = Needles::of(query);
    let mut members: BTreeMap<String, Seen> = BTreeMap::new();
    let mut log = Log::between(query.from - BATCH_SPAN, end);
    loop {
        let rows = log.next(&app.stores.evidence).await?;
        let Some(last) = rows.last() else { return Ok(Some(members)) };
        let span = (end - query.from).max(1);
        let looked = (last.int("first_at")? - query.from).clamp(0, span);
        if !steps.at(RECORDS * looked / span).await? {
            return Ok(None);
        }
        for row in &rows {
            let (node, first) = (row.int("node")?, row.int("first_number")?);
            let body = row.text("body")?;
            if !needles.may_hold(&body) {
                continue;
            }
            for (text, number) in body.lines().zip(first..) {
                let is_ours = position.holds(node, number) && text.contains("\"customer\"");
                if !is_ours || !needles.may_hold(text) {
                    continue;
                }
                let line: Line = serde_json::from_str(text)?;
                let Some(customer) = &line.customer else { continue };
                let is_in = (query.from..end).contains(&line.at);
                if !is_in || !query.any.iter().any(|group| group.iter().all(|c| c.holds(&line))) {
                    continue;
                }
                let id = DecisionId { node: node.unsigned_abs(), number: number.unsigned_abs() };
                take(members.entry(customer.clone()).or_default(), &line, id);
            }
        }
        tokio::task::yield_now().await; // others wait for this thread too
    }
}

fn take(seen: &mut Seen, line: &Line, id: DecisionId) {
    seen.first_at = if seen.acts == 0 { line.at } else { seen.first_at.min(line.at) };
    seen.acts += 1;
    seen.decisions.insert(id.to_u128());
    // What staff did came from the staff's network.
    let known = line.staff().is_none().then(|| (line.country(), line.asn()));
    if let Some((country, asn)) = known.filter(|(country, asn)| country.is_some() || asn.is_some())
    {
        seen.networks.insert((country.unwrap_or_default().to_owned(), asn.unwrap_or_default()));
    }
}
