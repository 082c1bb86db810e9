//! `/status`: what is closed now and was lately, for everyone. Never why, by whom, or at which
//! store: that is the staff's.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use omamori_db::sql;

use super::closure::{Closure, Scope, closure_columns};
use super::ending::Banner;
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::{Lang, Text};

/// How far back the page looks.
const HISTORY: Micros = 30 * DAY;
/// Lines of history.
const LINES_MAX: i64 = 100;

/// The route.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/status", get(show))
}

struct Line {
    name: String,
    notice: Option<String>,
    is_partial: bool,
    since: Micros,
    until: Option<Micros>,
}

impl Line {
    fn of(closure: &Closure, text: Text, now: Micros) -> Self {
        let notice = match text.lang {
            Lang::Ja => &closure.notice_ja,
            Lang::En => &closure.notice_en,
        };
        Self {
            name: text.named("door.", closure.door.as_str()),
            notice: Some(notice.clone()).filter(|notice| !notice.is_empty()),
            is_partial: closure.scope != Scope::All,
            since: closure.closed_at,
            until: closure.ended_at(now).or(closure.ends_at),
        }
    }
}

#[derive(askama::Template)]
#[template(path = "status.html")]
struct StatusPage {
    text: Text,
    sandbox: bool,
    now: Micros,
    /// The end of the service, if one is announced.
    end: Option<Banner>,
    closed: Vec<Line>,
    history: Vec<Line>,
}

async fn show(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    let now = app.clock.now();
    let query = sql(concat!(
        "SELECT ",
        closure_columns!(),
        " FROM control WHERE closed_at > $1 ORDER BY closed_at DESC LIMIT $2"
    ))
    .bind(now - HISTORY)
    .bind(LINES_MAX);
    let rows = app.stores.registry.all(query).await?;
    let mut history = Vec::with_capacity(rows.len());
    for row in &rows {
        history.extend(Closure::of(row)?.filter(|closure| !closure.is_closed(now)));
    }
    let closed = app.gate.controls().closed(now);
    let lines = |closures: &[Closure]| -> Vec<Line> {
        closures.iter().map(|closure| Line::of(closure, text, now)).collect()
    };
    page(&StatusPage {
        text,
        sandbox: app.sandbox(),
        now,
        end: text.banner,
        closed: lines(&closed),
        history: lines(&history),
    })
}
