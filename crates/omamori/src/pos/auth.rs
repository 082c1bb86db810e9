//! Who calls: a terminal with its key, or the web register with its cookie.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::app::App;
use crate::checkout::shop::ONLINE;
use crate::merchant::TerminalEntry;
use crate::secret::token_hash;
use crate::web::codes::Code;
use crate::web::error::Error;
use crate::web::page::cookie;

/// The cookie of the web register.
pub const TILL_COOKIE: &str = "omamori_till";
/// The header that only our own script can set on the web register's requests. With the
/// `SameSite=Strict` cookie it keeps other sites from acting as the till.
const TILL_HEADER: &str = "x-omamori-till";

/// The kind of a terminal that takes cash from customers without a clerk.
const ATM: &str = "atm";
/// All that such a terminal may do: whoever opens it and finds its key sells nothing with it.
const OF_ATM: [&str; 3] = ["/api/pos/v1/topups", "/api/pos/v1/terminal", "/api/pos/v1/atm-"];

/// All that an online shop's key may do beside making orders: it stands on a server and meets no
/// customer's phone. It looks at payments by their id, cancels them and refunds.
const OF_ONLINE: [&str; 4] =
    ["/api/checkout/", "/api/pos/v1/terminal", "/api/pos/v1/payments/", "/api/pos/v1/refunds"];

/// Whether a terminal of a kind is made for an address.
fn is_for(kind: &str, path: &str) -> bool {
    let one_of = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    match kind {
        ATM => one_of(&OF_ATM),
        ONLINE => one_of(&OF_ONLINE),
        _ => !one_of(&OF_ONLINE[..1]),
    }
}

/// The calling terminal. As an extractor: refuses anybody else.
pub struct Terminal {
    entry: Arc<TerminalEntry>,
    token_hash: [u8; 32],
}

impl Deref for Terminal {
    type Target = TerminalEntry;

    fn deref(&self) -> &TerminalEntry {
        &self.entry
    }
}

impl Terminal {
    /// Whether the key or the session that it came with is still good: for what goes on after its
    /// request was answered. If that cannot be found out it is not.
    pub async fn stands(&self, app: &App) -> bool {
        matches!(app.merchants.terminal_of(self.token_hash).await, Ok(Some(_)))
    }

    /// Whether it is an ATM.
    #[must_use]
    pub fn is_atm(&self) -> bool {
        self.kind == ATM
    }
}

impl FromRequestParts<Arc<App>> for Terminal {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let token = token(&parts.headers).ok_or(Code::Unauthorized)?;
        let token_hash = token_hash(token);
        let entry = app.merchants.terminal_of(token_hash).await?.ok_or(Code::Unauthorized)?;
        let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        if !is_for(&entry.kind, path) {
            return Err(Code::Forbidden.into());
        }
        app.merchants.seen(&entry, app.clock.now()).await?;
        Ok(Self { entry, token_hash })
    }
}

/// A `Bearer` key, or the till's cookie with the till's header.
fn token(headers: &HeaderMap) -> Option<&str> {
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let (scheme, key) = authorization.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then_some(key.trim());
    }
    headers.get(TILL_HEADER)?;
    cookie(headers, TILL_COOKIE)
}
