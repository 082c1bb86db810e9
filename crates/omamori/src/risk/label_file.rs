//! Labels from a file: what an exercise, or another system's investigation, found to be fraud.
//!
//! JSON, a list of `{"kind", "act", "at", "customer_id"}`, as `omamori demo --month --with-fraud`
//! writes it; further fields are passed over. `at` is seconds since 1970. A label is of every
//! decision of that customer in that second; without a customer, of the decisions on its act that
//! name none.

use std::collections::HashMap;

use omamori_db::Row;
use omamori_risk::act::Act as RiskAct;
use serde::Deserialize;
use serde_json::{Value, json};

use super::label::{self, Kind, Source};
use super::log::Log;
use super::record::Past;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::{HOUR, Micros, SECOND};
use crate::gate::Act;
use crate::gate::evidence::DecisionId;
use crate::web::error::{Error, Result};

/// One label.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    kind: Kind,
    act: String,
    at: i64,
    #[serde(default)]
    customer_id: Option<String>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Labels in it.
    pub lines: usize,
    /// Those for which a decision was found.
    pub found: usize,
    /// Decisions that are labelled by it.
    pub decisions: usize,
}

impl Line {
    fn is_of(&self, past: &Past) -> bool {
        match &self.customer_id {
            Some(_) => past.customer == self.customer_id,
            None => {
                let act = past.recorded.event.act;
                past.customer.is_none() && RiskAct::of(&self.act) == Some(act)
            }
        }
    }
}

/// The lines, by their seconds.
struct Wanted<'a> {
    lines: &'a [Line],
    by_second: HashMap<i64, Vec<usize>>,
    is_found: Vec<bool>,
    decisions: Vec<(DecisionId, Micros, Kind)>,
}

impl<'a> Wanted<'a> {
    fn new(lines: &'a [Line]) -> Self {
        let mut by_second: HashMap<i64, Vec<usize>> = HashMap::new();
        for (place, line) in lines.iter().enumerate() {
            by_second.entry(line.at).or_default().push(place);
        }
        Self { lines, by_second, is_found: vec![false; lines.len()], decisions: Vec::new() }
    }

    /// Looks through the decisions of a row.
    fn look(&mut self, row: &Row) -> Result<()> {
        let node = row.int("node")?.unsigned_abs();
        let first = row.int("first_number")?.unsigned_abs();
        for (line, number) in row.text("body")?.lines().zip(first..) {
            let Some(past) = Past::read(line) else { continue };
            let at = past.recorded.event.at;
            let Some(here) = self.by_second.get(&at.div_euclid(SECOND)) else { continue };
            let mut kind = None;
            for place in here.iter().copied().filter(|place| self.lines[*place].is_of(&past)) {
                self.is_found[place] = true;
                kind = Some(self.lines[place].kind);
            }
            let id = DecisionId { node, number };
            self.decisions.extend(kind.map(|kind| (id, at, kind)));
        }
        Ok(())
    }
}

/// A row of the log holds so much time at most: what a label is of may stand in an earlier one.
const ROW_MAX: Micros = HOUR;

/// Sets all labels of a file, with an entry of the audit log.
///
/// # Errors
/// The file is not such a list; a fault if a store fails.
pub async fn set(app: &App, actor: &Actor, text: &str) -> Result<Set> {
    let lines: Vec<Line> =
        serde_json::from_str(text).map_err(|_| Error::field("file", "malformed"))?;
    let mut wanted = Wanted::new(&lines);
    let seconds = || lines.iter().map(|line| line.at);
    let (Some(first), Some(last)) = (seconds().min(), seconds().max()) else {
        return Ok(Set::default());
    };
    let mut log = Log::between(first * SECOND - ROW_MAX, (last + 1) * SECOND);
    loop {
        let rows = log.next(&app.stores.evidence).await?;
        if rows.is_empty() {
            break;
        }
        rows.iter().try_for_each(|row| wanted.look(row))?;
    }
    let found = wanted.is_found.iter().filter(|is_found| **is_found).count();
    let set = Set { lines: lines.len(), found, decisions: wanted.decisions.len() };
    write(app, actor, &wanted.decisions, set).await?;
    Ok(set)
}

async fn write(
    app: &App,
    actor: &Actor,
    decisions: &[(DecisionId, Micros, Kind)],
    set: Set,
) -> Result<()> {
    let about = json!({ "lines": set.lines, "decisions": set.decisions });
    let clearance = actor.decide(app, Act::FraudLabel, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    for (decision, at, kind) in decisions {
        let by = (Source::Staff, actor.id.as_str());
        label::set(&mut tx, (*decision, *at), *kind, by, app.clock.now()).await?;
    }
    let entry = Entry {
        actor,
        act: Act::FraudLabel,
        subject: "file",
        before: Value::Null,
        after: about,
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await
}
