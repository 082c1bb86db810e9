//! Posting to push services (RFC 8030), and only to them.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::endpoint::is_public;
use super::{Push, PushMessage};
use crate::notify::{SendError, Sending};

const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the push service keeps it for a phone that is off.
const TTL_SECONDS: &str = "86400";

/// The adapter for real push services.
pub struct WebPush {
    agent: Agent,
}

impl WebPush {
    /// A client that goes to public addresses by https, follows no redirect and uses no proxy (a
    /// proxy would look up the name itself).
    #[must_use]
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .https_only(true)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .build();
        let resolver = Filtered { inner: DefaultResolver::default(), allows: is_public };
        Self { agent: Agent::with_parts(config, DefaultConnector::default(), resolver) }
    }
}

impl Default for WebPush {
    fn default() -> Self {
        Self::new()
    }
}

impl Push for WebPush {
    fn send<'a>(&'a self, message: &'a PushMessage) -> Sending<'a> {
        Box::pin(async move {
            let request = self
                .agent
                .post(message.endpoint.as_str())
                .header("authorization", &message.authorization)
                .header("content-encoding", "aes128gcm")
                .header("content-type", "application/octet-stream")
                .header("ttl", TTL_SECONDS)
                .header("urgency", "high")
                .header("topic", &message.topic);
            let body = message.encrypted.clone();
            let answer = tokio::task::spawn_blocking(move || request.send(&body)).await?;
            match answer.map_err(|error| unreached(&error))?.status().as_u16() {
                200..300 => Ok(()),
                404 | 410 => Err(SendError::Gone), // RFC 8030 §7.3
                status => Err(SendError::http(status)),
            }
        })
    }
}

/// Errors of the client may quote the address, which is the customer's secret.
fn unreached(error: &Error) -> SendError {
    let why = match error {
        Error::HostNotFound => "no public host of this name".to_owned(),
        Error::Timeout(_) => "no answer in time".to_owned(),
        Error::Io(error) => error.kind().to_string(),
        _ => "the connection failed".to_owned(),
    };
    SendError::Unreached(why)
}

/// Finds only addresses that may be gone to. Looked at after the name was resolved and before
/// anything is connected, so a name that means something else a second time gains nothing.
#[derive(Debug)]
pub(crate) struct Filtered<R> {
    /// Finds all.
    pub inner: R,
    /// Which may be gone to.
    pub allows: fn(IpAddr) -> bool,
}

impl<R: Resolver> Resolver for Filtered<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        for address in found.iter().filter(|address| (self.allows)(address.ip())) {
            allowed.push(*address);
        }
        if allowed.is_empty() { Err(Error::HostNotFound) } else { Ok(allowed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::push::Endpoint;

    /// Names whatever it is asked for an address inside and one outside.
    #[derive(Debug)]
    struct Rebinding(&'static [&'static str]);

    impl Resolver for Rebinding {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, Error> {
            let mut found = self.empty();
            for address in self.0 {
                found.push(address.parse().unwrap());
            }
            Ok(found)
        }
    }

    fn resolved(addresses: &'static [&'static str]) -> Result<Vec<String>, Error> {
        let uri = "https://push.example.com/x".parse().unwrap();
        let config = Agent::config_builder().build();
        let public = Filtered { inner: Rebinding(addresses), allows: is_public };
        let found = public.resolve(&uri, &config, NextTimeout::default())?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_public_name_that_leads_inside_leads_nowhere() {
        assert!(matches!(resolved(&["127.0.0.1:443", "[fd00::1]:443"]), Err(Error::HostNotFound)));
        assert_eq!(resolved(&["10.0.0.1:443", "1.1.1.1:443"]).unwrap(), ["1.1.1.1:443"]);
    }

    #[tokio::test]
    async fn the_client_itself_goes_to_no_address_inside() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let sent = WebPush::new().agent.post(format!("https://{address}/x")).send("x");
        assert!(matches!(sent, Err(Error::HostNotFound)), "{sent:?}");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "nobody connected");
    }

    #[test]
    fn a_reason_quotes_no_address() {
        let secret = Endpoint::parse("https://push.example.com/s3cret").unwrap();
        let error = unreached(&Error::BadUri(secret.as_str().to_owned()));
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
