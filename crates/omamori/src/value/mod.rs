//! Value of every kind: how a payment is made of coupons, points, free and paid value, and how it
//! goes back. `docs/value.md` is the written rule.
//!
//! Who takes payments (the register now; store codes and online orders later) calls [`offer`],
//! asks the gate, and calls [`spend`]: again if it says that the customer's value changed in
//! between.

pub mod back;
pub mod choices;
mod convert;
pub mod legs;
mod page;
mod plan;
pub mod promise;
mod settings;
mod spend;
pub mod sweep;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub use legs::{Earning, Made};
pub use plan::{Bill, Discount, Spending, SpendingOrder, plan, points_taken};
pub use settings::{PointsBase, PointsSettings, ValueSettings};
pub(crate) use spend::culprit;
pub use spend::{Offer, Outcome, Purchase, TRIES, earning, offer, spend};

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/points", get(page::points))
        .route("/api/wallet/v1/points", get(page::api))
        .route("/api/wallet/v1/points/use", post(choices::use_points))
        .route("/api/wallet/v1/points/convert", post(convert::convert))
}
