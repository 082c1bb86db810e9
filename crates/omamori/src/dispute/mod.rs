//! "I do not know this payment": the customer says so, the account is stopped at once, and a case
//! is opened with the evidence as it is at that moment. The customer follows it, answers and adds.
//!
//! Not here: what staff do with the case ([`crate::case`] and the console).

mod find;
mod pages;
mod report;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The pages and the API.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/dispute/{entry_id}", get(pages::dispute))
        .route("/cases", get(pages::cases))
        .route("/cases/{case_id}", get(pages::case))
        .route("/api/wallet/v1/disputes", post(report::handle))
        .route("/api/wallet/v1/cases/{case_id}/text", post(report::add_text))
}
