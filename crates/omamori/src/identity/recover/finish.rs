//! `POST /api/wallet/v1/recover/finish`: a new passkey and a new phone take the place of all there
//! was. A password and an app stay as they were, unless they are what is new
//! ([`super::password`]).

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::json;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::{Recovery, find};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::identity::binding::{self, Enrolled, taken};
use crate::identity::customer::FreshProof;
use crate::identity::dpop::Proof;
use crate::identity::factor::Factor;
use crate::identity::passkey::Purpose;
use crate::identity::rate::Network;
use crate::identity::replay::Admitted;
use crate::identity::session::{self, Opened, Strength};
use crate::identity::{devices, recovery};
use crate::notify::{Notice, tell};
use crate::risk::Facts;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {
    recovery_id: String,
    credential: RegisterPublicKeyCredential,
}

#[derive(Serialize)]
pub(in crate::identity) struct Finished {
    device: Enrolled,
    recovery_codes: Vec<String>,
    session: Opened,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Finish>,
) -> Result<impl IntoResponse> {
    let now = app.clock.now();
    app.identity.doors.recover_verify.check(network, now)?;
    let found = find(&app.stores.registry, &request.recovery_id, &proof).await?;
    if let Some(finished) = again(&app, &found, &proof, Strength::Passkey).await? {
        return Ok(answer(finished));
    }
    let accepted =
        app.identity.passkeys.accept_registration(Purpose::Recovery, &request.credential, now);
    let (proved, passkey) = match accepted.await {
        Ok((subject, passkey)) if subject == request.recovery_id => (Ok(()), Some(passkey)),
        Ok(_) | Err(Error::Refused(_)) => (Err(Code::ProofFailed), None),
        Err(fault) => return Err(fault),
    };
    ask(&app, network, ("passkey", &request.recovery_id), &found, proved).await?;
    let passkey = passkey.ok_or(Code::ProofFailed)?;
    let factor = Factor::Passkey(Box::new(passkey));
    Ok(answer(recover(&app, &request.recovery_id, &found, &factor).await?))
}

/// Asks the gate about the end of a recovery, proved by `step`.
pub(super) async fn ask(
    app: &App,
    network: Network,
    (step, recovery_id): (&'static str, &str),
    found: &Recovery,
    proved: Result<(), Code>,
) -> Result<()> {
    let detail = json!({ "ip": network.address(), "step": step, "recovery": recovery_id });
    let question = Question {
        customer: Some(&found.customer_id),
        facts: Facts::proven(network.address()),
        ..Question::plain(Act::Recover, &detail)
    };
    let ready = found.is_ready(app.clock.now());
    let _cleared = app.gate.decide(question, ready.and(proved)).await?;
    Ok(())
}

pub(super) fn answer(finished: Finished) -> impl IntoResponse {
    ([(header::SET_COOKIE, finished.session.cookie.clone())], Answer(finished))
}

/// For a phone that never got the answer.
pub(super) async fn again(
    app: &App,
    found: &Recovery,
    proof: &Proof,
    strength: Strength,
) -> Result<Option<Finished>> {
    let now = app.clock.now();
    if found.state != "done" || found.expires_at <= now {
        return Ok(None);
    }
    if app.identity.replays.admit(proof.id, now) != Admitted::New {
        return Err(Code::Unauthorized.into());
    }
    let id = &found.customer_id;
    let mut tx = app.stores.registry.begin().await?;
    let (device, session) = binding::again(app, &mut tx, id, &found.phone, strength).await?;
    let recovery_codes = recovery::replace(&mut tx, app.rng.as_ref(), id, now).await?;
    tx.commit().await?;
    devices::forget(app, id).await?;
    Ok(Some(Finished { device, recovery_codes, session }))
}

/// All of it or nothing.
pub(super) async fn recover(
    app: &App,
    recovery_id: &str,
    found: &Recovery,
    factor: &Factor,
) -> Result<Finished> {
    let (customer_id, phone, now) = (&found.customer_id, &found.phone, app.clock.now());
    let mut tx = app.stores.registry.begin().await?;
    let done = sql("UPDATE recovery SET state = 'done', done_at = $1
         WHERE recovery_id = $2 AND state = 'cooling' AND ready_at <= $1");
    if tx.execute(done.bind(now).bind(recovery_id)).await? != 1 {
        return Err(Code::ProofFailed.into()); // canceled, or finished, a moment ago
    }
    end_all(app, &mut tx, customer_id, now).await?;
    factor.keep(app, &mut tx, customer_id, &phone.name, now).await?;
    let device_id = Kind::Device.random_text(app.rng.as_ref());
    let device = binding::bind(app, &mut tx, customer_id, device_id, phone).await.map_err(taken)?;
    let recovery_codes = recovery::replace(&mut tx, app.rng.as_ref(), customer_id, now).await?;
    let session =
        session::open(app, &mut tx, customer_id, &device.device_id, factor.strength()).await?;
    let notice = Notice::RecoveryFinished { device: phone.name.clone() };
    tell(app, &mut tx, customer_id, &notice).await?;
    tx.commit().await?;
    devices::forget(app, customer_id).await?;
    Ok(Finished { device, recovery_codes, session })
}

/// Passkeys, phones, sessions and moves of before. The row of failed sign-ins ends with the
/// passkeys that failed.
async fn end_all(app: &App, tx: &mut Tx, customer_id: &str, now: Micros) -> Result<()> {
    devices::note(app, tx, customer_id).await?;
    let devices = sql("UPDATE device SET state = 'ended', ended_at = $1
         WHERE customer_id = $2 AND state <> 'ended'");
    tx.execute(devices.bind(now).bind(customer_id)).await?;
    let under_way = sql("DELETE FROM device_move WHERE customer_id = $1 AND state = 'code_sent'");
    tx.execute(under_way.bind(customer_id)).await?;
    let moves = sql("UPDATE device_move SET state = 'settled'
         WHERE customer_id = $1 AND state = 'done'");
    tx.execute(moves.bind(customer_id)).await?;
    let tickets = sql("DELETE FROM recovery_ticket WHERE customer_id = $1 AND used_at IS NULL");
    tx.execute(tickets.bind(customer_id)).await?;
    tx.execute(sql("DELETE FROM passkey WHERE customer_id = $1").bind(customer_id)).await?;
    tx.execute(sql("DELETE FROM session WHERE customer_id = $1").bind(customer_id)).await?;
    let row = sql("UPDATE customer
         SET signin_failures = CAST(0 AS BIGINT), signin_locked_until = CAST(0 AS BIGINT)
         WHERE customer_id = $1");
    tx.execute(row.bind(customer_id)).await?;
    Ok(())
}
