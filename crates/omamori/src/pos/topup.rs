//! `POST /api/pos/v1/topups`: cash taken at the register becomes balance.
//!
//! The chain is [`super::chain`]'s, from the store's cash account to the wallet.

use std::sync::Arc;

use axum::extract::State;
use omamori_ledger::{Request, Transfer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Terminal;
use super::chain::{Chain, is_made, refusal};
use super::code::{self, Verified};
use super::fields::{AMOUNT_MAX, Fields};
use super::model::{TopupDetail, TopupView, detail, micros, yen};
use super::tombstone::is_tombstone;
use crate::app::App;
use crate::gate::chart::{TransferCode, wallet_account};
use crate::gate::{Act, Clearance, Question, Use};
use crate::id::{Kind, derive};
use crate::risk::{Facts, confirm};
use crate::terms;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;

/// A cash top-up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTopup {
    /// The merchant's own id of this top-up: 1–64 of `A–Z a–z 0–9 . _ -`. A retry uses it again.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    merchant_topup_id: String,
    /// The 24 digits of the customer's barcode or QR.
    #[schema(pattern = "^[0-9]{24}$")]
    code: String,
    /// Yen taken in cash: a multiple of 1,000; at a register at most 49,000, at an ATM 100,000
    /// (settings).
    #[schema(minimum = 1, maximum = 1_000_000)]
    amount: i64,
    /// Only `JPY`.
    #[serde(default)]
    #[schema(pattern = "^JPY$")]
    currency: Option<String>,
}

/// A top-up, wrapped.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopupAnswer {
    /// The top-up.
    pub topup: TopupView,
}

/// The id of a top-up's money transfer.
#[must_use]
pub fn topup_id(merchant_id: &str, merchant_topup_id: &str) -> u128 {
    derive("topup", &[merchant_id.as_bytes(), merchant_topup_id.as_bytes()])
}

/// The id of the transfer that takes a top-up back.
#[must_use]
pub fn topup_cancel_id(topup_id: u128) -> u128 {
    derive("topup-cancel", &[&topup_id.to_be_bytes()])
}

/// What differs between a register and an ATM.
struct Place {
    act: Act,
    code: TransferCode,
    /// Yen of one top-up at most.
    max: i64,
    /// Of which it is a multiple.
    unit: i64,
}

impl Place {
    fn of(app: &App, terminal: &Terminal) -> Self {
        let limits = &app.config.limits;
        if terminal.is_atm() {
            Self {
                act: Act::TopupAtm,
                code: TransferCode::TopupAtm,
                max: limits.topup_atm_max,
                unit: limits.topup_atm_unit,
            }
        } else {
            Self {
                act: Act::TopupCash,
                code: TransferCode::TopupCash,
                max: limits.topup_register_max,
                unit: limits.topup_register_unit,
            }
        }
    }
}

/// Takes cash.
#[utoipa::path(post, path = "/api/pos/v1/topups", tag = "topups",
    operation_id = "create_topup",
    request_body = CreateTopup,
    responses((status = 200, body = TopupAnswer), (status = "4XX", body = super::shelf::ErrorAnswer),
        (status = "5XX", body = super::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Json(topup): Json<CreateTopup>,
) -> Result<axum::Json<TopupAnswer>> {
    let mut fields = Fields::default();
    fields.id("merchant_topup_id", &topup.merchant_topup_id);
    fields.code(&topup.code);
    fields.range("amount", topup.amount, 1..=AMOUNT_MAX);
    fields.currency(topup.currency.as_deref());
    fields.done()?;
    if topup.amount % Place::of(&app, &terminal).unit != 0 {
        return Err(Error::field("amount", "out_of_range"));
    }
    let answered = |topup| Ok(axum::Json(TopupAnswer { topup }));
    if let Some(topup) = earlier(&app, &terminal, &topup).await? {
        return answered(topup);
    }
    match load(&app, &terminal, &topup).await {
        Err(fault @ Error::Fault(_)) => Err(fault),
        // Refused, perhaps because the same request was carried out in between, on another
        // connection or another node.
        Err(refused) => {
            app.gate.catch_up().await?;
            answered(earlier(&app, &terminal, &topup).await?.ok_or(refused)?)
        }
        Ok(()) => {
            let made = earlier(&app, &terminal, &topup).await?;
            answered(made.ok_or(Error::fault("a top-up that was made is not there"))?)
        }
    }
}

async fn load(app: &App, terminal: &Terminal, topup: &CreateTopup) -> Result<()> {
    let verified = code::verify(app, &topup.code, &terminal.place()).await;
    let (clearance, verified) = clear(app, terminal, topup, verified).await?;
    let chain = Chain {
        authorization_id: verified.authorization_id,
        id: topup_id(&terminal.store.merchant_id, &topup.merchant_topup_id),
        debit_account_id: terminal.store.cash_account,
        credit_account_id: verified.device.wallet_account,
        amount: topup.amount,
        of_all_kinds: 0,
        terminal_number: terminal.terminal_number,
        code: Place::of(app, terminal).code,
    };
    let request = Request {
        // The wallet's account comes to be with its first value.
        accounts: vec![wallet_account(verified.device.wallet_account)],
        transfers: chain.transfers().to_vec(),
    };
    let reply = app.gate.commit(clearance, request).await?;
    if is_made(&reply) { Ok(()) } else { Err(refusal(&reply, Code::TopupIdReused).into()) }
}

/// The top-up that an earlier request with this id made.
async fn earlier(app: &App, terminal: &Terminal, topup: &CreateTopup) -> Result<Option<TopupView>> {
    let id = topup_id(&terminal.store.merchant_id, &topup.merchant_topup_id);
    let Some(money) = app.gate.transfer(id).await? else { return Ok(None) };
    let money = money.transfer;
    if is_tombstone(&money) {
        return Err(Code::TopupCanceled.into());
    }
    let same_code = code::is_same(app, &topup.code, money.pending_id, micros(&money)).await?;
    if yen(&money) != topup.amount || !same_code {
        return Err(Code::TopupIdReused.into());
    }
    Ok(Some(topup_view(app, &money).await?))
}

async fn clear(
    app: &App,
    terminal: &Terminal,
    topup: &CreateTopup,
    verified: Result<Verified>,
) -> Result<(Clearance, Verified)> {
    let place = Place::of(app, terminal);
    let device = verified.as_ref().ok().map(|verified| verified.device.clone());
    let account = device.as_ref().map(|device| device.wallet_account);
    let admission =
        account.map(|account| app.gate.admission(Use::TopupCash, account, topup.amount));
    let detail = TopupDetail {
        merchant_topup_id: topup.merchant_topup_id.clone(),
        store_id: terminal.store.store_id.clone(),
        terminal_id: terminal.terminal_id.clone(),
    };
    let question = Question {
        act: place.act,
        customer: device.as_ref().map(|device| &*device.customer_id),
        device: device.as_ref().map(|device| &*device.device_id),
        terminal: Some(terminal.place()),
        amount: Some(topup.amount),
        admission,
        facts: device.as_ref().map_or(Facts::NONE, |device| device.facts()),
        detail: &detail,
    };
    let mut opinion = code::opinion(&verified)?;
    if topup.amount > place.max {
        opinion = opinion.and(Err(Code::LimitTopupAmount));
    }
    if let Some(device) = &device {
        opinion = opinion.and(terms::confirm::opinion(app, &device.customer_id).await?);
    }
    let decided = app.gate.decide(question, opinion).await;
    if let (Err(Error::Refused(Code::ConfirmationRequired)), Some(device), Some(act)) =
        (&decided, &device, place.act.risk())
    {
        confirm::ask(app, &device.customer_id, &terminal.store, act, topup.amount).await?;
    }
    let verified = verified?; // says more than the gate's answer: when to come back
    Ok((decided?, verified))
}

/// A top-up with what became of it.
///
/// # Errors
/// A fault if a store fails.
pub async fn topup_view(app: &App, money: &Transfer) -> Result<TopupView> {
    let about: TopupDetail = detail(app, money).await?;
    let canceled =
        is_tombstone(money) || app.gate.transfer(topup_cancel_id(money.id)).await?.is_some();
    Ok(TopupView {
        topup_id: Kind::Topup.text(money.id),
        merchant_topup_id: about.merchant_topup_id,
        status: if canceled { "canceled" } else { "completed" },
        amount: yen(money),
        currency: "JPY",
        completed_at: rfc3339(micros(money)),
        store_id: about.store_id,
        terminal_id: about.terminal_id,
    })
}
