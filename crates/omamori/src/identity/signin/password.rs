//! `POST /api/wallet/v1/signin/password`: telephone number, password and a code of the
//! authenticator app, with a proof by the bound phone.
//!
//! The phone's key is looked for first, by itself. So a list of passwords, even of right ones, gets
//! nowhere and is told nothing: to a stranger's key, a number with an account and one without, a
//! right password and a wrong one are one and the same path, with no hashing at all. On the bound
//! phone it takes one hash whatever is wrong.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::IntoResponse;
use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::enter;
use crate::app::App;
use crate::baseline;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::identity::attack::entrance::Entrance;
use crate::identity::attack::{Scopes, work};
use crate::identity::customer::FreshProof;
use crate::identity::dpop::Proof;
use crate::identity::password::{Password, lock};
use crate::identity::phone::Phone;
use crate::identity::rate::Network;
use crate::identity::session::Strength;
use crate::identity::totp;
use crate::risk::Facts;
use crate::secret::Secret;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct SignIn {
    phone: String,
    password: Secret,
    totp: Secret,
}

/// The answer to [`challenge`].
#[derive(Serialize)]
pub(in crate::identity) struct Challenge {
    challenge: String,
    bits: u32,
}

/// The bound phone of the number, and what its account knows.
struct Bound {
    customer_id: String,
    device_id: String,
    hash: Option<String>,
    locked_until: Micros,
}

/// `POST /api/wallet/v1/signin/password/work`: a challenge, for those who are asked for work.
pub(in crate::identity) async fn challenge(
    State(app): State<Arc<App>>,
    network: Network,
) -> Result<Answer<Challenge>> {
    let now = app.clock.now();
    app.gate.open_door(Act::SignIn, None, None)?;
    app.identity.doors.signin.check(network, now)?;
    let challenge = work::challenge(&app, network, now);
    Ok(Answer(Challenge { challenge, bits: work::BITS }))
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    entrance: Entrance,
    FreshProof(proof): FreshProof,
    Json(request): Json<SignIn>,
) -> Result<impl IntoResponse> {
    let now = app.clock.now();
    let phone = Phone::parse(&request.phone).ok_or_else(|| Error::field("phone", "malformed"))?;
    let password = Password::parse(request.password.reveal())?;
    let code = totp::Code::parse(request.totp.reveal(), "totp")?;
    let from = (entrance.network, entrance.shape);
    let scopes = Scopes::new(&app, from, &proof.thumbprint, phone.as_str(), password.as_bytes());
    entrance.require(&app, &[scopes.device, scopes.password], now)?;
    let signals = app.identity.attacks.signals(&scopes, now);

    let bound = find(&app, &phone, &proof).await?;
    let opinion = match &bound {
        Some(bound) => {
            let kept = (bound.hash.clone(), bound.locked_until);
            check(&app, &bound.customer_id, kept, password, code).await?
        }
        None => Err(Code::ProofFailed),
    };
    if opinion.is_err() {
        app.identity.attacks.failed(&app, &scopes, now);
    }
    let question = Question {
        act: Act::SignIn,
        customer: bound.as_ref().map(|bound| bound.customer_id.as_str()),
        device: bound.as_ref().map(|bound| bound.device_id.as_str()),
        terminal: None,
        amount: None,
        admission: None,
        facts: Facts::proven(entrance.network.address()),
        detail: &json!({ "ip": entrance.network.address(), "way": "password", "signals": signals }),
    };
    let _cleared = app.gate.decide(question, opinion).await?;
    let bound = bound.ok_or_else(|| Error::fault("a sign-in was allowed without a phone"))?;
    enter(&app, bound.customer_id, &bound.device_id, Strength::Password).await
}

/// The account of this number, if this phone is bound to it. Looked for by the phone's key: the
/// number makes no difference to whoever has another.
async fn find(app: &App, phone: &Phone, proof: &Proof) -> Result<Option<Bound>> {
    let query = sql("SELECT d.customer_id, d.device_id, p.hash, p.locked_until
         FROM device d
         JOIN customer c ON c.customer_id = d.customer_id
         LEFT JOIN password p ON p.customer_id = d.customer_id
         WHERE d.sign_key_thumbprint = $1 AND d.state = 'active'
           AND c.phone = $2 AND c.status <> 'closed'");
    let mut key = proof.thumbprint;
    if baseline::ANY_PHONE_SIGNS_IN {
        key = baseline::key_of(&app.stores.registry, phone).await?.unwrap_or(key);
    }
    let query = query.bind(key).bind(phone.as_str());
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(None) };
    app.identity.directory.know(&proof.thumbprint);
    Ok(Some(Bound {
        customer_id: row.text("customer_id")?,
        device_id: row.text("device_id")?,
        hash: row.text_optional("hash")?,
        locked_until: row.int_optional("locked_until")?.unwrap_or(0),
    }))
}

/// The password, then the code: a code is used up only with the right password. `hash` and
/// `locked_until` are as the table has them.
pub(in crate::identity) async fn check(
    app: &App,
    customer_id: &str,
    (hash, locked_until): (Option<String>, Micros),
    password: Password,
    code: totp::Code,
) -> Result<Result<(), Code>> {
    let now = app.clock.now();
    lock::check(locked_until, now)?;
    let right = app.identity.passwords.is_right(app, password, hash).await?;
    let mut tx = app.stores.registry.begin().await?;
    match lock::try_once(&mut tx, customer_id, now).await {
        Err(Error::Refused(code)) => return Ok(Err(code)), // this account has no password
        counted => counted?,
    }
    let right = right
        && (baseline::ANY_PHONE_SIGNS_IN || totp::check(app, &mut tx, customer_id, code).await?);
    if right {
        lock::right(&mut tx, customer_id).await?;
    } else {
        lock::wrong(app, &mut tx, customer_id, now).await?;
    }
    tx.commit().await?;
    Ok(if right { Ok(()) } else { Err(Code::ProofFailed) })
}
