//! The POS API `/api/pos/v1`: what a register says to us.
//!
//! One file is one operation. Every operation that moves money has the caller's own id, from which
//! the ledger transfer's id is derived: a retry is the same transfer, at the same time from
//! sixteen connections too, and a time-out is answered by asking again.

mod auth;
pub(crate) mod authorization;
pub(crate) mod cancel;
mod chain;
mod code;
mod fields;
pub(crate) mod inquiry;
mod model;
pub(crate) mod payment;
pub(crate) mod refund;
mod reversal;
mod sell;
pub(crate) mod shelf;
mod tombstone;
pub(crate) mod topup;
pub(crate) mod topup_cancel;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use authorization::{capture, create as authorize, inquiry as inquiry_of, void};

use crate::app::App;

pub use auth::{TILL_COOKIE, Terminal};
pub use authorization::AuthorizationSettings;
pub use authorization::held;
pub use authorization::inquiry::{SetAside, set_aside};
pub use authorization::reservation::{Reservation, State as ReservationState};
pub use chain::{Chain, is_made, refusal};
pub use fields::{AMOUNT_MAX, Fields, is_id, is_jan};
pub use model::{
    CouponDetail, DiscountView, ItemDetail, NotApplied, NotAppliedReason, Paid, PaymentStatus,
    PaymentView, RefundDetail, SaleDetail, TopupDetail, TopupView, detail, detail_of, discounts,
    find_capture, micros, payment_view, status, yen,
};
pub use payment::capture_id;
pub use refund::{Wanted as WantedRefund, allowed as may_refund, give as give_refund};
pub use reversal::{Given, Reversal, claims, reversals};
pub use sell::{Sale, sell};
pub use tombstone::{bury, is_tombstone};

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/api/pos/v1/terminal", get(shelf::terminal))
        .route("/api/pos/v1/products", get(shelf::products))
        .route("/api/pos/v1/payments", get(inquiry::list).post(payment::create))
        .route("/api/pos/v1/payments/{merchant_payment_id}", get(inquiry::payment))
        .route("/api/pos/v1/payments/{merchant_payment_id}/cancel", post(cancel::create))
        .route("/api/pos/v1/refunds", post(refund::create))
        .route("/api/pos/v1/refunds/{merchant_refund_id}", get(inquiry::refund))
        .route("/api/pos/v1/authorizations", get(inquiry_of::list).post(authorize::create))
        .route(
            "/api/pos/v1/authorizations/{merchant_authorization_id}",
            get(inquiry_of::authorization),
        )
        .route(
            "/api/pos/v1/authorizations/{merchant_authorization_id}/capture",
            post(capture::create),
        )
        .route("/api/pos/v1/authorizations/{merchant_authorization_id}/void", post(void::create))
        .route("/api/pos/v1/topups", post(topup::create))
        .route("/api/pos/v1/topups/{merchant_topup_id}", get(inquiry::topup))
        .route("/api/pos/v1/topups/{merchant_topup_id}/cancel", post(topup_cancel::create))
}
