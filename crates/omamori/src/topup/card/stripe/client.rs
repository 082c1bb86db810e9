//! Requests to Stripe: a blocking client on a thread for blocking work, with bounds on time and
//! size.

use std::time::Duration;

use serde_json::Value;

use super::wire;
use crate::secret::Secret;
use crate::topup::card::gateway::GatewayError;

/// Answers have the shapes of this version, whatever the account's default is
/// (<https://docs.stripe.com/api/versioning>).
const API_VERSION: &str = "2024-06-20";
const TIMEOUT: Duration = Duration::from_secs(10);
const BODY_BYTES_MAX: u64 = 256 * 1024;

/// The client of one account.
pub struct Client {
    agent: ureq::Agent,
    address: String,
    key: Secret,
}

/// Fields of a request; nested names in brackets.
#[derive(Default)]
pub struct Form(Vec<(&'static str, String)>);

impl Form {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.push((name, value.to_owned()));
        self
    }
}

/// An answer.
pub enum Reply {
    /// The object that was asked for.
    Done(Value),
    /// The `error` of a card that was asked and said no (402, `card_error`).
    CardError(Value),
}

impl Client {
    pub fn new(address: String, key: Secret) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0) // the key goes to the configured address and nowhere else
            .build();
        Self { agent: config.new_agent(), address, key }
    }

    pub async fn get(&self, path: &str) -> Result<Reply, GatewayError> {
        let request = self.agent.get(format!("{}{path}", self.address));
        let request = request.header("authorization", self.authorization());
        let request = request.header("stripe-version", API_VERSION);
        on_a_thread(move || answer(request.call())).await
    }

    /// `key` makes a repetition the same request
    /// (<https://docs.stripe.com/api/idempotent_requests>).
    pub async fn post(
        &self,
        path: &str,
        key: Option<String>,
        form: Form,
    ) -> Result<Reply, GatewayError> {
        let (agent, address) = (self.agent.clone(), format!("{}{path}", self.address));
        let authorization = self.authorization();
        on_a_thread(move || {
            let ask = || {
                let request = agent.post(&address).header("authorization", &authorization);
                let mut request = request.header("stripe-version", API_VERSION);
                if let Some(key) = &key {
                    request = request.header("idempotency-key", key);
                }
                request.send_form(form.0.clone())
            };
            match ask() {
                // The other end may close a kept connection at any time; with a key, asking again
                // is the same request.
                Err(ureq::Error::Io(_)) if key.is_some() => answer(ask()),
                answered => answer(answered),
            }
        })
        .await
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.key.reveal())
    }
}

async fn on_a_thread(
    ask: impl FnOnce() -> Result<Reply, GatewayError> + Send + 'static,
) -> Result<Reply, GatewayError> {
    let asked = tokio::task::spawn_blocking(ask).await;
    asked.map_err(|error| GatewayError::Unknown(error.to_string()))?
}

fn answer(
    answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Reply, GatewayError> {
    let unknown = |error: ureq::Error| GatewayError::Unknown(error.to_string());
    let mut answer = answered.map_err(unknown)?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_string();
    read(status, &body.map_err(unknown)?)
}

/// What an answer says. Only an answer that certainly means "nothing was done" is a refusal.
pub fn read(status: u16, body: &str) -> Result<Reply, GatewayError> {
    let parsed: Value = serde_json::from_str(body)
        .map_err(|_| GatewayError::Unknown(format!("no JSON with status {status}")))?;
    let error = &parsed["error"];
    match status {
        200..300 => Ok(Reply::Done(parsed)),
        402 if error["type"] == "card_error" => Ok(Reply::CardError(error.clone())),
        // A repetition met its original at work: that one's outcome counts.
        409 | 429 => Err(GatewayError::Unknown(wire::error_code(error))),
        400..500 if error.is_object() => {
            Err(GatewayError::Refused { status, code: wire::error_code(error) })
        }
        _ => Err(GatewayError::Unknown(format!("status {status}"))),
    }
}
