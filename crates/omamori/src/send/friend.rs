//! The code that a customer shows to a friend who wants to send: twelve characters, ten minutes.
//!
//! Whoever is shown it learns the last four digits of the number, to see that it is the friend's,
//! and nothing else. Anybody who has it may send: that harms nobody but who sends.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::sql;
use omamori_paycode::draw::{Level, qr};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::MINUTE;
use crate::gate::{Act, Question};
use crate::identity::Customer;
use crate::identity::account::{self, Account};
use crate::secret::token_hash;
use crate::typed;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;

const LIVES: i64 = 10 * MINUTE;
const LENGTH: usize = 12;

/// A code to show.
#[derive(Serialize)]
pub struct Made {
    code: String,
    address: String,
    /// SVG.
    qr: String,
    expires_at: String,
}

/// `POST /api/wallet/v1/friend-codes`: a new code; the customer's older ones stop working.
pub async fn make(State(app): State<Arc<App>>, customer: Customer) -> Result<Answer<Made>> {
    let registry = &app.stores.registry;
    let now = app.clock.now();
    let question = Question {
        customer: Some(&customer.customer_id),
        device: Some(&customer.device_id),
        ..Question::plain(Act::FriendCodeMake, &())
    };
    let frozen = account::find(registry, &customer.customer_id).await?.frozen;
    let opinion = if frozen { Err(Code::AccountFrozen) } else { Ok(()) };
    let _cleared = app.gate.decide(question, opinion).await?;
    let code = typed::code::<LENGTH>(app.rng.as_ref());
    let mut tx = registry.begin().await?;
    let old = sql("DELETE FROM friend_code WHERE customer_id = $1 OR expires_at < $2");
    tx.execute(old.bind(&customer.customer_id).bind(now)).await?;
    let insert =
        sql("INSERT INTO friend_code (code_hash, customer_id, expires_at) VALUES ($1, $2, $3)");
    let insert = insert.bind(token_hash(&code)).bind(&customer.customer_id).bind(now + LIVES);
    tx.execute(insert).await?;
    tx.commit().await?;
    let address = format!("{}/send#friend={code}", app.config.public_url);
    let symbol = qr(&address, Level::M).map_err(|error| Error::Fault(Box::new(error)))?;
    Ok(Answer(Made { code, address, qr: symbol.svg(), expires_at: rfc3339(now + LIVES) }))
}

/// A code that was scanned or typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    code: String,
}

/// Whose it is.
#[derive(Serialize)]
pub struct Friend {
    phone_masked: String,
}

/// `POST /api/wallet/v1/friend-codes/look`
pub async fn look(
    State(app): State<Arc<App>>,
    _: Customer,
    Json(Look { code }): Json<Look>,
) -> Result<Answer<Friend>> {
    let friend = holder(&app, &code).await?.ok_or(Code::FriendCodeUnknown)?;
    Ok(Answer(Friend { phone_masked: friend.phone.masked() }))
}

/// Whose code it is, while it lives.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn holder(app: &App, typed: &str) -> Result<Option<Account>> {
    let query = sql("SELECT customer_id FROM friend_code WHERE code_hash = $1 AND expires_at > $2");
    let query = query.bind(token_hash(&typed::plain(typed))).bind(app.clock.now());
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(None) };
    let customer_id = row.text("customer_id")?;
    account::find(&app.stores.registry, &customer_id).await.map(Some)
}
