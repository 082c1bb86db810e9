//! The operator's own port: `/metrics`, `/healthz`, and `/readyz` with its reasons.
//!
//! It is not part of the service's address, so no proxy rule decides who sees it: this machine
//! alone does, or who has the token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;

use super::settings::MetricsSettings;
use crate::app::App;

/// What Prometheus expects of the format.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Takes the port, if there is to be one.
///
/// # Errors
/// Which setting to change.
pub async fn bind(settings: &MetricsSettings) -> Result<Option<TcpListener>, String> {
    if !settings.enabled {
        return Ok(None);
    }
    let bound = TcpListener::bind(settings.listen).await;
    bound.map(Some).map_err(|error| {
        let address = settings.listen;
        format!("metrics.listen {address} cannot be used ({error}): choose another")
    })
}

/// Serves it as long as the process lives.
pub fn start(app: &Arc<App>, listener: TcpListener) {
    let router = router(app.clone());
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the port of the figures broke");
        }
    });
}

/// Its routes.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/readyz", get(ready))
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(middleware::from_fn_with_state(app.clone(), admit))
        .with_state(app)
}

async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let given = given.and_then(|value| value.strip_prefix(b"Bearer "));
    let wanted = app.config.metrics.token.as_ref().map(|token| token.reveal().as_bytes());
    let is_right = match (wanted, given) {
        (None, _) => true,
        (Some(wanted), Some(given)) => bool::from(wanted.ct_eq(given)),
        (Some(_), None) => false,
    };
    if is_right { next.run(request).await } else { StatusCode::UNAUTHORIZED.into_response() }
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.metrics.scrape(&app).await {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    let report = app.readiness.look(&app).await;
    let status = if report.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}
