//! The web register at `/till`. It speaks the POS API like any register; only its sign-in and its
//! pages are here.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use omamori_db::sql;
use serde::Deserialize;

use crate::app::App;
use crate::checkout::shop::ONLINE;
use crate::db::changes::{Subject, changed};
use crate::merchant::{TerminalEntry, new_token};
use crate::pos::{TILL_COOKIE, Terminal};
use crate::secret::{Secret, token_hash};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;
use crate::web::page::{cookie, page};
use crate::web::text::Text;

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/till", get(till)).route("/till/session", post(sign_in).delete(sign_out))
}

#[derive(Template)]
#[template(path = "till_key.html")]
struct TillKeyPage {
    text: Text,
    sandbox: bool,
}

#[derive(Template)]
#[template(path = "till.html")]
struct TillPage {
    text: Text,
    sandbox: bool,
    terminal_id: String,
    terminal_name: String,
    store_name: String,
    merchant_name: String,
}

async fn till(State(app): State<Arc<App>>, headers: HeaderMap, text: Text) -> Result<Response> {
    let sandbox = app.sandbox();
    let terminal = match cookie(&headers, TILL_COOKIE) {
        Some(token) => app.merchants.terminal(token).await?,
        None => None,
    };
    let Some(terminal) = terminal else { return page(&TillKeyPage { text, sandbox }) };
    page(&TillPage {
        text,
        sandbox,
        terminal_id: terminal.terminal_id.clone(),
        terminal_name: terminal.name.clone(),
        store_name: terminal.store.name.clone(),
        merchant_name: terminal.store.merchant_name.clone(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    api_key: Secret,
}

/// Gives the browser a cookie of its own for the terminal's key, so that the key itself is not
/// kept in a browser.
async fn sign_in(State(app): State<Arc<App>>, Json(request): Json<SignIn>) -> Result<Response> {
    let key = request.api_key.reveal().trim();
    let terminal = app.merchants.terminal(key).await?;
    // A session's token is not a key: only a key opens a session.
    let is_of_a_register =
        |terminal: &Arc<TerminalEntry>| key.starts_with("omk_") && terminal.kind != ONLINE;
    let terminal = terminal.filter(is_of_a_register).ok_or(Code::Unauthorized)?;
    let token = new_token(app.rng.as_ref(), "till_");
    remember(&app, &terminal, &token).await?;
    Ok(with_cookie(&app, &token, 400 * 24 * 3_600))
}

async fn remember(app: &App, terminal: &TerminalEntry, token: &str) -> Result<()> {
    let now = app.clock.now();
    app.stores
        .registry
        .execute(
            sql("INSERT INTO till_session \
                 (token_hash, terminal_number, created_at) VALUES ($1, $2, $3)")
            .bind(token_hash(token))
            .bind(terminal.terminal_number)
            .bind(now),
        )
        .await?;
    Ok(())
}

async fn sign_out(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    headers: HeaderMap,
) -> Result<Response> {
    let token = cookie(&headers, TILL_COOKIE).ok_or(Error::Refused(Code::Unauthorized))?;
    app.stores
        .registry
        .execute(sql("DELETE FROM till_session WHERE token_hash = $1").bind(token_hash(token)))
        .await?;
    changed(&app, Subject::Terminal(&terminal.terminal_id)).await?;
    Ok(with_cookie(&app, "", 0))
}

fn with_cookie(app: &App, token: &str, max_age_seconds: u32) -> Response {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let cookie = format!(
        "{TILL_COOKIE}={token}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}
