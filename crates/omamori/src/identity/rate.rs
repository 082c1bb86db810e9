//! How often one network may knock at the doors that need no session.
//!
//! In memory of this node and bounded. The quota of SMS per number is in the registry and holds
//! for all nodes.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use parking_lot::Mutex;

use super::proxy;
use crate::app::App;
use crate::clock::Micros;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

const CAPACITY: usize = 1 << 16;

/// The network that a request comes from: an IPv4 address, or the /64 that one customer of a
/// provider gets of IPv6.
///
/// As an extractor: the peer of the connection, or the one for whom a trusted proxy speaks. The
/// server must be started with connection information; without it all requests count as one
/// network, which errs on the safe side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }

    /// The address, for decision records.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.0
    }
}

impl FromRequestParts<Arc<App>> for Network {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &Arc<App>,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(Ipv6Addr::UNSPECIFIED.into(), |peer| peer.0.ip());
        Ok(Self::of(proxy::client(peer, &parts.headers, &app.config.trusted_proxies)))
    }
}

/// A rate limit (GCRA): a burst at once, then one by one; by network, or by what else is counted.
pub struct RateLimit<K = Network> {
    interval: Micros,
    burst: Micros,
    /// When a network would have used up nothing, had it come evenly.
    arrivals: Mutex<HashMap<K, Micros>>,
}

impl<K: Copy + Eq + Hash> RateLimit<K> {
    /// `burst` requests at once; one more each `interval`.
    #[must_use]
    pub fn new(burst: u32, interval: Micros) -> Self {
        Self { interval, burst: interval * Micros::from(burst), arrivals: Mutex::default() }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// [`Code::TooManyRequests`], with the time to wait.
    pub fn check(&self, network: K, now: Micros) -> Result<()> {
        let mut arrivals = self.arrivals.lock();
        let arrival = arrivals.get(&network).copied().unwrap_or(now).max(now);
        let next = arrival + self.interval;
        if next - now > self.burst {
            let wait = (next - now - self.burst) / crate::clock::SECOND + 1;
            let seconds = u32::try_from(wait).unwrap_or(u32::MAX);
            return Err(Error::RetryAfter(Code::TooManyRequests, seconds));
        }
        if arrivals.len() >= CAPACITY && !arrivals.contains_key(&network) {
            arrivals.retain(|_, &mut arrival| arrival > now);
            if arrivals.len() >= CAPACITY {
                arrivals.clear(); // 65,536 networks knock at once: this limit is not what helps
            }
        }
        arrivals.insert(network, next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND;

    fn network(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[test]
    fn a_burst_passes_and_then_one_by_one() {
        let limit = RateLimit::new(3, 10 * SECOND);
        let (a, b) = (network("192.0.2.1"), network("192.0.2.2"));
        let now = 1_000 * SECOND;
        for _ in 0..3 {
            limit.check(a, now).unwrap();
        }
        let refused = limit.check(a, now).unwrap_err();
        assert!(matches!(refused, Error::RetryAfter(Code::TooManyRequests, 11)), "{refused:?}");
        limit.check(b, now).unwrap();
        assert!(limit.check(a, now + 9 * SECOND).is_err());
        limit.check(a, now + 10 * SECOND).unwrap();
        assert!(limit.check(a, now + 10 * SECOND).is_err());
        for _ in 0..3 {
            limit.check(a, now + 60 * SECOND).unwrap();
        }
    }

    #[test]
    fn one_subscriber_of_ipv6_is_one_network() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn memory_is_bounded() {
        let limit = RateLimit::new(1, SECOND);
        for n in 0..2 * CAPACITY as u32 {
            let _ = limit.check(Network::of(std::net::Ipv4Addr::from(n).into()), 0);
        }
        assert!(limit.arrivals.lock().len() <= CAPACITY);
    }
}
