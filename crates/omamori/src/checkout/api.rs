//! `/api/checkout/v1`: what a shop's server says to us. Its key is a terminal's of the kind
//! `online`, and its id of the order is that of the payment, so inquiry and refund of the POS API
//! work on what was paid online as on any payment.

use std::sync::{Arc, LazyLock};

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::row::{self, Became, Checkout};
use super::{back, end, shop};
use crate::app::App;
use crate::clock::MINUTE;
use crate::gate::Act;
use crate::openapi::{TerminalKey, VisibleTexts};
use crate::order::{self, NewOrder, OrderKind};
use crate::pos::shelf::ErrorAnswer;
use crate::pos::{AMOUNT_MAX, Fields, ItemDetail, PaymentView, Terminal, is_id, payment_view};
use crate::send::line;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;

/// How long an order can be paid, in minutes.
const LIVES: std::ops::RangeInclusive<i64> = 5..=60;
const LIVES_DEFAULT: i64 = 20;

/// An order of an online shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCheckout {
    /// The merchant's own id of this order, and of the payment that it becomes: 1–64 of
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
    /// At most 255 characters; the customer reads it before paying.
    #[serde(default)]
    #[schema(max_length = 255)]
    description: Option<String>,
    /// What is bought, at most 200 lines.
    #[serde(default)]
    #[schema(max_items = 200)]
    items: Vec<ItemDetail>,
    /// Where the customer goes when it is paid: below the shop's origin, without a fragment.
    #[schema(max_length = 1024)]
    success_url: String,
    /// Where the customer goes when not.
    #[schema(max_length = 1024)]
    cancel_url: String,
    /// How long it can be paid, in minutes; 20 if not said.
    #[serde(default)]
    #[schema(minimum = 5, maximum = 60)]
    expires_in_minutes: Option<i64>,
}

/// An order, as the shop sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckoutBody {
    /// `ord_…`.
    order_id: String,
    /// The merchant's own id.
    merchant_payment_id: String,
    /// `open`, `paid`, `canceled` or `expired`.
    status: String,
    /// Yen.
    amount: i64,
    /// Always `JPY`.
    currency: &'static str,
    /// Where to send the customer. Whoever has it can look at the order and pay it.
    checkout_url: String,
    /// RFC 3339, UTC.
    created_at: String,
    /// RFC 3339, UTC.
    expires_at: String,
    /// Once it is paid.
    payment: Option<PaymentView>,
}

/// An order, wrapped.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckoutAnswer {
    /// The order.
    order: CheckoutBody,
}

impl CreateCheckout {
    fn check(&self, origin: &str) -> Result<()> {
        let mut fields = Fields::default();
        fields.id("merchant_payment_id", &self.merchant_payment_id);
        fields.range("amount", self.amount, 1..=AMOUNT_MAX);
        fields.currency(self.currency.as_deref());
        fields.text_optional("description", self.description.as_deref(), 255);
        fields.items(&self.items);
        let minutes = self.expires_in_minutes.unwrap_or(LIVES_DEFAULT);
        fields.range("expires_in_minutes", minutes, LIVES);
        fields.done()?;
        // What a customer reads before paying says nothing that the bytes do not.
        line("description", self.description.as_deref().unwrap_or_default(), 255)?;
        for (index, item) in self.items.iter().enumerate() {
            line(&format!("items[{index}].name"), &item.name, 100)?;
        }
        for (field, url) in [("success_url", &self.success_url), ("cancel_url", &self.cancel_url)] {
            if !back::is_of(origin, url) {
                return Err(Error::field(field, "malformed"));
            }
        }
        Ok(())
    }
}

/// Makes an order, and the page to send the customer to.
#[utoipa::path(post, path = "/api/checkout/v1/orders", tag = "checkout",
    operation_id = "create_checkout_order",
    request_body = CreateCheckout,
    responses((status = 200, body = CheckoutAnswer), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Json(wanted): Json<CreateCheckout>,
) -> Result<axum::Json<CheckoutAnswer>> {
    let origin = shop::origin_of(&app.stores.registry, terminal.terminal_number).await?;
    wanted.check(&origin.ok_or(Code::Forbidden)?)?;
    let (merchant_id, id) = (&terminal.store.merchant_id, &wanted.merchant_payment_id);
    if order::find_by_payment(&app, merchant_id, id).await?.is_none() {
        app.gate.open_door(Act::Checkout, Some(&terminal.place()), None)?;
    }
    let minutes = wanted.expires_in_minutes.unwrap_or(LIVES_DEFAULT);
    let new = NewOrder {
        kind: OrderKind::Checkout,
        store: terminal.store.clone(),
        terminal_number: Some(terminal.terminal_number),
        customer_id: None,
        merchant_payment_id: wanted.merchant_payment_id,
        amount: wanted.amount,
        order_receipt_number: None,
        description: wanted.description,
        items: wanted.items,
        lives: minutes * MINUTE,
    };
    let order = order::create(&app, new).await?;
    row::insert(&app, &order, &wanted.success_url, &wanted.cancel_url).await?;
    let checkout = row::find(&app, &order.order_id).await?;
    let checkout = checkout.ok_or_else(|| Error::fault("a checkout that was made is not there"))?;
    // The same order with other ways back is another request.
    if checkout.success_url != wanted.success_url || checkout.cancel_url != wanted.cancel_url {
        return Err(Code::PaymentIdReused.into());
    }
    answer(&app, checkout).await
}

/// Finds an order.
#[utoipa::path(get, path = "/api/checkout/v1/orders/{merchant_payment_id}", tag = "checkout",
    operation_id = "find_checkout_order",
    params(("merchant_payment_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = CheckoutAnswer), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn show(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Path(merchant_payment_id): Path<String>,
) -> Result<axum::Json<CheckoutAnswer>> {
    answer(&app, find(&app, &terminal, &merchant_payment_id).await?).await
}

/// Cancels an order that is not paid: it cannot be paid late.
#[utoipa::path(post, path = "/api/checkout/v1/orders/{merchant_payment_id}/cancel",
    tag = "checkout", operation_id = "cancel_checkout_order",
    params(("merchant_payment_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = CheckoutAnswer), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn cancel(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Path(merchant_payment_id): Path<String>,
) -> Result<axum::Json<CheckoutAnswer>> {
    let checkout = find(&app, &terminal, &merchant_payment_id).await?;
    end::give_up(&app, &checkout).await?;
    answer(&app, find(&app, &terminal, &merchant_payment_id).await?).await
}

/// Another merchant's order is not there.
async fn find(app: &App, terminal: &Terminal, merchant_payment_id: &str) -> Result<Checkout> {
    if !is_id(merchant_payment_id) {
        return Err(Code::OrderNotFound.into());
    }
    let merchant_id = &terminal.store.merchant_id;
    let order = order::find_by_payment(app, merchant_id, merchant_payment_id).await?;
    let order = order.ok_or(Code::OrderNotFound)?;
    Ok(row::find(app, &order.order_id).await?.ok_or(Code::OrderNotFound)?)
}

async fn answer(app: &App, checkout: Checkout) -> Result<axum::Json<CheckoutAnswer>> {
    let became = checkout.became(app).await?;
    let payment = match &became {
        Became::Paid(capture) => Some(payment_view(app, capture).await?),
        _ => None,
    };
    let order = &checkout.order;
    Ok(axum::Json(CheckoutAnswer {
        order: CheckoutBody {
            status: became.as_str().to_owned(),
            amount: order.amount,
            currency: "JPY",
            checkout_url: row::address(app, &order.order_id),
            created_at: rfc3339(order.created_at),
            expires_at: rfc3339(order.expires_at),
            payment,
            order_id: order.order_id.clone(),
            merchant_payment_id: order.merchant_payment_id.clone(),
        },
    }))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Omamori Checkout API",
        version = "1",
        description = "What an online shop's server says to Omamori. The rules are those of the \
            POS API: the caller's own id, repeated until there is an answer. What was paid is \
            looked up and refunded by the POS API under the same id."
    ),
    paths(create, show, cancel),
    modifiers(&TerminalKey, &VisibleTexts)
)]
struct Document;

static JSON: LazyLock<String> =
    LazyLock::new(|| Document::openapi().to_pretty_json().unwrap_or_default());

/// The OpenAPI document of this API.
#[must_use]
pub fn document() -> &'static str {
    &JSON
}

/// `GET /api/checkout.json`
pub(super) async fn json() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document()).into_response()
}
