//! `/api/pos/v1/orders`: a register asks for a sale, and shows it as a QR for the customer to pay.

use std::sync::Arc;

use axum::extract::{Path, State as Held};
use omamori_paycode::draw::{Level, qr};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::row::{self, NewOrder, Order, OrderKind};
use super::state::{State, state};
use super::store_qr::of_store;
use crate::app::App;
use crate::clock::SECOND;
use crate::gate::Act;
use crate::pos::shelf::ErrorAnswer;
use crate::pos::{AMOUNT_MAX, Fields, ItemDetail, PaymentView, Terminal, is_id, payment_view};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;

/// How long an order can be paid, in seconds.
const LIVES_SECONDS: std::ops::RangeInclusive<i64> = 60..=3_600;
const LIVES_SECONDS_DEFAULT: i64 = 600;

/// A sale that the customer is to pay by scanning.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateOrder {
    /// The merchant's own id of this sale, and of the payment that it becomes: 1–64 of
    /// `A–Z a–z 0–9 . _ -`. A retry uses it again.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    merchant_payment_id: String,
    /// Yen, tax included.
    #[schema(minimum = 1, maximum = 1_000_000)]
    amount: i64,
    /// Only `JPY`.
    #[serde(default)]
    #[schema(pattern = "^JPY$")]
    currency: Option<String>,
    /// The number on the paper receipt, at most 64 characters.
    #[serde(default)]
    #[schema(max_length = 64)]
    order_receipt_number: Option<String>,
    /// At most 255 characters; the customer reads it before paying.
    #[serde(default)]
    #[schema(max_length = 255)]
    description: Option<String>,
    /// What is bought, at most 200 lines.
    #[serde(default)]
    #[schema(max_items = 200)]
    items: Vec<ItemDetail>,
    /// How long it can be paid, in seconds; 600 if not said.
    #[serde(default)]
    #[schema(minimum = 60, maximum = 3600)]
    expires_in_seconds: Option<i64>,
}

/// An order, as the register sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderBody {
    /// `ord_…`.
    order_id: String,
    /// The merchant's own id.
    merchant_payment_id: String,
    /// `open`, `paid`, `canceled` or `expired`. After `expired` a payment that was begun in time
    /// may still arrive: cancel to be sure.
    status: String,
    /// Yen.
    amount: i64,
    /// Always `JPY`.
    currency: &'static str,
    /// Ten characters that a customer can type who cannot scan.
    code: String,
    /// The text of the QR: EMVCo, as JPQR has it, for this one sale.
    qr_text: String,
    /// A picture of it, SVG with its quiet zone, for a register that draws none itself.
    qr_svg: String,
    /// RFC 3339, UTC.
    created_at: String,
    /// RFC 3339, UTC.
    expires_at: String,
    /// Once it is paid.
    payment: Option<PaymentView>,
}

/// An order, wrapped.
#[derive(Debug, Serialize, ToSchema)]
pub struct PosOrderAnswer {
    /// The order.
    order: OrderBody,
}

impl CreateOrder {
    fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        fields.id("merchant_payment_id", &self.merchant_payment_id);
        fields.range("amount", self.amount, 1..=AMOUNT_MAX);
        fields.currency(self.currency.as_deref());
        fields.text_optional("order_receipt_number", self.order_receipt_number.as_deref(), 64);
        fields.text_optional("description", self.description.as_deref(), 255);
        fields.items(&self.items);
        let seconds = self.expires_in_seconds.unwrap_or(LIVES_SECONDS_DEFAULT);
        fields.range("expires_in_seconds", seconds, LIVES_SECONDS);
        fields.done()
    }
}

async fn answer(app: &App, order: &Order) -> Result<axum::Json<PosOrderAnswer>> {
    let state = state(app, order).await?;
    let payment = match &state {
        State::Paid(capture) => Some(payment_view(app, capture).await?),
        _ => None,
    };
    let store_qr = of_store(app, &order.store.store_id).await?;
    let qr_text = store_qr.dynamic_text(order)?;
    let symbol = qr(&qr_text, Level::M).map_err(|error| Error::Fault(Box::new(error)))?;
    let order = OrderBody {
        order_id: order.order_id.clone(),
        merchant_payment_id: order.merchant_payment_id.clone(),
        status: state.as_str().to_owned(),
        amount: order.amount,
        currency: "JPY",
        code: order.code.clone(),
        qr_svg: symbol.svg(),
        qr_text,
        created_at: rfc3339(order.created_at),
        expires_at: rfc3339(order.expires_at),
        payment,
    };
    Ok(axum::Json(PosOrderAnswer { order }))
}

/// Asks for a payment by QR.
#[utoipa::path(post, path = "/api/pos/v1/orders", tag = "orders",
    operation_id = "create_order",
    request_body = CreateOrder,
    responses((status = 200, body = PosOrderAnswer), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    Held(app): Held<Arc<App>>,
    terminal: Terminal,
    Json(wanted): Json<CreateOrder>,
) -> Result<axum::Json<PosOrderAnswer>> {
    wanted.check()?;
    let merchant_id = &terminal.store.merchant_id;
    let known = row::find_by_payment(&app, merchant_id, &wanted.merchant_payment_id).await?;
    if known.is_none() {
        app.gate.open_door(Act::StoreQr, Some(&terminal.place()), None)?;
    }
    let seconds = wanted.expires_in_seconds.unwrap_or(LIVES_SECONDS_DEFAULT);
    let new = NewOrder {
        kind: OrderKind::StoreDynamic,
        store: terminal.store.clone(),
        terminal_number: Some(terminal.terminal_number),
        customer_id: None,
        merchant_payment_id: wanted.merchant_payment_id,
        amount: wanted.amount,
        order_receipt_number: wanted.order_receipt_number,
        description: wanted.description,
        items: wanted.items,
        lives: seconds * SECOND,
    };
    answer(&app, &row::create(&app, new).await?).await
}

/// Finds an order.
#[utoipa::path(get, path = "/api/pos/v1/orders/{merchant_payment_id}", tag = "orders",
    operation_id = "find_order",
    params(("merchant_payment_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = PosOrderAnswer), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn show(
    Held(app): Held<Arc<App>>,
    terminal: Terminal,
    Path(merchant_payment_id): Path<String>,
) -> Result<axum::Json<PosOrderAnswer>> {
    answer(&app, &find(&app, &terminal, &merchant_payment_id).await?).await
}

/// Cancels an order that is not paid: it cannot be paid late.
#[utoipa::path(post, path = "/api/pos/v1/orders/{merchant_payment_id}/cancel", tag = "orders",
    operation_id = "cancel_order",
    params(("merchant_payment_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = PosOrderAnswer), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn cancel(
    Held(app): Held<Arc<App>>,
    terminal: Terminal,
    Path(merchant_payment_id): Path<String>,
) -> Result<axum::Json<PosOrderAnswer>> {
    let order = find(&app, &terminal, &merchant_payment_id).await?;
    super::cancel(&app, &order).await?;
    answer(&app, &order).await
}

/// Another merchant's order is not there.
async fn find(app: &App, terminal: &Terminal, merchant_payment_id: &str) -> Result<Order> {
    if !is_id(merchant_payment_id) {
        return Err(Code::OrderNotFound.into());
    }
    let found = row::find_by_payment(app, &terminal.store.merchant_id, merchant_payment_id);
    Ok(found.await?.ok_or(Code::OrderNotFound)?)
}
