//! `POST /api/wallet/v1/signin/finish`: the answer of the passkey, with a proof by the phone.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::json;
use webauthn_rs::prelude::PublicKeyCredential;

use super::{enter, lock};
use crate::app::App;
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::identity::customer::FreshProof;
use crate::identity::dpop::Proof;
use crate::identity::passkey::Purpose;
use crate::identity::passkeys_of;
use crate::identity::rate::Network;
use crate::identity::session::{Opened, Strength};
use crate::risk::Facts;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {
    credential: PublicKeyCredential,
}

#[derive(Serialize)]
pub(in crate::identity) struct Finished {
    pub(super) customer_id: String,
    pub(super) session: Opened,
}

/// What was found about the one who wants in.
struct Found {
    customer_id: Option<String>,
    device_id: Option<String>,
    opinion: Result<(), Code>,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    Json(request): Json<Finish>,
) -> Result<impl IntoResponse> {
    app.identity.doors.signin.check(network, app.clock.now())?;
    let found = look(&app, &request.credential, &proof).await?;
    let question = Question {
        act: Act::SignIn,
        customer: found.customer_id.as_deref(),
        device: found.device_id.as_deref(),
        terminal: None,
        amount: None,
        admission: None,
        facts: Facts::proven(network.address()),
        detail: &json!({ "ip": network.address() }),
    };
    let _cleared = app.gate.decide(question, found.opinion).await?;
    let (Some(customer_id), Some(device_id)) = (found.customer_id, found.device_id) else {
        return Err(Error::fault("a sign-in was allowed without a customer and a phone"));
    };
    enter(&app, customer_id, &device_id, Strength::Passkey).await
}

async fn look(app: &App, answer: &PublicKeyCredential, proof: &Proof) -> Result<Found> {
    let Shown { customer_id, opinion } = shown(app, Purpose::Signin, answer).await?;
    let Some(known) = customer_id.as_ref().filter(|_| opinion.is_ok()) else {
        return Ok(Found { customer_id, device_id: None, opinion });
    };
    let device_id = bound_phone(app, known, proof).await?;
    let opinion = if device_id.is_some() { Ok(()) } else { Err(Code::DeviceNotEnrolled) };
    Ok(Found { customer_id, device_id, opinion })
}

/// Whose passkey was shown, and whether it was shown rightly. If it was, there is a customer.
pub(in crate::identity) struct Shown {
    pub customer_id: Option<String>,
    pub opinion: Result<(), Code>,
}

/// Looks at the answer to a challenge for `purpose`. A passkey that nobody has, a wrong signature
/// and an old challenge get the same answer.
pub(in crate::identity) async fn shown(
    app: &App,
    purpose: Purpose,
    answer: &PublicKeyCredential,
) -> Result<Shown> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let wrong = |customer_id| Shown { customer_id, opinion: Err(Code::ProofFailed) };
    let state = match app.identity.passkeys.take_signin(purpose, answer, now).await {
        Ok(state) => state,
        Err(Error::Refused(_)) => return Ok(wrong(None)),
        Err(fault) => return Err(fault),
    };
    let Some(mut owned) = passkeys_of::find(registry, answer.get_credential_id()).await? else {
        return Ok(wrong(None));
    };
    let customer_id = owned.customer_id;
    lock::check(registry, &customer_id, now).await?;
    let holder = Kind::Customer
        .parse(&customer_id)
        .ok_or_else(|| Error::fault("a passkey belongs to no customer id"))?;
    let right = app.identity.passkeys.accept_signin(answer, state, &mut owned.passkey, holder);
    if right.is_err() || !passkeys_of::store_use(registry, &owned.passkey, now).await? {
        lock::failed(app, &customer_id, now).await?;
        return Ok(wrong(Some(customer_id)));
    }
    lock::succeeded(registry, &customer_id).await?;
    Ok(Shown { customer_id: Some(customer_id), opinion: Ok(()) })
}

/// The phone of this customer whose key made the proof; also one that was replaced, which may look
/// at the move and undo it. (The proof cannot be used a second time:
/// its request carries a challenge that is used up.)
async fn bound_phone(app: &App, customer_id: &str, proof: &Proof) -> Result<Option<String>> {
    let query = sql("SELECT device_id FROM device
         WHERE customer_id = $1 AND sign_key_thumbprint = $2 AND state <> 'ended'");
    let query = query.bind(customer_id).bind(proof.thumbprint);
    let row = app.stores.registry.optional(query).await?;
    Ok(row.map(|row| row.text("device_id")).transpose()?)
}
