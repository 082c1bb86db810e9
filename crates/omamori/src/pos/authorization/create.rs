//! `POST /api/pos/v1/authorizations`: value is set aside by the code on the customer's phone.

use std::sync::Arc;

use axum::extract::State as Shared;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::inquiry::{AuthorizationAnswer, answer};
use super::reservation::{Reservation, Reserve};
use super::{AuthorizationDetail, SECONDS_MIN, authorization_id};
use crate::app::App;
use crate::clock::{Micros, SECOND};
use crate::gate::chart::TransferCode;
use crate::gate::{Act, Clearance, Question, Use};
use crate::pos::auth::Terminal;
use crate::pos::code::{self, Verified};
use crate::pos::fields::{AMOUNT_MAX, Fields};
use crate::pos::model::{ItemDetail, SaleDetail, micros};
use crate::pos::tombstone::is_tombstone;
use crate::value::{Bill, Spending, TRIES, plan};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// An authorization.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAuthorization {
    /// The merchant's own id of it: 1–64 of `A–Z a–z 0–9 . _ -`. A retry uses it again.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    merchant_authorization_id: String,
    /// The 24 digits of the customer's barcode or QR.
    #[schema(pattern = "^[0-9]{24}$")]
    code: String,
    /// Yen, tax included: the most that can be captured.
    #[schema(minimum = 1, maximum = 1_000_000)]
    amount: i64,
    /// Only `JPY`.
    #[serde(default)]
    #[schema(pattern = "^JPY$")]
    currency: Option<String>,
    /// Seconds after which it ends by itself: from 60, at most 30 days or what the operator allows;
    /// 7 days or what the operator sets if left out.
    #[serde(default)]
    #[schema(minimum = 60, maximum = 2_592_000)]
    expires_in_seconds: Option<i64>,
    /// The number on the paper, at most 64 characters.
    #[serde(default)]
    #[schema(max_length = 64)]
    order_receipt_number: Option<String>,
    /// At most 255 characters.
    #[serde(default)]
    #[schema(max_length = 255)]
    description: Option<String>,
    /// What it is for, at most 200 lines.
    #[serde(default)]
    #[schema(max_items = 200)]
    items: Vec<ItemDetail>,
}

/// What makes two requests the same authorization.
struct Asked {
    id: u128,
    code: String,
    amount: i64,
    seconds: u32,
}

impl CreateAuthorization {
    fn check(&self, app: &App) -> Result<()> {
        let mut fields = Fields::default();
        fields.id("merchant_authorization_id", &self.merchant_authorization_id);
        fields.code(&self.code);
        fields.range("amount", self.amount, 1..=AMOUNT_MAX);
        fields.currency(self.currency.as_deref());
        let longest = i64::from(app.config.authorization.max_seconds());
        let seconds = self.expires_in_seconds.unwrap_or(SECONDS_MIN);
        fields.range("expires_in_seconds", seconds, SECONDS_MIN..=longest);
        fields.text_optional("order_receipt_number", self.order_receipt_number.as_deref(), 64);
        fields.text_optional("description", self.description.as_deref(), 255);
        fields.items(&self.items);
        fields.done()
    }

    fn asked(&self, app: &App, merchant_id: &str) -> Asked {
        let usual = app.config.authorization.default_seconds();
        Asked {
            id: authorization_id(merchant_id, &self.merchant_authorization_id),
            code: self.code.clone(),
            amount: self.amount,
            seconds: self.expires_in_seconds.map_or(usual, |s| u32::try_from(s).unwrap_or(usual)),
        }
    }

    fn detail(self, terminal: &Terminal) -> AuthorizationDetail {
        AuthorizationDetail {
            merchant_authorization_id: self.merchant_authorization_id,
            sale: SaleDetail {
                merchant_id: terminal.store.merchant_id.clone(),
                store_id: terminal.store.store_id.clone(),
                terminal_id: terminal.terminal_id.clone(),
                order_receipt_number: self.order_receipt_number,
                description: self.description,
                items: self.items,
                ..SaleDetail::default()
            },
        }
    }
}

/// Sets value aside.
#[utoipa::path(post, path = "/api/pos/v1/authorizations", tag = "authorizations",
    operation_id = "create_authorization",
    request_body = CreateAuthorization,
    responses((status = 200, body = AuthorizationAnswer),
        (status = "4XX", body = crate::pos::shelf::ErrorAnswer),
        (status = "5XX", body = crate::pos::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    Shared(app): Shared<Arc<App>>,
    terminal: Terminal,
    Json(wanted): Json<CreateAuthorization>,
) -> Result<axum::Json<AuthorizationAnswer>> {
    wanted.check(&app)?;
    let asked = wanted.asked(&app, &terminal.store.merchant_id);
    if let Some(earlier) = same(&app, &asked).await? {
        return answer(&app, &earlier).await;
    }
    let detail = wanted.detail(&terminal);
    let reservation = match authorize(&app, &terminal, &asked, &detail).await {
        Ok(reservation) => reservation,
        Err(fault @ Error::Fault(_)) => return Err(fault),
        Err(refused) => {
            // The same request may have been carried out in between, on another connection or
            // another node: then what refuses this one is its own money, limit or code.
            app.gate.catch_up().await?;
            same(&app, &asked).await?.ok_or(refused)?
        }
    };
    answer(&app, &reservation).await
}

/// The authorization that an earlier request like this one made.
async fn same(app: &App, asked: &Asked) -> Result<Option<Reservation>> {
    let Some(found) = app.gate.transfer(asked.id).await? else { return Ok(None) };
    if is_tombstone(&found.transfer) {
        return Err(Code::AuthorizationVoided.into());
    }
    let Some(reservation) = Reservation::find(app, asked.id).await? else { return Ok(None) };
    let is_same = reservation.spending().amount() == asked.amount
        && reservation.transfer.timeout == asked.seconds
        && is_code_of(app, &asked.code, &reservation).await?;
    if is_same { Ok(Some(reservation)) } else { Err(Code::AuthorizationIdReused.into()) }
}

/// Whether `digits` is the code that a reservation used up.
pub(super) async fn is_code_of(app: &App, digits: &str, made: &Reservation) -> Result<bool> {
    let at = micros(&made.transfer);
    let Some(claim_id) = code::id_at(app, digits, at).await? else { return Ok(false) };
    let claim = app.gate.transfer(claim_id).await?;
    // One decision, one chain.
    Ok(claim.is_some_and(|claim| {
        claim.transfer.code == TransferCode::CodeClaim.number()
            && claim.transfer.user_data_128 == made.transfer.user_data_128
    }))
}

async fn authorize(
    app: &App,
    terminal: &Terminal,
    asked: &Asked,
    detail: &AuthorizationDetail,
) -> Result<Reservation> {
    let verified = match code::verify(app, &asked.code, &terminal.place()).await {
        Ok(verified) => verified,
        Err(fault @ Error::Fault(_)) => return Err(fault),
        Err(refused) => return Err(refuse(app, terminal, asked.amount, detail, refused).await),
    };
    let until = app.clock.now() + Micros::from(asked.seconds) * SECOND;
    for _ in 0..TRIES {
        let spending = planned(app, &verified, asked.amount, until);
        let clearance = clear(app, terminal, &verified, asked.amount, detail, &spending).await?;
        let spending = spending?;
        let reserve = Reserve {
            id: asked.id,
            claim_id: verified.authorization_id,
            wallet: verified.device.wallet_account,
            store: terminal.store.sales_account,
            code: TransferCode::Authorization,
            seconds: asked.seconds,
            terminal_number: terminal.terminal_number,
            spending: &spending,
        };
        let made = reserve.make(app, clearance, Code::AuthorizationIdReused).await?;
        if let Some(reservation) = made {
            return Ok(reservation);
        }
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

/// What would be set aside now: of what outlives the authorization, and without coupons.
fn planned(app: &App, verified: &Verified, amount: i64, until: Micros) -> Result<Spending, Code> {
    let purse = app.gate.purse(verified.device.wallet_account).outliving(until);
    let bill = Bill { amount, discounts: &[], use_points: verified.device.uses_points };
    plan(&purse, &bill, app.config.value.spending_order).ok_or(Code::InsufficientFunds)
}

/// Records the refusal of a code, and gives what the caller is told.
async fn refuse(
    app: &App,
    terminal: &Terminal,
    amount: i64,
    detail: &AuthorizationDetail,
    refused: Error,
) -> Error {
    let question = Question {
        terminal: Some(terminal.place()),
        amount: Some(amount),
        ..Question::plain(Act::Authorize, detail)
    };
    match app.gate.decide(question, Err(refused.code())).await {
        Err(fault @ Error::Fault(_)) => fault,
        _ => refused,
    }
}

async fn clear(
    app: &App,
    terminal: &Terminal,
    verified: &Verified,
    amount: i64,
    detail: &AuthorizationDetail,
    spending: &Result<Spending, Code>,
) -> Result<Clearance> {
    let device = &verified.device;
    let of = Use::Payment { enrolled_at: device.enrolled_at };
    let question = Question {
        act: Act::Authorize,
        customer: Some(&device.customer_id),
        device: Some(&device.device_id),
        terminal: Some(terminal.place()),
        amount: Some(amount),
        admission: Some(app.gate.admission(of, device.wallet_account, amount)),
        facts: device.facts(),
        detail,
    };
    let opinion = spending.as_ref().map(drop).map_err(|code| *code);
    app.gate.decide(question, opinion).await
}

/// What stands behind an authorization in the evidence.
#[derive(Default, Serialize)]
pub(super) struct Behind {
    pub customer_id: Option<String>,
    pub device_id: Option<String>,
    pub detail: AuthorizationDetail,
}

/// A text of a record, if it has one there.
pub(super) fn text(field: &serde_json::Value) -> Option<String> {
    field.as_str().map(str::to_owned)
}

/// Reads it.
pub(super) async fn behind(app: &App, made: &Reservation) -> Result<Behind> {
    let records = app.gate.evidence(std::slice::from_ref(&made.transfer)).await?;
    let Some(mut record) = records.into_iter().next().flatten() else {
        return Ok(Behind::default());
    };
    Ok(Behind {
        customer_id: text(&record["customer"]),
        device_id: text(&record["device"]),
        detail: serde_json::from_value(record["detail"].take())?,
    })
}
