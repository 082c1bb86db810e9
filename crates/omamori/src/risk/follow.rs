//! The decision log as the windows' source: all of it at the start, what others write from then on.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use omamori_db::{Db, Query, sql, sql_built};
use omamori_risk::window::Windows;

use super::log::Log;
use super::{Memory, record};
use crate::app::App;
use crate::clock::{Micros, SECOND};
use crate::worker::ticks;

/// How often a node looks at what the others decided: windows are shared within a second.
const EVERY: Duration = Duration::from_millis(400);
/// How far back it looks, each time: longer than a row takes to become visible after its time.
const OVERLAP: Micros = 15 * SECOND;
/// Rows that are folded at the start, the newest. Each holds up to 256 decisions; in ordinary
/// traffic one to ten. What lies further back is not worth a start that takes minutes.
const ROWS_MAX: i64 = 300_000;

/// Bodies of one query.
const BODIES: usize = 100;

/// Rows that were taken in already, by node and first number.
#[derive(Debug, Default)]
pub struct Taken(HashSet<(i64, i64)>);

/// Folds what is in the evidence.
///
/// # Errors
/// [`omamori_db::Error`].
pub(super) async fn rebuild(evidence: &Db, now: Micros) -> omamori_db::Result<(Memory, Taken)> {
    let (mut memory, mut taken) = (Memory::default(), Taken::default());
    let newest =
        sql("SELECT first_at FROM decision_batch ORDER BY first_at DESC LIMIT 1 OFFSET $1");
    let bound = evidence.optional(newest.bind(ROWS_MAX)).await?;
    let bound = bound.map(|row| row.int("first_at")).transpose()?.unwrap_or(Micros::MIN);
    let mut log = Log::between(bound.max(now - Windows::reach_micros()), Micros::MAX);
    let (mut rows_read, mut acts) = (0_usize, 0_usize);
    loop {
        let rows = log.next(evidence).await?;
        if rows.is_empty() {
            let counters = memory.windows.len();
            tracing::info!(rows_read, acts, counters, "risk windows rebuilt");
            return Ok((memory, taken));
        }
        for row in &rows {
            if row.int("first_at")? > now - OVERLAP {
                taken.0.insert((row.int("node")?, row.int("first_number")?));
            }
            let body = row.text("body")?;
            acts += body.lines().filter(|line| record::fold(&mut memory, line)).count();
        }
        rows_read += rows.len();
    }
}

/// Follows the others as long as the service lives.
pub fn start(app: &Arc<App>, taken: Taken) {
    tokio::spawn(follow(Arc::downgrade(app), taken, app.clock.now()));
}

async fn follow(app: Weak<App>, mut taken: Taken, mut looked_at: Micros) {
    let mut ticks = ticks(EVERY);
    loop {
        ticks.tick().await;
        let Some(app) = app.upgrade() else { return };
        let now = app.clock.now();
        match look(&app, looked_at - OVERLAP, &mut taken).await {
            Ok(()) => looked_at = now,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "decisions not followed");
            }
        }
    }
}

fn bodies(names: &[(i64, i64)]) -> Query {
    let term = |place| format!("(node = ${} AND first_number = ${})", place * 2 + 1, place * 2 + 2);
    let terms: Vec<_> = (0..names.len()).map(term).collect();
    let mut query = sql_built(format!(
        "SELECT body FROM decision_batch WHERE {} ORDER BY first_at, node, first_number",
        terms.join(" OR ")
    ));
    for (node, first_number) in names {
        query = query.bind(*node).bind(*first_number);
    }
    query
}

/// Takes in the rows since an instant that were not taken in yet. Names first, then bodies: most
/// of what a look finds is known.
async fn look(app: &App, since: Micros, taken: &mut Taken) -> omamori_db::Result<()> {
    let (evidence, own) = (&app.stores.evidence, app.gate.evidence_node());
    let names = sql("SELECT node, first_number FROM decision_batch
         WHERE first_at > $1 AND node <> $2 ORDER BY first_at, node, first_number");
    let rows = evidence.all(names.bind(since).bind(own)).await?;
    let there = rows.iter().map(|row| Ok((row.int("node")?, row.int("first_number")?)));
    let there: HashSet<_> = there.collect::<omamori_db::Result<_>>()?;
    let new: Vec<_> = there.difference(&taken.0).copied().collect();
    for some in new.chunks(BODIES) {
        for row in evidence.all(bodies(some)).await? {
            app.gate.risk().fold(&row.text("body")?);
        }
        taken.0.extend(some);
    }
    // What no later look can find need not be remembered.
    taken.0.retain(|name| there.contains(name));
    Ok(())
}
