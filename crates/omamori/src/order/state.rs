//! What became of an order: of the ledger, which alone knows.

use omamori_ledger::Transfer;

use super::row::Order;
use crate::app::App;
use crate::pos::is_tombstone;
use crate::web::error::Result;

/// What became of an order.
#[derive(Clone, Debug)]
pub enum State {
    /// It can be paid.
    Open,
    /// Paid: the capture. By the order, or by a code under the same id of the merchant's.
    Paid(Box<Transfer>),
    /// It cannot be paid any more, for sure.
    Canceled,
    /// Its time is over. A payment that was begun in time may still arrive; a cancel makes sure.
    Expired,
}

impl State {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid(_) => "paid",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }
}

/// What became of it, by what all nodes have written up to now.
///
/// # Errors
/// A fault if a store fails; busy.
pub async fn state(app: &App, order: &Order) -> Result<State> {
    Ok(match app.gate.transfer_certainly(order.payment_id()).await? {
        Some(found) if is_tombstone(&found.transfer) => State::Canceled,
        Some(found) => State::Paid(Box::new(found.transfer)),
        None if app.clock.now() >= order.expires_at => State::Expired,
        None => State::Open,
    })
}
