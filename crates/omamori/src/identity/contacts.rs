//! Changing the phone number or the e-mail address.
//!
//! First a step-up, for exactly the new address; then a code that goes there. Nothing is sent
//! before that, so a session bombs nobody. The old address is told, and serves
//! recovery for seven days. A phone that came by a move waits for a day.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::customer::Customer;
use super::moves;
use super::phone::Phone;
use super::rate::Network;
use super::stepup::{self, Confirmed, Intent, Risen};
use crate::app::App;
use crate::gate::Act;
use crate::notify::contacts::{self, Contact};
use crate::notify::{Email, fill};
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;
use crate::web::text::Text;

/// A new address.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    kind: Kind,
    value: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Phone,
    Email,
}

impl Change {
    fn contact(&self) -> Result<Contact> {
        let contact = match self.kind {
            Kind::Phone => Phone::parse(&self.value).map(Contact::Phone),
            Kind::Email => Email::parse(&self.value).map(Contact::Email),
        };
        contact.ok_or_else(|| Error::field("value", "malformed"))
    }
}

/// The words name the address in full: who confirms sees where the messages will go.
fn intent(contact: &Contact, text: Text) -> Result<Intent> {
    let (key, to) = match contact {
        Contact::Phone(phone) => ("stepup.phone", phone.national()),
        Contact::Email(email) => ("stepup.email", email.as_str().to_owned()),
    };
    let words = fill(text.t(key), &[("to", to)]);
    Intent::new(Act::ContactChange, &(contact.kind(), contact.as_str()), words)
}

/// `POST /api/wallet/v1/contacts/change/options`
pub(super) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(request): Json<Change>,
) -> Result<Answer<Value>> {
    app.gate.open_door(Act::ContactChange, None, Some(&customer.customer_id))?;
    stepup::offer(&app, &customer, &intent(&request.contact()?, text)?).await
}

/// A code is on its way.
#[derive(Serialize)]
pub(super) struct Begun {
    check_id: String,
    expires_at: String,
}

/// `POST /api/wallet/v1/contacts/change`: confirmed, a code goes to the new address.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request, proof }): Json<Confirmed<Change>>,
) -> Result<Risen<Begun>> {
    let contact = request.contact()?;
    let intent = intent(&contact, text)?;
    let settled = moves::settled(&app.stores.registry, &customer, app.clock.now()).await?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, settled).await?;
    let check = contacts::begin(&app, &customer.customer_id, &contact, customer.language).await?;
    let begun = Begun { check_id: check.check_id, expires_at: rfc3339(check.expires_at) };
    let mut tx = app.stores.registry.begin().await?;
    let risen = Risen::new(&app, &mut tx, &customer, begun).await?;
    tx.commit().await?;
    Ok(risen)
}

/// The request of [`confirm`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    check_id: String,
    code: String,
}

/// `POST /api/wallet/v1/contacts/confirm`: the code that went to the new address. There is a check
/// only for what the passkey has confirmed.
pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(request): Json<Confirm>,
) -> Result<StatusCode> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let id = &customer.customer_id;
    let proven = match contacts::confirm(&app, id, &request.check_id, &request.code).await {
        Ok(proven) => Ok(proven),
        Err(Error::Refused(code)) => Err(code),
        Err(fault) => return Err(fault),
    };
    let opinion = match &proven {
        Ok(_) => moves::settled(registry, &customer, now).await?,
        Err(code) => Err(*code),
    };
    let detail = json!({ "ip": network.address(), "check": request.check_id });
    let question = customer.asks_proven(network, Act::ContactChange, &detail);
    let _cleared = app.gate.decide(question, opinion).await?;
    let mut tx = registry.begin().await?;
    contacts::set(&app, &mut tx, &proven?).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
