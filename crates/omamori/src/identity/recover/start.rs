//! `POST /api/wallet/v1/recover/start`: a number and a recovery code come in. The answer is the
//! same whatever they are.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Db, sql};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CODE_LIFE, assisted, code_place};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::identity::account::{self, Account};
use crate::identity::binding::{Checked, PhoneKeys, new_code};
use crate::identity::customer::FreshProof;
use crate::identity::phone::Phone;
use crate::identity::rate::Network;
use crate::identity::recovery;
use crate::notify::contacts::{self, Contact};
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
    recovery_code: String,
    device: PhoneKeys,
}

#[derive(Serialize)]
pub(in crate::identity) struct Started {
    recovery_id: String,
    expires_at: String,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Start>,
) -> Result<Answer<Started>> {
    let now = app.clock.now();
    app.gate.open_door(Act::Recover, None, None)?;
    app.identity.doors.recover.check(network, now)?;
    let phone = request.device.check(&proof)?;
    let number = Phone::parse(&request.phone).ok_or_else(|| Error::field("phone", "malformed"))?;
    let hash = recovery::typed(&request.recovery_code)
        .ok_or_else(|| Error::field("recovery_code", "malformed"))?;
    let account = whose(&app.stores.registry, &number, hash, now).await?;
    let opinion = account.as_ref().map(|_| ()).ok_or(Code::ProofFailed);
    let detail = json!({ "ip": network.address(), "step": "recovery_code" });
    let question = Question {
        customer: account.as_ref().map(|account| &*account.customer_id),
        facts: Facts::step(network.address()),
        ..Question::plain(Act::Recover, &detail)
    };
    let known = match app.gate.decide(question, opinion).await {
        Ok(_cleared) => account,
        Err(Error::Refused(_)) => None, // recorded; who asked is not told
        Err(fault) => return Err(fault),
    };
    let recovery_id = begin(&app, known.as_ref(), &number, &phone, hash, now).await?;
    Ok(Answer(Started { recovery_id, expires_at: rfc3339(now + CODE_LIFE) }))
}

/// The account of a recovery code or a ticket, if the number is one of its verified ones: the
/// present one, or one that was replaced in the last seven days.
async fn whose(
    registry: &Db,
    number: &Phone,
    hash: [u8; 32],
    now: Micros,
) -> Result<Option<Account>> {
    let holder = match recovery::holder(registry, hash).await? {
        None => assisted::holder(registry, hash, now).await?,
        known => known,
    };
    let Some(customer_id) = holder else { return Ok(None) };
    let contacts = contacts::of(registry, &customer_id, now).await?;
    let replaced = contacts.replaced.iter().map(|(contact, _)| contact);
    let is_theirs = contacts.phone == *number
        || replaced.into_iter().any(|old| matches!(old, Contact::Phone(phone) if phone == number));
    if !is_theirs {
        return Ok(None);
    }
    account::find(registry, &customer_id).await.map(Some)
}

/// Writes the recovery and sends the code, or writes one that leads nowhere and sends nothing.
async fn begin(
    app: &App,
    account: Option<&Account>,
    number: &Phone,
    phone: &Checked,
    hash: [u8; 32],
    now: Micros,
) -> Result<String> {
    let recovery_id = Kind::Recovery.random_text(app.rng.as_ref());
    let (code, sealed) = new_code(app, &code_place(&recovery_id), account.is_some());
    let mut tx = app.stores.registry.begin().await?;
    let past = sql("DELETE FROM recovery WHERE expires_at < $1");
    tx.execute(past.bind(now - 30 * DAY)).await?;
    if account.is_some() {
        count_sms(&mut tx, number, "recovery", now).await?;
    }
    let insert = sql("INSERT INTO recovery (recovery_id, customer_id, state, name,
                               sign_key_thumbprint, agree_key, code, tries, recovery_code_hash,
                               created_at, expires_at)
         VALUES ($1, $2, 'code_sent', $3, $4, $5, $6, CAST(0 AS BIGINT), $7, $8, $9)");
    let insert = insert.bind(&recovery_id).bind(account.map(|account| account.customer_id.clone()));
    let insert = insert.bind(&*phone.name).bind(phone.thumbprint);
    let insert = insert.bind(phone.agree_key.to_sec1_bytes().to_vec()).bind(sealed).bind(hash);
    tx.execute(insert.bind(now).bind(now + CODE_LIFE)).await?;
    tx.commit().await?;
    if let Some(account) = account {
        let message = Message::RecoveryCode { code: &code };
        let text = message.text(&app.config.issuer_name, account.language);
        app.identity.outbox.post(number.to_string(), text);
    }
    Ok(recovery_id)
}
