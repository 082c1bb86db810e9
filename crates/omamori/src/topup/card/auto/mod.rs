//! Auto top-up: a balance below a threshold is topped up by card, without its holder.
//!
//! What always holds: the card's bank has shown that the holder agreed to it (3-D Secure with the
//! consent); all limits of top-ups by card hold, the customer's own and the month's of the setting
//! too; one payment starts one top-up at most, and no two are under way for one customer. Turning
//! it off takes one tap; a bank that wants to see the holder, or that keeps saying no, pauses it.
//!
//! ```text
//! payment ──► journal ──► follower ──► auto_order ──► gate ──► the conversation of every top-up
//! ```
//!
//! The top-up's id is derived from the transfer that took the balance below: whoever starts it
//! twice, after a crash or on two nodes, starts the same.

mod consent;
mod ended;
mod follower;
mod page;
mod set;
mod setting;
mod start;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

pub use consent::{resolve_by_reference, resolve_consents_due};
pub use ended::ended;
pub use follower::follow;
pub use setting::{card_gone, turn_off};
pub use start::start_due;

use crate::app::App;
use crate::gate::limits::Limits;
use crate::web::error::{Error, Result};

/// Failures in a row that pause it.
const FAILURES_MAX: i64 = 3;

/// What the customer agrees to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Terms {
    /// `crd_…`.
    pub card_id: String,
    /// Yen: a balance below it starts a top-up.
    pub threshold: i64,
    /// Yen of one top-up.
    pub amount: i64,
    /// Yen of 30 days.
    pub month_max: i64,
}

impl Terms {
    /// Whether they can work within the operator's limits.
    ///
    /// # Errors
    /// The field that cannot.
    fn check(&self, limits: &Limits) -> Result<()> {
        let unit = limits.topup_card_unit;
        let fits = |yen: i64, max: i64| (unit..=max).contains(&yen) && yen % unit == 0;
        if !fits(self.amount, limits.topup_card_max) {
            return Err(Error::field("amount", "out_of_range"));
        }
        if !fits(self.threshold, limits.balance_max - self.amount) {
            return Err(Error::field("threshold", "out_of_range"));
        }
        if self.month_max < self.amount || !fits(self.month_max, limits.topup_card_30d) {
            return Err(Error::field("month_max", "out_of_range"));
        }
        Ok(())
    }
}

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/api/wallet/v1/topups/auto", get(page::show).post(set::handle))
        .route("/api/wallet/v1/topups/auto/options", post(set::options))
        .route("/api/wallet/v1/topups/auto/off", post(set::off))
        .route("/api/wallet/v1/topups/auto/consents/{consent_id}/look", post(consent::look))
        .route("/topup/auto", get(page::auto))
        .route("/topup/auto/consent/{consent_id}", get(page::consent))
}
