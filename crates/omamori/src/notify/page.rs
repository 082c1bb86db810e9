//! `/demo/sms`: what the sandbox "sent", on all ways. There is no such page where none is one.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::delivery::Channel;
use super::sandbox::Sent;
use crate::app::App;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(askama::Template)]
#[template(path = "sms.html")]
struct SandboxPage {
    text: Text,
    sandbox: bool,
    messages: Vec<Sent>,
}

/// `/demo/sms`.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/demo/sms", get(show))
}

async fn show(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    let messages = app.identity.outbox().sandbox().ok_or(Code::NotFound)?.sent();
    page(&SandboxPage { text, sandbox: true, messages })
}
