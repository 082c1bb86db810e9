//! The worker: tells customers, finishes claims that a crash left behind, reads what was held when
//! use ended, carries exclusions out. It may be stopped or killed anywhere.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::claim::{self, State};
use super::{end, exclude, figures, leave, money, quota, told};
use crate::app::App;
use crate::clock::{HOUR, MINUTE, Micros};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::worker::Worker;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);
/// Claims of one round.
const PAGE: i64 = 500;

/// How often it looks for who leaves: days are waited for before.
const LEAVERS_EVERY: Micros = 3 * MINUTE;
/// So long it waits with what has failed and reads a whole period of the journal.
const AFTER_FAILURE: Micros = HOUR;

/// From when on each step is due again, on this node.
#[derive(Default)]
struct Due {
    figures: AtomicI64,
    quota: AtomicI64,
    leavers: AtomicI64,
}

/// Starts it.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let words = "refunds were not looked after";
    let due = Arc::new(Due::default());
    Worker::new("refunds").every(EVERY, app, words, move |app, stop| {
        let due = Arc::clone(&due);
        async move { work_until(&app, &due, || *stop.borrow()).await }
    })
}

/// Does all that is due. Gives how many customers were told or done.
///
/// # Errors
/// A fault if a store fails; what was done stays done.
pub async fn work_due(app: &App) -> Result<usize> {
    work_until(app, &Due::default(), || false).await
}

/// First what the law has dates for; then each step by itself, so that none holds up another.
async fn work_until(app: &App, due: &Due, stop: impl Fn() -> bool + Send + Sync) -> Result<usize> {
    finish_claims(app).await?;
    let told = told::work_until(app, &stop).await? + told::remind_until(app, &stop).await?;
    let excluded = exclude::work_until(app, &stop).await?;
    step(app, ("figures", &due.figures, 0), figures::keep(app)).await;
    step(app, ("quota", &due.quota, 0), quota::keep(app)).await;
    step(app, ("leavers", &due.leavers, LEAVERS_EVERY), leave::begin_due(app)).await;
    Ok(told + excluded)
}

/// Does a step that is due, and says when it is again. One that fails is logged.
async fn step<T>(
    app: &App,
    (name, due, every): (&'static str, &AtomicI64, Micros),
    work: impl Future<Output = Result<T>> + Send,
) {
    let now = app.clock.now();
    if now < due.load(Ordering::Relaxed) {
        return;
    }
    let wait = match work.await {
        Ok(_) => every,
        Err(error) => {
            failed(name, "", &error);
            AFTER_FAILURE
        }
    };
    due.store(now + wait, Ordering::Relaxed);
}

/// Logs what failed by itself.
pub(super) fn failed(step: &'static str, id: &str, error: &Error) {
    match error {
        Error::Fault(fault) => tracing::error!(step, id, %fault, "a step of refunds failed"),
        refused => {
            tracing::warn!(step, id, code = refused.code().as_str(), "a step of refunds waits");
        }
    }
}

/// Sets aside, or puts back, what a crash left between registry and ledger.
async fn finish_claims(app: &App) -> Result<()> {
    let registry = &app.stores.registry;
    for claim in claim::in_state(registry, State::Asked, PAGE).await? {
        waits(&claim.claim_id, money::set_aside(app, &claim).await.map(drop));
    }
    for claim in claim::in_state(registry, State::Refusing, PAGE).await? {
        waits(&claim.claim_id, money::put_back(app, &claim).await);
    }
    Ok(())
}

/// One that cannot be done now holds nobody else up: it comes again.
fn waits(id: &str, outcome: Result<()>) {
    match outcome {
        Err(error) if error.code() != Code::RefundNothing => {
            tracing::warn!(id, code = error.code().as_str(), "a claim waits");
        }
        Ok(()) | Err(_) => {}
    }
}

/// Before a file is made: finishes what was begun, and claims for who claimed before what came to
/// them since.
///
/// # Errors
/// A fault if a store fails.
pub(super) async fn gather(app: &App) -> Result<()> {
    finish_claims(app).await?;
    let registry = &app.stores.registry;
    let Some(end) = end::standing(registry).await? else { return Ok(()) };
    if !end.has_ended(app.clock.now()) {
        return Ok(());
    }
    app.gate.catch_up().await?;
    for customer_id in claim::claimants(registry).await? {
        if money::left(app, &customer_id) > 0 {
            let later = exclude::later(app, &end.end_id, &customer_id).await;
            waits(&customer_id, later.map(drop));
        }
    }
    Ok(())
}
