//! Asking an issuer, and only such an address as an issuer may name.
//!
//! A discovery document says where to go next, so it is also a way to make us go somewhere inside
//! (SSRF): https only, public names, and when it comes to connecting, public addresses of that
//! name. No redirect, no proxy, a time and a size beyond which we do not listen, and few requests
//! at once: an issuer that hangs holds a few threads of its own and nothing else.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use tokio::sync::Semaphore;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::{Request, header};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;

use crate::notify::push::{Filtered, is_public, is_public_name};

pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// Discovery documents and key sets have a few thousand bytes.
const BODY_BYTES_MAX: u64 = 128 * 1_024;
const ADDRESS_CHARACTERS_MAX: usize = 1_024;
/// Requests to one issuer at once.
const AT_ONCE: usize = 8;

/// Where an issuer's documents and endpoints may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// https, on the public internet.
    Public,
    /// http, on this machine: for the demo and for tests.
    Loopback,
}

impl Reach {
    const fn allows(self) -> fn(IpAddr) -> bool {
        match self {
            Self::Public => is_public,
            Self::Loopback => |address| address.is_loopback(),
        }
    }
}

/// An address within [`Reach`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint(String);

impl Endpoint {
    /// Reads what a setting or a document names, with the reader of the client that will go there,
    /// so that both see the same host.
    pub fn parse(text: &str, reach: Reach) -> Option<Self> {
        if text.len() > ADDRESS_CHARACTERS_MAX || text.contains(['@', '#', '\\']) {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let (scheme, host) = (uri.scheme_str()?, uri.host()?.to_ascii_lowercase());
        let within = match reach {
            Reach::Public => scheme == "https" && is_public_name(&host),
            Reach::Loopback => {
                scheme == "http" && matches!(&*host, "127.0.0.1" | "localhost" | "[::1]")
            }
        };
        within.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One that was not looked at: to test what looks at it later.
    #[cfg(test)]
    pub fn unchecked(text: String) -> Self {
        Self(text)
    }
}

/// Why there is no answer to use. Quotes neither address nor body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreached {
    #[error("too many requests to it are under way")]
    Busy,
    #[error("no answer in time")]
    Timeout,
    #[error("its answer is too large")]
    TooLarge,
    #[error("no connection")]
    Connection,
    #[error("it answers with status {0}")]
    Status(u16),
}

/// A client that goes no further than `reach`, follows nothing and gives up after `timeout`.
pub(crate) fn agent(reach: Reach, timeout: Duration) -> Agent {
    let config = Config::builder()
        .https_only(reach == Reach::Public)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .build();
    let resolver = Filtered { inner: DefaultResolver::default(), allows: reach.allows() };
    Agent::with_parts(config, DefaultConnector::default(), resolver)
}

/// The way to one issuer.
pub(super) struct Client {
    agent: Agent,
    slots: Arc<Semaphore>,
}

impl Client {
    pub fn new(reach: Reach, timeout: Duration) -> Self {
        Self { agent: agent(reach, timeout), slots: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Reads a document.
    pub async fn get(&self, from: &Endpoint) -> Result<Vec<u8>, Unreached> {
        let request = Request::get(from.as_str()).header(header::ACCEPT, "application/json");
        self.ask(request.body(String::new()).map_err(|_| Unreached::Connection)?).await
    }

    /// Posts a form, with an `Authorization` header if there is one.
    pub async fn post(
        &self,
        to: &Endpoint,
        form: String,
        authorization: Option<String>,
    ) -> Result<Vec<u8>, Unreached> {
        let mut request = Request::post(to.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        self.ask(request.body(form).map_err(|_| Unreached::Connection)?).await
    }

    async fn ask(&self, request: Request<String>) -> Result<Vec<u8>, Unreached> {
        let slot = self.slots.clone().try_acquire_owned().map_err(|_| Unreached::Busy)?;
        let agent = self.agent.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let _slot = slot; // given back when the request is over, also if nobody waits any more
            run(&agent, request)
        });
        asked.await.map_err(|_| Unreached::Connection)?
    }
}

fn run(agent: &Agent, request: Request<String>) -> Result<Vec<u8>, Unreached> {
    let mut answer = agent.run(request).map_err(|error| reason(&error))?;
    if answer.status() != 200 {
        return Err(Unreached::Status(answer.status().as_u16()));
    }
    let body = answer.body_mut().with_config().limit(BODY_BYTES_MAX);
    body.read_to_vec().map_err(|error| reason(&error))
}

fn reason(error: &ureq::Error) -> Unreached {
    match error {
        ureq::Error::Timeout(_) => Unreached::Timeout,
        ureq::Error::BodyExceedsLimit(_) => Unreached::TooLarge,
        _ => Unreached::Connection,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_cannot_lead_inside() {
        for good in ["https://a.example.com/x", "https://a.example.com:8443/x?y=z"] {
            assert!(Endpoint::parse(good, Reach::Public).is_some(), "{good}");
        }
        for bad in [
            "http://a.example.com/x",
            "https://127.0.0.1/x",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/x",
            "https://localhost/x",
            "https://postgres/x",
            "https://db.internal/x",
            "https://a.example.com@127.0.0.1/x",
            "https://a.example.com#@127.0.0.1/x",
            "file:///etc/passwd",
            "/jwks",
            "",
        ] {
            assert_eq!(Endpoint::parse(bad, Reach::Public), None, "{bad}");
            assert_eq!(Endpoint::parse(bad, Reach::Loopback), None, "{bad}");
        }
        assert!(Endpoint::parse("http://127.0.0.1:9080/jwks", Reach::Loopback).is_some());
        assert_eq!(Endpoint::parse("http://10.0.0.1:9080/jwks", Reach::Loopback), None);
    }

    /// An issuer that accepts and then says `answer`, or nothing more.
    async fn issuer(answer: Option<Vec<u8>>) -> Endpoint {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/jwks", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _ = connection.read(&mut [0; 4_096]).await.unwrap();
            match answer {
                Some(answer) => drop(connection.write_all(&answer).await),
                None => std::future::pending().await,
            }
        });
        Endpoint::parse(&address, Reach::Loopback).unwrap()
    }

    #[tokio::test]
    async fn a_slow_a_huge_a_redirecting_and_an_absent_issuer_are_given_up() {
        let ask = async |endpoint: &Endpoint, timeout: Duration| {
            Client::new(Reach::Loopback, timeout).get(endpoint).await
        };
        let soon = Duration::from_millis(50);
        assert_eq!(ask(&issuer(None).await, soon).await, Err(Unreached::Timeout));
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_vec();
        let huge = [head, vec![b' '; 1_000_000]].concat();
        assert_eq!(ask(&issuer(Some(huge)).await, TIMEOUT).await, Err(Unreached::TooLarge));
        let elsewhere = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\
             content-length: 0\r\n\r\n";
        let redirecting = issuer(Some(elsewhere.into())).await;
        assert_eq!(ask(&redirecting, TIMEOUT).await, Err(Unreached::Status(302)));
        let absent = Endpoint::parse("http://127.0.0.1:1/jwks", Reach::Loopback).unwrap();
        assert_eq!(ask(&absent, TIMEOUT).await, Err(Unreached::Connection));
    }

    #[tokio::test]
    async fn an_issuer_that_hangs_holds_no_more_than_its_own_threads() {
        let client = Client::new(Reach::Loopback, TIMEOUT);
        let taken: Vec<_> =
            (0..AT_ONCE).map(|_| client.slots.clone().try_acquire_owned()).collect();
        let absent = Endpoint::parse("http://127.0.0.1:1/jwks", Reach::Loopback).unwrap();
        assert_eq!(client.get(&absent).await, Err(Unreached::Busy));
        drop(taken);
        assert_eq!(client.get(&absent).await, Err(Unreached::Connection));
    }

    /// A public name that means this machine when it comes to connecting.
    #[tokio::test]
    async fn the_client_itself_connects_to_nothing_inside() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://{}/x", listener.local_addr().unwrap());
        let client = Client::new(Reach::Public, TIMEOUT);
        let asked = client.get(&Endpoint::unchecked(address)).await;
        assert_eq!(asked, Err(Unreached::Connection));
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "nobody connected");
    }
}
