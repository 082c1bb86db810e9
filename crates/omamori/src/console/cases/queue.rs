//! `/console/cases`: what is to be looked into, the first due first.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::{Row, names, row};
use crate::app::App;
use crate::case::CaseKind;
use crate::case::list::{Filter, decided, waiting};
use crate::clock::Micros;
use crate::console::access::Viewer;
use crate::console::frame::Frame;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

const SHOWN: i64 = 100;

/// What to show; empty means all that is undecided.
#[derive(Deserialize)]
pub(in crate::console) struct Chosen {
    #[serde(default)]
    kind: String,
    /// `open`, `taken`, `waiting`, `decided`.
    #[serde(default)]
    state: String,
    /// `mine` or `overdue`.
    #[serde(default)]
    only: String,
    /// Where the page begins: an instant and an id.
    #[serde(default)]
    due: Option<Micros>,
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "console_cases.html")]
struct CasesPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    kinds: &'static [CaseKind],
    chosen: Chosen,
    rows: Vec<Row>,
    /// Where the next page begins.
    next: Option<(Micros, String)>,
}

/// `GET /console/cases`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Query(chosen): Query<Chosen>,
) -> Result<Response> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let is_decided = chosen.state == "decided";
    let filter = Filter {
        kind: chosen.kind.clone(),
        state: chosen.state.clone(),
        by: if chosen.only == "mine" { staff.staff_id.clone() } else { String::new() },
        overdue_at: (chosen.only == "overdue").then_some(now),
    };
    let found = if is_decided {
        decided(registry, &filter, SHOWN).await?
    } else {
        let place = (chosen.due.unwrap_or(i64::MIN), &*chosen.after);
        waiting(registry, &filter, place, SHOWN).await?
    };
    let last = found.last().map(|case| (case.due_at, case.case_id.clone()));
    let next = last.filter(|_| !is_decided && found.len() as i64 == SHOWN);
    let names = names(registry).await?;
    page(&CasesPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "cases").await?,
        kinds: &CaseKind::ALL,
        rows: found.into_iter().map(|case| row(case, &names, now)).collect(),
        chosen,
        next,
    })
}
