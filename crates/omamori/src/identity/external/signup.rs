//! `POST /api/wallet/v1/signup/external/…`: back from the issuer during a sign-up whose number is
//! verified. From here on it is the way with a password, without the password.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

use super::flow::{Flow, Purpose};
use crate::app::App;
use crate::identity::binding::PhoneKeys;
use crate::identity::customer::FreshProof;
use crate::identity::factor::Factor;
use crate::identity::rate::Network;
use crate::identity::session::Strength;
use crate::identity::signup::finish::{answer, create};
use crate::identity::signup::{again, app_shown, verified};
use crate::identity::totp;
use crate::secret::Secret;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

/// The secret for the app, and the sign-up that goes on: the page was left in between.
#[derive(Serialize)]
pub(in crate::identity) struct Offered {
    signup_id: String,
    #[serde(flatten)]
    offer: totp::Offer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Options {}

/// `…/options`
pub(in crate::identity) async fn options(
    State(app): State<Arc<App>>,
    network: Network,
    headers: HeaderMap,
    Json(Options {}): Json<Options>,
) -> Result<Answer<Offered>> {
    let now = app.clock.now();
    app.identity.doors.signup_verify.check(network, now)?;
    let (flow, _) = proven(&app, &headers).await?;
    let signup = verified(&app.stores.registry, &flow.subject, now).await?;
    let offer = totp::offer(&app, &flow.subject, &signup.phone.national()).await?;
    Ok(Answer(Offered { signup_id: flow.subject, offer }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {
    signup_id: String,
    totp: Secret,
    device: PhoneKeys,
}

/// `…/finish`: a code of the app and the phone's keys come in, and the account comes to be.
pub(in crate::identity) async fn finish(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    headers: HeaderMap,
    Json(request): Json<Finish>,
) -> Result<impl IntoResponse> {
    let now = app.clock.now();
    app.identity.doors.signup_verify.check(network, now)?;
    let phone = request.device.check(&proof)?;
    let code = totp::Code::parse(request.totp.reveal(), "totp")?;
    let (flow, identity) = proven(&app, &headers).await?;
    if flow.subject != request.signup_id {
        return Err(Code::ProofFailed.into());
    }
    let way = Strength::External;
    if let Some(finished) = again::finish(&app, &flow.subject, &phone, &proof, way).await? {
        return Ok(answer(finished));
    }
    let signup = verified(&app.stores.registry, &flow.subject, now).await?;
    let (device_id, totp) =
        app_shown(&app, network, (&flow.subject, &signup), code, "external").await?;
    let factor = Factor::External { provider: flow.provider.clone(), identity, totp };
    let finished = create(&app, &flow.subject, &signup, &factor, device_id, &phone).await?;
    Ok(answer(finished))
}

async fn proven(app: &App, headers: &HeaderMap) -> Result<(Flow, [u8; 32])> {
    let proven = Flow::proven(app, headers, Purpose::SignUp).await?.ok_or(Code::ProofFailed)?;
    app.identity.external.open(&proven.0.provider)?;
    Ok(proven)
}
