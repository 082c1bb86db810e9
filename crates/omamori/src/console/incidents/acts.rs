//! One act on a cohort: its list and sum before it is done, how far it is while it is done.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::page::percent;
use super::{name, names};
use crate::app::App;
use crate::console::access::{IncidentDesk, Viewer};
use crate::console::approval;
use crate::console::frame::Frame;
use crate::incident::act::{self, ActRow, Planned, Progress};
use crate::incident::row::{self, Incident};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// Rows that the page shows; the file has all.
const ROWS_SHOWN: i64 = 200;

#[derive(Template)]
#[template(path = "console_incident_act.html")]
struct ActPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    incident: Incident,
    planned: Planned,
    by: String,
    /// Where the approval stands, if one was asked for.
    approval: Option<&'static str>,
    progress: Progress,
    percent: i64,
    rows: Vec<ActRow>,
    may_ask: bool,
    may_export: bool,
}

/// `GET /console/incidents/{incident_id}/acts/{act_id}`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Path((incident_id, act_id)): Path<(String, String)>,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let incident = row::find(registry, &incident_id).await?;
    let planned = act::find(registry, &act_id).await?;
    if planned.incident_id != incident_id {
        return Err(Code::NotFound.into());
    }
    let approval = match &planned.approval_id {
        Some(id) => Some(approval::find(registry, id, app.clock.now()).await?.state.as_str()),
        None => None,
    };
    let is_free = planned.state == "planned"
        || planned.state == "asked" && matches!(approval, None | Some("refused" | "expired"));
    let progress = act::progress(registry, &act_id).await?;
    page(&ActPage {
        frame: Frame::new(&app, &staff, "incidents").await?,
        sandbox: app.sandbox(),
        by: name(&names(registry).await?, &planned.planned_by),
        percent: percent(progress.done, planned.rows),
        rows: act::rows(registry, &act_id, ROWS_SHOWN).await?,
        may_ask: is_free && incident.is_open() && planned.parameters.kind.may(staff.role),
        may_export: IncidentDesk::is_of(staff.role),
        approval,
        progress,
        incident,
        planned,
        text,
    })
}
