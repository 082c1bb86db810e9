//! `POST /api/wallet/v1/move/finish`: the second proof, and the phones change places.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Move, TRIES, Way, allowed, code_place, find};
use crate::app::App;
use crate::baseline;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::identity::binding::{self, Enrolled, is_code, taken};
use crate::identity::customer::FreshProof;
use crate::identity::dpop::Proof;
use crate::identity::password::Password;
use crate::identity::rate::Network;
use crate::identity::replay::Admitted;
use crate::identity::session::{self, Opened};
use crate::identity::{devices, recover, recovery, signin, totp};
use crate::notify::{Notice, tell};
use crate::risk::Facts;
use crate::secret::Secret;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {
    move_id: String,
    /// Six digits of the SMS, or a recovery code.
    code: String,
    /// Where the move was begun with the number alone.
    password: Option<Secret>,
    totp: Option<Secret>,
}

#[derive(Serialize)]
pub(in crate::identity) struct Finished {
    device: Enrolled,
    session: Opened,
}

/// The second proof, as given.
enum Second {
    Sms(String),
    RecoveryCode([u8; 32]),
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Finish>,
) -> Result<impl IntoResponse> {
    let now = app.clock.now();
    app.identity.doors.signin.check(network, now)?;
    let second = read(&request.code)?;
    let factors = factors(&request)?;
    let found = find(&app.stores.registry, &request.move_id, &proof).await?;
    if found.state == "done" && found.expires_at > now {
        return Ok(answer(again(&app, &found, &proof, now).await?));
    }
    let mut opinion = is_right(&app, &request.move_id, &found, &second, now).await?;
    if opinion.is_ok() && found.way == Way::Password {
        opinion = match factors {
            Some((password, code)) => factors_right(&app, &found, password, code).await?,
            None => Err(Code::ProofFailed),
        };
    }
    let detail = json!({ "ip": network.address(), "step": second.word(), "move": request.move_id });
    let question = Question {
        customer: Some(&found.customer_id),
        facts: Facts::proven(network.address()),
        ..Question::plain(Act::DeviceMove, &detail)
    };
    let _cleared = app.gate.decide(question, opinion).await?;
    Ok(answer(change_places(&app, &request.move_id, &found, &second, now).await?))
}

fn answer(finished: Finished) -> impl IntoResponse {
    ([(header::SET_COOKIE, finished.session.cookie.clone())], Answer(finished))
}

fn read(code: &str) -> Result<Second> {
    if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Second::Sms(code.to_owned()));
    }
    let hash = recovery::typed(code).ok_or_else(|| Error::field("code", "malformed"))?;
    Ok(Second::RecoveryCode(hash))
}

fn factors(request: &Finish) -> Result<Option<(Password, totp::Code)>> {
    let (Some(password), Some(totp)) = (&request.password, &request.totp) else { return Ok(None) };
    let code = totp::Code::parse(totp.reveal(), "totp")?;
    Ok(Some((Password::parse(password.reveal())?, code)))
}

/// As at sign-in. Who gets here has the owner's messages, so these tries count and lock.
async fn factors_right(
    app: &App,
    found: &Move,
    password: Password,
    code: totp::Code,
) -> Result<Result<(), Code>> {
    let query = sql("SELECT hash, locked_until FROM password WHERE customer_id = $1");
    let row = app.stores.registry.optional(query.bind(&found.customer_id)).await?;
    let Some(row) = row else { return Ok(Err(Code::ProofFailed)) };
    let kept = (Some(row.text("hash")?), row.int("locked_until")?);
    signin::password::check(app, &found.customer_id, kept, password, code).await
}

impl Second {
    const fn word(&self) -> &'static str {
        match self {
            Self::Sms(_) => "sms_code",
            Self::RecoveryCode(_) => "recovery_code",
        }
    }
}

/// Uses up a try, then compares: many requests at once have no more tries than one by one.
async fn is_right(
    app: &App,
    move_id: &str,
    found: &Move,
    second: &Second,
    now: Micros,
) -> Result<Result<(), Code>> {
    let count = sql("UPDATE device_move SET tries = tries + 1
         WHERE move_id = $1 AND state = 'code_sent' AND expires_at > $2 AND tries < $3");
    let count = count.bind(move_id).bind(now).bind(TRIES);
    if found.state != "code_sent" || app.stores.registry.execute(count).await? != 1 {
        return Ok(Err(Code::ProofFailed));
    }
    let right = match second {
        Second::Sms(code) => is_code(app, &code_place(move_id), &found.code, code)?,
        Second::RecoveryCode(hash) => {
            let holder = recovery::holder(&app.stores.registry, *hash).await?;
            holder.as_ref() == Some(&found.customer_id)
        }
    };
    if !right && !baseline::ANY_PHONE_TAKES_OVER {
        return Ok(Err(Code::ProofFailed));
    }
    allowed(&app.stores.registry, &found.customer_id, now).await
}

/// For a phone that never got the answer.
async fn again(app: &App, found: &Move, proof: &Proof, now: Micros) -> Result<Finished> {
    if app.identity.replays.admit(proof.id, now) != Admitted::New {
        return Err(Code::Unauthorized.into());
    }
    let (id, strength) = (&found.customer_id, found.way.strength());
    let mut tx = app.stores.registry.begin().await?;
    let (device, session) = binding::again(app, &mut tx, id, &found.phone, strength).await?;
    tx.commit().await?;
    devices::forget(app, &found.customer_id).await?;
    Ok(Finished { device, session })
}

/// All of it or nothing: the old phone stops paying as the new one starts.
async fn change_places(
    app: &App,
    move_id: &str,
    found: &Move,
    second: &Second,
    now: Micros,
) -> Result<Finished> {
    let customer_id = &found.customer_id;
    let mut tx = app.stores.registry.begin().await?;
    if let Second::RecoveryCode(hash) = second
        && !recovery::use_up(&mut tx, customer_id, *hash, now).await?
    {
        return Err(Code::ProofFailed.into());
    }
    let old = devices::paying(&mut tx, customer_id).await?;
    let to = Kind::Device.random_text(app.rng.as_ref());
    if let Some(old) = &old {
        replace(&mut tx, &old.device_id, now).await?;
        devices::note(app, &mut tx, customer_id).await?;
    }
    let device = binding::bind(app, &mut tx, customer_id, to, &found.phone).await.map_err(taken)?;
    let done = sql("UPDATE device_move
         SET state = 'done', done_at = $1, from_device_id = $2, to_device_id = $3
         WHERE move_id = $4 AND state = 'code_sent'");
    let done = done.bind(now).bind(old.as_ref().map(|old| old.device_id.clone()));
    if tx.execute(done.bind(&device.device_id).bind(move_id)).await? != 1 {
        return Err(Code::ProofFailed.into());
    }
    recover::cancel_all(app, &mut tx, customer_id).await?;
    let session =
        session::open(app, &mut tx, customer_id, &device.device_id, found.way.strength()).await?;
    let from = old.map(|old| old.name).unwrap_or_default();
    let notice = Notice::DeviceMoved { from, to: found.phone.name.clone() };
    tell(app, &mut tx, customer_id, &notice).await?;
    tx.commit().await?;
    devices::forget(app, customer_id).await?;
    Ok(Finished { device, session })
}

/// One of several moves at once replaces the phone; the others find another one in its place.
async fn replace(tx: &mut Tx, device_id: &str, now: Micros) -> Result<()> {
    let update = sql("UPDATE device SET state = 'replaced', ended_at = $1
         WHERE device_id = $2 AND state = 'active'");
    match tx.execute(update.bind(now).bind(device_id)).await? {
        1 => Ok(()),
        _ => Err(Code::ProofFailed.into()),
    }
}
