//! Step-up: a fresh answer of the passkey, or a code of the authenticator app, for one request and
//! for no other.
//!
//! The challenge is bound to the session, the act and a digest of all its parameters, and is used
//! up by its first answer (dynamic linking, as PSD2's RTS art. 5 wants it for payments). The words
//! that the page shows are made here, of the same parameters. With the answer the session gets
//! another token, because its strength rises.
//!
//! A passkey signs the challenge. A code cannot: it comes with the challenge, works once, and wrong
//! ones end in the lock of sign-in. So a code that somebody was talked out of confirms what the
//! page with this session says, and only while nobody else has used it.

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
use super::passkey::Purpose;
use super::rate::Network;
use super::session::{self, Opened};
use super::{ceremony, passkeys_of, signin, totp};
use crate::app::App;
use crate::baseline;
use crate::gate::{Act, Clearance};
use crate::rng::random;
use crate::secret::Secret;
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
    /// The answer to [`offer`].
    pub proof: Proof,
}

/// What shows that it is the customer.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Proof {
    /// The answer of `navigator.credentials.get()`.
    Passkey(Box<PublicKeyCredential>),
    /// What the authenticator app shows.
    Totp {
        /// As offered.
        challenge: String,
        /// Six digits.
        code: Secret,
    },
}

/// The request of an act that has no parameters.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// What the customer can confirm with (`publicKey` for `navigator.credentials.get()`, `totp` to be
/// sent along with a code), and the words that the page shows beside it.
///
/// # Errors
/// Sign-in is locked; a fault.
pub async fn offer(app: &App, customer: &Customer, intent: &Intent) -> Result<Answer<Value>> {
    let (registry, id, now) = (&app.stores.registry, &customer.customer_id, app.clock.now());
    signin::lock::check(registry, id, now).await?;
    let subject = intent.subject(customer);
    let mut options = json!({});
    let passkeys = passkeys_of::customer(registry, id).await?;
    if !passkeys.is_empty() {
        options = app.identity.passkeys.offer_stepup(&subject, &passkeys, now).await?;
    }
    if totp::since(registry, id).await?.is_some() {
        let challenge: [u8; 32] = random(app.rng.as_ref());
        ceremony::begin(registry, (Purpose::StepupTotp, &subject), &challenge, &(), now).await?;
        options["totp"] = json!(ceremony::to_text(&challenge));
    }
    options["confirm"] = json!(intent.words);
    Ok(Answer(options))
}

/// Whether `proof` confirms `intent`: what the gate wants to know as the feature's opinion. A
/// wrong one counts as a failed sign-in.
///
/// # Errors
/// Sign-in is locked; the code is malformed; a fault.
pub async fn confirm(
    app: &App,
    customer: &Customer,
    intent: &Intent,
    proof: &Proof,
) -> Result<Result<(), Code>> {
    if baseline::CARD_UNCONFIRMED && intent.act == Act::TopupCard {
        return Ok(Ok(()));
    }
    let subject = intent.subject(customer);
    match proof {
        Proof::Passkey(answer) => by_passkey(app, &customer.customer_id, &subject, answer).await,
        Proof::Totp { challenge, code } => {
            let code = totp::Code::parse(code.reveal(), "proof.totp.code")?;
            by_totp(app, &customer.customer_id, &subject, challenge, code).await
        }
    }
}

async fn by_passkey(
    app: &App,
    customer_id: &str,
    subject: &str,
    answer: &PublicKeyCredential,
) -> Result<Result<(), Code>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    signin::lock::check(registry, customer_id, now).await?;
    let mut passkeys: Vec<Passkey> = passkeys_of::customer(registry, customer_id).await?;
    let accepted = app.identity.passkeys.accept_stepup(subject, answer, &mut passkeys, now).await;
    match accepted {
        Ok(used) if passkeys_of::store_use(registry, &passkeys[used], now).await? => {
            signin::lock::succeeded(registry, customer_id).await?;
            Ok(Ok(()))
        }
        Ok(_) | Err(Error::Refused(_)) => {
            signin::lock::failed(app, customer_id, now).await?;
            Ok(Err(Code::ProofFailed))
        }
        Err(fault) => Err(fault),
    }
}

/// The challenge first: a code that came with the wrong one is not used up by it.
async fn by_totp(
    app: &App,
    customer_id: &str,
    subject: &str,
    challenge: &str,
    code: totp::Code,
) -> Result<Result<(), Code>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let challenge = ceremony::from_text(challenge).unwrap_or_default();
    let offered = match ceremony::take(registry, Purpose::StepupTotp, &challenge, now).await {
        Ok((offered_to, ())) => offered_to == subject,
        Err(Error::Refused(_)) => false,
        Err(fault) => return Err(fault),
    };
    let mut tx = registry.begin().await?;
    signin::lock::try_once(&mut tx, customer_id, now).await?;
    let right = offered && totp::check(app, &mut tx, customer_id, code).await?;
    if right {
        signin::lock::right(&mut tx, customer_id).await?;
    } else {
        signin::lock::wrong(app, &mut tx, customer_id, now).await?;
    }
    tx.commit().await?;
    Ok(if right { Ok(()) } else { Err(Code::ProofFailed) })
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
    proof: &Proof,
    opinion: Result<(), Code>,
) -> Result<Clearance> {
    let confirmed = confirm(app, customer, intent, proof).await?;
    let detail = json!({ "ip": network.address(), "session": customer.session_id });
    let mut question = customer.asks_proven(network, intent.act, &detail);
    // What these ask for is done later, by a question of its own.
    question.facts.is_step = matches!(intent.act, Act::CardRegister | Act::ContactChange);
    app.gate.decide(question, confirmed.and(opinion)).await
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
