//! The page on which somebody waits. It renews itself, and becomes the sign-up when it is time.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use super::room::{Standing, cookie_name, stand};
use super::ticket::GOOD_FOR;
use crate::app::App;
use crate::clock::{MINUTE, Micros, SECOND};
use crate::identity::Network;
use crate::notify::fill;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// The page asks again at a tenth of what is left, within these bounds in seconds.
const RENEW_SOONEST: Micros = 5;
const RENEW_LATEST: Micros = 30;

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage {
    text: Text,
    sandbox: bool,
    renew_seconds: Micros,
    admitted_at: Micros,
    ahead: String,
    wait: String,
}

/// The waiting room for somebody who opens the sign-up; none if they may go on.
///
/// # Errors
/// [`crate::web::codes::Code::TooManyRequests`]: this network took too many tickets; a fault.
pub async fn wait_page(
    app: &App,
    headers: &HeaderMap,
    network: Network,
    text: Text,
) -> Result<Option<Response>> {
    let Standing::Waits { admitted_at, ticket } = stand(app, headers, network).await? else {
        return Ok(None);
    };
    let now = app.clock.now();
    let left = admitted_at - now;
    let minutes = (left / MINUTE) + 1;
    let wait = match left {
        ..MINUTE => text.t("waiting.soon").to_owned(),
        _ => fill(text.t("waiting.minutes"), &[("minutes", minutes.to_string())]),
    };
    let ahead = app.crowd.ahead(admitted_at, now).to_string();
    // Not all at the same moment: how long somebody waits differs from the next one's by little,
    // and the tenth of it keeps them apart.
    let renew = (left / SECOND / 10).clamp(RENEW_SOONEST, RENEW_LATEST);
    let mut response = page(&WaitingPage {
        text,
        sandbox: app.sandbox(),
        renew_seconds: renew.min(left / SECOND + 1),
        admitted_at,
        ahead: fill(text.t("waiting.ahead"), &[("count", ahead)]),
        wait,
    })?;
    if let Some(ticket) = ticket {
        let secure = if app.config.is_https() { "; Secure" } else { "" };
        let seconds = (left + GOOD_FOR) / SECOND;
        let cookie = format!(
            "{}={ticket}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}",
            cookie_name(app)
        );
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    Ok(Some(response))
}
