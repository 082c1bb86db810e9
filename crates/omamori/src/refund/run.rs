//! The worker: tells customers, finishes claims that a crash left behind, reads what was held when
//! use ended, carries exclusions out. It may be stopped or killed anywhere.

use std::sync::Arc;
use std::time::Duration;

use super::claim::{self, State};
use super::{end, exclude, figures, leave, money, quota, told};
use crate::app::App;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::worker::Worker;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);
/// Claims of one round.
const PAGE: i64 = 500;

/// Starts it.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let words = "refunds were not looked after";
    Worker::new("refunds").every(EVERY, app, words, |app, stop| async move {
        work_until(&app, || *stop.borrow()).await
    })
}

/// Does all that is due. Gives how many customers were told or done.
///
/// # Errors
/// A fault if a store fails; what was done stays done.
pub async fn work_due(app: &App) -> Result<usize> {
    work_until(app, || false).await
}

async fn work_until(app: &App, stop: impl Fn() -> bool + Send + Sync) -> Result<usize> {
    finish_claims(app).await?;
    figures::keep(app).await?;
    quota::keep(app).await?;
    leave::begin_due(app).await?;
    let told = told::work_until(app, &stop).await? + told::remind_until(app, &stop).await?;
    Ok(told + exclude::work_until(app, &stop).await?)
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
