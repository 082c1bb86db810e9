//! What the customer does with a number: sees which ATM it is, agrees, or thinks better of it.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::session::{self, CLAIM_LIFE, Session, State, number_hash, session_columns};
use super::terminal::room;
use crate::app::App;
use crate::clock::{Micros, SECOND};
use crate::gate::{Act, Place, Question};
use crate::identity::guesses::Counted;
use crate::identity::{Customer, Network, account};
use crate::topup::card::Nothing;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::json::Json;

/// A number, as it was typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    /// Eight digits; spaces between them are none of the number.
    number: String,
}

/// A number, and the ATM that the customer was shown for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    number: String,
    session_id: String,
}

/// The ATM that a number leads to.
#[derive(Serialize)]
pub struct AtmView {
    pub session_id: String,
    /// Of the store that it stands in.
    pub store_name: String,
    /// Its own.
    pub atm_name: String,
    /// Yen: the least, of which amounts are multiples.
    pub amount_unit: i64,
    /// Yen: the most that can be loaded now.
    pub amount_max: i64,
    /// What the ATM shows of the customer's phone number.
    pub phone_ending: String,
    /// Until when.
    #[serde(serialize_with = "filters::as_rfc3339")]
    pub expires_at: Micros,
}

fn digits(number: &str) -> Result<String> {
    let digits: String = number.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(digits)
    } else {
        Err(Error::field("number", "malformed"))
    }
}

/// Where a session's ATM stands.
struct Stand {
    terminal_number: i64,
    store_id: String,
    merchant_id: String,
    store_name: String,
    atm_name: String,
}

async fn stand(app: &App, terminal_id: &str) -> Result<Stand> {
    let query = sql("SELECT t.terminal_number, t.name, s.store_id, s.merchant_id,
             s.name AS store_name
         FROM terminal t JOIN store s ON s.store_id = t.store_id WHERE t.terminal_id = $1");
    let row = app.stores.registry.one(query.bind(terminal_id)).await?;
    Ok(Stand {
        terminal_number: row.int("terminal_number")?,
        store_id: row.text("store_id")?,
        merchant_id: row.text("merchant_id")?,
        store_name: row.text("store_name")?,
        atm_name: row.text("name")?,
    })
}

async fn view(app: &App, customer: &Customer, session: &Session) -> Result<AtmView> {
    let stand = stand(app, &session.terminal_id).await?;
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    let phone = account.phone.as_str();
    Ok(AtmView {
        session_id: session.session_id.clone(),
        store_name: stand.store_name,
        atm_name: stand.atm_name,
        amount_unit: app.config.limits.topup_atm_unit,
        amount_max: room(app, customer.wallet_account),
        phone_ending: phone.get(phone.len().saturating_sub(4)..).unwrap_or_default().to_owned(),
        expires_at: session.expires_at,
    })
}

/// The session whose number was typed, for somebody who may guess.
async fn by_number(app: &App, customer: &Customer, digits: &str) -> Result<Option<Session>> {
    let (now, guesses) = (app.clock.now(), &app.topups.atm_numbers.0);
    if let Some(until) = guesses.locked_until(customer.wallet_account, now) {
        return Err(locked(until, now));
    }
    let query = sql(concat!(
        "SELECT ",
        session_columns!(),
        " FROM atm_session WHERE number_hash = $1 AND expires_at > $2 AND ended_at IS NULL"
    ));
    let query = query.bind(number_hash(app, digits)).bind(now);
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(None) };
    guesses.right(customer.wallet_account);
    Ok(Some(session::read(&row)?))
}

/// What to answer to a number that leads nowhere: it is recorded, and counted.
async fn wrong(app: &App, customer: &Customer, network: Network) -> Error {
    let (now, guesses) = (app.clock.now(), &app.topups.atm_numbers.0);
    let counted = guesses.wrong(customer.wallet_account, now);
    let detail = json!({ "ip": network.address(), "session": customer.session_id });
    let refused = Err(Code::AtmNumberWrong);
    let decided = app.gate.decide(customer.asks(Act::AtmClaim, &detail), refused).await;
    match (counted, decided) {
        (Counted::Locked(until), Err(Error::Refused(_))) => locked(until, now),
        (_, Err(error)) => error,
        (_, Ok(_)) => Code::AtmNumberWrong.into(),
    }
}

fn locked(until: Micros, now: Micros) -> Error {
    let seconds = u32::try_from((until - now) / SECOND + 1).unwrap_or(u32::MAX);
    Error::RetryAfter(Code::TooManyRequests, seconds)
}

/// `POST /api/wallet/v1/atm/find`: which ATM a number is of. Nothing is agreed by it.
pub async fn find(
    Shared(app): Shared<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(Typed { number }): Json<Typed>,
) -> Result<Answer<AtmView>> {
    app.gate.open_door(Act::AtmClaim, None, Some(&customer.customer_id))?;
    match by_number(&app, &customer, &digits(&number)?).await? {
        Some(session) => Ok(Answer(view(&app, &customer, &session).await?)),
        None => Err(wrong(&app, &customer, network).await),
    }
}

/// `POST /api/wallet/v1/atm/claim`: the customer agrees to be who the ATM loads. A repetition is
/// answered as the first time.
pub async fn claim(
    Shared(app): Shared<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(agreed): Json<Agreed>,
) -> Result<Answer<AtmView>> {
    let digits = digits(&agreed.number)?;
    let is_agreed = |mine: &Session| mine.session_id == agreed.session_id;
    if let Some(mine) = claimed(&app, &customer).await?.filter(is_agreed) {
        return Ok(Answer(view(&app, &customer, &mine).await?));
    }
    let Some(session) = by_number(&app, &customer, &digits).await? else {
        // Another connection of this customer's may have used the number up since: no guess.
        return match claimed(&app, &customer).await?.filter(is_agreed) {
            Some(mine) => Ok(Answer(view(&app, &customer, &mine).await?)),
            None => Err(wrong(&app, &customer, network).await),
        };
    };
    if session.session_id != agreed.session_id {
        // The number is on another screen by now than the one that the customer was shown.
        return Err(Code::AtmNumberWrong.into());
    }
    allowed(&app, &customer, network, &session).await?;
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    let others = sql("UPDATE atm_session SET ended_at = $1
         WHERE customer_id = $2 AND ended_at IS NULL AND expires_at > $1");
    tx.execute(others.bind(now).bind(&customer.customer_id)).await?;
    let claim = sql("UPDATE atm_session SET customer_id = $1, device_id = $2, claimed_at = $3,
             expires_at = $4, number_hash = NULL
         WHERE session_id = $5 AND number_hash = $6 AND ended_at IS NULL AND expires_at > $3");
    let claim = claim.bind(&customer.customer_id).bind(&customer.device_id).bind(now);
    let claim = claim.bind(now + CLAIM_LIFE).bind(&session.session_id);
    if tx.execute(claim.bind(number_hash(&app, &digits))).await? == 1 {
        tx.commit().await?;
    } else {
        drop(tx);
    }
    // Another connection of this customer's may have been first; another customer may have been.
    match claimed(&app, &customer).await?.filter(is_agreed) {
        Some(mine) => Ok(Answer(view(&app, &customer, &mine).await?)),
        None => Err(Code::AtmNumberWrong.into()),
    }
}

/// Asks the gate about this customer at this ATM.
async fn allowed(
    app: &App,
    customer: &Customer,
    network: Network,
    session: &Session,
) -> Result<()> {
    let frozen = account::find(&app.stores.registry, &customer.customer_id).await?.frozen;
    let opinion = if frozen { Err(Code::AccountFrozen) } else { Ok(()) };
    let stand = stand(app, &session.terminal_id).await?;
    let detail = json!({ "ip": network.address(), "session": customer.session_id,
        "atm_session": session.session_id });
    let place = Place {
        terminal_number: stand.terminal_number,
        store_id: &stand.store_id,
        merchant_id: &stand.merchant_id,
    };
    let question = Question { terminal: Some(place), ..customer.asks(Act::AtmClaim, &detail) };
    let _cleared = app.gate.decide(question, opinion).await?;
    Ok(())
}

/// The session that the customer has claimed and that nothing has become of yet.
///
/// # Errors
/// A fault if a store fails.
pub async fn claimed(app: &App, customer: &Customer) -> Result<Option<Session>> {
    let query = sql(concat!(
        "SELECT ",
        session_columns!(),
        " FROM atm_session WHERE customer_id = $1 AND ended_at IS NULL AND expires_at > $2
         ORDER BY claimed_at DESC LIMIT 1"
    ));
    let query = query.bind(&customer.customer_id).bind(app.clock.now());
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(None) };
    let session = session::read(&row)?;
    let stands = session.state(app).await? == State::Claimed;
    Ok(stands.then_some(session))
}

/// The ATM that the customer has agreed to, for the page.
///
/// # Errors
/// A fault if a store fails.
pub async fn shown(app: &App, customer: &Customer) -> Result<Option<AtmView>> {
    match claimed(app, customer).await? {
        Some(session) => Ok(Some(view(app, customer, &session).await?)),
        None => Ok(None),
    }
}

/// `POST /api/wallet/v1/atm/leave`: calls it off. An ATM that has cash by then gives it back.
pub async fn leave(
    Shared(app): Shared<Arc<App>>,
    customer: Customer,
    Json(Nothing {}): Json<Nothing>,
) -> Result<StatusCode> {
    let update = sql("UPDATE atm_session SET ended_at = $1
         WHERE customer_id = $2 AND ended_at IS NULL AND expires_at > $1");
    let update = update.bind(app.clock.now()).bind(&customer.customer_id);
    app.stores.registry.execute(update).await?;
    Ok(StatusCode::NO_CONTENT)
}
