//! `/console/doors`: every function that can be closed, and what is closed now.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::access::{Fraud, Viewer};
use super::approval::checked_reason;
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

/// `POST /api/admin/v1/doors/{door}/close`: by one person at once, for everybody or a part.
pub(super) async fn close(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(door): Path<String>,
    Json(request): Json<Close>,
) -> Result<StatusCode> {
    let door = Door::of(&door).ok_or(Code::NotFound)?;
    let scope = request.scope(door)?;
    if let Scope::Store(id) | Scope::Merchant(id) = &scope {
        desk::find(&app.stores.registry, id).await?.ok_or(Code::NotFound)?;
    }
    let ends_at = request.ends_at(app.clock.now())?;
    let closing = Closing { ends_at, ..closing(door, scope, &request.reason)? };
    control::close(&app, &staff.actor, &staff.name, closing).await?;
    Ok(StatusCode::NO_CONTENT)
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

/// `POST /api/admin/v1/controls/{control_id}/open`
pub(super) async fn open(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(control_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    let reason = checked_reason(&request.reason)?;
    control::open(&app, &staff.actor, &staff.name, &control_id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
