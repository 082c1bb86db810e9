//! `/api/pos/v1/atm-sessions`: the ATM asks for a number, what became of it, and calls it off.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as Shared};
use omamori_db::sql;
use serde::Serialize;
use utoipa::ToSchema;

use super::session::{self, NUMBER_LIFE, Session, State, number, number_hash};
use crate::app::App;
use crate::clock::MINUTE;
use crate::gate::{Act, Use};
use crate::identity::account;
use crate::pos::{Terminal, is_id};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;

/// Numbers that one ATM may ask for in ten minutes.
const CREATED_10M: i64 = 60;
/// Other numbers to try, if one is on another screen already.
const ATTEMPTS: i64 = 8;

/// A session, wrapped.
#[derive(Debug, Serialize, ToSchema)]
pub struct AtmSessionAnswer {
    session: AtmSessionView,
}

/// A number that an ATM shows, and who typed it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AtmSessionView {
    /// The ATM's own id of the top-up to come.
    merchant_topup_id: String,
    /// `waiting` (show the number), `claimed` (show `phone_ending`, take cash), `completed`,
    /// `ended` or `expired` (give the cash back).
    status: &'static str,
    /// Eight digits, while `waiting`.
    number: Option<String>,
    /// Until when the number, or the claim, is good.
    expires_at: String,
    /// The last four digits of the customer's phone number, once `claimed`: the customer agrees
    /// that it is theirs before the ATM takes cash.
    phone_ending: Option<String>,
    /// The least that can be loaded, in yen; other amounts are multiples of it.
    amount_unit: i64,
    /// The most that can be loaded now, in yen, while `claimed`; otherwise 0.
    amount_max: i64,
}

async fn view(app: &App, session: &Session) -> Result<AtmSessionView> {
    let (limits, state) = (&app.config.limits, session.state(app).await?);
    let mut view = AtmSessionView {
        merchant_topup_id: session.merchant_topup_id.clone(),
        status: state.as_str(),
        number: (state == State::Waiting).then(|| session.number(app)),
        expires_at: rfc3339(session.expires_at),
        phone_ending: None,
        amount_unit: limits.topup_atm_unit,
        amount_max: 0,
    };
    if let (State::Claimed, Some(customer_id)) = (state, &session.customer_id) {
        let account = account::find(&app.stores.registry, customer_id).await?;
        let phone = account.phone.as_str();
        view.phone_ending = phone.get(phone.len().saturating_sub(4)..).map(str::to_owned);
        view.amount_max = room(app, account.wallet_account);
    }
    Ok(view)
}

/// What can be loaded at once now, in whole notes.
pub(super) fn room(app: &App, wallet: u128) -> i64 {
    let limits = &app.config.limits;
    let room = app.gate.room(Use::TopupCash, wallet).min(limits.topup_atm_max);
    room - room % limits.topup_atm_unit
}

/// The ATM's own session for this top-up. Of another merchant's, and of another ATM's, nothing is
/// there.
async fn own(app: &App, terminal: &Terminal, merchant_topup_id: &str) -> Result<Session> {
    if !terminal.is_atm() {
        return Err(Code::Forbidden.into());
    }
    if !is_id(merchant_topup_id) {
        return Err(Code::AtmSessionNotFound.into());
    }
    let id = session::id_of(&terminal.store.merchant_id, merchant_topup_id);
    let found = session::find(&app.stores.registry, &id).await?;
    let mine = found.filter(|session| session.terminal_id == terminal.terminal_id);
    Ok(mine.ok_or(Code::AtmSessionNotFound)?)
}

/// Asks for a number to show. Repeated with the same id, it is the same session. An ATM has one
/// screen: what it showed before leads nowhere any more.
#[utoipa::path(post, path = "/api/pos/v1/atm-sessions/{merchant_topup_id}", tag = "atm",
    operation_id = "create_atm_session",
    params(("merchant_topup_id" = String, Path, description = "The ATM's own id of the top-up",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = AtmSessionAnswer),
        (status = "4XX", body = crate::pos::shelf::ErrorAnswer),
        (status = "5XX", body = crate::pos::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    Shared(app): Shared<Arc<App>>,
    terminal: Terminal,
    Path(merchant_topup_id): Path<String>,
) -> Result<Json<AtmSessionAnswer>> {
    match own(&app, &terminal, &merchant_topup_id).await {
        Ok(session) => return answer(&app, &session).await,
        Err(Error::Refused(Code::AtmSessionNotFound)) if is_id(&merchant_topup_id) => {}
        Err(error) => return Err(error),
    }
    app.gate.open_door(Act::TopupAtm, Some(&terminal.place()), None)?;
    insert(&app, &terminal, &merchant_topup_id).await?;
    answer(&app, &own(&app, &terminal, &merchant_topup_id).await?).await
}

async fn answer(app: &App, session: &Session) -> Result<Json<AtmSessionAnswer>> {
    Ok(Json(AtmSessionAnswer { session: view(app, session).await? }))
}

async fn insert(app: &App, terminal: &Terminal, merchant_topup_id: &str) -> Result<()> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM atm_session
         WHERE terminal_id = $1 AND created_at > $2");
    let count = count.bind(&terminal.terminal_id).bind(now - 10 * MINUTE);
    if registry.one(count).await?.int("n")? >= CREATED_10M {
        return Err(Error::RetryAfter(Code::TooManyRequests, 60));
    }
    let session_id = session::id_of(&terminal.store.merchant_id, merchant_topup_id);
    for attempt in 0..ATTEMPTS {
        let hash = number_hash(app, &number(app, &session_id, attempt));
        let mut tx = registry.begin().await?;
        let others = sql("UPDATE atm_session SET ended_at = $1, number_hash = NULL
             WHERE terminal_id = $2 AND ended_at IS NULL AND expires_at > $1");
        tx.execute(others.bind(now).bind(&terminal.terminal_id)).await?;
        let insert = sql("INSERT INTO atm_session (session_id, terminal_id, merchant_topup_id,
                 number_hash, attempt, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)");
        let insert = insert.bind(&session_id).bind(&terminal.terminal_id).bind(merchant_topup_id);
        let insert = insert.bind(hash).bind(attempt).bind(now).bind(now + NUMBER_LIFE);
        match tx.execute(insert).await {
            Ok(_) => return Ok(tx.commit().await?),
            // The same session, on another connection or at another ATM; or the number is taken.
            Err(omamori_db::Error::UniqueViolation) => {
                drop(tx);
                if let Some(there) = session::find(registry, &session_id).await? {
                    let mine = there.terminal_id == terminal.terminal_id;
                    return if mine { Ok(()) } else { Err(Code::TopupIdReused.into()) };
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

/// What became of a session.
#[utoipa::path(get, path = "/api/pos/v1/atm-sessions/{merchant_topup_id}", tag = "atm",
    operation_id = "get_atm_session",
    params(("merchant_topup_id" = String, Path, description = "The ATM's own id of the top-up",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = AtmSessionAnswer),
        (status = "4XX", body = crate::pos::shelf::ErrorAnswer),
        (status = "5XX", body = crate::pos::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn show(
    Shared(app): Shared<Arc<App>>,
    terminal: Terminal,
    Path(merchant_topup_id): Path<String>,
) -> Result<Json<AtmSessionAnswer>> {
    answer(&app, &own(&app, &terminal, &merchant_topup_id).await?).await
}

/// Calls a session off: its number leads nowhere, and nothing can be loaded with it.
#[utoipa::path(post, path = "/api/pos/v1/atm-sessions/{merchant_topup_id}/end", tag = "atm",
    operation_id = "end_atm_session",
    params(("merchant_topup_id" = String, Path, description = "The ATM's own id of the top-up",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = AtmSessionAnswer),
        (status = "4XX", body = crate::pos::shelf::ErrorAnswer),
        (status = "5XX", body = crate::pos::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn end(
    Shared(app): Shared<Arc<App>>,
    terminal: Terminal,
    Path(merchant_topup_id): Path<String>,
) -> Result<Json<AtmSessionAnswer>> {
    let session = own(&app, &terminal, &merchant_topup_id).await?;
    let update = sql("UPDATE atm_session SET ended_at = $1, number_hash = NULL
         WHERE session_id = $2 AND ended_at IS NULL");
    let update = update.bind(app.clock.now()).bind(&session.session_id);
    app.stores.registry.execute(update).await?;
    answer(&app, &own(&app, &terminal, &merchant_topup_id).await?).await
}
