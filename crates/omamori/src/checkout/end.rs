//! The end of an order that nobody paid: its id is taken in the ledger first, so that it cannot be
//! paid late, and then the merchant is told, in the transaction that writes down how it ended.

use std::sync::Arc;
use std::time::Duration;

use super::row::{self, Checkout, told_data};
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::order::{self, State};
use crate::pos::find_capture;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::webhook::event::{Event, EventKind, publish};
use crate::worker::Worker;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);
/// A payment that was begun in time has arrived by then.
const GRACE: Micros = MINUTE;
/// Orders of one look.
const BATCH: i64 = 256;

/// Starts the worker. Every step of it can be cut off.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let words = "orders that ran out were not ended";
    Worker::new("orders").every(EVERY, app, words, |app, _| async move { end_due(&app).await })
}

/// Ends what ran out, once. Gives how many. One that cannot be ended now comes again, and holds no
/// other up.
///
/// # Errors
/// A fault if the registry fails.
pub async fn end_due(app: &Arc<App>) -> Result<usize> {
    let mut ended = 0;
    let over = row::over(&app.stores.registry, app.clock.now() - GRACE, BATCH).await?;
    for order_id in over {
        match end(app, &order_id).await {
            Ok(done) => ended += usize::from(done),
            Err(error) => {
                let code = error.code().as_str();
                tracing::warn!(order_id, code, "an order that ran out was not ended");
            }
        }
    }
    Ok(ended)
}

async fn end(app: &Arc<App>, order_id: &str) -> Result<bool> {
    let Some(checkout) = row::find(app, order_id).await? else { return Ok(false) };
    let outcome = match order::cancel(app, &checkout.order).await {
        Ok(()) => outcome_of(app, &checkout).await?,
        Err(Error::Refused(Code::OrderPaid)) => "paid", // the journal's follower has told it
        Err(other) => return Err(other),
    };
    settle(app, &checkout, outcome).await
}

/// Whether what took the id did so after its time, and was therefore us, or before.
async fn outcome_of(app: &Arc<App>, checkout: &Checkout) -> Result<&'static str> {
    let order = &checkout.order;
    let taken = find_capture(app, &order.store.merchant_id, &order.merchant_payment_id).await?;
    let taken = taken.ok_or_else(|| Error::fault("a canceled order has no tombstone"))?;
    let in_time = crate::pos::micros(&taken) < order.expires_at;
    Ok(if in_time { "canceled" } else { "expired" })
}

/// Gives an order up, for the customer or the shop. Doing so again changes nothing.
///
/// # Errors
/// [`Code::OrderPaid`]; a fault.
pub async fn give_up(app: &Arc<App>, checkout: &Checkout) -> Result<()> {
    if let State::Canceled = order::state(app, &checkout.order).await? {
        return Ok(());
    }
    order::cancel(app, &checkout.order).await?;
    let outcome = outcome_of(app, checkout).await?;
    settle(app, checkout, outcome).await?;
    Ok(())
}

async fn settle(app: &App, checkout: &Checkout, outcome: &str) -> Result<bool> {
    let order = &checkout.order;
    let mut tx = app.stores.registry.begin().await?;
    if !row::settle(&mut tx, &order.order_id, outcome).await? {
        return Ok(false);
    }
    let kind = match outcome {
        "canceled" => Some(EventKind::CheckoutCanceled),
        "expired" => Some(EventKind::CheckoutExpired),
        _ => None,
    };
    if let Some(kind) = kind {
        let data = told_data(&order.order_id, &order.merchant_payment_id, order.amount, outcome);
        let event = Event {
            kind,
            of: order.order_id.clone(),
            merchant_id: order.store.merchant_id.clone(),
            at: app.clock.now(),
            data,
        };
        publish(app, &mut tx, &event).await?;
    }
    tx.commit().await?;
    Ok(true)
}
