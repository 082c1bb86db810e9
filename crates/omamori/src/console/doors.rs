//! `/console/doors`: every function that can be closed, and what is closed now.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use omamori_db::{Tx, sql};
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::{Fraud, Viewer};
use super::approval::{self, Asked, Done, Proposal, checked_reason};
use super::frame::Frame;
use crate::app::App;
use crate::clock::{HOUR, Micros};
use crate::control::{self, Closing, Closure, Door, Scope};
use crate::merchant::desk;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// A year: who wants longer closes it without an end.
const HOURS_MAX: i64 = 8_784;

struct Closed {
    control_id: String,
    scope: &'static str,
    subject: String,
    reason: String,
    by: String,
    since: Micros,
    until: Option<Micros>,
}

struct Row {
    door: Door,
    name: String,
    closed: Vec<Closed>,
}

#[derive(Template)]
#[template(path = "console_doors.html")]
struct DoorsPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    may_act: bool,
    doors: Vec<Row>,
}

/// `GET /console/doors`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
) -> Result<Response> {
    let closed = app.gate.controls().closed(app.clock.now());
    let row = |door: &Door| {
        let here = closed.iter().filter(|closure| closure.door == *door).map(of);
        Row { door: *door, name: text.named("door.", door.as_str()), closed: here.collect() }
    };
    page(&DoorsPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "doors").await?,
        may_act: Fraud::is_of(staff.role),
        doors: Door::ALL.iter().map(row).collect(),
    })
}

fn of(closure: &Closure) -> Closed {
    let (scope, subject) = closure.scope.columns();
    Closed {
        control_id: closure.control_id.clone(),
        scope,
        subject,
        reason: closure.reason.clone(),
        by: closure.closed_by.clone(),
        since: closure.closed_at,
        until: closure.ends_at,
    }
}

/// Why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: String,
}

/// What to close a door for. Without a scope: for everybody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Close {
    reason: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    subject: String,
    /// When it opens by itself; empty for not.
    #[serde(default)]
    hours: String,
}

impl Close {
    fn scope(&self, door: Door) -> Result<Scope> {
        let word = if self.scope.is_empty() { "all" } else { &self.scope };
        let scope = Scope::parse(word, self.subject.trim());
        let scope = scope.ok_or_else(|| Error::field("subject", "malformed"))?;
        if scope.fits(door) { Ok(scope) } else { Err(Error::field("scope", "malformed")) }
    }

    fn ends_at(&self, now: Micros) -> Result<Option<Micros>> {
        if self.hours.trim().is_empty() {
            return Ok(None);
        }
        let hours: i64 = self.hours.trim().parse().unwrap_or_default();
        let fits = (1..=HOURS_MAX).contains(&hours);
        if fits { Ok(Some(now + hours * HOUR)) } else { Err(Error::field("hours", "out_of_range")) }
    }
}

/// What became of the request.
pub(super) enum Acted {
    /// It is done.
    Done,
    /// It waits for a second person.
    Asked(Asked),
}

impl IntoResponse for Acted {
    fn into_response(self) -> Response {
        match self {
            Self::Done => StatusCode::NO_CONTENT.into_response(),
            Self::Asked(asked) => axum::Json(asked).into_response(),
        }
    }
}

/// `POST /api/admin/v1/doors/{door}/close`: by one person at once, for everybody or a part; by two
/// if `desk.doors_two_people_to_close` says so.
pub(super) async fn close(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(door): Path<String>,
    Json(request): Json<Close>,
) -> Result<Acted> {
    let door = Door::of(&door).ok_or(Code::NotFound)?;
    let scope = request.scope(door)?;
    if let Scope::Store(id) | Scope::Merchant(id) = &scope {
        desk::find(&app.stores.registry, id).await?.ok_or(Code::NotFound)?;
    }
    let ends_at = request.ends_at(app.clock.now())?;
    if app.config.desk.closes_by_two(door, &scope) {
        let (scope, subject) = scope.columns();
        let (door, scope) = (door.as_str().to_owned(), scope.to_owned());
        let proposal = Proposal::CloseDoor { door, scope, subject, ends_at };
        return approval::ask(&app, &staff, &proposal, &request.reason).await.map(Acted::Asked);
    }
    let closing = Closing { ends_at, ..closing(door, scope, &request.reason)? };
    control::close(&app, &staff.actor, &staff.name, closing).await?;
    Ok(Acted::Done)
}

/// `POST /api/admin/v1/stores/{store_id}/doors/{door}/close`: for one store.
pub(super) async fn close_store(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path((store_id, door)): Path<(String, String)>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    let door = Door::of(&door).filter(|door| door.is_of_a_store()).ok_or(Code::NotFound)?;
    let found = desk::find(&app.stores.registry, &store_id).await?.ok_or(Code::NotFound)?;
    if !found.stores.iter().any(|store| store.store_id == store_id) {
        return Err(Code::NotFound.into());
    }
    let closing = closing(door, Scope::Store(store_id), &request.reason)?;
    control::close(&app, &staff.actor, &staff.name, closing).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn closing(door: Door, scope: Scope, reason: &str) -> Result<Closing> {
    Ok(Closing {
        door,
        scope,
        reason: checked_reason(reason)?.to_owned(),
        notice_ja: String::new(),
        notice_en: String::new(),
        ends_at: None,
    })
}

/// `POST /api/admin/v1/controls/{control_id}/open`: by two if `desk.doors_two_people` says so.
pub(super) async fn open(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(control_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<Acted> {
    let reason = checked_reason(&request.reason)?;
    // Of the registry: what another node closed a moment ago takes two people too.
    let found = control::find(&app.stores.registry, &control_id).await?.ok_or(Code::NotFound)?;
    if app.config.desk.opens_by_two(found.door) {
        let (scope, subject) = found.scope.columns();
        let (door, scope) = (found.door.as_str().to_owned(), scope.to_owned());
        let proposal = Proposal::OpenDoor { control_id, door, scope, subject };
        return approval::ask(&app, &staff, &proposal, reason).await.map(Acted::Asked);
    }
    control::open(&app, &staff.actor, &staff.name, &control_id, reason).await?;
    Ok(Acted::Done)
}

/// Which door, and for whom, for who agrees.
pub(super) fn words(text: Text, door: &str, scope: &str, subject: &str) -> String {
    let (door, scope) = (text.named("door.", door), text.named("console.scope_", scope));
    format!("{door} · {scope} {subject}").trim_end().to_owned()
}

/// Does what two people agreed on, in the transaction that uses their word up.
pub(super) async fn carry_out(
    app: &App,
    tx: &mut Tx,
    proposal: &Proposal,
    asked_by: &str,
    reason: &str,
) -> Result<Done> {
    let name = sql("SELECT name FROM staff WHERE staff_id = $1").bind(asked_by);
    let by = tx.one(name).await?.text("name")?;
    match proposal {
        Proposal::OpenDoor { control_id, .. } => {
            control::open_in(app, tx, &by, control_id).await?;
            let (before, after) = (json!({ "closed": true }), json!({ "closed": false, "by": by }));
            Ok(Done { subject: control_id.clone(), before, after, shown_once: None })
        }
        Proposal::CloseDoor { door, scope, subject, ends_at } => {
            let of = Door::of(door).zip(Scope::parse(scope, subject));
            let (door, scope) = of.ok_or(Error::fault("a door that was asked for is not known"))?;
            let closing = Closing { ends_at: *ends_at, ..closing(door, scope, reason)? };
            let subject = control::close_in(app, tx, &by, &closing).await?;
            let after = closing.about(&by);
            Ok(Done { subject, before: Value::Null, after, shown_once: None })
        }
        _ => Err(Error::fault("this is not about a door")),
    }
}
