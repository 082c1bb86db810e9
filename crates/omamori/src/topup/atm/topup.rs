//! `POST /api/pos/v1/atm-topups`: the cash of a session becomes balance.
//!
//! The chain is that of every top-up by code; the session's transfer stands in for the code's.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::sql;
use omamori_ledger::Request;
use serde::Deserialize;
use utoipa::ToSchema;

use super::session::{self, Session, State as Where};
use crate::app::App;
use crate::gate::chart::{TransferCode, wallet_account};
use crate::gate::{Act, Clearance, Question, Use};
use crate::pos::topup::{TopupAnswer, topup_id, topup_view};
use crate::pos::{
    AMOUNT_MAX, Chain, Fields, Terminal, TopupDetail, TopupView, is_made, is_tombstone, refusal,
    yen,
};
use crate::risk::{self, Facts, confirm};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// Cash that an ATM took from who typed its number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAtmTopup {
    /// The id of the session. A retry uses it again.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    merchant_topup_id: String,
    /// Yen taken in cash: a multiple of 1,000, at most 100,000 (settings).
    #[schema(minimum = 1, maximum = 1_000_000)]
    amount: i64,
    /// Only `JPY`.
    #[serde(default)]
    #[schema(pattern = "^JPY$")]
    currency: Option<String>,
}

/// Takes cash for a session.
#[utoipa::path(post, path = "/api/pos/v1/atm-topups", tag = "atm",
    operation_id = "create_atm_topup",
    request_body = CreateAtmTopup,
    responses((status = 200, body = TopupAnswer),
        (status = "4XX", body = crate::pos::shelf::ErrorAnswer),
        (status = "5XX", body = crate::pos::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Json(topup): Json<CreateAtmTopup>,
) -> Result<Answer<TopupAnswer>> {
    if !terminal.is_atm() {
        return Err(Code::Forbidden.into());
    }
    let mut fields = Fields::default();
    fields.id("merchant_topup_id", &topup.merchant_topup_id);
    fields.range("amount", topup.amount, 1..=AMOUNT_MAX);
    fields.currency(topup.currency.as_deref());
    fields.done()?;
    if topup.amount % app.config.limits.topup_atm_unit != 0 {
        return Err(Error::field("amount", "out_of_range"));
    }
    let session = session_of(&app, &terminal, &topup).await?;
    let answered = |topup| Ok(Answer(TopupAnswer { topup }));
    if let Some(made) = earlier(&app, &terminal, &topup, &session).await? {
        return answered(made);
    }
    match load(&app, &terminal, &topup, &session).await {
        Err(fault @ Error::Fault(_)) => Err(fault),
        // Refused, perhaps because the same request was carried out in between.
        Err(refused) => {
            app.gate.catch_up().await?;
            answered(earlier(&app, &terminal, &topup, &session).await?.ok_or(refused)?)
        }
        Ok(()) => {
            let made = earlier(&app, &terminal, &topup, &session).await?;
            answered(made.ok_or(Error::fault("a top-up that was made is not there"))?)
        }
    }
}

/// The ATM's own session. Another ATM's is not there.
async fn session_of(app: &App, terminal: &Terminal, topup: &CreateAtmTopup) -> Result<Session> {
    let id = session::id_of(&terminal.store.merchant_id, &topup.merchant_topup_id);
    let found = session::find(&app.stores.registry, &id).await?;
    let mine = found.filter(|session| session.terminal_id == terminal.terminal_id);
    Ok(mine.ok_or(Code::AtmSessionNotFound)?)
}

/// The top-up that an earlier request with this id made.
async fn earlier(
    app: &App,
    terminal: &Terminal,
    topup: &CreateAtmTopup,
    session: &Session,
) -> Result<Option<TopupView>> {
    let id = topup_id(&terminal.store.merchant_id, &topup.merchant_topup_id);
    let Some(money) = app.gate.transfer(id).await? else { return Ok(None) };
    let money = money.transfer;
    if is_tombstone(&money) {
        return Err(Code::TopupCanceled.into());
    }
    if yen(&money) != topup.amount || money.pending_id != session.authorization_id() {
        return Err(Code::TopupIdReused.into());
    }
    Ok(Some(topup_view(app, &money).await?))
}

/// Whose wallet it is.
struct Holder {
    customer_id: String,
    device_id: String,
    wallet: u128,
    /// What is known of who claimed it, for risk rules.
    facts: Facts<'static>,
    standing: Result<(), Code>,
}

/// Who claimed the session, and how they stand now.
async fn holder(app: &App, session: &Session) -> Result<Holder> {
    let state = session.state(app).await?;
    let (Some(customer_id), Some(device_id)) = (&session.customer_id, &session.device_id) else {
        let ended = matches!(state, Where::Ended | Where::Expired);
        return Err(if ended { Code::AtmSessionEnded } else { Code::AtmSessionOpen }.into());
    };
    let query = sql("SELECT c.wallet_account, c.status, c.created_at, d.state AS device, d.enrolled_at FROM customer c
         JOIN device d ON d.device_id = $1 AND d.customer_id = c.customer_id
         WHERE c.customer_id = $2");
    let row = app.stores.registry.one(query.bind(device_id).bind(customer_id)).await?;
    let standing = match (state, row.text("status")?.as_str(), row.text("device")?.as_str()) {
        (Where::Claimed | Where::Loaded, "active", "active") => Ok(()),
        (Where::Claimed | Where::Loaded, "frozen", _) => Err(Code::AccountFrozen),
        _ => Err(Code::AtmSessionEnded),
    };
    Ok(Holder {
        customer_id: customer_id.clone(),
        device_id: device_id.clone(),
        wallet: u128::from_be_bytes(row.array("wallet_account")?),
        facts: Facts {
            device_since: Some(row.int("enrolled_at")?),
            account_since: Some(row.int("created_at")?),
            ..Facts::NONE
        },
        standing,
    })
}

async fn load(
    app: &App,
    terminal: &Terminal,
    topup: &CreateAtmTopup,
    session: &Session,
) -> Result<()> {
    let holder = holder(app, session).await?;
    let clearance = clear(app, terminal, topup, &holder).await?;
    let chain = Chain {
        authorization_id: session.authorization_id(),
        id: topup_id(&terminal.store.merchant_id, &topup.merchant_topup_id),
        debit_account_id: terminal.store.cash_account,
        credit_account_id: holder.wallet,
        amount: topup.amount,
        of_all_kinds: 0,
        terminal_number: terminal.terminal_number,
        code: TransferCode::TopupAtm,
    };
    let request = Request {
        accounts: vec![wallet_account(holder.wallet)],
        transfers: chain.transfers().to_vec(),
    };
    let reply = app.gate.commit(clearance, request).await?;
    if is_made(&reply) { Ok(()) } else { Err(refusal(&reply, Code::TopupIdReused).into()) }
}

async fn clear(
    app: &App,
    terminal: &Terminal,
    topup: &CreateAtmTopup,
    holder: &Holder,
) -> Result<Clearance> {
    let detail = TopupDetail {
        merchant_topup_id: topup.merchant_topup_id.clone(),
        store_id: terminal.store.store_id.clone(),
        terminal_id: terminal.terminal_id.clone(),
    };
    let question = Question {
        act: Act::TopupAtm,
        customer: Some(&holder.customer_id),
        device: Some(&holder.device_id),
        terminal: Some(terminal.place()),
        amount: Some(topup.amount),
        admission: Some(app.gate.admission(Use::TopupCash, holder.wallet, topup.amount)),
        facts: holder.facts,
        detail: &detail,
    };
    let mut opinion = holder.standing;
    if topup.amount > app.config.limits.topup_atm_max {
        opinion = opinion.and(Err(Code::LimitTopupAmount));
    }
    let decided = app.gate.decide(question, opinion).await;
    if let Err(Error::Refused(Code::ConfirmationRequired)) = &decided {
        let (customer, act) = (&holder.customer_id, risk::Act::TopupAtm);
        confirm::ask(app, customer, &terminal.store, act, topup.amount).await?;
    }
    decided
}
