//! What the wallet asks about orders.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State as Held};
use serde::Serialize;

use super::pay::{for_customer, needs_proof};
use super::row::{Order, find};
use super::state::{State, state};
use crate::app::App;
use crate::clock::Micros;
use crate::id::Kind;
use crate::identity::Customer;
use crate::pos::ItemDetail;
use crate::web::error::Result;
use crate::web::filters::as_rfc3339;

/// An order, as the customer sees it before paying: names from the registry, whatever a QR said.
#[derive(Debug, Serialize)]
pub struct OrderView {
    /// `ord_…`.
    pub order_id: String,
    /// `store_static`, `store_dynamic` or `checkout`.
    pub kind: &'static str,
    /// `open`, `paid`, `canceled` or `expired`.
    pub status: &'static str,
    /// Who is owed.
    pub merchant_name: String,
    /// In which store.
    pub store_name: String,
    /// Yen.
    pub amount: i64,
    /// Always `JPY`.
    pub currency: &'static str,
    /// Free text of the merchant's.
    pub description: Option<String>,
    /// What is bought.
    pub items: Vec<ItemDetail>,
    /// From then on it is not paid any more. RFC 3339, UTC.
    #[serde(serialize_with = "as_rfc3339")]
    pub expires_at: Micros,
    /// Whether paying asks for the passkey or a code of the app, and not for a tap alone.
    pub needs_proof: bool,
    /// `pay_…` of this customer, if they paid it.
    pub payment_id: Option<String>,
}

/// An order, wrapped.
#[derive(Debug, Serialize)]
pub struct OrderAnswer {
    /// The order.
    pub order: OrderView,
}

/// The order as `customer` sees it.
///
/// # Errors
/// A fault if a store fails.
pub(super) async fn view(app: &App, order: Order, customer: &Customer) -> Result<OrderView> {
    let state = state(app, &order).await?;
    let mine = match &state {
        State::Paid(capture) if capture.debit_account_id == customer.wallet_account => {
            Some(Kind::Payment.text(capture.id))
        }
        _ => None,
    };
    Ok(OrderView {
        kind: order.kind.as_str(),
        status: state.as_str(),
        merchant_name: order.store.merchant_name.clone(),
        store_name: order.store.name.clone(),
        amount: order.amount,
        currency: "JPY",
        needs_proof: needs_proof(app, &order),
        payment_id: mine,
        order_id: order.order_id,
        description: order.description,
        items: order.items,
        expires_at: order.expires_at,
    })
}

/// `GET /api/wallet/v1/orders/{order_id}`
pub async fn show(
    Held(app): Held<Arc<App>>,
    customer: Customer,
    Path(order_id): Path<String>,
) -> Result<Answer<OrderAnswer>> {
    let order = for_customer(find(&app, &order_id).await?, &customer)?;
    Ok(Answer(OrderAnswer { order: view(&app, order, &customer).await? }))
}
