//! `POST /api/wallet/v1/move/password/start`: a number comes in, and its holder gets a code. For
//! phones without passkeys.
//!
//! The answer is the same whether the number has an account with a password or not, and no password
//! is asked for yet: that comes with the code ([`super::finish`]). So a list of passwords is worth
//! nothing here to whoever does not read the messages of each of its owners.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Db, sql};
use serde::Deserialize;
use serde_json::json;

use super::start::{Started, insert};
use super::{CODE_LIFE, allowed};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::identity::account::{self, Account};
use crate::identity::binding::PhoneKeys;
use crate::identity::customer::FreshProof;
use crate::identity::phone::Phone;
use crate::identity::rate::Network;
use crate::notify::{Message, count_sms};
use crate::risk::Facts;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Start {
    phone: String,
    device: PhoneKeys,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Start>,
) -> Result<Answer<Started>> {
    let now = app.clock.now();
    app.identity.doors.recover.check(network, now)?;
    let phone = request.device.check(&proof)?;
    let number = Phone::parse(&request.phone).ok_or_else(|| Error::field("phone", "malformed"))?;
    let account = with_password(&app.stores.registry, &number, now).await?;
    let detail = json!({ "ip": network.address(), "step": "number" });
    let question = Question {
        customer: account.as_ref().map(|account| &*account.customer_id),
        facts: Facts::step(network.address()),
        ..Question::plain(Act::DeviceMove, &detail)
    };
    let opinion = account.as_ref().map(|_| ()).ok_or(Code::ProofFailed);
    let known = match app.gate.decide(question, opinion).await {
        Ok(_cleared) => account,
        Err(Error::Refused(_)) => None, // recorded; who asked is not told
        Err(fault) => return Err(fault),
    };
    let mut tx = app.stores.registry.begin().await?;
    count_sms(&mut tx, &number, "move_password", now).await?;
    let (move_id, code) = insert(&app, &mut tx, (&number, "password"), &phone, now).await?;
    tx.commit().await?;
    if let Some(account) = known {
        let text =
            Message::MoveCode { code: &code }.text(&app.config.issuer_name, account.language);
        app.identity.outbox.post(number.to_string(), text);
    }
    let expires_at = rfc3339(now + CODE_LIFE);
    Ok(Answer(Started { move_id, phone_masked: number.masked(), expires_at }))
}

/// The account of a number, if it has a password and may move now.
async fn with_password(registry: &Db, number: &Phone, now: Micros) -> Result<Option<Account>> {
    let Some(account) = account::find_by_phone(registry, number).await? else { return Ok(None) };
    let query = sql("SELECT customer_id FROM password WHERE customer_id = $1");
    let has = registry.optional(query.bind(&account.customer_id)).await?.is_some();
    let may = allowed(registry, &account.customer_id, now).await?.is_ok();
    Ok((has && may).then_some(account))
}
