//! An SMS gateway over HTTP: `POST url {"to","text"}` with a bearer token.
//!
//! The client is a blocking one on a thread for blocking work: SMS are few, and one small client
//! with rustls costs less than a second asynchronous stack.

use std::time::Duration;

use serde_json::json;

use super::{SendError, Sending, Sms};
use crate::secret::Secret;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The adapter for a gateway.
pub struct HttpSms {
    agent: ureq::Agent,
    url: String,
    token: Secret,
}

impl HttpSms {
    /// A gateway at `url`.
    #[must_use]
    pub fn new(url: String, token: Secret) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0) // the token goes to the configured address and nowhere else
            .build();
        Self { agent: config.new_agent(), url, token }
    }
}

impl Sms for HttpSms {
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Sending<'a> {
        Box::pin(async move {
            let request = self
                .agent
                .post(&self.url)
                .header("authorization", format!("Bearer {}", self.token.reveal()))
                .content_type("application/json");
            let body = json!({ "to": to, "text": text }).to_string();
            let answer = tokio::task::spawn_blocking(move || request.send(body)).await?;
            let answer = answer.map_err(|error| SendError::Unreached(error.to_string()))?;
            let status = answer.status();
            if status.is_success() { Ok(()) } else { Err(SendError::http(status.as_u16())) }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use parking_lot::Mutex;

    use super::*;

    type Received = Arc<Mutex<Vec<(String, serde_json::Value)>>>;

    /// A stand-in for a gateway that answers with `status`.
    async fn gateway(status: StatusCode) -> (String, Received) {
        let received = Received::default();
        let seen = received.clone();
        let handler = move |headers: HeaderMap, body: String| async move {
            let token = headers["authorization"].to_str().unwrap().to_owned();
            seen.lock().push((token, serde_json::from_str(&body).unwrap()));
            status
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sms", listener.local_addr().unwrap());
        let routes = Router::new().route("/sms", post(handler));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (url, received)
    }

    fn adapter(url: String) -> HttpSms {
        HttpSms::new(url, Secret::new("t0ken".into()))
    }

    #[tokio::test]
    async fn a_message_reaches_the_gateway() {
        let (url, received) = gateway(StatusCode::ACCEPTED).await;
        adapter(url).send("+819012345678", "認証コード: 123456").await.unwrap();
        let (token, body) = received.lock().remove(0);
        assert_eq!(token, "Bearer t0ken");
        assert_eq!(body, json!({ "to": "+819012345678", "text": "認証コード: 123456" }));
    }

    #[tokio::test]
    async fn a_gateway_that_says_no_or_is_gone_is_an_error() {
        let (url, received) = gateway(StatusCode::PAYMENT_REQUIRED).await;
        let refused = adapter(url).send("+819012345678", "x").await;
        assert!(matches!(refused, Err(SendError::Refused(402))), "{refused:?}");
        assert_eq!(received.lock().len(), 1, "no second try: it would be a second SMS");

        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = format!("http://{}/sms", free.local_addr().unwrap());
        drop(free);
        let unreached = adapter(nobody).send("+819012345678", "x").await;
        assert!(matches!(unreached, Err(SendError::Unreached(_))), "{unreached:?}");
    }
}
