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
use crate::identity::binding::{Checked, PhoneKeys};
use crate::identity::customer::FreshProof;
use crate::identity::passkey::Purpose;
use crate::identity::rate::Network;
use crate::identity::signin::finish::{Shown, shown};
use crate::identity::signup::start::count_sms;
use crate::notify::Message;
use crate::rng::random_below;
use crate::web::codes::Code;
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
    move_id: String,
    phone_masked: String,
    expires_at: String,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Start>,
) -> Result<Answer<Started>> {
    let now = app.clock.now();
    app.identity.doors.signin.check(network, now)?;
    let phone = request.device.check()?;
    if phone.thumbprint != proof.thumbprint {
        return Err(Code::ProofFailed.into());
    }
    let Shown { customer_id, opinion } = shown(&app, Purpose::Move, &request.credential).await?;
    let opinion = match (&customer_id, opinion) {
        (Some(id), Ok(())) => allowed(&app.stores.registry, id, now).await?,
        (_, opinion) => opinion,
    };
    let question = Question {
        act: Act::DeviceMove,
        customer: customer_id.as_deref(),
        device: None,
        terminal: None,
        amount: None,
        admission: None,
        detail: &json!({ "ip": network.address(), "step": "passkey" }),
    };
    let _cleared = app.gate.decide(question, opinion).await?;
    let Some(customer_id) = customer_id else {
        return Err(Error::fault("a move was allowed without a customer"));
    };
    let mut tx = app.stores.registry.begin().await?;
    let account = account::find_in(&mut tx, &customer_id).await?;
    count_sms(&mut tx, &account.phone, "move", now).await?;
    let (move_id, code) = insert(&app, &mut tx, &customer_id, &phone, now).await?;
    tx.commit().await?;
    let text = Message::MoveCode { code: &code }.text(&app.config.issuer_name, account.language);
    app.identity.outbox.post(account.phone.to_string(), text);
    let expires_at = rfc3339(now + CODE_LIFE);
    Ok(Answer(Started { move_id, phone_masked: account.phone.masked(), expires_at }))
}

/// Writes the move, and sweeps those that came to nothing.
async fn insert(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    phone: &Checked,
    now: Micros,
) -> Result<(String, String)> {
    let past = sql("DELETE FROM device_move WHERE state = 'code_sent' AND expires_at < $1");
    tx.execute(past.bind(now - DAY)).await?;
    let move_id = Kind::Move.random_text(app.rng.as_ref());
    let code = format!("{:06}", random_below(app.rng.as_ref(), 1_000_000));
    let sealed = app.vault.seal(app.rng.as_ref(), &code_place(&move_id), code.as_bytes());
    let insert =
        sql("INSERT INTO device_move (move_id, customer_id, state, name, sign_key_thumbprint,
                                  agree_key, code, tries, created_at, expires_at)
         VALUES ($1, $2, 'code_sent', $3, $4, $5, $6, CAST(0 AS BIGINT), $7, $8)");
    let insert = insert.bind(&move_id).bind(customer_id).bind(&*phone.name);
    let insert = insert.bind(phone.thumbprint).bind(phone.agree_key.to_sec1_bytes().to_vec());
    tx.execute(insert.bind(sealed).bind(now).bind(now + CODE_LIFE)).await?;
    Ok((move_id, code))
}
