//! `POST /api/wallet/v1/recover/password/…`: the end of a recovery on a phone without passkeys. A
//! new password and a new authenticator app take the place of those before; both are asked for, as
//! at sign-up.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;

use super::find;
use super::finish::{again, answer, ask, recover};
use crate::app::App;
use crate::identity::customer::FreshProof;
use crate::identity::factor::Factor;
use crate::identity::rate::Network;
use crate::identity::session::Strength;
use crate::identity::{account, password, totp};
use crate::secret::Secret;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Options {
    recovery_id: String,
    password: Secret,
}

/// `…/options`: once the day is over, is the password good enough? Then the secret for the app.
pub(in crate::identity) async fn options(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Options>,
) -> Result<Answer<totp::Offer>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    app.identity.doors.recover_verify.check(network, now)?;
    let found = find(registry, &request.recovery_id, &proof).await?;
    found.is_ready(now)?;
    let account = account::find(registry, &found.customer_id).await?;
    password::accept(&app, &request.password, &account.phone).await?;
    Ok(Answer(totp::offer(&app, &request.recovery_id, &account.phone.national()).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {
    recovery_id: String,
    password: Secret,
    totp: Secret,
}

/// `…/finish`: a code of the new app.
pub(in crate::identity) async fn finish(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Finish>,
) -> Result<impl IntoResponse> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    app.identity.doors.recover_verify.check(network, now)?;
    let code = totp::Code::parse(request.totp.reveal(), "totp")?;
    let found = find(registry, &request.recovery_id, &proof).await?;
    if let Some(finished) = again(&app, &found, &proof, Strength::Password).await? {
        return Ok(answer(finished));
    }
    let account = account::find(registry, &found.customer_id).await?;
    let password = password::accept(&app, &request.password, &account.phone).await?;
    let totp = totp::verified(&app, &request.recovery_id, code).await?;
    let proved = totp.as_ref().map(|_| ()).ok_or(Code::ProofFailed);
    ask(&app, network, ("totp", &request.recovery_id), &found, proved).await?;
    let totp = totp.ok_or(Code::ProofFailed)?;
    let hash = app.identity.passwords.hash(&app, password).await?;
    let factor = Factor::Password { hash, totp };
    Ok(answer(recover(&app, &request.recovery_id, &found, &factor).await?))
}
