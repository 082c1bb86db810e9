//! `/demo/sms`: what the sandbox "sent". There is no such page beside a real gateway.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::app::App;
use crate::clock::Micros;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(askama::Template)]
#[template(path = "sms.html")]
struct SmsPage {
    text: Text,
    sandbox: bool,
    messages: Vec<Shown>,
}

struct Shown {
    to: String,
    body: String,
    at: Micros,
    code: Option<String>,
}

/// `/demo/sms`.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/demo/sms", get(show))
}

async fn show(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    let sandbox = app.identity.outbox().sandbox().ok_or(Code::NotFound)?;
    let messages = sandbox.sent().into_iter().map(|sent| Shown {
        code: sent.code().map(str::to_owned),
        to: sent.to,
        body: sent.text,
        at: sent.at,
    });
    page(&SmsPage { text, sandbox: true, messages: messages.collect() })
}
