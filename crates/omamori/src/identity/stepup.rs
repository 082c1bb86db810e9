//! Step-up: a fresh answer of the passkey for one request, and for no other.
//!
//! The challenge is bound to the session, the act and a digest of all its parameters, and is used
//! up by its first answer (dynamic linking, as PSD2's RTS art. 5 wants it for payments). The words
//! that the page shows are made here, of the same parameters. With the answer the session gets
//! another token, because its strength rises.

use axum::Json as Answer;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::Tx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use webauthn_rs::prelude::{Passkey, PublicKeyCredential};

use super::customer::Customer;
use super::rate::Network;
use super::session::{self, Opened};
use super::{passkeys_of, signin};
use crate::app::App;
use crate::gate::{Act, Clearance};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// What is to be confirmed: an act with its parameters, exactly.
pub struct Intent {
    act: Act,
    digest: [u8; 32],
    words: String,
}

impl Intent {
    /// An act and everything that a change of would make it another act. `words` say it to the
    /// person who confirms, in their language.
    ///
    /// # Errors
    /// A fault: the parameters are no JSON.
    pub fn new(act: Act, params: &impl Serialize, words: String) -> Result<Self> {
        let digest = Sha256::digest(serde_json::to_vec(&(act, params))?).into();
        Ok(Self { act, digest, words })
    }

    fn subject(&self, customer: &Customer) -> String {
        let digest = URL_SAFE_NO_PAD.encode(self.digest);
        format!("{} {} {digest}", customer.customer_id, customer.session_id)
    }
}

/// A request and its confirmation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmed<P> {
    /// What [`offer`] was asked for, once more.
    pub request: P,
    /// The answer of `navigator.credentials.get()`.
    pub credential: PublicKeyCredential,
}

/// Options for `navigator.credentials.get()`, with the words that the page shows beside them.
///
/// # Errors
/// Sign-in is locked; a fault.
pub async fn offer(app: &App, customer: &Customer, intent: &Intent) -> Result<Answer<Value>> {
    let now = app.clock.now();
    signin::lock::check(&app.stores.registry, &customer.customer_id, now).await?;
    let passkeys = passkeys_of::customer(&app.stores.registry, &customer.customer_id).await?;
    let subject = intent.subject(customer);
    let mut options = app.identity.passkeys.offer_stepup(&subject, &passkeys, now).await?;
    options["confirm"] = json!(intent.words);
    Ok(Answer(options))
}

/// Whether `answer` confirms `intent`: what the gate wants to know as the feature's opinion. A
/// wrong answer counts as a failed sign-in.
///
/// # Errors
/// Sign-in is locked; a fault.
pub async fn confirm(
    app: &App,
    customer: &Customer,
    intent: &Intent,
    answer: &PublicKeyCredential,
) -> Result<Result<(), Code>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    signin::lock::check(registry, &customer.customer_id, now).await?;
    let mut passkeys: Vec<Passkey> = passkeys_of::customer(registry, &customer.customer_id).await?;
    let subject = intent.subject(customer);
    let accepted = app.identity.passkeys.accept_stepup(&subject, answer, &mut passkeys, now).await;
    match accepted {
        Ok(used) if passkeys_of::store_use(registry, &passkeys[used], now).await? => {
            signin::lock::succeeded(registry, &customer.customer_id).await?;
            Ok(Ok(()))
        }
        Ok(_) | Err(Error::Refused(_)) => {
            signin::lock::failed(app, &customer.customer_id, now).await?;
            Ok(Err(Code::ProofFailed))
        }
        Err(fault) => Err(fault),
    }
}

/// [`confirm`], then the gate: for acts that move no money. `opinion` is what else the feature
/// found; the proof comes first.
///
/// # Errors
/// The refusal, recorded; sign-in is locked; a fault.
pub async fn require(
    app: &App,
    customer: &Customer,
    network: Network,
    intent: &Intent,
    answer: &PublicKeyCredential,
    opinion: Result<(), Code>,
) -> Result<Clearance> {
    let confirmed = confirm(app, customer, intent, answer).await?;
    let detail = json!({ "ip": network.address(), "session": customer.session_id });
    app.gate.decide(customer.asks(intent.act, &detail), confirmed.and(opinion)).await
}

/// An answer that brings the session's new token.
#[derive(Serialize)]
pub struct Risen<T> {
    #[serde(flatten)]
    answer: T,
    session: Opened,
}

impl<T> Risen<T> {
    /// Renews the token in the transaction of the act.
    ///
    /// # Errors
    /// [`Code::Unauthorized`]: the session ended meanwhile; a fault.
    pub async fn new(app: &App, tx: &mut Tx, customer: &Customer, answer: T) -> Result<Self> {
        Ok(Self { answer, session: session::renew(app, tx, customer.token_hash).await? })
    }
}

impl<T: Serialize> IntoResponse for Risen<T> {
    fn into_response(self) -> Response {
        ([(header::SET_COOKIE, self.session.cookie.clone())], Answer(self)).into_response()
    }
}
