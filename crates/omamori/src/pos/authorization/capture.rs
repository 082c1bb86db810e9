//! `POST /api/pos/v1/authorizations/{merchant_authorization_id}/capture`: the payment out of what
//! was set aside, of as much or less; the rest goes back.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use serde::Deserialize;
use utoipa::ToSchema;

use super::authorization_id;
use super::create::{Behind, behind};
use super::inquiry::{AuthorizationAnswer, answer};
use super::reservation::{Reservation, State};
use crate::app::App;
use crate::gate::{Act, Clearance, Question};
use crate::identity::account;
use crate::pos::auth::Terminal;
use crate::pos::fields::{AMOUNT_MAX, Fields, is_id};
use crate::pos::model::Paid;
use crate::pos::payment::capture_id;
use crate::pos::tombstone::is_tombstone;
use crate::value::{Bill, Spending, TRIES, plan};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// A capture.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCapture {
    /// The merchant's own id of the payment that this makes: 1–64 of `A–Z a–z 0–9 . _ -`. A retry
    /// uses it again; refunds and cancels name it.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    merchant_payment_id: String,
    /// Yen, tax included: what was authorized, or less.
    #[schema(minimum = 1, maximum = 1_000_000)]
    amount: i64,
    /// The number on the paper receipt, at most 64 characters; the authorization's if left out.
    #[serde(default)]
    #[schema(max_length = 64)]
    order_receipt_number: Option<String>,
    /// At most 255 characters; the authorization's if left out.
    #[serde(default)]
    #[schema(max_length = 255)]
    description: Option<String>,
}

/// What makes two requests the same capture.
struct Asked {
    authorization_id: u128,
    capture_id: u128,
    amount: i64,
}

/// Captures.
#[utoipa::path(post, path = "/api/pos/v1/authorizations/{merchant_authorization_id}/capture",
    tag = "authorizations", operation_id = "capture_authorization",
    params(("merchant_authorization_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    request_body = CreateCapture,
    responses((status = 200, body = AuthorizationAnswer),
        (status = "4XX", body = crate::pos::shelf::ErrorAnswer),
        (status = "5XX", body = crate::pos::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    Shared(app): Shared<Arc<App>>,
    terminal: Terminal,
    Path(merchant_authorization_id): Path<String>,
    Json(wanted): Json<CreateCapture>,
) -> Result<axum::Json<AuthorizationAnswer>> {
    let mut fields = Fields::default();
    fields.id("merchant_payment_id", &wanted.merchant_payment_id);
    fields.range("amount", wanted.amount, 1..=AMOUNT_MAX);
    fields.text_optional("order_receipt_number", wanted.order_receipt_number.as_deref(), 64);
    fields.text_optional("description", wanted.description.as_deref(), 255);
    fields.done()?;
    if !is_id(&merchant_authorization_id) {
        return Err(Code::AuthorizationNotFound.into());
    }
    let merchant_id = &terminal.store.merchant_id;
    let asked = Asked {
        authorization_id: authorization_id(merchant_id, &merchant_authorization_id),
        capture_id: capture_id(merchant_id, &wanted.merchant_payment_id),
        amount: wanted.amount,
    };
    if !is_done(&app, &asked).await? {
        match capture(&app, &terminal, &asked, &wanted).await {
            Ok(()) => {}
            Err(fault @ Error::Fault(_)) => return Err(fault),
            Err(refused) => {
                // Perhaps by itself, on another connection or another node.
                app.gate.catch_up().await?;
                if !is_done(&app, &asked).await? {
                    return Err(refused);
                }
            }
        }
    }
    let made = Reservation::find(&app, asked.authorization_id).await?;
    answer(&app, &made.ok_or(Code::AuthorizationNotFound)?).await
}

/// Whether an earlier request like this one was carried out.
async fn is_done(app: &App, asked: &Asked) -> Result<bool> {
    let Some(found) = app.gate.transfer(asked.capture_id).await? else { return Ok(false) };
    if is_tombstone(&found.transfer) {
        return Err(Code::PaymentCanceled.into());
    }
    let paid = Paid::read(app, found.transfer).await?;
    let is_same = paid.made.authorization == Some(asked.authorization_id);
    if is_same && paid.amount() == asked.amount {
        Ok(true)
    } else {
        Err(Code::PaymentIdReused.into())
    }
}

async fn capture(
    app: &App,
    terminal: &Terminal,
    asked: &Asked,
    wanted: &CreateCapture,
) -> Result<()> {
    for _ in 0..TRIES {
        let found = app.gate.transfer_certainly(asked.authorization_id).await?;
        let found = found.ok_or(Code::AuthorizationNotFound)?;
        if is_tombstone(&found.transfer) {
            return Err(Code::AuthorizationVoided.into());
        }
        let made = Reservation::find(app, asked.authorization_id).await?;
        let made = made.ok_or(Code::AuthorizationNotFound)?;
        let Behind { customer_id, device_id, detail } = behind(app, &made).await?;
        let mut sale = detail.sale;
        sale.merchant_payment_id.clone_from(&wanted.merchant_payment_id);
        sale.terminal_id.clone_from(&terminal.terminal_id);
        sale.order_receipt_number =
            wanted.order_receipt_number.clone().or(sale.order_receipt_number);
        sale.description = wanted.description.clone().or(sale.description);
        let question = Question {
            customer: customer_id.as_deref(),
            device: device_id.as_deref(),
            terminal: Some(terminal.place()),
            amount: Some(asked.amount),
            ..Question::plain(Act::Capture, &sale)
        };
        let taken = allowed(app, &made, asked.amount).await?;
        let opinion = taken.as_ref().map(drop).map_err(|code| *code);
        let clearance = app.gate.decide(question, opinion).await?;
        if pay(app, clearance, &made, asked, taken?, terminal.terminal_number).await? {
            return Ok(());
        }
        if is_done(app, asked).await? {
            return Ok(());
        }
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

async fn pay(
    app: &App,
    clearance: Clearance,
    made: &Reservation,
    asked: &Asked,
    taken: Spending,
    terminal_number: i64,
) -> Result<bool> {
    let paid = made.capture(app, clearance, asked.capture_id, taken, terminal_number).await?;
    Ok(paid.is_some())
}

/// What the capture takes of what is set aside: as a payment of this amount would by somebody who
/// holds just that. So what ends first goes first, and what goes back lasts longest.
async fn allowed(app: &App, made: &Reservation, amount: i64) -> Result<Result<Spending, Code>> {
    match made.state(app).await? {
        State::Open => {}
        State::Captured(_) => return Ok(Err(Code::AuthorizationCaptured)),
        State::Voided { .. } => return Ok(Err(Code::AuthorizationVoided)),
        State::Expired { .. } => return Ok(Err(Code::AuthorizationExpired)),
    }
    let bill = Bill { amount, discounts: &[], use_points: true };
    let taken = plan(&made.purse(), &bill, app.config.value.spending_order);
    let taken = taken.ok_or(Code::CaptureExceedsAuthorization);
    // A stopped account pays nothing, whatever it agreed to before: that is what its holder was
    // promised. The store may void, or capture when it is started again.
    let wallet = made.transfer.debit_account_id;
    let stands = account::stands(&app.stores.registry, wallet).await?;
    Ok(if stands { taken } else { Err(Code::AccountFrozen) })
}
