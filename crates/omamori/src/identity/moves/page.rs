//! `GET /move` on the new phone, and `GET /moved` on the one that was replaced.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::{Undoable, undoable};
use crate::app::App;
use crate::identity::customer::PageHolder;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(askama::Template)]
#[template(path = "move.html")]
struct MovePage {
    text: Text,
    sandbox: bool,
}

#[derive(askama::Template)]
#[template(path = "moved.html")]
struct MovedPage {
    text: Text,
    sandbox: bool,
    undoable: Option<Undoable>,
}

pub(in crate::identity) async fn new_phone(
    State(app): State<Arc<App>>,
    text: Text,
) -> Result<Response> {
    page(&MovePage { text, sandbox: app.sandbox() })
}

pub(in crate::identity) async fn old_phone(
    State(app): State<Arc<App>>,
    PageHolder(holder): PageHolder,
    text: Text,
) -> Result<Response> {
    if !holder.replaced {
        return Ok(Redirect::to("/settings").into_response());
    }
    let undoable = undoable(&app.stores.registry, &holder.customer.device_id).await?;
    let undoable = undoable.filter(|undoable| undoable.until > app.clock.now());
    page(&MovedPage { text, sandbox: app.sandbox(), undoable })
}
