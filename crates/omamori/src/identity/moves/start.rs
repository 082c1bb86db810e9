//! `POST /api/wallet/v1/move/options` and `/start`: the passkey on the new phone, then an SMS to
//! the verified number.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::prelude::PublicKeyCredential;

use super::{CODE_LIFE, allowed, code_place};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::identity::account;
use crate::identity::binding::{Checked, PhoneKeys, new_code};
use crate::identity::customer::FreshProof;
use crate::identity::passkey::Purpose;
use crate::identity::phone::Phone as Number;
use crate::identity::rate::Network;
use crate::identity::signin::finish::{Shown, shown};
use crate::notify::{Message, count_sms};
use crate::risk::Facts;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;

pub(in crate::identity) async fn options(
    State(app): State<Arc<App>>,
    network: Network,
) -> Result<Answer<Value>> {
    let now = app.clock.now();
    app.gate.open_door(Act::DeviceMove, None, None)?;
    app.identity.doors.signin.check(network, now)?;
    Ok(Answer(app.identity.passkeys.offer_signin(Purpose::Move, now).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Start {
    credential: PublicKeyCredential,
    device: PhoneKeys,
}

#[derive(Serialize)]
pub(in crate::identity) struct Started {
    pub(super) move_id: String,
    pub(super) phone_masked: String,
    pub(super) expires_at: String,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Start>,
) -> Result<Answer<Started>> {
    let now = app.clock.now();
    app.identity.doors.signin.check(network, now)?;
    let phone = request.device.check(&proof)?;
    let Shown { customer_id, opinion } = shown(&app, Purpose::Move, &request.credential).await?;
    let opinion = match (&customer_id, opinion) {
        (Some(id), Ok(())) => allowed(&app.stores.registry, id, now).await?,
        (_, opinion) => opinion,
    };
    let detail = json!({ "ip": network.address(), "step": "passkey" });
    let question = Question {
        customer: customer_id.as_deref(),
        facts: Facts::step(network.address()),
        ..Question::plain(Act::DeviceMove, &detail)
    };
    let _cleared = app.gate.decide(question, opinion).await?;
    let Some(customer_id) = customer_id else {
        return Err(Error::fault("a move was allowed without a customer"));
    };
    let mut tx = app.stores.registry.begin().await?;
    let account = account::find_in(&mut tx, &customer_id).await?;
    count_sms(&mut tx, &account.phone, "move", now).await?;
    let (move_id, code) = insert(&app, &mut tx, (&account.phone, "passkey"), &phone, now).await?;
    tx.commit().await?;
    let text = Message::MoveCode { code: &code }.text(&app.config.issuer_name, account.language);
    app.identity.outbox.post(account.phone.to_string(), text);
    let expires_at = rfc3339(now + CODE_LIFE);
    Ok(Answer(Started { move_id, phone_masked: account.phone.masked(), expires_at }))
}

/// Writes a move of the account with a number, and sweeps those that came to nothing. Where no
/// account has it, nothing is written, and it takes as long.
pub(super) async fn insert(
    app: &App,
    tx: &mut Tx,
    (number, way): (&Number, &'static str),
    phone: &Checked,
    now: Micros,
) -> Result<(String, String)> {
    let past = sql("DELETE FROM device_move WHERE state = 'code_sent' AND expires_at < $1");
    tx.execute(past.bind(now - DAY)).await?;
    let move_id = Kind::Move.random_text(app.rng.as_ref());
    let (code, sealed) = new_code(app, &code_place(&move_id), true);
    let insert = sql("INSERT INTO device_move (move_id, customer_id, way, state, name,
                                  sign_key_thumbprint, agree_key, code, tries, created_at,
                                  expires_at)
         SELECT $1, customer_id, $2, 'code_sent', $3, $4, $5, $6, CAST(0 AS BIGINT),
                CAST($7 AS BIGINT), CAST($8 AS BIGINT)
         FROM customer WHERE phone = $9 AND status <> 'closed'");
    let insert = insert.bind(&move_id).bind(way).bind(&*phone.name).bind(phone.thumbprint);
    let insert = insert.bind(phone.agree_key.to_sec1_bytes().to_vec()).bind(sealed);
    tx.execute(insert.bind(now).bind(now + CODE_LIFE).bind(number.as_str())).await?;
    Ok((move_id, code))
}
