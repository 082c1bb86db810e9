//! Online checkout: a shop's server makes an order, its customer is sent to our page, approves with
//! the passkey, and is sent back.
//!
//! The order itself, and the one way to pay it, are [`crate::order`]'s. Here: the shop and where
//! its customers may be sent ([`shop`]), the API for its server ([`api`]), the page ([`page`]), and
//! the end of what nobody paid ([`end`]).
//!
//! What always holds: the page's address is a secret of 160 bits, kept as a hash; what is paid is
//! the order's row, whatever a page or an address says; a customer is sent back to the origin that
//! the key was made for and nowhere else; no address carries anything that proves a payment: the
//! shop's server asks, or is told by webhook.

mod api;
mod back;
mod end;
mod page;
mod row;
pub mod shop;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub use api::document;
pub use end::{end_due, start};
pub use row::{of_payment, told_data};

/// The API, the page and what it asks for.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/api/checkout/v1/orders", post(api::create))
        .route("/api/checkout/v1/orders/{merchant_payment_id}", get(api::show))
        .route("/api/checkout/v1/orders/{merchant_payment_id}/cancel", post(api::cancel))
        .route("/api/checkout.json", get(api::json))
        .route("/pay/{token}", get(page::page))
        .route("/api/pay/v1/{token}", get(page::status))
        .route("/api/pay/v1/{token}/cancel", post(page::cancel))
}
