//! Sessions: an opaque token in a cookie, stored as its hash, bound to the phone's key.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::{Db, Tx, sql};
use serde::Serialize;

use super::customer::Customer;
use super::jwk::Thumbprint;
use crate::app::App;
use crate::clock::{DAY, MINUTE, Micros};
use crate::config::Config;
use crate::db::changes::{self, Subject};
use crate::id::Kind;
use crate::privacy;
use crate::rng::random;
use crate::secret::token_hash;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::page::cookie;
use crate::web::text::Lang;

/// A wallet stays signed in for weeks, which as a bearer session would be far beyond NIST SP
/// 800-63B-4 (AAL2: 24 hours, 1 hour idle). It is not one: each request is signed by a key that
/// the phone cannot give away, the phone unlocks with its owner's finger or PIN, and what changes
/// the account asks for the passkey again. What these two bounds end is the phone in a drawer.
pub const IDLE_MAX: Micros = 30 * DAY;
/// After this the passkey is asked for again, whatever the use.
pub const LIFE_MAX: Micros = 90 * DAY;

/// `last_used_at` is written at most this often, so that reading a page is no write.
const TOUCH_EVERY: Micros = 5 * MINUTE;

/// A session that stands, as the registry has it.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub session_id: String,
    pub customer_id: String,
    pub device_id: String,
    pub wallet_account: u128,
    pub language: Lang,
    pub thumbprint: Thumbprint,
    pub token_hash: [u8; 32],
    /// Another phone took this one's place.
    pub replaced: bool,
    /// What opened it.
    pub factor: &'static str,
    /// Since when the phone is enrolled.
    pub device_since: Micros,
    /// Since when there is the account.
    pub account_since: Micros,
    last_used_at: Micros,
}

/// What the phone learns of its new session. The token itself is in the cookie, where scripts do
/// not reach; its hash is what proofs carry.
#[derive(Debug, Serialize)]
pub(super) struct Opened {
    ath: String,
    expires_at: String,
    #[serde(skip)]
    pub cookie: HeaderValue,
}

/// What opened a session, beside the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    Passkey,
    /// And a code of the authenticator app.
    Password,
    /// An account elsewhere, and a code of the authenticator app.
    External,
}

impl Strength {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Password => "password",
            Self::External => "external",
        }
    }

    /// The word of risk rules for what the registry has.
    fn signal(word: &str) -> &'static str {
        match word {
            "passkey" => "passkey",
            "password" => "password_totp",
            _ => "external_totp",
        }
    }
}

/// Opens a session of a customer on a phone.
pub(super) async fn open(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    device_id: &str,
    strength: Strength,
) -> Result<Opened> {
    privacy::call_off_closing(app, tx, customer_id).await?;
    let now = app.clock.now();
    let token = new_token(app);
    let hash = token_hash(&token);
    let expires_at = now + LIFE_MAX;
    tx.execute(sql("DELETE FROM session WHERE expires_at < $1").bind(now)).await?;
    let insert =
        sql("INSERT INTO session (token_hash, session_id, customer_id, device_id, strength,
                              created_at, last_used_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)");
    let session_id = Kind::Session.random_text(app.rng.as_ref());
    let insert = insert.bind(hash).bind(session_id).bind(customer_id).bind(device_id);
    let insert = insert.bind(strength.as_str());
    tx.execute(insert.bind(now).bind(expires_at)).await?;
    opened(app, &token, hash, expires_at)
}

fn new_token(app: &App) -> String {
    format!("oms_{}", URL_SAFE_NO_PAD.encode(random::<32>(app.rng.as_ref())))
}

fn opened(app: &App, token: &str, hash: [u8; 32], expires_at: Micros) -> Result<Opened> {
    let max_age_seconds = (expires_at - app.clock.now()) / crate::clock::SECOND;
    Ok(Opened {
        ath: URL_SAFE_NO_PAD.encode(hash),
        expires_at: rfc3339(expires_at),
        cookie: set_cookie(&app.config, token, max_age_seconds)?,
    })
}

/// The session of a token, if it stands and so do its phone and its customer. The phone may be one
/// that was replaced.
pub(super) async fn find(registry: &Db, hash: [u8; 32], now: Micros) -> Result<Option<Session>> {
    let query = sql("SELECT s.session_id, s.customer_id, s.device_id, s.last_used_at,
                s.strength, c.wallet_account, c.language, c.created_at, d.sign_key_thumbprint,
                d.state, d.enrolled_at
         FROM session s
         JOIN customer c ON c.customer_id = s.customer_id AND c.status <> 'closed'
         JOIN device d ON d.device_id = s.device_id AND d.state <> 'ended'
         WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_used_at > $3");
    let query = query.bind(hash).bind(now).bind(now - IDLE_MAX);
    let Some(row) = registry.optional(query).await? else { return Ok(None) };
    Ok(Some(Session {
        session_id: row.text("session_id")?,
        customer_id: row.text("customer_id")?,
        device_id: row.text("device_id")?,
        wallet_account: u128::from_be_bytes(row.array("wallet_account")?),
        language: Lang::parse(&row.text("language")?).unwrap_or_default(),
        thumbprint: row.array("sign_key_thumbprint")?,
        token_hash: hash,
        replaced: row.text("state")? == "replaced",
        factor: Strength::signal(&row.text("strength")?),
        device_since: row.int("enrolled_at")?,
        account_since: row.int("created_at")?,
        last_used_at: row.int("last_used_at")?,
    }))
}

/// Whether a session stands on a phone that pays. Its token may be another one by now.
pub(super) async fn stands(registry: &Db, session_id: &str, now: Micros) -> Result<bool> {
    let query = sql("SELECT s.session_id FROM session s
         JOIN device d ON d.device_id = s.device_id AND d.state = 'active'
         WHERE s.session_id = $1 AND s.expires_at > $2");
    Ok(registry.optional(query.bind(session_id).bind(now)).await?.is_some())
}

impl Session {
    /// Notes that the session and its phone are in use.
    pub(super) async fn touch(&self, registry: &Db, now: Micros) -> Result<()> {
        if now - self.last_used_at < TOUCH_EVERY {
            return Ok(());
        }
        let mut tx = registry.begin().await?;
        let session = sql("UPDATE session SET last_used_at = $1 WHERE token_hash = $2");
        tx.execute(session.bind(now).bind(self.token_hash)).await?;
        let device = sql("UPDATE device SET last_used_at = $1 WHERE device_id = $2");
        tx.execute(device.bind(now).bind(&self.device_id)).await?;
        Ok(tx.commit().await?)
    }
}

/// Gives a session another token, because its strength rose: whoever knew the old one knows nothing
/// now. How long it lives stays.
pub(super) async fn renew(app: &App, tx: &mut Tx, old_hash: [u8; 32]) -> Result<Opened> {
    let now = app.clock.now();
    let token = new_token(app);
    let hash = token_hash(&token);
    let update = sql("UPDATE session SET token_hash = $1, last_used_at = $2
         WHERE token_hash = $3");
    let update = update.bind(hash).bind(now).bind(old_hash);
    if tx.execute(update).await? != 1 {
        return Err(Code::Unauthorized.into()); // ended, or renewed by a request beside this one
    }
    let query = sql("SELECT expires_at FROM session WHERE token_hash = $1").bind(hash);
    let expires_at = tx.one(query).await?.int("expires_at")?;
    opened(app, &token, hash, expires_at)
}

/// Ends sessions of a customer on all phones but `kept`.
pub(super) async fn end_elsewhere(tx: &mut Tx, customer_id: &str, kept: &str) -> Result<()> {
    let delete = sql("DELETE FROM session WHERE customer_id = $1 AND device_id <> $2");
    tx.execute(delete.bind(customer_id).bind(kept)).await?;
    Ok(())
}

/// Ends all sessions of a customer on this phone but the one that asks. Those of a phone that was
/// replaced stay: they can only undo the move, and no newcomer takes that away.
pub(super) async fn end_others(tx: &mut Tx, customer: &Customer) -> Result<()> {
    let delete = sql("DELETE FROM session
         WHERE customer_id = $1 AND session_id <> $2 AND device_id = $3");
    let delete = delete.bind(&customer.customer_id).bind(&customer.session_id);
    tx.execute(delete.bind(&customer.device_id)).await?;
    Ok(())
}

/// Ends the session for good. Its event streams end too.
pub(super) async fn end(app: &App, customer: &Customer) -> Result<()> {
    let delete = sql("DELETE FROM session WHERE token_hash = $1").bind(customer.token_hash);
    app.stores.registry.execute(delete).await?;
    Ok(changes::changed(app, Subject::Notices(customer.wallet_account)).await?)
}

/// The hash of the token that came with a request, if one came.
pub(super) fn presented(config: &Config, headers: &HeaderMap) -> Option<[u8; 32]> {
    cookie(headers, cookie_name(config)).map(token_hash)
}

/// `__Host-`: only this origin can set it, over https, for all paths. Browsers refuse the prefix
/// on plain http, which is for localhost alone.
fn cookie_name(config: &Config) -> &'static str {
    if config.is_https() { "__Host-omamori" } else { "omamori" }
}

/// `SameSite=Lax` lets a link from elsewhere open the wallet; nothing that such a link can reach
/// changes state, for every change needs a proof.
fn set_cookie(config: &Config, token: &str, max_age_seconds: i64) -> Result<HeaderValue> {
    let name = cookie_name(config);
    let secure = if config.is_https() { "; Secure" } else { "" };
    let text = format!(
        "{name}={token}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax{secure}"
    );
    HeaderValue::from_str(&text).map_err(|_| Error::fault("a cookie is not ASCII"))
}

/// The header that removes the cookie.
pub(super) fn clear_cookie(config: &Config) -> Result<(header::HeaderName, HeaderValue)> {
    Ok((header::SET_COOKIE, set_cookie(config, "", 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_origins() {
        let https = Config { public_url: "https://pay.example.jp".into(), ..Config::default() };
        assert_eq!(
            set_cookie(&https, "oms_x", 60).unwrap(),
            "__Host-omamori=oms_x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        let local = Config::default();
        let (_, cleared) = clear_cookie(&local).unwrap();
        assert_eq!(cleared, "omamori=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=1; omamori=oms_x"));
        assert_eq!(presented(&local, &headers), Some(token_hash("oms_x")));
        assert_eq!(presented(&https, &headers), None);
    }
}
