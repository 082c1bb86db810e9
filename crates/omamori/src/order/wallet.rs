//! What the wallet asks about orders.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State as Held};
use serde::{Deserialize, Serialize};

use super::pay::{for_customer, needs_proof};
use super::row::{NewOrder, Order, OrderKind, create, find};
use super::state::{State, state};
use super::store_qr::{Scanned, scanned};
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::gate::Act;
use crate::id::Kind;
use crate::identity::Customer;
use crate::merchant::StoreEntry;
use crate::pos::{AMOUNT_MAX, ItemDetail};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::as_rfc3339;
use crate::web::json::Json;

/// How long an order can be paid that a customer began.
const LIVES: Micros = 10 * MINUTE;

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

/// What was scanned or typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    text: String,
}

/// A store, as the registry names it.
#[derive(Debug, Serialize)]
pub struct StoreView {
    store_id: String,
    merchant_name: String,
    store_name: String,
}

/// What it leads to: a store that the customer pays what they type, or an order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// A printed QR.
    Store(StoreView),
    /// What a register asks for.
    Order(Box<OrderView>),
}

fn store_view(store: &StoreEntry) -> StoreView {
    StoreView {
        store_id: store.store_id.clone(),
        merchant_name: store.merchant_name.clone(),
        store_name: store.name.clone(),
    }
}

/// `POST /api/wallet/v1/store-codes/look`
pub async fn look(
    Held(app): Held<Arc<App>>,
    customer: Customer,
    Json(Look { text }): Json<Look>,
) -> Result<Answer<Found>> {
    app.scanning.look(&app, &customer)?;
    Ok(Answer(match scanned(&app, &text).await? {
        Scanned::Store(store) => Found::Store(store_view(&store)),
        Scanned::Order(order) => {
            let order = for_customer(Some(*order), &customer)?;
            Found::Order(Box::new(view(&app, order, &customer).await?))
        }
    }))
}

/// What a customer means to pay to a store whose printed QR they scanned.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderAtStore {
    store_id: String,
    amount: i64,
}

/// `POST /api/wallet/v1/store-orders`: an order that this customer alone can pay. Asking again
/// makes another one; none moves anything before it is paid.
pub async fn order(
    Held(app): Held<Arc<App>>,
    customer: Customer,
    Json(wanted): Json<OrderAtStore>,
) -> Result<Answer<OrderAnswer>> {
    if !(1..=AMOUNT_MAX).contains(&wanted.amount) {
        return Err(Error::field("amount", "out_of_range"));
    }
    app.scanning.look(&app, &customer)?;
    let store = app.merchants.store(&wanted.store_id).await?.ok_or(Code::NotFound)?;
    app.gate.open_door(Act::StoreQr, Some(&store.place(0)), Some(&customer.customer_id))?;
    let new = NewOrder {
        kind: OrderKind::StoreStatic,
        store,
        terminal_number: None,
        customer_id: Some(customer.customer_id.clone()),
        merchant_payment_id: format!("qr-{}", &Kind::Order.random_text(app.rng.as_ref())[4..]),
        amount: wanted.amount,
        order_receipt_number: None,
        description: None,
        items: Vec::new(),
        lives: LIVES,
    };
    let order = create(&app, new).await?;
    Ok(Answer(OrderAnswer { order: view(&app, order, &customer).await? }))
}
