//! The customer's pages and API: balance, code, history, receipts, live updates.

mod api;
mod class;
pub mod entry;
mod events;
mod file;
pub mod lines;
pub mod live;
mod month;
mod pages;
mod receipt;
mod search;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::app::App;

pub use entry::{Entry, history};
pub use pages::{Limits, Meter, limits};

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(pages::home))
        .route("/history", get(search::show))
        .route("/history/months", get(month::show))
        .route("/topup/register", get(pages::topup))
        .route("/settings", get(pages::settings))
        .route("/offline", get(pages::offline))
        .route("/receipt/{id}", get(receipt::receipt_page))
        .route("/api/wallet/v1/me", get(api::me))
        .route("/api/wallet/v1/history", get(search::api))
        .route("/api/wallet/v1/history.csv", get(file::csv))
        .route("/api/wallet/v1/payments/{payment_id}", get(receipt::api))
        .route("/api/wallet/v1/events", get(events::stream))
}
