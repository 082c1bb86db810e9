//! `/api/openapi.json` (OpenAPI 3.1) from the handlers themselves, and `/api` to read it.

use std::sync::Arc;
use std::sync::LazyLock;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{Modify, OpenApi};

use crate::app::App;
use crate::topup::atm;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::page::page;
use crate::web::text::Text;
use crate::{order, pos};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Omamori POS API",
        version = "1",
        description = "What a register says to Omamori. Amounts are whole yen; times are RFC 3339 \
            in UTC. Every operation that moves money takes an id of the caller's own: repeat the \
            request with the same id until there is an answer, and it is done once. A time-out, a \
            500 and a 503 mean *unknown*: repeat, or ask by the id."
    ),
    paths(
        pos::shelf::terminal,
        pos::shelf::products,
        pos::payment::create,
        pos::inquiry::payment,
        pos::inquiry::list,
        pos::cancel::create,
        pos::authorization::create::create,
        pos::authorization::inquiry::authorization,
        pos::authorization::inquiry::list,
        pos::authorization::capture::create,
        pos::authorization::void::create,
        pos::refund::create,
        pos::inquiry::refund,
        pos::topup::create,
        pos::inquiry::topup,
        pos::topup_cancel::create,
        order::pos::create,
        order::pos::show,
        order::pos::cancel,
        atm::terminal::create,
        atm::terminal::show,
        atm::terminal::end,
        atm::topup::create,
    ),
    modifiers(&TerminalKey, &VisibleTexts)
)]
struct Document;

/// The credential of all that a terminal calls.
pub(crate) struct TerminalKey;

impl Modify for TerminalKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("terminal_key", SecurityScheme::Http(bearer));
    }
}

/// Texts that are shown to others have no hidden character: what [`is_hidden`] finds, as a pattern
/// of ECMA-262, at each property that has a longest length and no pattern of its own.
///
/// [`is_hidden`]: crate::web::text::is_hidden
pub(crate) struct VisibleTexts;

const VISIBLE: &str =
    "^[^\\u0000-\\u001F\\u007F-\\u009F\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069]*$";

impl Modify for VisibleTexts {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        for schema in components.schemas.values_mut() {
            let RefOr::T(Schema::Object(schema)) = schema else { continue };
            for property in schema.properties.values_mut() {
                let RefOr::T(Schema::Object(property)) = property else { continue };
                if property.max_length.is_some() && property.pattern.is_none() {
                    property.pattern = Some(VISIBLE.to_owned());
                }
            }
        }
    }
}

static JSON: LazyLock<String> =
    LazyLock::new(|| Document::openapi().to_pretty_json().unwrap_or_default());

/// The document, as text.
#[must_use]
pub fn document() -> &'static str {
    &JSON
}

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/api/openapi.json", get(json)).route("/api", get(readable))
}

async fn json() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document()).into_response()
}

struct Operation {
    method: String,
    path: String,
    summary: String,
}

#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage {
    text: Text,
    sandbox: bool,
    /// The document's own text, in pieces: every second one is emphasised (`*…*` of CommonMark).
    description: Vec<String>,
    operations: Vec<Operation>,
    codes: &'static [Code],
}

async fn readable(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    let document = Document::openapi();
    let mut operations = Vec::new();
    for (path, item) in &document.paths.paths {
        let methods = [("GET", &item.get), ("POST", &item.post)];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            operations.push(Operation {
                method: method.to_owned(),
                path: path.clone(),
                summary: operation.summary.clone().unwrap_or_default(),
            });
        }
    }
    page(&ApiPage {
        text,
        sandbox: app.sandbox(),
        description: document
            .info
            .description
            .unwrap_or_default()
            .split('*')
            .map(str::to_owned)
            .collect(),
        operations,
        codes: Code::ALL,
    })
}
