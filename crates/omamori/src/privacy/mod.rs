//! Personal data: what is kept, for how long, a copy of it, and its end.
//!
//! [`INVENTORY`] names every table of registry and evidence: what it holds of whom and why, when
//! its rows go, what a copy for the customer has of it, and what closing the account does to it.
//! The worker that deletes what is past its time, the export, the deletion, the page `/privacy` and
//! `docs/privacy.md` all follow that one table; a test fails for a table that is not in it.
//! Not here: the journal, which holds no personal data, and the views, which are made of it.
//!
//! What always holds: a copy has no secret, no sealed byte and nobody else's data; nothing of a
//! customer is deleted while value, a payment that may be refunded, or a hold stands.

mod closing;
mod document;
mod evidence;
mod export;
mod hold;
mod inventory;
mod merchants;
mod page;
mod retention;
mod table;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use closing::begin_paid as begin_closing;
pub use closing::{GRACE, ask_for as ask_for_closing, call_off as call_off_closing, carry_out_due};
pub use document::document;
pub use export::{for_staff as export_for_staff, of as export_of};
pub use hold::{NewHold, place as place_hold, release as release_holds};
pub use inventory::{AtClosing, Exported, INVENTORY, Kept, Store, Table};
pub use retention::{retain, start};

use crate::app::App;

/// The page, the copy and the closing.
pub fn router() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/account/export/options", post(export::options))
        .route("/account/export", post(export::handle))
        .route("/account/close/options", post(closing::request::options))
        .route("/account/close", post(closing::request::handle));
    Router::new().route("/privacy", get(page::show)).nest("/api/wallet/v1", api)
}
