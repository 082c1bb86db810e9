//! Orders: what a merchant asks a customer to pay, and how a signed-in customer pays it.
//!
//! A register asks for a sale and shows it as a QR ([`pos`]); a customer who scanned a store's
//! printed QR asks for it in the store's name ([`wallet`]); whoever else asks (online checkout)
//! calls [`create`]. [`pay()`] is the one way to pay.
//!
//! What always holds: an order is paid once, by one customer, as its payment's id is derived from
//! the merchant's own; amount, store and lines are those of the row, whatever a QR or a page says;
//! what became of it is the ledger's to say ([`state()`]), so inquiry, cancel and refund of the POS
//! API work on what was paid by order as on any payment.

mod cancel;
mod pay;
pub mod pos;
mod row;
mod state;
mod wallet;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub use cancel::cancel;
pub use pay::{Paying, pay};
pub use row::{NewOrder, Order, OrderKind, create, find, find_by_code, find_by_payment};
pub use state::{State, state};
pub use wallet::OrderView;

/// The routes.
pub fn router() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/orders/{order_id}", get(wallet::show))
        .route("/orders/{order_id}/pay/options", post(pay::options))
        .route("/orders/{order_id}/pay", post(pay::handle));
    Router::new()
        .route("/api/pos/v1/orders", post(pos::create))
        .route("/api/pos/v1/orders/{merchant_payment_id}", get(pos::show))
        .route("/api/pos/v1/orders/{merchant_payment_id}/cancel", post(pos::cancel))
        .nest("/api/wallet/v1", api)
}
