//! The API behind the incident desk.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::console::access::{Fraud, IncidentDesk};
use crate::console::approval::Asked;
use crate::incident::query::Asked as Question;
use crate::incident::review::{self, Review};
use crate::incident::row::{self, New, Writing};
use crate::incident::{Parameters, act, cohort, counting, plan};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

/// A new incident.
#[derive(Serialize)]
pub(in crate::console) struct Opened {
    incident_id: String,
}

/// `POST /api/admin/v1/incidents`
pub(in crate::console) async fn open(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Json(new): Json<New>,
) -> Result<Answer<Opened>> {
    let incident_id = row::open(&app, &staff.actor, &new).await?;
    Ok(Answer(Opened { incident_id }))
}

/// `POST /api/admin/v1/incidents/{incident_id}/write`: a note, the facts of the report, that
/// customers read of it, the end.
pub(in crate::console) async fn write(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(incident_id): Path<String>,
    Json(writing): Json<Writing>,
) -> Result<StatusCode> {
    row::write(&app, &staff.actor, &incident_id, &writing).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A version of the cohort.
#[derive(Serialize)]
pub(in crate::console) struct Saved {
    version: i64,
}

/// `POST /api/admin/v1/incidents/{incident_id}/cohort`
pub(in crate::console) async fn save(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(incident_id): Path<String>,
    Json(question): Json<Question>,
) -> Result<Answer<Saved>> {
    let version = cohort::save(&app, &staff.actor, &incident_id, &question).await?;
    Ok(Answer(Saved { version }))
}

/// A count that is being made.
#[derive(Serialize)]
pub(in crate::console) struct Counting {
    number: i64,
}

/// Nothing more is said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Nothing {}

/// `POST /api/admin/v1/incidents/{incident_id}/count`: a worker makes it.
pub(in crate::console) async fn count(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(incident_id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<(StatusCode, Answer<Counting>)> {
    let number = counting::ask(&app, &staff.actor, &incident_id).await?;
    Ok((StatusCode::ACCEPTED, Answer(Counting { number })))
}

/// `POST /api/admin/v1/incidents/{incident_id}/counts/{number}/again`: up to where it looked then.
pub(in crate::console) async fn again(
    State(app): State<Arc<App>>,
    IncidentDesk(staff): IncidentDesk,
    Path((incident_id, number)): Path<(String, String)>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<(StatusCode, Answer<Counting>)> {
    let number = number.parse().map_err(|_| Code::NotFound)?;
    counting::ask_again(&app, &staff.actor, &incident_id, number).await?;
    Ok((StatusCode::ACCEPTED, Answer(Counting { number })))
}

/// How many.
#[derive(Serialize)]
pub(in crate::console) struct Reviewed {
    customers: usize,
}

/// `POST /api/admin/v1/incidents/{incident_id}/review`
pub(in crate::console) async fn review(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(incident_id): Path<String>,
    Json(said): Json<Review>,
) -> Result<Answer<Reviewed>> {
    let customers = review::review(&app, &staff.actor, &incident_id, &said).await?;
    Ok(Answer(Reviewed { customers }))
}

/// Somebody more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Add {
    customer_id: String,
    reason: String,
}

/// `POST /api/admin/v1/incidents/{incident_id}/members`
pub(in crate::console) async fn add(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(incident_id): Path<String>,
    Json(Add { customer_id, reason }): Json<Add>,
) -> Result<StatusCode> {
    review::add(&app, &staff.actor, &incident_id, customer_id.trim(), &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/admin/v1/incidents/{incident_id}/moves/{transfer}/{state}`: `cleared` or `disputed`.
pub(in crate::console) async fn dispute(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path((incident_id, transfer, state)): Path<(String, String, String)>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<StatusCode> {
    let transfer = u128::from_str_radix(&transfer, 16).map_err(|_| Code::NotFound)?;
    let is_disputed = match &*state {
        "disputed" => true,
        "cleared" => false,
        _ => return Err(Code::NotFound.into()),
    };
    let of = (incident_id.as_str(), transfer);
    review::dispute(&app, &staff.actor, of, is_disputed, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A plan.
#[derive(Serialize)]
pub(in crate::console) struct Plan {
    act_id: String,
    rows: i64,
    yen: i64,
}

/// `POST /api/admin/v1/incidents/{incident_id}/acts`: the dry run.
pub(in crate::console) async fn plan(
    State(app): State<Arc<App>>,
    IncidentDesk(staff): IncidentDesk,
    Path(incident_id): Path<String>,
    Json(parameters): Json<Parameters>,
) -> Result<Answer<Plan>> {
    let act_id = plan::plan(&app, &staff, &incident_id, &parameters).await?;
    let planned = act::find(&app.stores.registry, &act_id).await?;
    Ok(Answer(Plan { act_id, rows: planned.rows, yen: planned.yen }))
}

/// Why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Reason {
    reason: String,
}

/// `POST /api/admin/v1/incident-acts/{act_id}/ask`: asks a second person.
pub(in crate::console) async fn ask(
    State(app): State<Arc<App>>,
    IncidentDesk(staff): IncidentDesk,
    Path(act_id): Path<String>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<Answer<Asked>> {
    plan::ask(&app, &staff, &act_id, &reason).await.map(Answer)
}
