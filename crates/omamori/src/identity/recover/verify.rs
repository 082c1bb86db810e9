//! `POST /api/wallet/v1/recover/verify`: the six digits of the SMS. The recovery code is used up
//! and the day begins.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{COOLING, FINISH_LIFE, Recovery, TRIES, assisted, cancel_all, code_place, find};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::identity::binding::is_code;
use crate::identity::customer::FreshProof;
use crate::identity::rate::Network;
use crate::identity::{account, recovery};
use crate::notify::{Notice, fill, tell_with};
use crate::risk::Facts;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;
use crate::web::text::Text;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Verify {
    recovery_id: String,
    code: String,
}

#[derive(Serialize)]
pub(in crate::identity) struct Verified {
    ready_at: String,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Verify>,
) -> Result<Answer<Verified>> {
    let now = app.clock.now();
    app.identity.doors.recover_verify.check(network, now)?;
    if request.code.len() != 6 || !request.code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::field("code", "malformed"));
    }
    let found = find(&app.stores.registry, &request.recovery_id, &proof).await?;
    if let ("cooling", Some(ready_at)) = (&*found.state, found.ready_at) {
        return Ok(Answer(Verified { ready_at: rfc3339(ready_at) })); // the answer got lost
    }
    let right = is_right(&app, &request, &found, now).await?;
    let detail =
        json!({ "ip": network.address(), "step": "sms_code", "recovery": request.recovery_id });
    let question = Question {
        customer: Some(&found.customer_id),
        facts: Facts::step(network.address()),
        ..Question::plain(Act::Recover, &detail)
    };
    let opinion = if right { Ok(()) } else { Err(Code::ProofFailed) };
    let _cleared = app.gate.decide(question, opinion).await?;
    let ready_at = cool(&app, &request.recovery_id, &found, now).await?;
    Ok(Answer(Verified { ready_at: rfc3339(ready_at) }))
}

/// Uses up a try, then compares: many requests at once have no more tries than one by one.
async fn is_right(app: &App, request: &Verify, found: &Recovery, now: Micros) -> Result<bool> {
    let count = sql("UPDATE recovery SET tries = tries + 1
         WHERE recovery_id = $1 AND state = 'code_sent' AND expires_at > $2 AND tries < $3");
    let count = count.bind(&request.recovery_id).bind(now).bind(TRIES);
    if app.stores.registry.execute(count).await? != 1 {
        return Ok(false);
    }
    is_code(app, &code_place(&request.recovery_id), &found.code, &request.code)
}

/// The recovery code is used up; an earlier recovery ends; everybody is told.
async fn cool(app: &App, recovery_id: &str, found: &Recovery, now: Micros) -> Result<Micros> {
    let (customer_id, ready_at) = (&found.customer_id, now + COOLING);
    let mut tx = app.stores.registry.begin().await?;
    let hash = found.recovery_code_hash;
    if !recovery::use_up(&mut tx, customer_id, hash, now).await?
        && !assisted::use_up(&mut tx, customer_id, hash, now).await?
    {
        return Err(Code::ProofFailed.into());
    }
    cancel_all(app, &mut tx, customer_id).await?;
    let cancel_code = recovery::code(app.rng.as_ref());
    let update = sql("UPDATE recovery
         SET state = 'cooling', ready_at = $1, expires_at = $2, canceled_at = NULL,
             cancel_code_hash = $3
         WHERE recovery_id = $4");
    let update = update.bind(ready_at).bind(ready_at + FINISH_LIFE);
    tx.execute(update.bind(recovery::hash(&cancel_code)).bind(recovery_id)).await?;
    let text = Text::new(account::find_in(&mut tx, customer_id).await?.language);
    let more = fill(text.t("recover.cancel_code"), &[("code", cancel_code)]);
    let notice = Notice::RecoveryStarted { device: found.phone.name.clone() };
    tell_with(app, &mut tx, customer_id, &notice, Some(&more)).await?;
    tx.commit().await?;
    Ok(ready_at)
}
