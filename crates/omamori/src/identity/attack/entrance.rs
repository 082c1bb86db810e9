//! The first look at a request to sign in with a password: by where it comes from, how it looks
//! and which key it claims to have, before its body or its signature costs anything.
//!
//! Only the bound phone signs in with a password, so a key that no phone has cannot succeed. Of
//! strangers so many a second are looked at as it takes to recognise an attack; the others are
//! told to come again. So no flood of them, however many networks it comes from and whatever work
//! it has done, takes more than a little of the processor from payments and from customers.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::scope::Scope;
use super::wave::Answer;
use super::work;
use crate::app::App;
use crate::clock::{Micros, SECOND};
use crate::identity::dpop;
use crate::identity::rate::Network;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// A request that may come in.
#[derive(Clone, Copy, Debug)]
pub(in crate::identity) struct Entrance {
    pub network: Network,
    pub shape: Scope,
    /// It brought a proof of work.
    worked: bool,
}

impl Entrance {
    /// Holds the request against what further scopes have earned.
    ///
    /// # Errors
    /// [`Code::WorkRequired`], [`Code::TooManyRequests`].
    pub(in crate::identity) fn require(
        &self,
        app: &App,
        scopes: &[Scope],
        now: Micros,
    ) -> Result<()> {
        let refusal = match app.identity.attacks.judge(scopes, now) {
            Answer::Work if !self.worked => Code::WorkRequired.into(),
            Answer::Open | Answer::Work => return Ok(()),
            Answer::Closed(until) => {
                let seconds = u32::try_from((until - now) / SECOND + 1).unwrap_or(u32::MAX);
                Error::RetryAfter(Code::TooManyRequests, seconds)
            }
        };
        app.identity.attacks.turned_away(scopes, now);
        Err(refusal)
    }
}

impl FromRequestParts<Arc<App>> for Entrance {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let Ok(network) = Network::from_request_parts(parts, app).await;
        let now = app.clock.now();
        app.identity.doors.signin.check(network, now)?;
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let worked = text(work::HEADER).zip(text("dpop")).is_some_and(|(header, proof)| {
            work::is_done(app, &app.identity.attacks.spent, header, (proof, network), now)
        });
        let shape = Scope::shape_of(&parts.headers);
        let entrance = Self { network, shape, worked };
        let seen = [Scope::Address(network.address()), Scope::network_of(network), shape];
        let scopes: Vec<Scope> = seen.into_iter().chain(Scope::provider_of(app, network)).collect();
        entrance.require(app, &scopes, now)?;
        let key = text("dpop").and_then(dpop::claimed_key);
        if !key.is_some_and(|key| app.identity.directory.knows(&key)) {
            let looked_at = app.identity.doors.strangers.check((), now);
            looked_at.inspect_err(|_| app.identity.attacks.turned_away(&scopes, now))?;
        }
        Ok(entrance)
    }
}
