//! Where a request comes from, for doors that are closed for a part of the world.
//!
//! Looked up only while such a door is closed, so it costs nothing else.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::identity::Network;
use crate::networks::Country;

/// In which native apps say their version, as `1.4.0`. Whoever leaves it out is not covered: it is
/// a handle against a faulty app, not against an attacker.
const VERSION_HEADER: &str = "omamori-app-version";

/// The version of an app: up to three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u16; 3]);

impl Version {
    /// From a text as `1.4` or `1.4.0`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut numbers = [0; 3];
        for (place, number) in numbers.iter_mut().enumerate() {
            match parts.next() {
                Some(part) => *number = part.parse().ok()?,
                None if place > 0 => break,
                None => return None,
            }
        }
        parts.next().is_none().then_some(Self(numbers))
    }

    fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(VERSION_HEADER)?.to_str().ok()?)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Where a request comes from, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Caller {
    /// The autonomous system of its network, by the operator's file.
    pub(super) asn: Option<u32>,
    /// The country of its network, by the operator's file.
    pub(super) country: Option<Country>,
    /// The app's version, if it says one.
    pub(super) version: Option<Version>,
}

tokio::task_local! {
    static CALLER: Caller;
}

/// The caller of the request that this is part of; nothing is known outside of one.
pub(super) fn current() -> Caller {
    CALLER.try_with(|caller| *caller).unwrap_or_default()
}

/// Makes the caller known to the doors while a request is at work.
pub async fn known(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if let Some(ending) = app.gate.controls().ending() {
        request.extensions_mut().insert(ending.banner(app.clock.now()));
    }
    if !app.gate.controls().look_at_callers() {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(network) = Network::from_request_parts(&mut parts, &app).await;
    let caller = Caller {
        asn: app.networks.asn(network.address()),
        country: app.networks.country(network.address()),
        version: Version::of(&parts.headers),
    };
    CALLER.scope(caller, next.run(Request::from_parts(parts, body))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("1.9.0") < version("1.10"));
        assert_eq!(version("2"), version("2.0.0"));
        assert_eq!(version("1.4.2").to_string(), "1.4.2");
        for wrong in ["", "1.", ".1", "1.2.3.4", "1.x", "-1", "70000"] {
            assert_eq!(Version::parse(wrong), None, "{wrong}");
        }
    }
}
