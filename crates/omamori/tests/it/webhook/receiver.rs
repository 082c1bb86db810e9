//! A merchant's server: it checks signatures with the library of Standard Webhooks, not with ours.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use parking_lot::Mutex;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What it does with a request.
#[derive(Clone, Debug)]
pub enum Does {
    /// Answers with a status.
    Says(u16),
    /// Sends the caller elsewhere.
    Redirects(String),
    /// Answers nothing until it is let go, and then nothing good.
    Hangs,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Arrived {
    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }

    pub fn seconds(&self) -> i64 {
        self.headers["webhook-timestamp"].to_str().unwrap().parse().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether the signature is right for this secret, whatever the time.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let ours = Webhook::new(secret).unwrap().sign(self.id(), self.seconds(), &self.body);
        let ours = ours.unwrap();
        let theirs = self.headers["webhook-signature"].to_str().unwrap();
        theirs.split(' ').any(|signature| signature == ours)
    }
}

#[derive(Default)]
struct Shared {
    arrived: Mutex<Vec<Arrived>>,
    /// What it does next; afterwards it says 200.
    script: Mutex<VecDeque<Does>>,
    came: Notify,
    let_go: Notify,
}

/// The server.
pub struct Receiver {
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub async fn open() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?shop=1", listener.local_addr().unwrap());
        let routes = Router::new().route("/hook", post(take)).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, shared, task }
    }

    /// What it does with the next requests.
    pub fn does(&self, script: impl IntoIterator<Item = Does>) {
        self.shared.script.lock().extend(script);
    }

    /// What arrived since it was last asked.
    pub fn arrived(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.shared.arrived.lock())
    }

    /// Waits until something is there.
    pub async fn waits(&self) {
        loop {
            let came = self.shared.came.notified();
            if !self.shared.arrived.lock().is_empty() {
                return;
            }
            came.await;
        }
    }

    /// Ends what hangs.
    pub fn lets_go(&self) {
        self.shared.let_go.notify_one();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    shared.arrived.lock().push(Arrived { headers, body });
    shared.came.notify_waiters();
    let does = shared.script.lock().pop_front().unwrap_or(Does::Says(200));
    match does {
        Does::Says(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Does::Redirects(to) => {
            let to = HeaderValue::from_str(&to).unwrap();
            (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
        }
        Does::Hangs => {
            shared.let_go.notified().await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
