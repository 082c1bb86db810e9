//! The pages of sign-up, sign-in and recovery. They hold nothing of a customer; the scripts do the
//! work.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use std::sync::Arc;

use super::external::Button;
use super::rate::Network;
use crate::app::App;
use crate::crowd;
use crate::web::error::Result;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(askama::Template)]
#[template(path = "signup.html")]
struct SignupPage {
    text: Text,
    sandbox: bool,
    external: Vec<Button>,
}

#[derive(askama::Template)]
#[template(path = "signin.html")]
struct SigninPage {
    text: Text,
    sandbox: bool,
    external: Vec<Button>,
}

#[derive(askama::Template)]
#[template(path = "recover.html")]
struct RecoverPage {
    text: Text,
    sandbox: bool,
}

#[derive(askama::Template)]
#[template(path = "recover_cancel.html")]
struct RecoverCancelPage {
    text: Text,
    sandbox: bool,
}

/// `GET /recover/cancel`
pub(super) async fn recover_cancel(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    page(&RecoverCancelPage { text, sandbox: app.sandbox() })
}

/// `GET /recover`
pub(super) async fn recover(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    page(&RecoverPage { text, sandbox: app.sandbox() })
}

/// `GET /signup`
pub(super) async fn signup(
    State(app): State<Arc<App>>,
    network: Network,
    headers: HeaderMap,
    text: Text,
) -> Result<Response> {
    if let Some(waits) = crowd::wait_page(&app, &headers, network, text).await? {
        return Ok(waits);
    }
    let external = app.identity.external.offered(text);
    page(&SignupPage { text, sandbox: app.sandbox(), external })
}

/// `GET /signin`
pub(super) async fn signin(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    let external = app.identity.external.offered(text);
    page(&SigninPage { text, sandbox: app.sandbox(), external })
}
