//! `/terms` and `/compensation`, newest first, each older version at an address of its own.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};

use super::{Kind, Version, confirm, versions};
use crate::app::App;
use crate::audit::hex;
use crate::clock::Micros;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/api/wallet/v1/terms", get(confirm::standing))
        .route("/api/wallet/v1/terms/confirm", post(confirm::confirm))
        .route("/terms", get(terms))
        .route("/terms/{version}", get(terms_version))
        .route("/compensation", get(compensation))
        .route("/compensation/{version}", get(compensation_version))
}

pub(super) struct Item {
    pub title: String,
    pub paragraphs: Vec<String>,
}

struct Older {
    version: i64,
    published_at: Micros,
}

pub(super) struct Shown {
    pub version: i64,
    pub published_at: Micros,
    hash: String,
    pub items: Vec<Item>,
}

#[derive(Template)]
#[template(path = "legal.html")]
struct LegalPage {
    text: Text,
    sandbox: bool,
    kind: &'static str,
    title: String,
    /// None before the first version is published.
    shown: Option<Shown>,
    is_newest: bool,
    all: Vec<Older>,
}

/// `GET /terms`
async fn terms(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    show(&app, text, Kind::Terms, None).await
}

/// `GET /terms/{version}`
async fn terms_version(
    State(app): State<Arc<App>>,
    text: Text,
    Path(version): Path<String>,
) -> Result<Response> {
    show(&app, text, Kind::Terms, Some(version)).await
}

/// `GET /compensation`
async fn compensation(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    show(&app, text, Kind::Compensation, None).await
}

/// `GET /compensation/{version}`
async fn compensation_version(
    State(app): State<Arc<App>>,
    text: Text,
    Path(version): Path<String>,
) -> Result<Response> {
    show(&app, text, Kind::Compensation, Some(version)).await
}

async fn show(app: &App, text: Text, kind: Kind, version: Option<String>) -> Result<Response> {
    let all = versions(&app.stores.registry, kind).await?;
    let newest = all.last().map(|newest| newest.version);
    let chosen = match version {
        None => all.last(),
        Some(version) => {
            let version: i64 = version.parse().map_err(|_| Code::NotFound)?;
            Some(all.iter().find(|one| one.version == version).ok_or(Code::NotFound)?)
        }
    };
    let shown = chosen.map(|version| shown(version, kind, text));
    let older = |one: &Version| Older { version: one.version, published_at: one.published_at };
    page(&LegalPage {
        text,
        sandbox: app.sandbox(),
        kind: kind.as_str(),
        title: text.named("legal.title_", kind.as_str()),
        is_newest: shown.as_ref().map(|shown| shown.version) == newest,
        shown,
        all: all.iter().rev().map(older).collect(),
    })
}

pub(super) fn shown(version: &Version, kind: Kind, text: Text) -> Shown {
    let items = version.body.of(text.lang);
    let item = |name: &&'static str| Item {
        title: text.named("legal.item_", name),
        paragraphs: items[*name].split("\n\n").map(|part| part.trim().to_owned()).collect(),
    };
    Shown {
        version: version.version,
        published_at: version.published_at,
        hash: hex(&version.hash),
        items: kind.items().iter().filter(|name| items.contains_key(**name)).map(item).collect(),
    }
}
