//! `POST /api/wallet/v1/factors/totp` and `/finish`: an authenticator app beside a passkey, or
//! another one in the place of the one before. Alone it opens nothing: it stands beside a passkey,
//! a password or an account elsewhere.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{changed, one_at_a_time};
use crate::app::App;
use crate::gate::Act;
use crate::identity::customer::Customer;
use crate::identity::rate::Network;
use crate::identity::stepup::{self, Confirmed, Intent, Nothing, Risen};
use crate::identity::{account, moves, totp};
use crate::notify::{Change, Factor};
use crate::secret::Secret;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;
use crate::web::text::Text;

async fn intent(app: &App, customer: &Customer, text: Text) -> Result<Intent> {
    let since = totp::since(&app.stores.registry, &customer.customer_id).await?;
    let (what, words) = match since {
        Some(_) => ("totp_replace", "stepup.totp_replace"),
        None => ("totp_add", "stepup.totp_add"),
    };
    Intent::new(Act::FactorChange, &what, text.t(words).to_owned())
}

/// `…/options`
pub(in crate::identity) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
) -> Result<Answer<Value>> {
    stepup::offer(&app, &customer, &intent(&app, &customer, text).await?).await
}

#[derive(Serialize)]
pub(in crate::identity) struct Confirmation {
    offer: totp::Offer,
}

/// Confirmed: the secret for the new app, for this session.
pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: Nothing {}, proof }): Json<Confirmed<Nothing>>,
) -> Result<Risen<Confirmation>> {
    let (registry, id) = (&app.stores.registry, &customer.customer_id);
    let settled = moves::settled(registry, &customer, app.clock.now()).await?;
    let intent = intent(&app, &customer, text).await?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, settled).await?;
    let account = account::find(registry, id).await?;
    let offer = totp::offer(&app, &customer.session_id, &account.phone.national()).await?;
    let mut tx = registry.begin().await?;
    let risen = Risen::new(&app, &mut tx, &customer, Confirmation { offer }).await?;
    tx.commit().await?;
    Ok(risen)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {
    totp: Secret,
}

/// `…/finish`: a code of the new app. There is an offer only for what was confirmed.
pub(in crate::identity) async fn finish(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(request): Json<Finish>,
) -> Result<StatusCode> {
    let code = totp::Code::parse(request.totp.reveal(), "totp")?;
    let verified = totp::verified(&app, &customer.session_id, code).await?;
    let opinion = verified.as_ref().map(|_| ()).ok_or(Code::ProofFailed);
    let detail = json!({ "ip": network.address(), "session": customer.session_id });
    let _cleared =
        app.gate.decide(customer.asks_proven(network, Act::FactorChange, &detail), opinion).await?;
    let (verified, now) = (verified.ok_or(Code::ProofFailed)?, app.clock.now());
    let id = &customer.customer_id;
    let mut tx = app.stores.registry.begin().await?;
    one_at_a_time(&mut tx, id).await?;
    let change = if totp::has(&mut tx, id).await? { Change::Replaced } else { Change::Added };
    totp::set(&app, &mut tx, id, &verified, now).await?;
    changed(&app, &mut tx, &customer, Factor::Totp, change).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
