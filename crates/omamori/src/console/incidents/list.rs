//! The incidents there were, and the form that opens one.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use crate::alert;
use crate::app::App;
use crate::case;
use crate::clock::Micros;
use crate::console::access::{Fraud, Viewer};
use crate::console::frame::Frame;
use crate::id::Kind;
use crate::incident::cohort;
use crate::incident::row::{self, Incident, IncidentKind};
use crate::web::error::Result;
use crate::web::filters::{self, japan};
use crate::web::page::page;
use crate::web::text::Text;

const SHOWN: i64 = 100;

struct Row {
    incident: Incident,
    customers: i64,
    loss: i64,
}

#[derive(Template)]
#[template(path = "console_incidents.html")]
struct IncidentsPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    rows: Vec<Row>,
    kinds: &'static [IncidentKind],
    may_act: bool,
    /// What it is opened from.
    source: String,
    /// When that began, as the form has it.
    first: String,
}

/// What a new one is opened from.
#[derive(Deserialize)]
pub(in crate::console) struct From {
    #[serde(default)]
    from: String,
}

/// `GET /console/incidents`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Query(From { from }): Query<From>,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let extents = cohort::extents(registry).await?;
    let shown = |incident: Incident| {
        let (customers, loss) = extents.get(&incident.incident_id).copied().unwrap_or_default();
        Row { incident, customers, loss }
    };
    let rows = row::newest(registry, SHOWN).await?.into_iter().map(shown).collect();
    let began = began(&app, &from).await?;
    let source = began.map(|_| from).unwrap_or_default();
    page(&IncidentsPage {
        frame: Frame::new(&app, &staff, "incidents").await?,
        sandbox: app.sandbox(),
        rows,
        kinds: &IncidentKind::ALL,
        may_act: Fraud::is_of(staff.role),
        first: form_time(began.unwrap_or_else(|| app.clock.now())),
        source,
        text,
    })
}

/// When an alert or a case began, if there is such a one.
async fn began(app: &App, id: &str) -> Result<Option<Micros>> {
    let registry = &app.stores.registry;
    if Kind::Alert.parse(id).is_some() {
        return Ok(alert::find(registry, id).await?.map(|alert| alert.first_at));
    }
    Ok(case::find(registry, id).await?.map(|case| case.opened_at))
}

/// An instant as a form for date and time has it, on Japan's clocks.
pub(super) fn form_time(at: Micros) -> String {
    japan(at).strftime("%Y-%m-%dT%H:%M").to_string()
}
