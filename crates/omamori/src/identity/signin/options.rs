//! `POST /api/wallet/v1/signin/options`: options for `navigator.credentials.get()`.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use serde_json::Value;

use crate::app::App;
use crate::gate::Act;
use crate::identity::passkey::Purpose;
use crate::identity::rate::Network;
use crate::web::error::Result;

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
) -> Result<Answer<Value>> {
    let now = app.clock.now();
    app.gate.open_door(Act::SignIn, None, None)?;
    app.identity.doors.signin.check(network, now)?;
    Ok(Answer(app.identity.passkeys.offer_signin(Purpose::Signin, now).await?))
}
