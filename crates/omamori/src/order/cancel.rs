//! The merchant wants it no more: the payment's id is taken, so that it cannot be paid late.

use serde_json::json;

use super::row::Order;
use super::state::{State, state};
use crate::app::App;
use crate::gate::Act;
use crate::pos::bury;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// A payment may arrive in between; more often than this is not a race.
const TRIES: usize = 8;

/// Cancels an order that is not paid; doing so again changes nothing.
///
/// # Errors
/// [`Code::OrderPaid`]; a fault.
pub async fn cancel(app: &App, order: &Order) -> Result<()> {
    let (terminal_id, store) = (order.terminal.as_ref().map(|(_, id)| id), &order.store);
    let detail = json!({ "order_id": order.order_id, "terminal_id": terminal_id,
        "merchant_id": store.merchant_id, "store_id": store.store_id,
        "merchant_payment_id": order.merchant_payment_id });
    for _ in 0..TRIES {
        match state(app, order).await? {
            State::Canceled => return Ok(()),
            State::Paid(_) => return Err(Code::OrderPaid.into()),
            State::Open | State::Expired => {
                let place = (order.store.as_ref(), order.place());
                bury(app, place, Act::Cancel, order.payment_id(), &detail).await?;
            }
        }
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}
