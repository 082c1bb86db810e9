//! `POST /api/pos/v1/payments`: a sale by the code on the customer's phone.
//!
//! The chain is [`super::chain`]'s, made by [`super::sell`]; the capture's id is the payment's.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Terminal;
use super::authorization::held;
use super::code;
use super::fields::{AMOUNT_MAX, Fields};
use super::model::{
    ItemDetail, Paid, PaymentView, SaleDetail, find_capture, fresh_view, micros, payment_view,
};
use super::sell::{Sale, sell};
use super::tombstone::is_tombstone;
use crate::app::App;
use crate::gate::{Act, Question};
use crate::id::derive;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// A sale.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePayment {
    /// The merchant's own id of this sale: 1–64 of `A–Z a–z 0–9 . _ -`. A retry uses it again.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    merchant_payment_id: String,
    /// The 24 digits of the customer's barcode or QR.
    #[schema(pattern = "^[0-9]{24}$")]
    code: String,
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
    /// At most 255 characters.
    #[serde(default)]
    #[schema(max_length = 255)]
    description: Option<String>,
    /// What is bought, at most 200 lines.
    #[serde(default)]
    #[schema(max_items = 200)]
    items: Vec<ItemDetail>,
}

/// A payment, wrapped.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentAnswer {
    /// The payment.
    pub payment: PaymentView,
}

/// The id of a payment: of its capture transfer.
#[must_use]
pub fn capture_id(merchant_id: &str, merchant_payment_id: &str) -> u128 {
    derive("capture", &[merchant_id.as_bytes(), merchant_payment_id.as_bytes()])
}

/// What makes two requests the same sale.
struct Asked {
    merchant_payment_id: String,
    code: String,
    amount: i64,
}

impl CreatePayment {
    fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        fields.id("merchant_payment_id", &self.merchant_payment_id);
        fields.code(&self.code);
        fields.range("amount", self.amount, 1..=AMOUNT_MAX);
        fields.currency(self.currency.as_deref());
        fields.text_optional("order_receipt_number", self.order_receipt_number.as_deref(), 64);
        fields.text_optional("description", self.description.as_deref(), 255);
        fields.items(&self.items);
        fields.done()
    }

    fn asked(&self) -> Asked {
        Asked {
            merchant_payment_id: self.merchant_payment_id.clone(),
            code: self.code.clone(),
            amount: self.amount,
        }
    }

    fn detail(self, terminal: &Terminal) -> SaleDetail {
        SaleDetail {
            merchant_payment_id: self.merchant_payment_id,
            merchant_id: terminal.store.merchant_id.clone(),
            store_id: terminal.store.store_id.clone(),
            terminal_id: terminal.terminal_id.clone(),
            order_receipt_number: self.order_receipt_number,
            description: self.description,
            items: self.items,
            ..SaleDetail::default()
        }
    }
}

/// Takes a payment.
#[utoipa::path(post, path = "/api/pos/v1/payments", tag = "payments",
    operation_id = "create_payment",
    request_body = CreatePayment,
    responses((status = 200, body = PaymentAnswer), (status = "4XX", body = super::shelf::ErrorAnswer),
        (status = "5XX", body = super::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Json(sale): Json<CreatePayment>,
) -> Result<axum::Json<PaymentAnswer>> {
    sale.check()?;
    let asked = sale.asked();
    if let Some(payment) = same_sale(&app, &terminal, &asked).await? {
        return Ok(axum::Json(PaymentAnswer { payment }));
    }
    let payment = match pay(&app, &terminal, sale).await {
        Ok(payment) => payment,
        Err(fault @ Error::Fault(_)) => return Err(fault),
        Err(refused) => {
            // The same request may have been carried out in between, on another connection or
            // another node: then what refuses this one is its own money, limit or code.
            app.gate.catch_up().await?;
            match same_sale(&app, &terminal, &asked).await? {
                Some(payment) => payment,
                None => {
                    let sale = Some((&*asked.code, asked.amount));
                    let merchant_id = &terminal.store.merchant_id;
                    held::look(&app, merchant_id, &asked.merchant_payment_id, sale).await?;
                    return Err(refused);
                }
            }
        }
    };
    Ok(axum::Json(PaymentAnswer { payment }))
}

async fn pay(app: &App, terminal: &Terminal, sale: CreatePayment) -> Result<PaymentView> {
    let verified = code::verify(app, &sale.code, &terminal.place()).await;
    let amount = sale.amount;
    let detail = sale.detail(terminal);
    let verified = match verified {
        Ok(verified) => verified,
        Err(refused) => return Err(refuse(app, terminal, amount, &detail, refused).await),
    };
    let sale = Sale {
        place: terminal.place(),
        store: &terminal.store,
        device: &verified.device,
        authorization_id: verified.authorization_id,
        amount,
        facts: verified.device.facts(),
        may_wait: true,
        opinion: Ok(()),
    };
    let (paid, detail) = sell(app, &sale, detail).await?;
    Ok(fresh_view(&paid, detail))
}

/// The payment that an earlier request like this one made.
async fn same_sale(
    app: &Arc<App>,
    terminal: &Terminal,
    asked: &Asked,
) -> Result<Option<PaymentView>> {
    let merchant_id = &terminal.store.merchant_id;
    let Some(capture) = find_capture(app, merchant_id, &asked.merchant_payment_id).await? else {
        return Ok(None);
    };
    if is_tombstone(&capture) {
        return Err(Code::PaymentCanceled.into());
    }
    let paid = Paid::read(app, capture).await?;
    let same_code = match paid.made.authorization {
        None => code::is_same(app, &asked.code, capture.pending_id, micros(&capture)).await?,
        Some(id) => held::is_code_of(app, &asked.code, id).await?,
    };
    if paid.amount() != asked.amount || !same_code {
        return Err(Code::PaymentIdReused.into());
    }
    Ok(Some(payment_view(app, &capture).await?))
}

/// Records the refusal of a code, and gives what the caller is told: it says more than the gate's
/// answer, when to come back.
async fn refuse(
    app: &App,
    terminal: &Terminal,
    amount: i64,
    detail: &SaleDetail,
    refused: Error,
) -> Error {
    let question = Question {
        terminal: Some(terminal.place()),
        amount: Some(amount),
        ..Question::plain(Act::Payment, detail)
    };
    if let Error::Fault(_) = refused {
        return refused;
    }
    match app.gate.decide(question, Err(refused.code())).await {
        Err(fault @ Error::Fault(_)) => fault,
        _ => refused,
    }
}
