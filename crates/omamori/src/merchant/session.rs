//! Who of a merchant's people is asking.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use omamori_db::sql;

use super::access::Role;
use super::store::new_token;
use crate::app::App;
use crate::clock::{HOUR, MINUTE, Micros};
use crate::secret::token_hash;
use crate::web::error::{Error, Result};
use crate::web::page::cookie;

/// A signed-in person of a merchant: half an hour idle, twelve hours in all (a working day).
const IDLE: Micros = 30 * MINUTE;
const ABSOLUTE: Micros = 12 * HOUR;

fn cookie_name(app: &App) -> &'static str {
    if app.config.is_https() { "__Host-omamori_merchant" } else { "omamori_merchant" }
}

/// A merchant's person, signed in with a passkey. Handlers ask for one by what the person may do:
/// [`super::access`].
pub struct MerchantUser {
    /// `mus_…`.
    pub merchant_user_id: String,
    /// The person's name.
    pub name: String,
    /// At this moment.
    pub role: Role,
    /// `mer_…`: every query of the back office names it.
    pub merchant_id: String,
    /// The merchant's name.
    pub merchant_name: String,
    pub(super) token_hash: [u8; 32],
}

/// The signed-in person, if the request has a living session.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(app: &App, headers: &HeaderMap) -> Result<Option<MerchantUser>> {
    let Some(token) = cookie(headers, cookie_name(app)) else { return Ok(None) };
    let hash = token_hash(token);
    let now = app.clock.now();
    let row = app
        .stores
        .registry
        .optional(
            sql(
                "SELECT u.merchant_user_id, u.name, u.role, u.merchant_id, m.name AS merchant_name \
                 FROM merchant_session s \
                 JOIN merchant_user u ON u.merchant_user_id = s.merchant_user_id \
                 JOIN merchant m ON m.merchant_id = u.merchant_id \
                 WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_used_at > $3 \
                 AND u.removed_at IS NULL",
            )
            .bind(hash)
            .bind(now)
            .bind(now - IDLE),
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    // Once a minute is enough to know that somebody is there.
    let touch = sql("UPDATE merchant_session SET last_used_at = $1 \
                     WHERE token_hash = $2 AND last_used_at < $3");
    app.stores.registry.execute(touch.bind(now).bind(hash).bind(now - MINUTE)).await?;
    Ok(Some(MerchantUser {
        merchant_user_id: row.text("merchant_user_id")?,
        name: row.text("name")?,
        role: role_of(&row.text("role")?)?,
        merchant_id: row.text("merchant_id")?,
        merchant_name: row.text("merchant_name")?,
        token_hash: hash,
    }))
}

/// The role of a word in the registry.
pub(super) fn role_of(word: &str) -> Result<Role> {
    Role::parse(word).ok_or(Error::fault("a merchant's person has a role that there is not"))
}

/// Begins a session and puts its cookie into `response`.
///
/// # Errors
/// A fault if the registry fails.
pub async fn begin(app: &App, merchant_user_id: &str, response: &mut Response) -> Result<()> {
    let token = new_token(app.rng.as_ref(), "mse_");
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    tx.execute(sql("DELETE FROM merchant_session WHERE expires_at < $1").bind(now)).await?;
    tx.execute(
        sql("INSERT INTO merchant_session \
             (token_hash, merchant_user_id, created_at, last_used_at, expires_at) \
             VALUES ($1, $2, $3, $3, $4)")
        .bind(token_hash(&token))
        .bind(merchant_user_id)
        .bind(now)
        .bind(now + ABSOLUTE),
    )
    .await?;
    let seen = sql("UPDATE merchant_user SET last_signin_at = $1 WHERE merchant_user_id = $2");
    tx.execute(seen.bind(now).bind(merchant_user_id)).await?;
    tx.commit().await?;
    set_cookie(app, &token, ABSOLUTE / crate::clock::SECOND, response);
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// A fault if the registry fails.
pub async fn end(app: &App, user: &MerchantUser, response: &mut Response) -> Result<()> {
    let delete = sql("DELETE FROM merchant_session WHERE token_hash = $1").bind(user.token_hash);
    app.stores.registry.execute(delete).await?;
    set_cookie(app, "", 0, response);
    Ok(())
}

fn set_cookie(app: &App, token: &str, max_age_seconds: i64, response: &mut Response) {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let name = cookie_name(app);
    let cookie = format!(
        "{name}={token}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
