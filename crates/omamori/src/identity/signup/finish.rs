//! `POST /api/wallet/v1/signup/finish`: the passkey and the phone's keys come in, and the account
//! comes to be, whole, in one transaction.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::json;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::{Verified, again, verified};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::wallet_account_id;
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::identity::binding::{self, Checked, Enrolled, PhoneKeys, taken};
use crate::identity::customer::FreshProof;
use crate::identity::factor::Factor;
use crate::identity::passkey::Purpose;
use crate::identity::rate::Network;
use crate::identity::recovery;
use crate::identity::session::{self, Opened, Strength};
use crate::notify::{Notice, tell};
use crate::risk::Facts;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {
    signup_id: String,
    credential: RegisterPublicKeyCredential,
    device: PhoneKeys,
}

#[derive(Serialize)]
pub(in crate::identity) struct Finished {
    pub(super) customer_id: String,
    pub(super) device: Enrolled,
    pub(super) recovery_codes: Vec<String>,
    pub(super) session: Opened,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Finish>,
) -> Result<impl IntoResponse> {
    let now = app.clock.now();
    let phone = request.device.check(&proof)?;
    let way = Strength::Passkey;
    if let Some(finished) = again::finish(&app, &request.signup_id, &phone, &proof, way).await? {
        return Ok(answer(finished));
    }
    let signup = verified(&app.stores.registry, &request.signup_id, now).await?;
    let accepted =
        app.identity.passkeys.accept_registration(Purpose::Signup, &request.credential, now).await;
    let (opinion, passkey) = match accepted {
        Ok((subject, passkey)) if subject == request.signup_id => (Ok(()), Some(passkey)),
        Ok(_) | Err(Error::Refused(_)) => (Err(Code::ProofFailed), None),
        Err(fault) => return Err(fault),
    };
    let device_id = ask(&app, network, ("passkey", &request.signup_id, &signup), opinion).await?;
    let passkey = passkey.ok_or(Code::ProofFailed)?;
    let factor = Factor::Passkey(Box::new(passkey));
    let finished = create(&app, &request.signup_id, &signup, &factor, device_id, &phone).await?;
    Ok(answer(finished))
}

/// Asks the gate about the account that is to be, proved by `step`. Gives the id of its phone.
pub(super) async fn ask(
    app: &App,
    network: Network,
    (step, signup_id, signup): (&'static str, &str, &Verified),
    opinion: Result<(), Code>,
) -> Result<String> {
    let device_id = Kind::Device.random_text(app.rng.as_ref());
    let detail = json!({ "ip": network.address(), "step": step, "signup": signup_id });
    let question = Question {
        customer: Some(&signup.customer_id),
        device: Some(&device_id),
        facts: Facts::proven(network.address()),
        ..Question::plain(Act::SignUp, &detail)
    };
    let _cleared = app.gate.decide(question, opinion).await?;
    Ok(device_id)
}

pub(in crate::identity) fn answer(finished: Finished) -> impl IntoResponse + use<> {
    ([(header::SET_COOKIE, finished.session.cookie.clone())], Answer(finished))
}

/// Writes the account. Two sign-ups of one number at once: the second finds the number taken.
pub(in crate::identity) async fn create(
    app: &App,
    signup_id: &str,
    signup: &Verified,
    factor: &Factor,
    device_id: String,
    phone: &Checked,
) -> Result<Finished> {
    let (now, customer_id) = (app.clock.now(), signup.customer_id.clone());
    let mut tx = app.stores.registry.begin().await?;
    let finish = sql(
        "UPDATE signup SET state = 'finished' WHERE signup_id = $1 AND state = 'phone_verified'",
    );
    if tx.execute(finish.bind(signup_id)).await? != 1 {
        return Err(Code::ProofFailed.into());
    }
    insert_customer(&mut tx, signup, now).await.map_err(taken)?;
    factor.keep(app, &mut tx, &customer_id, &phone.name, now).await?;
    let device =
        binding::bind(app, &mut tx, &customer_id, device_id, phone).await.map_err(taken)?;
    let recovery_codes = recovery::replace(&mut tx, app.rng.as_ref(), &customer_id, now).await?;
    let strength = factor.strength();
    let session = session::open(app, &mut tx, &customer_id, &device.device_id, strength).await?;
    tell(app, &mut tx, &customer_id, &Notice::SignedUp { device: phone.name.clone() }).await?;
    tx.commit().await?;
    Ok(Finished { customer_id, device, recovery_codes, session })
}

async fn insert_customer(tx: &mut Tx, signup: &Verified, now: Micros) -> Result<()> {
    let insert = sql("INSERT INTO customer (customer_id, phone, status, language, wallet_account,
                               signin_failures, signin_locked_until, created_at)
         VALUES ($1, $2, 'active', $3, $4, CAST(0 AS BIGINT), CAST(0 AS BIGINT), $5)");
    let insert = insert.bind(&signup.customer_id).bind(signup.phone.as_str());
    let wallet_account = wallet_account_id(&signup.customer_id).to_be_bytes();
    tx.execute(insert.bind(signup.language.tag()).bind(wallet_account).bind(now)).await?;
    Ok(())
}
