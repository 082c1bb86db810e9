//! `POST /api/wallet/v1/signin/external`: back from the issuer, with a code of the authenticator
//! app and a proof by the bound phone.
//!
//! As with a password, the phone's key is looked for first: to a stranger's phone, an identity with
//! an account and one without are the same.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use omamori_db::sql;
use serde::Deserialize;
use serde_json::json;

use super::begin::phone;
use super::flow::{Flow, Purpose};
use crate::app::App;
use crate::gate::{Act, Question};
use crate::identity::customer::FreshProof;
use crate::identity::dpop::Proof;
use crate::identity::rate::Network;
use crate::identity::session::Strength;
use crate::identity::signin::{enter, lock};
use crate::identity::totp;
use crate::risk::Facts;
use crate::secret::Secret;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct SignIn {
    totp: Secret,
}

/// The account of the identity that was proven, on its bound phone.
struct Bound {
    flow: Flow,
    customer_id: String,
    device_id: String,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    network: Network,
    FreshProof(proof): FreshProof,
    headers: HeaderMap,
    Json(request): Json<SignIn>,
) -> Result<impl IntoResponse> {
    app.identity.doors.signin.check(network, app.clock.now())?;
    let code = totp::Code::parse(request.totp.reveal(), "totp")?;
    let bound = find(&app, &headers, &proof).await?;
    let opinion = match &bound {
        Some(bound) => check(&app, bound, code).await?,
        None => Err(Code::ProofFailed),
    };
    let question = Question {
        act: Act::SignIn,
        customer: bound.as_ref().map(|bound| bound.customer_id.as_str()),
        device: bound.as_ref().map(|bound| bound.device_id.as_str()),
        terminal: None,
        amount: None,
        admission: None,
        facts: Facts::proven(network.address()),
        detail: &json!({
            "ip": network.address(),
            "way": "external",
            "provider": bound.as_ref().map(|bound| &bound.flow.provider),
        }),
    };
    let _cleared = app.gate.decide(question, opinion).await?;
    let bound = bound.ok_or_else(|| Error::fault("a sign-in was allowed without a phone"))?;
    enter(&app, bound.customer_id, &bound.device_id, Strength::External).await
}

/// Who came back from the issuer, if the trip began on this phone and the phone is bound to them.
async fn find(app: &App, headers: &HeaderMap, proof: &Proof) -> Result<Option<Bound>> {
    let proven = Flow::proven(app, headers, Purpose::SignIn).await?;
    let mine = proven.filter(|(flow, _)| flow.subject == phone(&proof.thumbprint));
    let Some((flow, identity)) = mine else { return Ok(None) };
    app.identity.external.open(&flow.provider)?;
    let query = sql("SELECT d.customer_id, d.device_id
         FROM external_identity e
         JOIN customer c ON c.customer_id = e.customer_id AND c.status <> 'closed'
         JOIN device d ON d.customer_id = e.customer_id
         WHERE e.identity_hash = $1 AND d.sign_key_thumbprint = $2 AND d.state = 'active'");
    let query = query.bind(identity).bind(proof.thumbprint);
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(None) };
    let (customer_id, device_id) = (row.text("customer_id")?, row.text("device_id")?);
    Ok(Some(Bound { flow, customer_id, device_id }))
}

/// The second factor. A right code uses the trip up; wrong ones count as failed sign-ins, which
/// nobody can cause from afar: it takes the identity and the phone to come here.
async fn check(app: &App, bound: &Bound, code: totp::Code) -> Result<Result<(), Code>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    lock::check(registry, &bound.customer_id, now).await?;
    let mut tx = registry.begin().await?;
    if totp::check(app, &mut tx, &bound.customer_id, code).await?
        && bound.flow.use_up(&mut tx).await?
    {
        tx.commit().await?;
        lock::succeeded(registry, &bound.customer_id).await?;
        return Ok(Ok(()));
    }
    drop(tx);
    lock::failed(app, &bound.customer_id, now).await?;
    Ok(Err(Code::ProofFailed))
}
