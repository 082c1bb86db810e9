//! Coupons and campaigns. A campaign's budget and each customer's uses are accounts of the ledger
//! that cannot go below zero, so neither can be passed, whatever happens at once.

mod campaign;
pub mod desk;
mod directory;
mod fit;
pub mod manage;
mod pages;
mod results;
mod set;
mod take;
mod target;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub use campaign::{Campaign, Gift, Stage, Terms, merchant_discount};
pub use directory::Campaigns;
pub use fit::{Basket, Fitted, fit, points_factor, returnable, set_count};
pub use pages::{StoreChoice, period};
pub use results::{Day, Results, results};

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/coupons", get(pages::coupons))
        .route("/api/wallet/v1/coupons", get(pages::list))
        .route("/api/wallet/v1/coupons/{campaign_id}/set", post(set::set))
        .route("/api/wallet/v1/coupons/{campaign_id}/unset", post(set::unset))
        .route("/merchant/campaigns", get(pages::campaigns))
        .route("/api/merchant/v1/campaigns", post(pages::create))
        .route("/api/merchant/v1/campaigns/{campaign_id}/stop", post(pages::stop))
}
