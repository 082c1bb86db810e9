//! The desk read as JSON: what its pages show, for the operator's own tools. Whoever sees the page
//! may read it, and networks are for those who see them there.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{name, names};
use crate::app::App;
use crate::clock::Micros;
use crate::console::access::{IncidentDesk, Role, Support, Viewer};
use crate::gate::chart::wallet_account_id;
use crate::incident::cohort::{self, Lists};
use crate::incident::figures::Figures;
use crate::incident::row::{self, Incident};
use crate::incident::{IncidentKind, act, counting, receivers};
use crate::pos::shelf::ErrorAnswer;
use crate::web::error::Result;
use crate::web::filters::{as_rfc3339, as_rfc3339_or_null};

/// Incidents of one answer.
const INCIDENTS: i64 = 100;
/// Members of one answer.
const MEMBERS: i64 = 500;

fn sees_networks(role: Role) -> bool {
    Support::is_of(role) || IncidentDesk::is_of(role)
}

/// An incident.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentHead)]
struct Head {
    incident_id: String,
    title: String,
    kind: IncidentKind,
    source: String,
    #[serde(serialize_with = "as_rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    first_event_at: Micros,
    opened_by: String,
    #[serde(serialize_with = "as_rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    opened_at: Micros,
    #[serde(serialize_with = "as_rfc3339_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Micros>,
    #[serde(serialize_with = "as_rfc3339_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_at: Option<Micros>,
}

impl Head {
    fn of(incident: &Incident, opened_by: String) -> Self {
        Self {
            incident_id: incident.incident_id.clone(),
            title: incident.title.clone(),
            kind: incident.kind,
            source: incident.source.clone(),
            first_event_at: incident.first_event_at,
            opened_by,
            opened_at: incident.opened_at,
            published_at: incident.published_at,
            closed_at: incident.closed_at,
        }
    }
}

/// An incident in the list: customers who were not cleared, and yen that they lost.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentListed)]
struct Listed {
    #[serde(flatten)]
    head: Head,
    customers: i64,
    loss: i64,
}

/// The newest incidents.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentList)]
pub(in crate::console) struct List {
    incidents: Vec<Listed>,
}

/// `GET /api/admin/v1/incidents`
#[utoipa::path(get, path = "/api/admin/v1/incidents", tag = "incidents",
    operation_id = "list_incidents",
    summary = "The newest incidents",
    responses((status = 200, body = List), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
pub(in crate::console) async fn list(
    State(app): State<Arc<App>>,
    _viewer: Viewer,
) -> Result<Answer<List>> {
    let registry = &app.stores.registry;
    let (names, extents) = (names(registry).await?, cohort::extents(registry).await?);
    let listed = |incident: &Incident| {
        let (customers, loss) = extents.get(&incident.incident_id).copied().unwrap_or_default();
        let head = Head::of(incident, name(&names, &incident.opened_by));
        Listed { head, customers, loss }
    };
    let incidents = row::newest(registry, INCIDENTS).await?.iter().map(listed).collect();
    Ok(Answer(List { incidents }))
}

/// A count.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentCount)]
struct Counted {
    number: i64,
    version: i64,
    #[serde(serialize_with = "as_rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    as_of: Micros,
    customers: i64,
    loss: i64,
}

/// The count that was asked for last.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentCounting)]
struct Counting {
    number: i64,
    is_again: bool,
    is_waiting: bool,
    percent: i64,
    same: Option<bool>,
}

/// An act.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentAct)]
struct Planned {
    act_id: String,
    kind: &'static str,
    state: String,
    rows: i64,
    yen: i64,
    rows_done: i64,
    yen_moved: i64,
    planned_by: String,
    #[serde(serialize_with = "as_rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    planned_at: Micros,
    reason: String,
}

/// An incident with its figures and acts.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentWhole)]
pub(in crate::console) struct Whole {
    #[serde(flatten)]
    head: Head,
    cause: String,
    standing: String,
    /// The question, as it is written; none yet if empty.
    conditions: String,
    version: i64,
    suspected: i64,
    confirmed: i64,
    cleared: i64,
    /// Of all who were not cleared.
    extent: Figures,
    /// Of the confirmed.
    victims: Figures,
    counts: Vec<Counted>,
    counting: Option<Counting>,
    acts: Vec<Planned>,
}

/// `GET /api/admin/v1/incidents/{incident_id}`
#[utoipa::path(get, path = "/api/admin/v1/incidents/{incident_id}", tag = "incidents",
    operation_id = "read_incident",
    summary = "An incident with its figures, counts and acts",
    params(("incident_id" = String, Path, description = "`inc_…`")),
    responses((status = 200, body = Whole), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
pub(in crate::console) async fn whole(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    Path(incident_id): Path<String>,
) -> Result<Answer<Whole>> {
    let registry = &app.stores.registry;
    let incident = row::find(registry, &incident_id).await?;
    let names = names(registry).await?;
    let lists = Lists::read(registry, &incident_id).await?;
    let newest = cohort::versions(registry, &incident_id).await?.into_iter().next();
    let counted = |count: cohort::Count| Counted {
        number: count.number,
        version: count.version,
        as_of: count.position.at,
        customers: count.figures.customers,
        loss: count.figures.loss,
    };
    let counts = cohort::counts(registry, &incident_id).await?;
    let counting = counting::newest(registry, &incident_id).await?.map(|job| Counting {
        number: job.number,
        is_again: job.is_again,
        is_waiting: job.is_waiting,
        percent: job.percent,
        same: job.same,
    });
    let seen = |figures: &Figures| match sees_networks(staff.role) {
        true => figures.clone(),
        false => Figures { networks: Vec::new(), ..figures.clone() },
    };
    Ok(Answer(Whole {
        head: Head::of(&incident, name(&names, &incident.opened_by)),
        cause: incident.cause,
        standing: incident.standing,
        version: newest.as_ref().map_or(0, |newest| newest.version),
        conditions: newest.map_or_else(String::new, |newest| newest.query.written()),
        suspected: lists.count("suspected"),
        confirmed: lists.count("confirmed"),
        cleared: lists.count("cleared"),
        extent: seen(&lists.extent),
        victims: seen(&lists.confirmed),
        counts: counts.into_iter().map(counted).collect(),
        counting,
        acts: acts(&app, &incident_id, |id| name(&names, id)).await?,
    }))
}

async fn acts(app: &App, incident_id: &str, name: impl Fn(&str) -> String) -> Result<Vec<Planned>> {
    let registry = &app.stores.registry;
    let progress = act::progress_of_all(registry, incident_id).await?;
    let shown = |one: act::Planned| {
        let done = progress.get(&one.act_id).copied().unwrap_or_default();
        Planned {
            kind: one.parameters.kind.as_str(),
            state: one.state,
            rows: one.rows,
            yen: one.yen,
            rows_done: done.done,
            yen_moved: done.moved,
            planned_by: name(&one.planned_by),
            planned_at: one.planned_at,
            reason: one.reason,
            act_id: one.act_id,
        }
    };
    Ok(act::of(registry, incident_id).await?.into_iter().map(shown).collect())
}

/// From where members are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Page {
    /// The last customer of the page before; none for the first page.
    #[serde(default)]
    after: String,
}

/// A member.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentMember)]
struct Member {
    customer_id: String,
    state: String,
    source: String,
    #[serde(serialize_with = "as_rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    first_at: Micros,
    acts: i64,
    loss: i64,
    reason: String,
    #[serde(serialize_with = "as_rfc3339_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    told_at: Option<Micros>,
    /// Country and autonomous system of each; only for those who see networks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Vec<Value>>, required = false)]
    networks: Vec<(String, i64)>,
}

/// Members, in the order of their ids.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentMembers)]
pub(in crate::console) struct Members {
    members: Vec<Member>,
    /// What the next page comes after; none at the end.
    next: Option<String>,
}

/// `GET /api/admin/v1/incidents/{incident_id}/members?after=cus_…`
#[utoipa::path(get, path = "/api/admin/v1/incidents/{incident_id}/members", tag = "incidents",
    operation_id = "list_members",
    summary = "Members of the cohort, 500 at a time",
    params(("incident_id" = String, Path, description = "`inc_…`"), ("after" = Option<String>, Query, description = "`next` of the page before")),
    responses((status = 200, body = Members), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
pub(in crate::console) async fn members(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    Path(incident_id): Path<String>,
    Query(Page { after }): Query<Page>,
) -> Result<Answer<Members>> {
    let registry = &app.stores.registry;
    row::find(registry, &incident_id).await?;
    let page = cohort::members_after(registry, &incident_id, &after, MEMBERS).await?;
    let is_whole = i64::try_from(page.len()).is_ok_and(|count| count == MEMBERS);
    let next = page.last().filter(|_| is_whole).map(|(last, _)| last.customer_id.clone());
    let networks = sees_networks(staff.role);
    let shown = |(one, loss): (cohort::Member, i64)| Member {
        customer_id: one.customer_id,
        state: one.state,
        source: one.source,
        first_at: one.first_at,
        acts: one.acts,
        loss,
        reason: one.reason,
        told_at: one.told_at,
        networks: if networks { one.networks.into_iter().collect() } else { Vec::new() },
    };
    Ok(Answer(Members { members: page.into_iter().map(shown).collect(), next }))
}

/// Somebody who received what members lost.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentReceiver)]
struct Receiver {
    customer_id: String,
    state: String,
    status: String,
    yen: i64,
    /// Paid value in the wallet now.
    there: i64,
    /// From the member to this one, of the largest part.
    path: Vec<String>,
    #[serde(serialize_with = "as_rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    first_at: Micros,
    reason: String,
}

/// Receivers, the largest first.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentReceivers)]
pub(in crate::console) struct Receivers {
    receivers: Vec<Receiver>,
}

/// `GET /api/admin/v1/incidents/{incident_id}/receivers`
#[utoipa::path(get, path = "/api/admin/v1/incidents/{incident_id}/receivers", tag = "incidents",
    operation_id = "list_receivers",
    summary = "Who received what members lost",
    params(("incident_id" = String, Path, description = "`inc_…`")),
    responses((status = 200, body = Receivers), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer)),
    security(("staff_session" = [])))]
pub(in crate::console) async fn receivers(
    State(app): State<Arc<App>>,
    _viewer: Viewer,
    Path(incident_id): Path<String>,
) -> Result<Answer<Receivers>> {
    let registry = &app.stores.registry;
    row::find(registry, &incident_id).await?;
    let shown = |one: receivers::Receiver| Receiver {
        there: app.gate.paid(wallet_account_id(&one.customer_id)),
        customer_id: one.customer_id,
        state: one.state,
        status: one.status,
        yen: one.yen,
        path: one.path,
        first_at: one.first_at,
        reason: one.reason,
    };
    let all = receivers::list(registry, &incident_id).await?;
    Ok(Answer(Receivers { receivers: all.into_iter().map(shown).collect() }))
}
