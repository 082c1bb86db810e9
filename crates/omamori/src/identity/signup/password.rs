//! `POST /api/wallet/v1/signup/password/…`: the way for phones without passkeys. A password, an
//! authenticator app that has shown that it has its secret, and from there on as with a passkey.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;

use super::finish::{answer, create};
use super::{again, app_shown, verified};
use crate::app::App;
use crate::identity::binding::PhoneKeys;
use crate::identity::customer::FreshProof;
use crate::identity::factor::Factor;
use crate::identity::rate::Network;
use crate::identity::session::Strength;
use crate::identity::{password, totp};
use crate::secret::Secret;
use crate::web::error::Result;
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Options {
    signup_id: String,
    password: Secret,
}

/// `…/options`: is the password good enough? Then the secret for the app.
pub(in crate::identity) async fn options(
    State(app): State<Arc<App>>,
    network: Network,
    Json(request): Json<Options>,
) -> Result<Answer<totp::Offer>> {
    let now = app.clock.now();
    app.identity.doors.signup_verify.check(network, now)?;
    let signup = verified(&app.stores.registry, &request.signup_id, now).await?;
    password::accept(&app, &request.password, &signup.phone).await?;
    Ok(Answer(totp::offer(&app, &request.signup_id, &signup.phone.national()).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {
    signup_id: String,
    password: Secret,
    totp: Secret,
    device: PhoneKeys,
}

/// `…/finish`: a code of the app and the phone's keys come in, and the account comes to be.
pub(in crate::identity) async fn finish(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Finish>,
) -> Result<impl IntoResponse> {
    let now = app.clock.now();
    app.identity.doors.signup_verify.check(network, now)?;
    let phone = request.device.check(&proof)?;
    let code = totp::Code::parse(request.totp.reveal(), "totp")?;
    let way = Strength::Password;
    if let Some(finished) = again::finish(&app, &request.signup_id, &phone, &proof, way).await? {
        return Ok(answer(finished));
    }
    let signup = verified(&app.stores.registry, &request.signup_id, now).await?;
    let password = password::accept(&app, &request.password, &signup.phone).await?;
    let step = (&*request.signup_id, &signup);
    let (device_id, totp) = app_shown(&app, network, step, code, "totp").await?;
    let hash = app.identity.passwords.hash(&app, password).await?;
    let factor = Factor::Password { hash, totp };
    let finished = create(&app, &request.signup_id, &signup, &factor, device_id, &phone).await?;
    Ok(answer(finished))
}
