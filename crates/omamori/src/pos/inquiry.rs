//! The answers to "what became of it?": by the caller's own ids, from the ledger itself, so that
//! they are never behind.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use omamori_ledger::Transfer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Terminal;
use super::authorization::held;
use super::fields::is_id;
use super::model::{Paid, PaymentView, RefundDetail, detail, payment_view, payment_views};
use super::payment::{PaymentAnswer, capture_id};
use super::refund::RefundAnswer;
use super::reversal::{refund_id, reversals};
use super::topup::{TopupAnswer, topup_id, topup_view};
use crate::app::App;
use crate::gate::chart::TransferCode;
use crate::id::Kind;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Payments of one answer.
pub(super) const LIST_MAX: usize = 100;
/// A store's account also carries refunds and authorizations: so many transfers are looked at for
/// each payment asked for.
const TRANSFERS_PER_PAYMENT: usize = 8;

/// Finds a payment.
#[utoipa::path(get, path = "/api/pos/v1/payments/{merchant_payment_id}", tag = "payments",
    operation_id = "find_payment",
    params(("merchant_payment_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = PaymentAnswer), (status = "4XX", body = super::shelf::ErrorAnswer),
        (status = "5XX", body = super::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn payment(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Path(merchant_payment_id): Path<String>,
) -> Result<axum::Json<PaymentAnswer>> {
    let capture = find(&app, &terminal, &merchant_payment_id).await?;
    let payment = payment_view(&app, &capture).await?;
    Ok(axum::Json(PaymentAnswer { payment }))
}

async fn find(app: &Arc<App>, terminal: &Terminal, merchant_payment_id: &str) -> Result<Transfer> {
    if !is_id(merchant_payment_id) {
        return Err(Code::PaymentNotFound.into());
    }
    let id = capture_id(&terminal.store.merchant_id, merchant_payment_id);
    let Some(found) = app.gate.transfer_certainly(id).await? else {
        held::look(app, &terminal.store.merchant_id, merchant_payment_id, None).await?;
        return Err(Code::PaymentNotFound.into());
    };
    Ok(found.transfer)
}

/// How many to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[serde(default)]
    pub(super) limit: Option<usize>,
}

/// Payments, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentList {
    /// Of the calling terminal's store.
    pub payments: Vec<PaymentView>,
}

/// Lists the store's last payments.
#[utoipa::path(get, path = "/api/pos/v1/payments", tag = "payments",
    operation_id = "list_payments",
    params(("limit" = Option<usize>, Query, description = "1–100, default 20",
        minimum = 1, maximum = 100)),
    responses((status = 200, body = PaymentList), (status = "4XX", body = super::shelf::ErrorAnswer),
        (status = "5XX", body = super::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn list(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    query: std::result::Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<axum::Json<PaymentList>> {
    let Query(query) = query.map_err(|_| Error::field("limit", "malformed"))?;
    let limit = query.limit.unwrap_or(20);
    if !(1..=LIST_MAX).contains(&limit) {
        return Err(Error::field("limit", "out_of_range"));
    }
    let account = terminal.store.sales_account;
    let transfers = app.gate.statement(account, None, limit * TRANSFERS_PER_PAYMENT).await?;
    let is_payment = |transfer: &Transfer| {
        transfer.code == TransferCode::Payment.number() && transfer.is_resolving()
    };
    let captures: Vec<Transfer> = transfers.into_iter().filter(is_payment).take(limit).collect();
    let payments = payment_views(&app, &captures).await?;
    Ok(axum::Json(PaymentList { payments }))
}

/// Finds a refund.
#[utoipa::path(get, path = "/api/pos/v1/refunds/{merchant_refund_id}", tag = "refunds",
    operation_id = "find_refund",
    params(("merchant_refund_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = RefundAnswer), (status = "4XX", body = super::shelf::ErrorAnswer),
        (status = "5XX", body = super::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn refund(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Path(merchant_refund_id): Path<String>,
) -> Result<axum::Json<RefundAnswer>> {
    let not_found = || Error::Refused(Code::RefundNotFound);
    if !is_id(&merchant_refund_id) {
        return Err(not_found());
    }
    let id = refund_id(&terminal.store.merchant_id, &merchant_refund_id);
    let money = app.gate.transfer_certainly(id).await?.ok_or_else(not_found)?.transfer;
    let about: RefundDetail = detail(&app, &money).await?;
    let payment_id = Kind::Payment.parse(&about.payment_id).ok_or_else(not_found)?;
    let capture = app.gate.transfer(payment_id).await?.ok_or_else(not_found)?.transfer;
    let all = reversals(&app, &Paid::read(&app, capture).await?).await?;
    let refund = all.iter().find(|reversal| reversal.id == id).ok_or_else(not_found)?.view();
    let payment = payment_view(&app, &capture).await?;
    Ok(axum::Json(RefundAnswer { refund, payment }))
}

/// Finds a top-up.
#[utoipa::path(get, path = "/api/pos/v1/topups/{merchant_topup_id}", tag = "topups",
    operation_id = "find_topup",
    params(("merchant_topup_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = TopupAnswer), (status = "4XX", body = super::shelf::ErrorAnswer),
        (status = "5XX", body = super::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn topup(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Path(merchant_topup_id): Path<String>,
) -> Result<axum::Json<TopupAnswer>> {
    if !is_id(&merchant_topup_id) {
        return Err(Code::TopupNotFound.into());
    }
    let id = topup_id(&terminal.store.merchant_id, &merchant_topup_id);
    let money = app.gate.transfer_certainly(id).await?.ok_or(Code::TopupNotFound)?.transfer;
    let topup = topup_view(&app, &money).await?;
    Ok(axum::Json(TopupAnswer { topup }))
}
