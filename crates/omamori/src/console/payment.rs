//! `/console/payments/pay_…`: the whole chain of a payment with the records behind it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use omamori_ledger::Transfer;

use super::access::{Refunder, Support, Viewer};
use super::frame::Frame;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::TransferCode;
use crate::gate::evidence::DecisionId;
use crate::id::Kind;
use crate::pos::{
    Paid, RefundDetail, Reversal, SaleDetail, detail, detail_of, micros, reversals, status, yen,
};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// One transfer of the ledger.
struct Step {
    name: &'static str,
    id: String,
    amount: i64,
    at: Micros,
    decision_id: String,
}

struct Refund {
    refund_id: String,
    amount: i64,
    is_cancel: bool,
    reason: String,
    at: Micros,
}

#[derive(Template)]
#[template(path = "console_payment.html")]
struct PaymentPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    payment_id: String,
    merchant_payment_id: String,
    status: &'static str,
    amount: i64,
    refunded: i64,
    at: Micros,
    customer_id: Option<String>,
    store_id: String,
    store_name: String,
    merchant_name: String,
    terminal_number: u64,
    /// What was set aside for it before, if it was.
    authorization_id: Option<String>,
    steps: Vec<Step>,
    refunds: Vec<Refund>,
    may_refund: bool,
    /// The decision's record with all signals; none for who only looks, or past its retention.
    evidence: Option<String>,
}

/// `GET /console/payments/{payment_id}`, and `rfd_…` for the payment that was refunded.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Path(id): Path<String>,
) -> Result<Response> {
    let capture = capture(&app, &id).await?.ok_or(Code::NotFound)?;
    let record = app.gate.evidence(std::slice::from_ref(&capture)).await?.pop().flatten();
    let customer_id = record.as_ref().and_then(|r| r["customer"].as_str()).map(str::to_owned);
    let sees = Support::is_of(staff.role);
    let evidence = record.as_ref().filter(|_| sees).map(|record| format!("{record:#}"));
    let sale: SaleDetail = detail_of(record)?;
    let paid = Paid::read(&app, capture).await?;
    let given_back = reversals(&app, &paid).await?;
    let refunded = given_back.iter().map(|reversal| reversal.amount).sum();
    let store = app.merchants.store_by_account(capture.credit_account_id).await?;
    let named = |store: &crate::merchant::StoreEntry| {
        (store.store_id.clone(), store.name.clone(), store.merchant_name.clone())
    };
    let (store_id, store_name, merchant_name) = store.as_deref().map(named).unwrap_or_default();
    page(&PaymentPage {
        frame: Frame::new(&app, &staff, "payment").await?,
        payment_id: Kind::Payment.text(capture.id),
        merchant_payment_id: sale.merchant_payment_id,
        status: status(&paid, &given_back).as_str(),
        amount: paid.amount(),
        refunded,
        at: micros(&capture),
        customer_id,
        store_id,
        store_name,
        merchant_name,
        terminal_number: capture.user_data_64,
        steps: steps(&app, &paid).await?,
        authorization_id: paid.made.authorization.map(|id| Kind::Authorization.text(id)),
        may_refund: Refunder::is_of(staff.role) && refunded < paid.amount(),
        refunds: given_back.into_iter().map(refund).collect(),
        evidence,
        sandbox: app.sandbox(),
        text,
    })
}

/// The capture of a payment, or of the payment that a refund belongs to.
pub(super) async fn capture(app: &App, id: &str) -> Result<Option<Transfer>> {
    let number = match Kind::Refund.parse(id) {
        Some(refund_id) => {
            let Some(money) = app.gate.transfer(refund_id).await? else { return Ok(None) };
            let about: RefundDetail = detail(app, &money.transfer).await?;
            Kind::Payment.parse(&about.payment_id)
        }
        None => Kind::Payment.parse(id),
    };
    let Some(number) = number else { return Ok(None) };
    let found = app.gate.transfer(number).await?.map(|found| found.transfer);
    Ok(found.filter(|t| t.code == TransferCode::Payment.number() && t.is_resolving()))
}

async fn steps(app: &App, Paid { capture, made }: &Paid) -> Result<Vec<Step>> {
    let step = |name, transfer: &Transfer| Step {
        name,
        id: format!("{:032x}", transfer.id),
        amount: yen(transfer),
        at: micros(transfer),
        decision_id: Kind::Decision.text(DecisionId::of(transfer.user_data_128).to_u128()),
    };
    let authorized = app.gate.transfer(capture.pending_id).await?;
    let mut steps = Vec::with_capacity(3);
    if let Some(id) = made.authorization {
        let set_aside = app.gate.transfer(id).await?;
        steps.extend(set_aside.map(|found| step("console.step_set_aside", &found.transfer)));
    }
    steps.extend(authorized.map(|found| step("console.step_authorize", &found.transfer)));
    steps.push(step("console.step_capture", capture));
    Ok(steps)
}

fn refund(reversal: Reversal) -> Refund {
    Refund {
        refund_id: Kind::Refund.text(reversal.id),
        amount: reversal.amount,
        is_cancel: reversal.is_cancel,
        reason: reversal.reason.unwrap_or_default(),
        at: reversal.at,
    }
}
