//! Who is asking: the permission to act as a customer, as extractor types.
//!
//! Each takes the session's cookie **and** a proof by the phone's key, made for this one request.
//! A handler that has a [`Customer`] needs no token against cross-site forgery: no other origin
//! can make the proof.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};

use super::boot;
use super::dpop::{self, Expected, Proof};
use super::rate::Network;
use super::replay::Admitted;
use super::session::{self, Session};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::risk::Facts;
use crate::secret::constant_time_eq;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::text::{Lang, Text};

/// A signed-in customer on their phone. For `/api/…`: anyone else gets a 401.
#[derive(Clone, Debug)]
pub struct Customer {
    /// `cus_…`.
    pub customer_id: String,
    /// `dev_…`.
    pub device_id: String,
    /// `ses_…`.
    pub session_id: String,
    /// The customer's account in the ledger.
    pub wallet_account: u128,
    /// Of what we send; pages follow the request's own language.
    pub language: Lang,
    /// How the session was opened: `passkey`, `password_totp`, `external_totp`.
    pub session_factor: &'static str,
    /// Since when the phone is enrolled.
    pub device_since: Micros,
    /// Since when there is the account.
    pub account_since: Micros,
    pub(super) token_hash: [u8; 32],
}

impl Customer {
    /// Whether the session that began this still stands, on the phone that pays: for what goes on
    /// after its request was answered.
    ///
    /// # Errors
    /// A fault if the registry fails.
    pub async fn stands(&self, app: &App) -> Result<bool> {
        session::stands(&app.stores.registry, &self.session_id, app.clock.now()).await
    }

    /// The question to the gate about an act of this customer that moves no money.
    pub(crate) const fn asks<'a, D>(&'a self, act: Act, detail: &'a D) -> Question<'a, D> {
        Question {
            act,
            customer: Some(self.customer_id.as_str()),
            device: Some(self.device_id.as_str()),
            terminal: None,
            amount: None,
            admission: None,
            facts: self.known(),
            detail,
        }
    }

    /// What is known of any act of this customer.
    const fn known<'a>(&self) -> Facts<'a> {
        Facts {
            device_since: Some(self.device_since),
            account_since: Some(self.account_since),
            session_factor: Some(self.session_factor),
            ..Facts::NONE
        }
    }

    /// The same, of an act that came from a network.
    pub(crate) fn facts<'a>(&self, network: Network) -> Facts<'a> {
        Facts { address: Some(network.address()), ..self.known() }
    }

    /// [`Self::asks`], from a network, about an act that the customer confirmed.
    pub(crate) fn asks_proven<'a, D>(
        &'a self,
        network: Network,
        act: Act,
        detail: &'a D,
    ) -> Question<'a, D> {
        let mut question = self.asks(act, detail);
        question.facts.address = Some(network.address());
        question.facts.confirmed = true;
        question
    }
}

/// A [`Customer`] for pages: anyone else is sent to sign in, and a browser whose service worker
/// does not run yet gets the page that starts it.
#[derive(Clone, Debug)]
pub struct PageCustomer(pub Customer);

/// For pages that greet everyone.
#[derive(Clone, Debug)]
pub enum Visitor {
    /// Not signed in.
    Guest,
    /// Signed in, with a proof.
    Customer(Customer),
}

/// A proof by a phone that has no session yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct FreshProof(pub Proof);

/// A customer on the phone that is bound, or on the one that was until it was replaced: for what
/// protects the account and needs no more than that.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub customer: Customer,
    /// Another phone took this one's place.
    pub replaced: bool,
}

/// A [`Holder`] for pages.
#[derive(Clone, Debug)]
pub(super) struct PageHolder(pub Holder);

/// The page of a phone that was replaced.
pub(super) const REPLACED_PAGE: &str = "/moved";

/// What came with a request.
enum Presented {
    Nothing,
    SessionWithoutProof,
    Customer(Customer),
    Replaced(Customer),
}

async fn look(app: &App, parts: &Parts) -> Result<Presented> {
    let Some(hash) = session::presented(&app.config, &parts.headers) else {
        return Ok(Presented::Nothing);
    };
    let now = app.clock.now();
    let Some(session) = session::find(&app.stores.registry, hash, now).await? else {
        return Ok(Presented::Nothing);
    };
    let Some(proof) = read_proof(app, parts, Some(&hash)) else {
        return Ok(Presented::SessionWithoutProof);
    };
    if !constant_time_eq(&proof.thumbprint, &session.thumbprint) {
        return Ok(Presented::SessionWithoutProof);
    }
    match app.identity.replays().admit(proof.id, now) {
        Admitted::New => {}
        Admitted::Replayed => return Ok(Presented::SessionWithoutProof),
        Admitted::Full => return Err(Error::RetryAfter(Code::Busy, 60)),
    }
    session.touch(&app.stores.registry, now).await?;
    let replaced = session.replaced;
    let customer = session.into();
    Ok(if replaced { Presented::Replaced(customer) } else { Presented::Customer(customer) })
}

/// The proof in the one `DPoP` header of a request, if it is right for it.
fn read_proof(app: &App, parts: &Parts, token_hash: Option<&[u8; 32]>) -> Option<Proof> {
    let mut headers = parts.headers.get_all("dpop").iter();
    let (Some(text), None) = (headers.next(), headers.next()) else { return None };
    let path = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0).path();
    let address = format!("{}{path}", app.config.public_url);
    let expected = Expected {
        method: parts.method.as_str(),
        address: &address,
        token_hash,
        now: app.clock.now(),
    };
    match dpop::verify(text.to_str().ok()?, &expected) {
        Ok(proof) => Some(proof),
        Err(error) => {
            tracing::debug!(%error, "a proof was refused");
            None
        }
    }
}

impl From<Session> for Customer {
    fn from(session: Session) -> Self {
        Self {
            customer_id: session.customer_id,
            device_id: session.device_id,
            session_id: session.session_id,
            wallet_account: session.wallet_account,
            language: session.language,
            session_factor: session.factor,
            device_since: session.device_since,
            account_since: session.account_since,
            token_hash: session.token_hash,
        }
    }
}

impl FromRequestParts<Arc<App>> for Customer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        match look(app, parts).await? {
            Presented::Customer(customer) => Ok(customer),
            Presented::Replaced(_) => Err(Code::DeviceNotEnrolled.into()),
            Presented::Nothing | Presented::SessionWithoutProof => Err(Code::Unauthorized.into()),
        }
    }
}

impl FromRequestParts<Arc<App>> for Holder {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        match look(app, parts).await? {
            Presented::Customer(customer) => Ok(Self { customer, replaced: false }),
            Presented::Replaced(customer) => Ok(Self { customer, replaced: true }),
            Presented::Nothing | Presented::SessionWithoutProof => Err(Code::Unauthorized.into()),
        }
    }
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        match look(app, parts).await.map_err(IntoResponse::into_response)? {
            Presented::Nothing => Ok(Self::Guest),
            Presented::Customer(customer) => Ok(Self::Customer(customer)),
            Presented::Replaced(_) => Err(Redirect::to(REPLACED_PAGE).into_response()),
            Presented::SessionWithoutProof => {
                Err(boot::response(Text::of(&parts.headers), app.sandbox()).into_response())
            }
        }
    }
}

impl FromRequestParts<Arc<App>> for PageCustomer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        match Visitor::from_request_parts(parts, app).await? {
            Visitor::Customer(customer) => Ok(Self(customer)),
            Visitor::Guest => Err(Redirect::to("/signin").into_response()),
        }
    }
}

impl FromRequestParts<Arc<App>> for PageHolder {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        match look(app, parts).await.map_err(IntoResponse::into_response)? {
            Presented::Customer(customer) => Ok(Self(Holder { customer, replaced: false })),
            Presented::Replaced(customer) => Ok(Self(Holder { customer, replaced: true })),
            Presented::Nothing => Err(Redirect::to("/signin").into_response()),
            Presented::SessionWithoutProof => {
                Err(boot::response(Text::of(&parts.headers), app.sandbox()).into_response())
            }
        }
    }
}

impl FromRequestParts<Arc<App>> for FreshProof {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        read_proof(app, parts, None).map(Self).ok_or_else(|| Code::Unauthorized.into())
    }
}
