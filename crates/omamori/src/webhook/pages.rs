//! `/merchant/webhooks`, and what its buttons ask for.

use std::sync::Arc;

use askama::Template;
use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::endpoint::{self, Endpoint};
use crate::app::App;
use crate::gate::{Act, Question};
use crate::id::Kind;
use crate::merchant::access::Manager;
use crate::merchant::{Frame, MerchantUser};
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::json::Json;
use crate::web::text::Text;

#[derive(Template)]
#[template(path = "webhooks.html")]
struct WebhooksPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    endpoints: Vec<Endpoint>,
    now: i64,
}

/// `GET /merchant/webhooks`: whoever is not signed in is sent there.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    text: Text,
) -> Result<Response> {
    let endpoints = endpoint::list(&app.stores.registry, &user.merchant_id).await?;
    let (sandbox, now) = (app.sandbox(), app.clock.now());
    crate::web::page::page(&WebhooksPage {
        text,
        sandbox,
        frame: Frame::new(&user, "webhooks"),
        endpoints,
        now,
    })
}

/// The gate writes down who did what.
async fn record(app: &App, user: &MerchantUser, act: Act, what: &str, of: &str) -> Result<()> {
    let detail = json!({ "merchant_user_id": user.merchant_user_id,
        "merchant_id": user.merchant_id, "what": what, "of": of });
    let _recorded = app.gate.decide(Question::plain(act, &detail), Ok(())).await?;
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    url: String,
}

#[derive(Serialize)]
pub(super) struct Added {
    endpoint_id: String,
    /// Shown this once.
    secret: String,
}

/// `POST /api/merchant/v1/webhooks`
pub(super) async fn add(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Json(request): Json<Add>,
) -> Result<Answer<Added>> {
    let url = request.url.trim();
    if app.webhooks.target(url).is_none() {
        return Err(Error::field("url", "malformed"));
    }
    let endpoint_id = Kind::WebhookEndpoint.random_text(app.rng.as_ref());
    record(&app, &user, Act::WebhookAdd, "add", &endpoint_id).await?;
    let secret = endpoint::add(&app, &user.merchant_id, &endpoint_id, url).await?;
    Ok(Answer(Added { endpoint_id, secret }))
}

#[derive(Serialize)]
pub(super) struct Rotated {
    /// Shown this once.
    secret: String,
}

/// `POST /api/merchant/v1/webhooks/{endpoint_id}/rotate`
pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(endpoint_id): Path<String>,
) -> Result<Answer<Rotated>> {
    record(&app, &user, Act::WebhookChange, "rotate", &endpoint_id).await?;
    let secret = endpoint::rotate(&app, &user.merchant_id, &endpoint_id).await?;
    Ok(Answer(Rotated { secret }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    on: bool,
}

/// `POST /api/merchant/v1/webhooks/{endpoint_id}/switch`
pub(super) async fn switch(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(endpoint_id): Path<String>,
    Json(request): Json<Switch>,
) -> Result<StatusCode> {
    let what = if request.on { "on" } else { "off" };
    record(&app, &user, Act::WebhookChange, what, &endpoint_id).await?;
    endpoint::switch(&app, &user.merchant_id, &endpoint_id, request.on).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/merchant/v1/webhooks/{endpoint_id}/remove`
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(endpoint_id): Path<String>,
) -> Result<StatusCode> {
    record(&app, &user, Act::WebhookRemove, "remove", &endpoint_id).await?;
    endpoint::remove(&app, &user.merchant_id, &endpoint_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/merchant/v1/webhooks/{endpoint_id}/test`
pub(super) async fn test(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(endpoint_id): Path<String>,
) -> Result<StatusCode> {
    endpoint::test(&app, &user.merchant_id, &endpoint_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/merchant/v1/webhooks/{endpoint_id}/replay`
pub(super) async fn replay(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(endpoint_id): Path<String>,
) -> Result<StatusCode> {
    endpoint::replay(&app, &user.merchant_id, &endpoint_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/merchant/v1/webhooks/{endpoint_id}/events/{event_id}/replay`
pub(super) async fn replay_one(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path((endpoint_id, event_id)): Path<(String, String)>,
) -> Result<StatusCode> {
    endpoint::replay_one(&app, &user.merchant_id, (&endpoint_id, &event_id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
