//! `/console/refunds`: who gets their value back, what staff must look at, and the files for the
//! bank. The rules are [`crate::refund`]'s.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::access::{Finance, Refunder, Viewer};
use super::approval::{Asked, checked_reason};
use super::frame::Frame;
use super::settlements::{for_bank, next_weekday};
use crate::app::App;
use crate::refund::claim::{self, Claim, State as Standing};
use crate::refund::closing::Reason as Closing;
use crate::refund::desk::{self, Written};
use crate::refund::file::{self as files, Line, RefundFile};
use crate::refund::quota::{self, Standing as Quota};
use crate::refund::review;
use crate::web::error::Result;
use crate::web::filters::{self, japan};
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// Rows of each table.
const ROWS_MAX: i64 = 200;

#[derive(Template)]
#[template(path = "console_refunds.html")]
struct RefundsPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    may_pay: bool,
    may_open: bool,
    waiting: (i64, i64),
    pay_on: String,
    review: Vec<Claim>,
    /// Of accounts that close.
    closing: Vec<Claim>,
    quota: Option<Quota>,
    /// Use has ended: what is left is owed.
    has_ended: bool,
    /// For which an account may close, at the desk.
    reasons: [&'static str; 4],
    returned: Vec<Claim>,
    files: Vec<RefundFile>,
}

/// `GET /console/refunds`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
) -> Result<Response> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    page(&RefundsPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "refunds").await?,
        may_pay: Finance::is_of(staff.role),
        may_open: Refunder::is_of(staff.role),
        waiting: claim::waiting(registry).await?,
        pay_on: next_weekday(japan(now).date()).to_string(),
        review: claim::in_review(registry, false, ROWS_MAX).await?,
        closing: claim::in_review(registry, true, ROWS_MAX).await?,
        reasons: Closing::ALL.map(Closing::as_str),
        quota: quota::standing(registry, now).await?,
        has_ended: app.gate.controls().ending().is_some_and(|it| it.banner(now).has_ended()),
        returned: claim::in_state(registry, Standing::Returned, ROWS_MAX).await?,
        files: files::newest(&app, ROWS_MAX).await?,
    })
}

#[derive(Template)]
#[template(path = "console_refund_file.html")]
struct FilePage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    may_pay: bool,
    file: RefundFile,
    lines: Vec<Line>,
}

/// `GET /console/refunds/{file_id}`
pub(super) async fn file(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Path(file_id): Path<String>,
) -> Result<Response> {
    page(&FilePage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "refunds").await?,
        may_pay: Finance::is_of(staff.role),
        file: files::find(&app, &file_id).await?,
        lines: files::lines(&app, &file_id).await?,
    })
}

/// Why somebody does it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: String,
}

/// How many claims.
#[derive(Serialize)]
pub(super) struct Opened {
    claims: usize,
}

/// `POST /api/admin/v1/refunds`: a claim for who cannot sign in, known from a recovery.
pub(super) async fn open(
    State(app): State<Arc<App>>,
    Refunder(staff): Refunder,
    Json(written): Json<Written>,
) -> Result<axum::Json<Opened>> {
    let claims = desk::open(&app, &staff.actor, &written).await?;
    Ok(axum::Json(Opened { claims }))
}

/// `POST /api/admin/v1/refunds/{claim_id}/release`
pub(super) async fn release(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(claim_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    desk::release(&app, &staff.actor, &claim_id, &request.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/admin/v1/refunds/{claim_id}/refuse`: the customer reads the reason.
pub(super) async fn refuse(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(claim_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    desk::refuse(&app, &staff.actor, &claim_id, &request.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The ground, and what was seen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proposed {
    what: String,
    reason: String,
}

/// `POST /api/admin/v1/refunds/{claim_id}/propose`: of an account that closes; a second person is
/// asked.
pub(super) async fn propose(
    State(app): State<Arc<App>>,
    Refunder(staff): Refunder,
    Path(claim_id): Path<String>,
    Json(request): Json<Proposed>,
) -> Result<axum::Json<Asked>> {
    let ground = (&*request.what, &*request.reason);
    review::propose(&app, &staff, &claim_id, ground).await.map(axum::Json)
}

/// What the second person was asked, if there was anything to pay.
#[derive(Serialize)]
pub(super) struct Planned {
    #[serde(flatten)]
    asked: Option<Asked>,
}

/// `POST /api/admin/v1/refund-files`: all that waits into a file for the next working day, and a
/// second person is asked.
pub(super) async fn plan(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Json(request): Json<Reason>,
) -> Result<axum::Json<Planned>> {
    let day: Date = next_weekday(japan(app.clock.now()).date());
    let asked = files::plan(&app, &staff, day, &request.reason).await?;
    Ok(axum::Json(Planned { asked }))
}

/// `GET /api/admin/v1/refund-files/{file_id}`: the file, for the bank.
pub(super) async fn take(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(file_id): Path<String>,
) -> Result<Response> {
    Ok(for_bank(&file_id, files::contents(&app, &staff.actor, &file_id).await?))
}

/// `POST /api/admin/v1/refund-files/{file_id}/drop`
pub(super) async fn drop_file(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(file_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    let reason = checked_reason(&request.reason)?;
    files::drop_file(&app, &staff.actor, &file_id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/admin/v1/refund-files/{file_id}/sent`
pub(super) async fn sent(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(file_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    let reason = checked_reason(&request.reason)?;
    files::sent(&app, &staff.actor, &file_id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/admin/v1/refund-files/{file_id}/returned/{claim_id}`
pub(super) async fn returned(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path((file_id, claim_id)): Path<(String, String)>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    let reason = checked_reason(&request.reason)?;
    files::returned(&app, &staff.actor, (&file_id, &claim_id), reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
