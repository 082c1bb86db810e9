//! Holders get their paid value back as money: where the service ends (法20条1項), and where an
//! account closes, within what the law allows (府令42条).
//!
//! ```text
//! announced ──► use ends ──► claims (60 days at least) ──► who did not claim is excluded
//!      └─► called off
//! claim: asked ──► waiting ──► in a file ──► sent ──► returned by the bank (a new account, again)
//!           └─► review (stopped accounts, open cases, incidents) ──► released or refused
//! ```
//! - [`end`]: the end of the service, as two people agreed on it; [`crate::control`] refuses what
//!   it ends. [`notice`] has the items of the public notice (法20条2項, 府令41条).
//! - [`claim`], [`ask`] and [`desk`]: to which bank account, how far it is. [`money`] moves it: the
//!   value is set aside in the moment of the claim, under the claim's id.
//! - [`file`]: many claims in one file for the bank, which two people agree on.
//! - [`exclude`]: who did not claim, after the period. [`figures`]: what the authority is told.
//! - [`closing`]: a customer closes the account and claims the rest; the account is shut meanwhile.
//!   [`review`]: two people agree on the ground, or it is refused. [`quota`]: what may be refunded
//!   to who simply wishes. [`leave`]: once it is paid the account closes.
//!
//! Only paid value is paid back: free value and points are none of the holder's money and end with
//! the service. Every step may be done twice, by two nodes at once, and after a crash at any place.

pub mod ask;
pub mod claim;
pub mod closing;
pub mod desk;
pub mod end;
pub mod exclude;
pub mod figures;
pub mod file;
mod leave;
mod look;
pub mod money;
pub mod notice;
mod pages;
pub mod quota;
pub mod review;
mod run;
mod told;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use run::{start, work_due};

use crate::app::App;

/// The pages and the API of customers.
pub fn router() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/refunds/options", post(ask::options))
        .route("/refunds", post(ask::handle))
        .route("/refunds/account/options", post(ask::account_options))
        .route("/refunds/account", post(ask::change_account))
        .route("/closing-claims/options", post(closing::options))
        .route("/closing-claims", post(closing::handle))
        .route("/closing-claims/drop/options", post(closing::drop_options))
        .route("/closing-claims/drop", post(closing::drop_claim));
    Router::new()
        .route("/end-of-service", get(pages::end_of_service))
        .route("/refund", get(pages::refund))
        .route("/close", get(pages::close))
        .nest("/api/wallet/v1", api)
}
