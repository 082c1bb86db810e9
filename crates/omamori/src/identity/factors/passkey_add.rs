//! `POST /api/wallet/v1/factors/passkeys` and `/finish`: one more passkey, on this phone.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::prelude::{Passkey, RegisterPublicKeyCredential};

use super::changed;
use crate::app::App;
use crate::gate::Act;
use crate::id::Kind;
use crate::identity::binding::taken;
use crate::identity::customer::Customer;
use crate::identity::passkey::{Holder, Purpose};
use crate::identity::rate::Network;
use crate::identity::stepup::{self, Confirmed, Intent, Nothing, Risen};
use crate::identity::{account, devices, moves, passkeys_of};
use crate::notify::{Change, Factor};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;
use crate::web::text::Text;

fn intent(text: Text) -> Result<Intent> {
    Intent::new(Act::FactorChange, &"passkey_add", text.t("stepup.passkey_add").to_owned())
}

/// Who may answer with a passkey: the session that has confirmed.
fn subject(customer: &Customer) -> String {
    format!("{} {}", customer.customer_id, customer.session_id)
}

/// `…/options`
pub(in crate::identity) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
) -> Result<Answer<Value>> {
    stepup::offer(&app, &customer, &intent(text)?).await
}

#[derive(Serialize)]
pub(in crate::identity) struct Confirmation {
    /// For `navigator.credentials.create()`.
    creation: Value,
}

/// Confirmed: options for the new passkey.
pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: Nothing {}, proof }): Json<Confirmed<Nothing>>,
) -> Result<Risen<Confirmation>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let settled = moves::settled(registry, &customer, now).await?;
    let intent = intent(text)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, settled).await?;
    let account = account::find(registry, &customer.customer_id).await?;
    let id = Kind::Customer
        .parse(&customer.customer_id)
        .ok_or_else(|| Error::fault("a session holds no customer id"))?;
    let holder =
        Holder { id, name: &account.phone.national(), display_name: &app.config.issuer_name };
    let existing = passkeys_of::customer(registry, &customer.customer_id).await?;
    let existing = existing.iter().map(|passkey| passkey.cred_id().clone()).collect();
    let subject = subject(&customer);
    let offered_for = (Purpose::PasskeyAdd, subject.as_str());
    let passkeys = &app.identity.passkeys;
    let creation = passkeys.offer_registration(offered_for, holder, existing, now).await?;
    let mut tx = registry.begin().await?;
    let risen = Risen::new(&app, &mut tx, &customer, Confirmation { creation }).await?;
    tx.commit().await?;
    Ok(risen)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Finish {
    credential: RegisterPublicKeyCredential,
}

/// `…/finish`: the passkey. There is a challenge only for what was confirmed.
pub(in crate::identity) async fn finish(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(request): Json<Finish>,
) -> Result<StatusCode> {
    let accepted = app.identity.passkeys.accept_registration(
        Purpose::PasskeyAdd,
        &request.credential,
        app.clock.now(),
    );
    let made = match accepted.await {
        Ok((offered_to, passkey)) if offered_to == subject(&customer) => Ok(passkey),
        Ok(_) | Err(Error::Refused(_)) => Err(Code::ProofFailed),
        Err(fault) => return Err(fault),
    };
    let detail = json!({ "ip": network.address(), "session": customer.session_id });
    let question = customer.asks_proven(network, Act::FactorChange, &detail);
    let opinion = made.as_ref().map(|_| ()).map_err(|code| *code);
    let _cleared = app.gate.decide(question, opinion).await?;
    keep(&app, &customer, &made?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn keep(app: &App, customer: &Customer, passkey: &Passkey) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    let name = devices::name(&mut tx, &customer.device_id).await?;
    let id = &customer.customer_id;
    passkeys_of::insert(&mut tx, id, passkey, &name, now).await.map_err(taken)?;
    changed(app, &mut tx, customer, Factor::Passkey, Change::Added).await?;
    Ok(tx.commit().await?)
}
