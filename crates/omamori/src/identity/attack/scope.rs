//! What wrong sign-ins can have in common.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::HeaderMap;
use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::identity::jwk::Thumbprint;
use crate::identity::rate::Network;
use crate::secret::hmac_sha256;

/// One thing in common. Numbers are the beginnings of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::identity) enum Scope {
    /// The telephone number that was typed, whether it has an account or not.
    Account(u64),
    /// One subscriber: an IPv4 address, a /64 of IPv6.
    Address(IpAddr),
    /// One site or neighbourhood: the /24, the /48.
    Network(IpAddr),
    /// Everything that one provider runs: the number of the autonomous system.
    Provider(u32),
    /// The key that made the proof.
    Device(u64),
    /// The password that was tried: the same one everywhere is spraying.
    Password(u64),
    /// The kind of client: which headers it sends, in which order, and what it calls itself.
    Shape(u64),
}

impl Scope {
    /// From how many accounts in ten minutes on this is no family, no office and no slip of
    /// fingers. (Counted by [`super::window`]: a lower bound.)
    pub(super) const fn accounts_of_an_attack(self) -> u32 {
        match self {
            Self::Account(_) => u32::MAX,
            Self::Device(_) => 5,
            Self::Address(_) | Self::Password(_) => 10,
            Self::Network(_) => 20,
            Self::Shape(_) | Self::Provider(_) => 60,
        }
    }

    /// Whether it may be shut out. A kind of client, a password and a provider are shared with
    /// people who have done nothing: those are asked for work, and no more.
    pub(super) const fn may_be_closed(self) -> bool {
        matches!(self, Self::Address(_) | Self::Network(_) | Self::Device(_))
    }

    /// The name of the kind, and its place among [`Scope::KINDS`].
    pub(super) const fn kind(self) -> (usize, &'static str) {
        match self {
            Self::Account(_) => (0, "account"),
            Self::Address(_) => (1, "address"),
            Self::Network(_) => (2, "network"),
            Self::Device(_) => (3, "device"),
            Self::Password(_) => (4, "password"),
            Self::Shape(_) => (5, "shape"),
            Self::Provider(_) => (6, "asn"),
        }
    }

    /// How many kinds there are.
    pub(super) const KINDS: usize = 7;

    /// The /24 or /48 around an address.
    pub(in crate::identity) fn network_of(network: Network) -> Self {
        Self::Network(match network.address() {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Ipv4Addr::new(a, b, c, 0).into()
            }
            IpAddr::V6(v6) => {
                let [a, b, c, ..] = v6.segments();
                Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
            }
        })
    }

    /// Who runs the network, if the operator's file knows.
    pub(in crate::identity) fn provider_of(app: &App, network: Network) -> Option<Self> {
        app.networks.asn(network.address()).map(Self::Provider)
    }

    /// The kind of client, by its headers. Those that come and go with the request, or are added
    /// on the way, say nothing about the client.
    pub(in crate::identity) fn shape_of(headers: &HeaderMap) -> Self {
        const PASSING: [&str; 7] =
            ["content-length", "cookie", "dpop", "forwarded", "omamori-work", "referer", "via"];
        let mut hash = Sha256::new();
        for name in headers.keys().map(axum::http::HeaderName::as_str) {
            if !PASSING.contains(&name) && !name.starts_with("x-") {
                hash.update(name);
                hash.update(b"\n");
            }
        }
        for name in ["user-agent", "accept-language"] {
            hash.update(headers.get(name).map_or(&b""[..], |value| value.as_bytes()));
            hash.update(b"\n");
        }
        Self::Shape(first_eight(&hash.finalize()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, kind) = self.kind();
        match self {
            Self::Network(address) => {
                write!(f, "{kind}:{address}/{}", if address.is_ipv4() { 24 } else { 48 })
            }
            Self::Address(address) => write!(f, "{kind}:{address}"),
            Self::Provider(number) => write!(f, "{kind}:{number}"),
            Self::Account(n) | Self::Device(n) | Self::Password(n) | Self::Shape(n) => {
                write!(f, "{kind}:{n:016x}")
            }
        }
    }
}

/// All that one sign-in with a password has.
#[derive(Clone, Copy, Debug)]
pub(in crate::identity) struct Scopes {
    pub account: Scope,
    pub address: Scope,
    pub network: Scope,
    pub device: Scope,
    pub password: Scope,
    pub shape: Scope,
    /// If it is known who runs the network.
    pub provider: Option<Scope>,
}

impl Scopes {
    /// Of a request from `network` with the headers of `shape`, tried with these.
    pub(in crate::identity) fn new(
        app: &App,
        (network, shape): (Network, Scope),
        key: &Thumbprint,
        phone: &str,
        password: &[u8],
    ) -> Self {
        Self {
            account: Scope::Account(fingerprint(app, "account", phone.as_bytes())),
            address: Scope::Address(network.address()),
            network: Scope::network_of(network),
            device: Scope::Device(first_eight(key)),
            password: Scope::Password(fingerprint(app, "password", password)),
            shape,
            provider: Scope::provider_of(app, network),
        }
    }

    pub(super) fn all(&self) -> Vec<Scope> {
        let known =
            [self.account, self.address, self.network, self.device, self.password, self.shape];
        known.into_iter().chain(self.provider).collect()
    }

    pub(super) const fn account_number(&self) -> u64 {
        match self.account {
            Scope::Account(number) => number,
            _ => 0,
        }
    }
}

/// A keyed hash: equal things are seen to be equal, and nothing can be looked up by it.
fn fingerprint(app: &App, what: &str, value: &[u8]) -> u64 {
    let key = app.vault.derive("attack.fingerprint");
    let mut mac = hmac_sha256(key.as_slice());
    mac.update(what.as_bytes());
    mac.update(b"\0");
    mac.update(value);
    first_eight(&mac.finalize().into_bytes())
}

fn first_eight(hash: &[u8]) -> u64 {
    hash.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_a_neighbourhood() {
        let network =
            |text: &str| Scope::network_of(Network::of(text.parse().unwrap())).to_string();
        assert_eq!(network("203.0.113.77"), "network:203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2::1"), "network:2001:db8:1::/48");
        assert_eq!(network("2001:db8:1:3::9"), "network:2001:db8:1::/48");
    }

    #[test]
    fn a_client_is_known_by_its_headers_and_not_by_what_changes() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            Scope::shape_of(&headers)
        };
        let tool = headers(&[("host", "a"), ("user-agent", "curl/8"), ("dpop", "1")]);
        assert_eq!(tool, headers(&[("host", "a"), ("user-agent", "curl/8"), ("dpop", "2")]));
        assert_eq!(
            tool,
            headers(&[("x-forwarded-for", "1"), ("host", "b"), ("user-agent", "curl/8")])
        );
        assert_ne!(tool, headers(&[("user-agent", "curl/8"), ("host", "a")]));
        assert_ne!(tool, headers(&[("host", "a"), ("user-agent", "curl/9")]));
    }
}
