//! `/console/end-of-service`: the end of the service, from the proposal to the figures of its
//! refunds. The rules are [`crate::refund`]'s.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::access::{Admin, Finance, Viewer};
use super::approval::{self, Asked, Proposal, checked_reason};
use super::frame::Frame;
use crate::app::App;
use crate::clock::Micros;
use crate::refund::end::{self, CLAIM_DAYS, Plan, ServiceEnd};
use crate::refund::exclude::{self as exclusion, Exclusion};
use crate::refund::figures::{self, Figures};
use crate::refund::notice::{Item, items};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::{Lang, Text};

/// An end, and what became of it.
struct Shown {
    end: ServiceEnd,
    figures: Figures,
    runs: Vec<Exclusion>,
    /// The public notice, in both languages.
    notices: Vec<(Lang, Vec<Item>)>,
    has_ended: bool,
    is_over: bool,
}

#[derive(Template)]
#[template(path = "console_ending.html")]
struct EndingPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    may_propose: bool,
    may_exclude: bool,
    claim_days: i32,
    issuer: String,
    shown: Option<Shown>,
}

/// `GET /console/end-of-service`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
) -> Result<Response> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let issuer = app.config.issuer_name.clone();
    let shown = match end::standing(registry).await? {
        Some(end) => Some(Shown {
            figures: figures::of(&app.stores, &end).await?,
            runs: exclusion::of(registry, &end.end_id).await?,
            notices: [Lang::Ja, Lang::En]
                .map(|lang| (lang, items(&end, &issuer, Text::new(lang))))
                .into(),
            has_ended: end.has_ended(now),
            is_over: end.is_over(now),
            end,
        }),
        None => None,
    };
    page(&EndingPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "ending").await?,
        may_propose: Admin::is_of(staff.role),
        may_exclude: Finance::is_of(staff.role),
        claim_days: CLAIM_DAYS,
        issuer,
        shown,
    })
}

/// `GET /console/end-of-service.csv`: the figures of forms 18 and 19.
pub(super) async fn csv(State(app): State<Arc<App>>, Finance(_): Finance) -> Result<Response> {
    let end = end::standing(&app.stores.registry).await?.ok_or(Code::NotFound)?;
    let text = figures::of(&app.stores, &end).await?.csv();
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"omamori-end-of-service.csv\""),
    ];
    Ok((headers, text).into_response())
}

/// What is proposed, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Propose {
    ends_at: Micros,
    noticed_on: String,
    last_day: String,
    contact: String,
    reason: String,
}

/// `POST /api/admin/v1/service-end`: asks a second person.
pub(super) async fn propose(
    State(app): State<Arc<App>>,
    Admin(staff): Admin,
    Json(request): Json<Propose>,
) -> Result<axum::Json<Asked>> {
    let Propose { ends_at, noticed_on, last_day, contact, reason } = request;
    let plan = Plan { ends_at, noticed_on, last_day, contact: contact.trim().to_owned() };
    plan.check(app.clock.now())?;
    if end::standing(&app.stores.registry).await?.is_some() {
        return Err(Code::ServiceEndStands.into());
    }
    let asked = approval::ask(&app, &staff, &Proposal::EndService { plan }, &reason).await?;
    Ok(axum::Json(asked))
}

/// Why somebody does it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: String,
}

/// `POST /api/admin/v1/service-end/call-off`: asks a second person; only as long as use goes on.
pub(super) async fn call_off(
    State(app): State<Arc<App>>,
    Admin(staff): Admin,
    Json(request): Json<Reason>,
) -> Result<axum::Json<Asked>> {
    let reason = checked_reason(&request.reason)?;
    let end = end::standing(&app.stores.registry).await?.ok_or(Code::NotFound)?;
    if end.has_ended(app.clock.now()) {
        return Err(Code::ServiceEndStands.into());
    }
    let proposal = Proposal::CallOffEnd { end_id: end.end_id };
    Ok(axum::Json(approval::ask(&app, &staff, &proposal, reason).await?))
}

/// `POST /api/admin/v1/service-end/exclude`: counts who did not claim, and asks a second person.
pub(super) async fn exclude(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Json(request): Json<Reason>,
) -> Result<axum::Json<Asked>> {
    Ok(axum::Json(exclusion::plan(&app, &staff, &request.reason).await?))
}
