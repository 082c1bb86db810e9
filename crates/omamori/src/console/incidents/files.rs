//! What leaves the desk: reports, the log, the lists of acts.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{name, names};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::console::access::{IncidentDesk, Staff, Viewer};
use crate::gate::Act;
use crate::incident::report::{Block, Kind, Report};
use crate::incident::row::{self, Incident};
use crate::incident::{act, log, plan};
use crate::pos::shelf::ErrorAnswer;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::page::page;
use crate::web::text::{Lang, Text};

/// Rows of a file.
const ROWS_MAX: i64 = 100_000;

#[derive(Template)]
#[template(path = "console_incident_report.html")]
struct ReportPage {
    text: Text,
    sandbox: bool,
    incident: Incident,
    kind: Kind,
    report: Report,
    /// What the address of the Markdown ends with.
    query: String,
}

/// How a report is wanted.
#[derive(Deserialize)]
pub(in crate::console) struct Wanted {
    /// `ja`, `en`; else as the desk reads.
    #[serde(default)]
    lang: String,
    /// A letter's customer.
    #[serde(default)]
    customer: String,
    /// `md` for Markdown.
    #[serde(default)]
    format: String,
}

/// `GET /console/incidents/{incident_id}/reports/{kind}`
pub(in crate::console) async fn report(
    State(app): State<Arc<App>>,
    Viewer(_): Viewer,
    text: Text,
    Path((incident_id, kind)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let incident = row::find(&app.stores.registry, &incident_id).await?;
    let kind = Kind::parse(&kind).ok_or(Code::NotFound)?;
    let text = Lang::parse(&wanted.lang).map_or(text, Text::new);
    let customer = Some(wanted.customer.as_str()).filter(|customer| !customer.is_empty());
    let report = Report::of(&app, &incident, kind, customer, text).await?;
    if wanted.format == "md" {
        let file = format!("{incident_id}-{}-{}.md", kind.as_str(), text.lang());
        return Ok(attached("text/markdown; charset=utf-8", &file, report.markdown()));
    }
    let query = format!("format=md&lang={}", text.lang());
    page(&ReportPage { text, sandbox: app.sandbox(), incident, kind, report, query })
}

fn attached(kind: &'static str, file: &str, body: String) -> Response {
    let disposition = format!("attachment; filename=\"{file}\"");
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, body).into_response()
}

/// Whoever takes persons' ids out of the house is written down.
async fn exported(app: &App, staff: &Staff, subject: &str, what: &str) -> Result<()> {
    let (actor, act, after) = (&staff.actor, Act::IncidentExport, json!({ "file": what }));
    let clearance = actor.decide(app, act, None, &after, Ok(())).await?;
    let tx = app.stores.registry.begin().await?;
    let entry = Entry { actor, act, subject, before: Value::Null, after, reason: "" };
    audit::commit(app, tx, &clearance, &entry).await
}

/// The log of an incident, as a file.
#[derive(Serialize, ToSchema)]
struct LogFile {
    /// `inc_…`.
    incident_id: String,
    title: String,
    log: Vec<log::Line>,
}

/// `GET /api/admin/v1/incidents/{incident_id}/log/{format}`: `csv` or `json`.
#[utoipa::path(get, path = "/api/admin/v1/incidents/{incident_id}/log/{format}", tag = "incidents",
    operation_id = "export_log",
    summary = "The log, as CSV or JSON",
    params(("incident_id" = String, Path, description = "`inc_…`"), ("format" = String, Path, description = "`csv` or `json`")),
    responses((status = 200, content((String = "text/csv"), (LogFile = "application/json"))),
        (status = "4XX", body = ErrorAnswer), (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
pub(in crate::console) async fn log(
    State(app): State<Arc<App>>,
    IncidentDesk(staff): IncidentDesk,
    Path((incident_id, format)): Path<(String, String)>,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let incident = row::find(registry, &incident_id).await?;
    let names = names(registry).await?;
    let mut lines = log::timeline(registry, &incident).await?;
    for line in &mut lines {
        line.actor = name(&names, &line.actor);
    }
    exported(&app, &staff, &incident_id, "log").await?;
    match &*format {
        "csv" => {
            let file = format!("{incident_id}.csv");
            Ok(attached("text/csv; charset=utf-8", &file, log::csv(&lines)))
        }
        "json" => {
            let file = format!("{incident_id}.json");
            let body = LogFile { incident_id, title: incident.title, log: lines };
            Ok(attached("application/json", &file, serde_json::to_string(&body)?))
        }
        _ => Err(Code::NotFound.into()),
    }
}

/// `GET /api/admin/v1/incident-acts/{act_id}/csv`: the list of a dry run; of a compensation, whom
/// to pay to a bank account too: outcome `payout`.
#[utoipa::path(get, path = "/api/admin/v1/incident-acts/{act_id}/csv", tag = "incidents",
    operation_id = "export_act",
    summary = "The rows of an act, as CSV",
    params(("act_id" = String, Path, description = "`iac_…`")),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
pub(in crate::console) async fn rows(
    State(app): State<Arc<App>>,
    IncidentDesk(staff): IncidentDesk,
    Path(act_id): Path<String>,
) -> Result<Response> {
    let registry = &app.stores.registry;
    act::find(registry, &act_id).await?;
    let rows = act::rows(registry, &act_id, ROWS_MAX).await?;
    exported(&app, &staff, &act_id, "rows").await?;
    Ok(attached("text/csv; charset=utf-8", &format!("{act_id}.csv"), plan::csv(&rows)))
}
