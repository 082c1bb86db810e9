//! `POST /api/wallet/v1/recover/finish`: a new passkey and a new phone take the place of all there
//! was. Other factors stay: who set one-time codes needs them as before.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::json;
use webauthn_rs::prelude::{Passkey, RegisterPublicKeyCredential};

use super::{Recovery, find};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::identity::binding::{self, Enrolled, taken};
use crate::identity::customer::FreshProof;
use crate::identity::dpop::Proof;
use crate::identity::passkey::Purpose;
use crate::identity::rate::Network;
use crate::identity::replay::Admitted;
use crate::identity::session::{self, Opened};
use crate::identity::{devices, passkeys_of, recovery};
use crate::notify::{Notice, tell};
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
    if found.state == "done" && found.expires_at > now {
        return Ok(answer(again(&app, &found, &proof, now).await?));
    }
    let accepted =
        app.identity.passkeys.accept_registration(Purpose::Recovery, &request.credential, now);
    let (proved, passkey) = match accepted.await {
        Ok((subject, passkey)) if subject == request.recovery_id => (Ok(()), Some(passkey)),
        Ok(_) | Err(Error::Refused(_)) => (Err(Code::ProofFailed), None),
        Err(fault) => return Err(fault),
    };
    let question = Question {
        act: Act::Recover,
        customer: Some(&found.customer_id),
        device: None,
        terminal: None,
        amount: None,
        admission: None,
        detail: &json!({
            "ip": network.address(), "step": "passkey", "recovery": request.recovery_id,
        }),
    };
    let _cleared = app.gate.decide(question, found.is_ready(now).and(proved)).await?;
    let passkey = passkey.ok_or(Code::ProofFailed)?;
    Ok(answer(recover(&app, &request.recovery_id, &found, &passkey, now).await?))
}

fn answer(finished: Finished) -> impl IntoResponse {
    ([(header::SET_COOKIE, finished.session.cookie.clone())], Answer(finished))
}

/// For a phone that never got the answer.
async fn again(app: &App, found: &Recovery, proof: &Proof, now: Micros) -> Result<Finished> {
    if app.identity.replays.admit(proof.id, now) != Admitted::New {
        return Err(Code::Unauthorized.into());
    }
    let phone = binding::kept(&found.name, found.thumbprint, &found.agree_key)?;
    let mut tx = app.stores.registry.begin().await?;
    let (device, session) = binding::again(app, &mut tx, &found.customer_id, &phone).await?;
    let recovery_codes =
        recovery::replace(&mut tx, app.rng.as_ref(), &found.customer_id, now).await?;
    tx.commit().await?;
    devices::forget(app, &found.customer_id).await?;
    Ok(Finished { device, recovery_codes, session })
}

/// All of it or nothing.
async fn recover(
    app: &App,
    recovery_id: &str,
    found: &Recovery,
    passkey: &Passkey,
    now: Micros,
) -> Result<Finished> {
    let customer_id = &found.customer_id;
    let mut tx = app.stores.registry.begin().await?;
    let done = sql("UPDATE recovery SET state = 'done', done_at = $1
         WHERE recovery_id = $2 AND state = 'cooling' AND ready_at <= $1");
    if tx.execute(done.bind(now).bind(recovery_id)).await? != 1 {
        return Err(Code::ProofFailed.into()); // canceled, or finished, a moment ago
    }
    end_all(app, &mut tx, customer_id, now).await?;
    passkeys_of::insert(&mut tx, customer_id, passkey, &found.name, now).await.map_err(taken)?;
    let phone = binding::kept(&found.name, found.thumbprint, &found.agree_key)?;
    let device_id = Kind::Device.random_text(app.rng.as_ref());
    let device =
        binding::bind(app, &mut tx, customer_id, device_id, &phone).await.map_err(taken)?;
    let recovery_codes = recovery::replace(&mut tx, app.rng.as_ref(), customer_id, now).await?;
    let session = session::open(app, &mut tx, customer_id, &device.device_id).await?;
    let notice = Notice::RecoveryFinished { device: found.name.clone() };
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
    tx.execute(sql("DELETE FROM passkey WHERE customer_id = $1").bind(customer_id)).await?;
    tx.execute(sql("DELETE FROM session WHERE customer_id = $1").bind(customer_id)).await?;
    let row = sql("UPDATE customer
         SET signin_failures = CAST(0 AS BIGINT), signin_locked_until = CAST(0 AS BIGINT)
         WHERE customer_id = $1");
    tx.execute(row.bind(customer_id)).await?;
    Ok(())
}
