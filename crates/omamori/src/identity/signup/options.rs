//! `POST /api/wallet/v1/signup/passkey/options`: options for `navigator.credentials.create()`.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use super::verified;
use crate::app::App;
use crate::id::Kind;
use crate::identity::passkey::{Holder, Purpose};
use crate::identity::rate::Network;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Options {
    signup_id: String,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    Json(request): Json<Options>,
) -> Result<Answer<Value>> {
    let now = app.clock.now();
    app.identity.doors.signup_verify.check(network, now)?;
    let signup = verified(&app.stores.registry, &request.signup_id, now).await?;
    let id = Kind::Customer
        .parse(&signup.customer_id)
        .ok_or_else(|| Error::fault("a sign-up holds no customer id"))?;
    let holder =
        Holder { id, name: &signup.phone.national(), display_name: &app.config.issuer_name };
    let offered_for = (Purpose::Signup, request.signup_id.as_str());
    let passkeys = &app.identity.passkeys;
    Ok(Answer(passkeys.offer_registration(offered_for, holder, Vec::new(), now).await?))
}
