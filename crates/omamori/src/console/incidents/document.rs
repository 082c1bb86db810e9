//! The OpenAPI document of the incident desk, for the operator's own tools.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{api, files, read};
use crate::console::access::Viewer;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Omamori Incident Desk API",
        version = "1",
        description = "What the pages of the incident desk read and do, with a session of the \
            console and its roles. Whatever changes something must come from the console's own \
            origin (`Origin` or `Sec-Fetch-Site`). Times in answers are RFC 3339 in UTC, and \
            `at` of figures and all times in requests microseconds since 1970; amounts are whole \
            yen."
    ),
    paths(
        read::list,
        read::whole,
        read::members,
        read::receivers,
        api::open,
        api::write,
        api::save,
        api::count,
        api::again,
        api::review,
        api::add,
        api::dispute,
        api::receiver,
        api::plan,
        api::ask,
        files::log,
        files::rows,
    ),
    modifiers(&StaffSession)
)]
struct Document;

/// The credential of the desk.
struct StaffSession;

impl Modify for StaffSession {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let cookie = ApiKey::Cookie(ApiKeyValue::new("__Host-omamori_staff"));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("staff_session", SecurityScheme::ApiKey(cookie));
    }
}

static JSON: LazyLock<String> =
    LazyLock::new(|| Document::openapi().to_pretty_json().unwrap_or_default());

/// The document, as text.
#[must_use]
pub fn document() -> &'static str {
    &JSON
}

/// `GET /api/admin/v1/openapi.json`
pub(in crate::console) async fn json(Viewer(_): Viewer) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document()).into_response()
}
