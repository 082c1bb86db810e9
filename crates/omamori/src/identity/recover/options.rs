//! `POST /api/wallet/v1/recover/passkey/options`: once the day is over, options for
//! `navigator.credentials.create()`.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use super::find;
use crate::app::App;
use crate::id::Kind;
use crate::identity::account;
use crate::identity::customer::FreshProof;
use crate::identity::passkey::{Holder, Purpose};
use crate::identity::rate::Network;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Options {
    recovery_id: String,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Options>,
) -> Result<Answer<Value>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    app.identity.doors.recover_verify.check(network, now)?;
    let found = find(registry, &request.recovery_id, &proof).await?;
    found.is_ready(now)?;
    let account = account::find(registry, &found.customer_id).await?;
    let id = Kind::Customer
        .parse(&found.customer_id)
        .ok_or_else(|| Error::fault("a recovery holds no customer id"))?;
    let holder =
        Holder { id, name: &account.phone.national(), display_name: &app.config.issuer_name };
    let offered_for = (Purpose::Recovery, request.recovery_id.as_str());
    let passkeys = &app.identity.passkeys;
    Ok(Answer(passkeys.offer_registration(offered_for, holder, Vec::new(), now).await?))
}
