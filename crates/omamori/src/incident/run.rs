//! The worker that carries acts out, row by row. It may be stopped or killed anywhere, and any
//! number of nodes may work at once: a row is done once.

use std::sync::Arc;
use std::time::Duration;

use super::act::ActKind;
use super::effects::{carry_out, finish};
use super::{act, counting};
use crate::app::App;
use crate::web::error::Result;
use crate::worker::Worker;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// Rows that are read at one time.
const PAGE: i64 = 100;

/// Starts it.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let words = "acts of incidents were not carried out";
    let acts = Worker::new("incidents").every(EVERY, app, words, |app, stop| async move {
        work_until(&app, || *stop.borrow()).await
    });
    // A count may take long; acts do not wait for it.
    acts.every(EVERY, app, "counts of incidents were not made", |app, stop| async move {
        counting::work_until(&app, || *stop.borrow()).await
    })
}

/// Carries out all that was agreed on. Gives how many rows were done.
///
/// # Errors
/// A fault if a store fails; what was done stays done.
pub async fn work_due(app: &Arc<App>) -> Result<usize> {
    work_until(app, || false).await
}

/// The same, until it is told to stop between two rows.
///
/// # Errors
/// As [`work_due`].
pub async fn work_until(app: &Arc<App>, stop: impl Fn() -> bool + Send) -> Result<usize> {
    let mut done = 0;
    for act in act::running(&app.stores.registry).await? {
        let mut after = String::new();
        'rows: loop {
            let now = (after.as_str(), app.clock.now());
            let rows = act::due(&app.stores.registry, &act.act_id, now, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.subject);
            for row in &rows {
                if stop() {
                    return Ok(done);
                }
                match carry_out(app, &act, row).await {
                    // A gateway that hangs costs its whole time for each row: the other acts, as a
                    // freeze, do not wait for more than one.
                    Ok(false) if act.parameters.kind == ActKind::PassOn => break 'rows,
                    Ok(is_done) => done += usize::from(is_done),
                    // One that cannot be done now holds nobody else up: it comes again.
                    Err(error) => {
                        let (act_id, code) = (&act.act_id, error.code().as_str());
                        tracing::warn!(act_id, code, "a row of an act waits");
                    }
                }
            }
        }
        finish(app, &act).await?;
    }
    Ok(done)
}
