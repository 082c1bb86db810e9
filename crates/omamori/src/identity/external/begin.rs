//! `POST /api/wallet/v1/{signin,signup}/external/start`: the browser is about to go to an issuer.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::flow::{Begun, Flow, Purpose};
use crate::app::App;
use crate::gate::Act;
use crate::identity::customer::FreshProof;
use crate::identity::jwk::Thumbprint;
use crate::identity::rate::Network;
use crate::identity::signup::verified;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

/// While an issuer does not answer, the next try is worth it after so long.
const AGAIN_SECONDS: u32 = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct SignIn {
    provider: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct SignUp {
    provider: String,
    signup_id: String,
}

/// Where the browser goes.
#[derive(Serialize)]
pub(in crate::identity) struct Started {
    address: String,
}

/// The subject of a sign-in: the phone on which it must end.
pub(super) fn phone(thumbprint: &Thumbprint) -> String {
    URL_SAFE_NO_PAD.encode(thumbprint)
}

pub(in crate::identity) async fn signin(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<SignIn>,
) -> Result<impl IntoResponse> {
    app.gate.open_issuer_door(Act::ExternalUse, &request.provider)?;
    app.identity.doors.external.check(network, app.clock.now())?;
    let purpose = (Purpose::SignIn, &*phone(&proof.thumbprint));
    Ok(answer(begin(&app, &request.provider, purpose).await?))
}

pub(in crate::identity) async fn signup(
    State(app): State<Arc<App>>,
    network: Network,
    Json(request): Json<SignUp>,
) -> Result<impl IntoResponse> {
    app.gate.open_issuer_door(Act::ExternalUse, &request.provider)?;
    let now = app.clock.now();
    app.identity.doors.external.check(network, now)?;
    verified(&app.stores.registry, &request.signup_id, now).await?;
    let purpose = (Purpose::SignUp, &*request.signup_id);
    Ok(answer(begin(&app, &request.provider, purpose).await?))
}

fn answer(begun: Begun) -> impl IntoResponse {
    ([(header::SET_COOKIE, begun.cookie)], Answer(Started { address: begun.address }))
}

/// Begins a trip to an issuer of the settings.
pub(super) async fn begin(app: &App, provider: &str, purpose: (Purpose, &str)) -> Result<Begun> {
    let provider = app.identity.external.open(provider)?;
    match provider.metadata(app.clock.now()).await {
        Ok(metadata) => Flow::begin(app, provider, &metadata, purpose).await,
        Err(failure) => {
            tracing::warn!(provider = provider.settings.id, %failure, "an issuer is not usable");
            Err(Error::RetryAfter(failure.code(), AGAIN_SECONDS))
        }
    }
}
