//! The API behind the incident desk.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::console::access::{Fraud, IncidentDesk};
use crate::console::approval::Asked;
use crate::incident::query::Asked as Question;
use crate::incident::review::{self, Review};
use crate::incident::row::{self, New, Writing};
use crate::incident::{Parameters, act, cohort, counting, plan, receivers};
use crate::pos::shelf::ErrorAnswer;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

/// A new incident.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentOpened)]
pub(in crate::console) struct Opened {
    incident_id: String,
}

/// `POST /api/admin/v1/incidents`
#[utoipa::path(post, path = "/api/admin/v1/incidents", tag = "incidents",
    operation_id = "open_incident",
    summary = "Opens an incident",
    request_body = New,
    responses((status = 200, body = Opened), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
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
#[utoipa::path(post, path = "/api/admin/v1/incidents/{incident_id}/write", tag = "incidents",
    operation_id = "write_incident",
    summary = "A note, the facts of the report, that customers read of it, the end",
    params(("incident_id" = String, Path, description = "`inc_…`")),
    request_body = Writing,
    responses((status = 204), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
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
#[derive(Serialize, ToSchema)]
#[schema(as = CohortSaved)]
pub(in crate::console) struct Saved {
    version: i64,
}

/// `POST /api/admin/v1/incidents/{incident_id}/cohort`
#[utoipa::path(post, path = "/api/admin/v1/incidents/{incident_id}/cohort", tag = "incidents",
    operation_id = "save_cohort",
    summary = "Saves a version of the question",
    params(("incident_id" = String, Path, description = "`inc_…`")),
    request_body = Question,
    responses((status = 200, body = Saved), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
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
#[derive(Serialize, ToSchema)]
#[schema(as = CountAsked)]
pub(in crate::console) struct Counting {
    number: i64,
}

/// Nothing more is said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Nothing)]
pub(in crate::console) struct Nothing {}

/// `POST /api/admin/v1/incidents/{incident_id}/count`: a worker makes it.
#[utoipa::path(post, path = "/api/admin/v1/incidents/{incident_id}/count", tag = "incidents",
    operation_id = "count_cohort",
    summary = "Asks for a count; a worker makes it",
    params(("incident_id" = String, Path, description = "`inc_…`")),
    request_body = Nothing,
    responses((status = 202, body = Counting), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
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
#[utoipa::path(post, path = "/api/admin/v1/incidents/{incident_id}/counts/{number}/again", tag = "incidents",
    operation_id = "count_again",
    summary = "Counts again, up to where a count looked",
    params(("incident_id" = String, Path, description = "`inc_…`"), ("number" = i64, Path, description = "Of the count")),
    request_body = Nothing,
    responses((status = 202, body = Counting), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
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
#[derive(Serialize, ToSchema)]
#[schema(as = MembersReviewed)]
pub(in crate::console) struct Reviewed {
    customers: usize,
}

/// `POST /api/admin/v1/incidents/{incident_id}/review`
#[utoipa::path(post, path = "/api/admin/v1/incidents/{incident_id}/review", tag = "incidents",
    operation_id = "review_members",
    summary = "Confirms or clears members",
    params(("incident_id" = String, Path, description = "`inc_…`")),
    request_body = Review,
    responses((status = 200, body = Reviewed), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
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
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberAdd)]
pub(in crate::console) struct Add {
    customer_id: String,
    reason: String,
}

/// `POST /api/admin/v1/incidents/{incident_id}/members`
#[utoipa::path(post, path = "/api/admin/v1/incidents/{incident_id}/members", tag = "incidents",
    operation_id = "add_member",
    summary = "Puts a customer on the list",
    params(("incident_id" = String, Path, description = "`inc_…`")),
    request_body = Add,
    responses((status = 204), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
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
#[utoipa::path(post, path = "/api/admin/v1/incidents/{incident_id}/moves/{transfer}/{state}", tag = "incidents",
    operation_id = "dispute_move",
    summary = "Says of one transfer that it is disputed, or the customer's own",
    params(("incident_id" = String, Path, description = "`inc_…`"), ("transfer" = String, Path, description = "32 hexadecimal digits"), ("state" = String, Path, description = "`disputed` or `cleared`")),
    request_body = Reason,
    responses((status = 204), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
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

/// `POST /api/admin/v1/incidents/{incident_id}/receivers/{customer_id}/{state}`: `dismissed` or
/// `found`.
#[utoipa::path(post, path = "/api/admin/v1/incidents/{incident_id}/receivers/{customer_id}/{state}", tag = "incidents",
    operation_id = "decide_receiver",
    summary = "Dismisses a receiver, or takes that back",
    params(("incident_id" = String, Path, description = "`inc_…`"), ("customer_id" = String, Path, description = "`cus_…`"), ("state" = String, Path, description = "`dismissed` or `found`")),
    request_body = Reason,
    responses((status = 204), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
pub(in crate::console) async fn receiver(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path((incident_id, customer_id, state)): Path<(String, String, String)>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<StatusCode> {
    let is_dismissed = match &*state {
        "dismissed" => true,
        "found" => false,
        _ => return Err(Code::NotFound.into()),
    };
    let of = (incident_id.as_str(), customer_id.as_str());
    receivers::decide(&app, &staff.actor, of, is_dismissed, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A plan.
#[derive(Serialize, ToSchema)]
#[schema(as = ActPlan)]
pub(in crate::console) struct Plan {
    act_id: String,
    rows: i64,
    yen: i64,
}

/// `POST /api/admin/v1/incidents/{incident_id}/acts`: the dry run.
#[utoipa::path(post, path = "/api/admin/v1/incidents/{incident_id}/acts", tag = "incidents",
    operation_id = "plan_act",
    summary = "The dry run of an act",
    params(("incident_id" = String, Path, description = "`inc_…`")),
    request_body = Parameters,
    responses((status = 200, body = Plan), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
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
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reason)]
pub(in crate::console) struct Reason {
    reason: String,
}

/// `POST /api/admin/v1/incident-acts/{act_id}/ask`: asks a second person.
#[utoipa::path(post, path = "/api/admin/v1/incident-acts/{act_id}/ask", tag = "incidents",
    operation_id = "ask_for_act",
    summary = "Asks a second person for a planned act",
    params(("act_id" = String, Path, description = "`iac_…`")),
    request_body = Reason,
    responses((status = 200, body = Asked), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
pub(in crate::console) async fn ask(
    State(app): State<Arc<App>>,
    IncidentDesk(staff): IncidentDesk,
    Path(act_id): Path<String>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<Answer<Asked>> {
    plan::ask(&app, &staff, &act_id, &reason).await.map(Answer)
}
