//! `POST /api/wallet/v1/signup/verify`: the six digits of the SMS.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{STEP_LIFE, TRIES, code_place};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::identity::binding::is_code;
use crate::identity::rate::Network;
use crate::risk::Facts;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Verify {
    signup_id: String,
    code: String,
}

#[derive(Serialize)]
pub(in crate::identity) struct Done {}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    Json(request): Json<Verify>,
) -> Result<Answer<Done>> {
    let now = app.clock.now();
    app.identity.doors.signup_verify.check(network, now)?;
    if request.code.len() != 6 || !request.code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::field("code", "malformed"));
    }
    if is_right(&app, &request, now).await? && accept(&app, &request.signup_id, now).await? {
        return Ok(Answer(Done {}));
    }
    let question = Question {
        act: Act::SignUp,
        customer: None,
        device: None,
        terminal: None,
        amount: None,
        admission: None,
        facts: Facts::from(network.address()),
        detail: &json!({ "ip": network.address(), "step": "sms_code", "signup": request.signup_id }),
    };
    match app.gate.decide(question, Err(Code::ProofFailed)).await {
        Ok(_) => Err(Error::fault("the gate allowed what was refused")),
        Err(refusal) => Err(refusal),
    }
}

/// Uses up a try, then compares: many requests at once have no more tries than one by one.
async fn is_right(app: &App, request: &Verify, now: Micros) -> Result<bool> {
    let registry = &app.stores.registry;
    let count = sql("UPDATE signup SET tries = tries + 1
         WHERE signup_id = $1 AND state = 'code_sent' AND expires_at > $2 AND tries < $3");
    let count = count.bind(&request.signup_id).bind(now).bind(TRIES);
    if registry.execute(count).await? != 1 {
        return Ok(false);
    }
    let query = sql("SELECT code FROM signup WHERE signup_id = $1");
    let sealed = registry.one(query.bind(&request.signup_id)).await?.bytes("code")?;
    is_code(app, &code_place(&request.signup_id), &sealed, &request.code)
}

/// One of several right answers at once goes on.
async fn accept(app: &App, signup_id: &str, now: Micros) -> Result<bool> {
    let update = sql("UPDATE signup SET state = 'phone_verified', expires_at = $1
         WHERE signup_id = $2 AND state = 'code_sent'");
    let update = update.bind(now + STEP_LIFE).bind(signup_id);
    Ok(app.stores.registry.execute(update).await? == 1)
}
