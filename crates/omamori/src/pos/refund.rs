//! `POST /api/pos/v1/refunds`: part or all of a payment goes back to the customer.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Terminal;
use super::fields::{AMOUNT_MAX, Fields};
use super::model::{Paid, PaymentView, RefundDetail, RefundView, payment_view};
use super::payment::capture_id;
use super::reversal::{Giving, Outcome, REVERSALS_MAX, Reversal, give_back, refund_id, reversals};
use super::tombstone::is_tombstone;
use crate::app::App;
use crate::gate::chart::TransferCode;
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::identity::account;
use crate::risk::Facts;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

/// Other refunds of the same payment that may come between before we ask the caller to come back.
const TRIES: usize = 8;

/// A refund.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRefund {
    /// The merchant's own id of this refund: 1–64 of `A–Z a–z 0–9 . _ -`. A retry uses it again.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    merchant_refund_id: String,
    /// The payment's.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    merchant_payment_id: String,
    /// Yen; together with earlier refunds never more than was paid.
    #[schema(minimum = 1, maximum = 1_000_000)]
    amount: i64,
    /// At most 255 characters; the customer sees it.
    #[serde(default)]
    #[schema(max_length = 255)]
    reason: Option<String>,
}

/// A refund and the payment after it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundAnswer {
    /// The refund.
    pub refund: RefundView,
    /// The payment with all its refunds.
    pub payment: PaymentView,
}

/// Refunds.
#[utoipa::path(post, path = "/api/pos/v1/refunds", tag = "refunds",
    operation_id = "create_refund",
    request_body = CreateRefund,
    responses((status = 200, body = RefundAnswer), (status = "4XX", body = super::shelf::ErrorAnswer),
        (status = "5XX", body = super::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Json(refund): Json<CreateRefund>,
) -> Result<axum::Json<RefundAnswer>> {
    let mut fields = Fields::default();
    fields.id("merchant_refund_id", &refund.merchant_refund_id);
    fields.id("merchant_payment_id", &refund.merchant_payment_id);
    fields.range("amount", refund.amount, 1..=AMOUNT_MAX);
    fields.text_optional("reason", refund.reason.as_deref(), 255);
    fields.done()?;

    let merchant_id = &terminal.store.merchant_id;
    let payment_id = capture_id(merchant_id, &refund.merchant_payment_id);
    let capture = app.gate.transfer_certainly(payment_id).await?;
    let capture = capture.ok_or(Code::PaymentNotFound)?.transfer;
    let paid = Paid::read(&app, capture).await?;
    let id = refund_id(merchant_id, &refund.merchant_refund_id);
    let detail = RefundDetail {
        merchant_payment_id: refund.merchant_payment_id,
        merchant_refund_id: Some(refund.merchant_refund_id),
        payment_id: Kind::Payment.text(payment_id),
        refund_id: Kind::Refund.text(id),
        terminal_id: terminal.terminal_id.clone(),
        staff_id: None,
        reason: refund.reason,
    };
    let wanted =
        Wanted { act: Act::Refund, id, amount: refund.amount, detail, at: Some(&terminal) };
    let refund = give(&app, &paid, &wanted).await?.view();
    let payment = payment_view(&app, &paid.capture).await?;
    Ok(axum::Json(RefundAnswer { refund, payment }))
}

/// A refund that somebody wants.
pub struct Wanted<'a> {
    /// What the gate is asked.
    pub act: Act,
    /// The money transfer's id: a retry uses it again.
    pub id: u128,
    /// Yen.
    pub amount: i64,
    /// What the evidence keeps.
    pub detail: RefundDetail,
    /// Where, if at a terminal.
    pub at: Option<&'a Terminal>,
}

/// Refunds, once, whoever wants it.
///
/// # Errors
/// The payment was canceled, or less than this is left of it; the id is another refund's; the
/// account is closed; busy; a fault.
pub async fn give(app: &App, paid: &Paid, wanted: &Wanted<'_>) -> Result<Reversal> {
    // Who gets it: rules look at refunds to one account, as a clerk makes them to a friend's.
    let payer = account::of_wallet(&app.stores.registry, paid.capture.debit_account_id).await?;
    for _ in 0..TRIES {
        let before = reversals(app, paid).await?;
        if app.gate.transfer(wanted.id).await?.is_some() {
            return earlier(app, paid, wanted).await;
        }
        let refunded_before = before.iter().map(|reversal| reversal.amount).sum();
        let opinion = allowed(paid, &before, refunded_before, wanted.amount);
        let question = Question {
            customer: payer.as_deref(),
            terminal: wanted.at.map(|terminal| terminal.place()),
            amount: Some(wanted.amount),
            facts: Facts { sale: Some(paid.capture.id), ..Facts::NONE },
            ..Question::plain(wanted.act, &wanted.detail)
        };
        let clearance = app.gate.decide(question, opinion).await?;
        let giving = Giving {
            payment: paid,
            id: wanted.id,
            code: TransferCode::Refund,
            amount: wanted.amount,
            refunded_before,
            terminal_number: wanted.at.map_or(0, |terminal| terminal.terminal_number),
        };
        match give_back(app, clearance, &giving).await? {
            // It stands there now, or another refund came first: look again.
            Outcome::Done | Outcome::Lost => {}
            Outcome::AccountClosed => return Err(Code::AccountFrozen.into()),
        }
    }
    Err(crate::web::error::Error::RetryAfter(Code::Busy, 1))
}

/// A refund that is done, now or by an earlier request.
async fn earlier(app: &App, paid: &Paid, wanted: &Wanted<'_>) -> Result<Reversal> {
    // Read after the refund was seen: it may be younger than what was read before.
    let reversals = reversals(app, paid).await?;
    // Not among this payment's: the id belongs to a refund of another payment.
    let mine = reversals.into_iter().find(|reversal| reversal.id == wanted.id);
    let mine = mine.filter(|reversal| reversal.amount == wanted.amount);
    Ok(mine.ok_or(Code::RefundIdReused)?)
}

/// Whether so much of a payment can be given back.
///
/// # Errors
/// It was canceled; less than this is left of it.
pub fn allowed(
    paid: &Paid,
    before: &[Reversal],
    refunded_before: i64,
    amount: i64,
) -> Result<(), Code> {
    if is_tombstone(&paid.capture) || before.iter().any(|reversal| reversal.is_cancel) {
        return Err(Code::PaymentCanceled);
    }
    if before.len() >= REVERSALS_MAX || refunded_before + amount > paid.amount() {
        return Err(Code::RefundExceedsPayment);
    }
    Ok(())
}
