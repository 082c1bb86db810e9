//! The outermost layer: request id, security headers, the form of errors, one log line for each.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::codes::Code;
use super::error::{Carried, Envelope, Error};
use super::page::page;
use super::text::Text;
use crate::app::App;
use crate::id::Kind;
use crate::observe::Seen;

/// The id of one request; also answered in the header `x-request-id`.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// No script, style, frame, form target or connection but our own.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; connect-src 'self'; media-src 'self' blob:; object-src 'none'; \
    base-uri 'none'; frame-ancestors 'none'; form-action 'self'; worker-src 'self'; \
    manifest-src 'self'; require-trusted-types-for 'script'; trusted-types omamori";

/// Pages that read codes with the camera. No other page may use it.
const CAMERA_PAGES: [&str; 3] = ["/scan", "/send", "/till"];

/// What a page may use of the device.
const MAY_FILM: &str = "camera=(self), microphone=(), publickey-credentials-get=(self), \
    publickey-credentials-create=(self), screen-wake-lock=(self), geolocation=()";
const MAY_NOT_FILM: &str = "camera=(), microphone=(), publickey-credentials-get=(self), \
    publickey-credentials-create=(self), screen-wake-lock=(self), geolocation=()";

/// Two years, as browsers' preload lists ask; sent where the service is reached over TLS, so that
/// nobody on the way can talk a browser out of it.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=63072000; includeSubDomains";

#[derive(askama::Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    text: Text,
    sandbox: bool,
    status: u16,
    /// Where the one who sees it belongs, and the words for it.
    home: Home,
    request_id: Option<&'a str>,
}

/// An address, and the key of its name.
type Home = (&'static str, &'static str);

/// Whose part of the service a path is in: who may not open a page of the console is not led to a
/// wallet.
fn home_of(path: &str) -> Home {
    match path.split('/').nth(1) {
        Some("console") => ("/console", "error.home_console"),
        Some("merchant") => ("/merchant", "error.home_merchant"),
        Some("till") => ("/till", "error.home_till"),
        _ => ("/", "error.home"),
    }
}

/// How an error is shown to who asked.
struct Shown {
    wants_json: bool,
    home: Home,
    text: Text,
    sandbox: bool,
}

/// Wraps every request.
pub async fn finish(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id: Arc<str> = Kind::Request.random_text(app.rng.as_ref()).into();
    request.extensions_mut().insert(RequestId(id.clone()));
    let path = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let asked = request.uri().path();
    let shown = Shown {
        wants_json: asked.starts_with("/api/"),
        home: home_of(asked),
        text: Text::of(request.headers()),
        sandbox: app.sandbox(),
    };

    let template = path.as_ref().map_or("-", MatchedPath::as_str);
    let seen = Seen::begin(&app.metrics, &method, template, &id);
    let mut response = next.run(request).instrument(seen.span().clone()).await;
    let carried = response.extensions_mut().remove::<Carried>().map(|Carried(error)| error);
    let by_framework = || shown.wants_json.then(|| refusal_of_framework(&response)).flatten();
    if let Some(error) = carried.or_else(by_framework) {
        // Paths with their parameters are not logged: they may hold what belongs to a person.
        log(&error, &method, template, &id, began);
        response = with_body(response, &error, &id, &shown);
    }
    let may_film = path.as_ref().is_some_and(|path| CAMERA_PAGES.contains(&path.as_str()));
    seen.end(response.status());
    secure(&mut response, &id, may_film);
    if app.config.is_https() {
        let value = HeaderValue::from_static(STRICT_TRANSPORT_SECURITY);
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// What an extractor of the framework refused in its own words: an address that is no UTF-8.
fn refusal_of_framework(response: &Response) -> Option<Arc<Error>> {
    (response.status() == StatusCode::BAD_REQUEST).then(|| Arc::new(Error::field("", "malformed")))
}

fn log(error: &Error, method: &axum::http::Method, path: &str, id: &str, began: Instant) {
    let code = error.code().as_str();
    let elapsed_ms = began.elapsed().as_millis();
    if let Error::Fault(fault) = error {
        let mut chain = fault.to_string();
        let mut source = fault.source();
        while let Some(inner) = source {
            chain = format!("{chain}: {inner}");
            source = inner.source();
        }
        tracing::error!(%method, path, request_id = id, elapsed_ms, fault = chain, "request failed");
    } else {
        tracing::debug!(%method, path, request_id = id, elapsed_ms, code, "request refused");
    }
}

fn with_body(bare: Response, error: &Error, id: &str, shown: &Shown) -> Response {
    let Shown { wants_json, home, text, sandbox } = *shown;
    let (mut parts, _) = bare.into_parts();
    let body = if wants_json {
        serde_json::to_vec(&Envelope::new(error, id)).map(Body::from).unwrap_or_default()
    } else {
        let status = error.code().status().as_u16();
        let template = ErrorPage { text, sandbox, status, home, request_id: Some(id) };
        page(&template).map(Response::into_body).unwrap_or_default()
    };
    let content_type = if wants_json { "application/json" } else { "text/html; charset=utf-8" };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body)
}

fn secure(response: &mut Response, id: &str, may_film: bool) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID.clone(), value);
    }
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            if may_film { MAY_FILM } else { MAY_NOT_FILM },
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The answer to an address that no route has.
pub async fn not_found() -> Error {
    Code::NotFound.into()
}

/// The answer to a method that an address does not take.
pub async fn method_not_allowed() -> Error {
    Code::MethodNotAllowed.into()
}

/// The answer to a panic in a handler: a fault, with the state unknown to the caller.
#[must_use]
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Error::fault("a handler panicked").into_response()
}
