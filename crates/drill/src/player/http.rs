//! Connections that are kept and shared by all who take part.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::load::{Connection, Request};

/// A server may close what was idle for longer: then another connection is opened.
const IDLE_MAX: Duration = Duration::from_secs(2);

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// `name=value` of the cookie that was set.
    pub(crate) cookie: Option<String>,
    /// Where it leads.
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) const fn is_ok(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Told to come again: nothing was done.
    pub(crate) fn is_busy(&self) -> bool {
        self.status == 503 && self.code() == "busy"
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The API's own word for a refusal, or the status.
    pub(crate) fn code(&self) -> String {
        let code = self.json()["error"]["code"].as_str().map(str::to_owned);
        code.unwrap_or_else(|| self.status.to_string())
    }
}

/// A server and the connections to it.
pub(crate) struct Http {
    target: SocketAddr,
    idle: Mutex<Vec<(Instant, Connection)>>,
    /// The page that all look at, and when it was asked for.
    shared: tokio::sync::Mutex<Option<(Instant, Arc<str>)>>,
}

impl Http {
    pub(crate) const fn new(target: SocketAddr) -> Self {
        let shared = tokio::sync::Mutex::const_new(None);
        Self { target, idle: Mutex::new(Vec::new()), shared }
    }

    /// The one page that many look at: who comes while it is read waits for that, and who comes
    /// within `fresh` after it is content with what was read.
    pub(crate) async fn look(
        &self,
        request: &Request,
        fresh: Duration,
    ) -> std::io::Result<Arc<str>> {
        let mut shared = self.shared.lock().await;
        if let Some((_, page)) = shared.as_ref().filter(|(asked, _)| asked.elapsed() < fresh) {
            return Ok(page.clone());
        }
        let asked = Instant::now();
        let page: Arc<str> = String::from_utf8_lossy(&self.ask(request).await?.body).into();
        *shared = Some((asked, page.clone()));
        Ok(page)
    }

    /// Sends a request over a connection that nobody uses, or a new one.
    pub(crate) async fn ask(&self, request: &Request) -> std::io::Result<Reply> {
        let idle = self.idle().pop().filter(|(since, _)| since.elapsed() < IDLE_MAX);
        let mut connection = match idle {
            Some((_, connection)) => connection,
            None => Connection::open(self.target).await?,
        };
        let answer = connection.exchange(request).await?;
        let cookie = answer.field("set-cookie").and_then(|cookie| cookie.split(';').next());
        let reply = Reply {
            status: answer.status,
            cookie: cookie.map(str::to_owned),
            location: answer.field("location").map(str::to_owned),
            body: answer.body.to_vec(),
        };
        if connection.is_open() {
            self.idle().push((Instant::now(), connection));
        }
        Ok(reply)
    }

    /// Who broke off in the middle left the list as it was.
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, Connection)>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
