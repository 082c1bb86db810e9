//! ATMs without a reader: the ATM shows a number, its customer types it in the wallet.
//!
//! What always holds: a number leads to one session, for minutes, and to nobody once it was typed;
//! unknown, wrong, used and expired look alike, and who guesses is locked for growing times; the
//! customer sees which ATM it is before they agree, and the ATM shows the end of their phone
//! number before it takes cash, so that neither a stranger's number nor a number that somebody read
//! over a shoulder loads the wrong wallet unseen. A session loads value once: the transfer that
//! uses it up has an id derived from it, as with a payment code.
//!
//! ```text
//! waiting ──typed──► claimed ──cash──► loaded
//!    └── expired, or ended by ATM or customer ──┘
//! ```

mod customer;
mod page;
mod session;
pub(crate) mod terminal;
pub(crate) mod topup;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use session::Numbers;

use crate::app::App;

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/topup/atm", get(page::atm))
        .route("/api/wallet/v1/atm/find", post(customer::find))
        .route("/api/wallet/v1/atm/claim", post(customer::claim))
        .route("/api/wallet/v1/atm/leave", post(customer::leave))
        .route(
            "/api/pos/v1/atm-sessions/{merchant_topup_id}",
            get(terminal::show).post(terminal::create),
        )
        .route("/api/pos/v1/atm-sessions/{merchant_topup_id}/end", post(terminal::end))
        .route("/api/pos/v1/atm-topups", post(topup::create))
}
