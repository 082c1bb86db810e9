//! Sessions of staff: an opaque token in a cookie, stored as its hash.
//!
//! A quarter of an hour idle and twelve hours in all (NIST SP 800-63B-4, AAL3). They end at once
//! with a change of role and with removal: those delete the rows in the same transaction.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use omamori_db::{Tx, sql};

use super::access::Role;
use crate::app::App;
use crate::clock::{HOUR, MINUTE, Micros, SECOND};
use crate::merchant::new_token;
use crate::secret::token_hash;
use crate::web::error::{Error, Result};
use crate::web::page::cookie;

const IDLE: Micros = 15 * MINUTE;
const ABSOLUTE: Micros = 12 * HOUR;

fn cookie_name(app: &App) -> &'static str {
    if app.config.is_https() { "__Host-omamori_staff" } else { "omamori_staff" }
}

/// Whose session it is.
pub(super) struct Found {
    pub staff_id: String,
    pub name: String,
    pub role: Role,
    pub token_hash: [u8; 32],
}

/// The signed-in person, if the request has a living session. `in_use` keeps it from going idle.
pub(super) async fn find(app: &App, headers: &HeaderMap, in_use: bool) -> Result<Option<Found>> {
    let Some(token) = cookie(headers, cookie_name(app)) else { return Ok(None) };
    let (hash, now) = (token_hash(token), app.clock.now());
    let query = sql("SELECT s.staff_id, s.name, s.role FROM staff_session x
         JOIN staff s ON s.staff_id = x.staff_id AND s.state = 'active'
         WHERE x.token_hash = $1 AND x.expires_at > $2 AND x.last_used_at > $3");
    let query = query.bind(hash).bind(now).bind(now - IDLE);
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(None) };
    if in_use {
        let touch = sql("UPDATE staff_session SET last_used_at = $1
             WHERE token_hash = $2 AND last_used_at < $3");
        let touch = touch.bind(now).bind(hash).bind(now - MINUTE);
        app.stores.registry.execute(touch).await?;
    }
    let role = Role::parse(&row.text("role")?).ok_or(Error::fault("a role is none"))?;
    let (staff_id, name) = (row.text("staff_id")?, row.text("name")?);
    Ok(Some(Found { staff_id, name, role, token_hash: hash }))
}

/// Begins a session in the transaction of the sign-in. Returns its cookie.
pub(super) async fn begin(app: &App, tx: &mut Tx, staff_id: &str) -> Result<HeaderValue> {
    let token = new_token(app.rng.as_ref(), "sse_");
    let now = app.clock.now();
    tx.execute(sql("DELETE FROM staff_session WHERE expires_at < $1").bind(now)).await?;
    let insert = sql("INSERT INTO staff_session
             (token_hash, staff_id, created_at, last_used_at, expires_at)
         VALUES ($1, $2, $3, $3, $4)");
    let insert = insert.bind(token_hash(&token)).bind(staff_id).bind(now);
    tx.execute(insert.bind(now + ABSOLUTE)).await?;
    set_cookie(app, &token, ABSOLUTE / SECOND)
}

/// Ends one session and takes its cookie away.
pub(super) async fn end(app: &App, hash: [u8; 32], response: &mut Response) -> Result<()> {
    let delete = sql("DELETE FROM staff_session WHERE token_hash = $1").bind(hash);
    app.stores.registry.execute(delete).await?;
    response.headers_mut().append(header::SET_COOKIE, set_cookie(app, "", 0)?);
    Ok(())
}

/// Ends all sessions of a person, in the transaction of what ends them.
pub(super) async fn end_all(tx: &mut Tx, staff_id: &str) -> Result<()> {
    tx.execute(sql("DELETE FROM staff_session WHERE staff_id = $1").bind(staff_id)).await?;
    Ok(())
}

fn set_cookie(app: &App, token: &str, max_age_seconds: i64) -> Result<HeaderValue> {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let name = cookie_name(app);
    let text = format!(
        "{name}={token}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    HeaderValue::from_str(&text).map_err(|_| Error::fault("a cookie is not ASCII"))
}
