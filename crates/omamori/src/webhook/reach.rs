//! Where webhooks may go. A merchant names the address and we post there, so it is also a way to
//! make us post to somewhere inside (SSRF): https only, public names only, and at the moment of
//! connecting public addresses of that name only. On a service that is itself of this machine
//! alone, plain http to this machine too.

use std::time::Duration;

use ureq::Agent;
use ureq::http::{Request, header};

use crate::clock::MINUTE;
use crate::config::Config;
use crate::identity::RateLimit;
use crate::identity::reach::{Endpoint, Reach, agent};

/// A receiver that takes longer has failed. It should answer first and work afterwards.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// An address that may be posted to.
pub(super) struct Target {
    url: Endpoint,
    reach: Reach,
}

/// The clients that post.
pub struct Webhooks {
    public: Agent,
    /// Only where the service itself is of this machine alone.
    loopback: Option<Agent>,
    /// Tests and replays, by endpoint.
    pub(super) asked: RateLimit<u128>,
}

/// What is posted.
pub(super) struct Message {
    pub id: String,
    /// Seconds since 1970.
    pub seconds: i64,
    pub signatures: String,
    pub body: String,
}

/// Why a message was not taken, as a word for tables and pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub word: &'static str,
    /// The status, if there was an answer.
    pub status: Option<u16>,
}

impl Webhooks {
    /// The clients that the settings allow.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            public: agent(Reach::Public, TIMEOUT),
            loopback: config.is_loopback().then(|| agent(Reach::Loopback, TIMEOUT)),
            asked: RateLimit::new(10, MINUTE),
        }
    }

    /// Reads an address that a merchant enters or a row holds.
    pub(super) fn target(&self, text: &str) -> Option<Target> {
        let target = |reach| Some(Target { url: Endpoint::parse(text, reach)?, reach });
        target(Reach::Public)
            .or_else(|| self.loopback.as_ref().and_then(|_| target(Reach::Loopback)))
    }

    /// Posts. The answer's status is the outcome; its body is not read.
    pub(super) async fn post(&self, target: Target, message: Message) -> Result<u16, Failure> {
        let agent = match target.reach {
            Reach::Public => self.public.clone(),
            Reach::Loopback => self.loopback.clone().ok_or(Failure::NO_CONNECTION)?,
        };
        let posting = tokio::task::spawn_blocking(move || run(&agent, &target, message));
        posting.await.map_err(|_| Failure::NO_CONNECTION)?
    }
}

impl Failure {
    const NO_CONNECTION: Self = Self { word: "no_connection", status: None };
    /// What stands in the row is no address that may be gone to.
    pub(super) const NOT_ALLOWED: Self = Self { word: "not_allowed", status: None };
}

fn run(agent: &Agent, target: &Target, message: Message) -> Result<u16, Failure> {
    let request = Request::post(target.url.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("Omamori-Webhooks/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", message.id)
        .header("webhook-timestamp", message.seconds)
        .header("webhook-signature", message.signatures)
        .body(message.body)
        .map_err(|_| Failure::NOT_ALLOWED)?;
    let answer = agent.run(request).map_err(|error| Failure {
        word: match error {
            ureq::Error::Timeout(_) => "timeout",
            ureq::Error::HostNotFound => "no_host",
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "tls",
            _ => "no_connection",
        },
        status: None,
    })?;
    match answer.status().as_u16() {
        status @ 200..300 => Ok(status),
        status @ 300..400 => Err(Failure { word: "redirect", status: Some(status) }),
        status => Err(Failure { word: "refused", status: Some(status) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merchant_cannot_name_what_is_inside() {
        let inside = [
            "http://example.com/hook",
            "https://localhost/hook",
            "https://127.0.0.1/hook",
            "https://[::1]/hook",
            "https://169.254.169.254/latest/meta-data/",
            "https://metadata.google.internal/",
            "https://10.0.0.5/hook",
            "https://2130706433/hook",
            "https://0x7f.1/hook",
            "https://postgres/hook",
            "https://shop.example.com@127.0.0.1/hook",
            "https://shop.example.com#@127.0.0.1/hook",
            "https://shop.example.com\\@127.0.0.1/hook",
            "ftp://shop.example.com/hook",
            "file:///etc/passwd",
            "//shop.example.com/hook",
            "shop.example.com/hook",
            "",
        ];
        let public_url = "https://pay.example.jp".to_owned();
        let public = Webhooks::new(&Config { public_url, ..Config::default() });
        let local = Webhooks::new(&Config::default());
        for text in inside {
            assert!(public.target(text).is_none(), "{text}");
            assert!(local.target(text).is_none(), "{text}");
        }
        assert!(public.target("https://shop.example.com:8443/hook?x=1").is_some());
        assert!(public.target("http://127.0.0.1:9000/hook").is_none());
        assert!(local.target("http://127.0.0.1:9000/hook").is_some());
    }

    /// A public name that means this machine when it comes to connecting leads nowhere either.
    #[tokio::test]
    async fn the_client_itself_connects_to_nothing_inside() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = Endpoint::unchecked(format!("https://localhost:{port}/hook"));
        let target = Target { url, reach: Reach::Public };
        let message = Message {
            id: "evt_1".to_owned(),
            seconds: 0,
            signatures: String::new(),
            body: "{}".to_owned(),
        };
        let posted = Webhooks::new(&Config::default()).post(target, message).await;
        assert_eq!(posted, Err(Failure { word: "no_host", status: None }));
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "nobody connected");
    }
}
