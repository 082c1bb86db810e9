//! `/console/settlements`: what waits to be paid to merchants, the files for the bank, and whether
//! books and files agree.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use super::access::{Finance, Viewer};
use super::approval::{self, Asked, Proposal, checked_reason};
use super::frame::Frame;
use crate::app::App;
use crate::clock::Micros;
use crate::settlement::bank::{self, Pending};
use crate::settlement::payout::{self, FileRow, Payout};
use crate::settlement::progress::{self, Progress};
use crate::settlement::returned;
use crate::settlement::statement::{self, Summary};
use crate::settlement::waiting::{self, Waiting};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::{self, japan};
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// Rows of each table.
const ROWS_MAX: i64 = 100;

#[derive(Template)]
#[template(path = "console_settlements.html")]
struct SettlementsPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    may_act: bool,
    yesterday: String,
    run: Option<Progress>,
    /// The oldest, and why each waits.
    waiting: Vec<(Payout, Option<Waiting>)>,
    /// How many wait, and their yen.
    waiting_total: (i64, i64),
    accounts: Vec<Pending>,
    files: Vec<FileRow>,
    in_files: Vec<Payout>,
    settlements: Vec<Summary>,
    /// In transit by the ledger and by the files: equal, or somebody must look.
    transit: (i64, i64),
}

/// `GET /console/settlements`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
) -> Result<Response> {
    let yesterday = japan(app.clock.now()).date().yesterday();
    page(&SettlementsPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "settlements").await?,
        may_act: Finance::is_of(staff.role),
        yesterday: yesterday.map_or_else(|_| String::new(), |day| day.to_string()),
        run: progress::newest(&app).await?,
        waiting: waiting::listed(&app, ROWS_MAX).await?,
        waiting_total: waiting::total(&app).await?,
        accounts: bank::pending(&app, ROWS_MAX).await?,
        files: payout::files(&app, ROWS_MAX).await?,
        in_files: payout::newest_in_files(&app, ROWS_MAX).await?,
        settlements: statement::newest(&app, ROWS_MAX).await?,
        transit: payout::transit(&app).await?,
    })
}

/// Why somebody does it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: String,
}

/// A run that works beside the request.
#[derive(Serialize)]
pub(super) struct Begun {
    run_id: String,
}

/// `POST /api/admin/v1/settlements/run`: settles up to and with yesterday. How far it is stands on
/// the page; whoever asks while one is open is given that one.
pub(super) async fn settle(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Json(request): Json<Reason>,
) -> Result<axum::Json<Begun>> {
    let reason = checked_reason(&request.reason)?;
    let yesterday = japan(app.clock.now()).date().yesterday();
    let yesterday = yesterday.map_err(|error| Error::Fault(Box::new(error)))?;
    let run_id = progress::ask(&app, &staff.actor, yesterday, reason).await?;
    Ok(axum::Json(Begun { run_id }))
}

/// A file that was made.
#[derive(Serialize)]
pub(super) struct MadeFile {
    file_id: Option<String>,
    count: i64,
    total: i64,
    waiting: usize,
}

/// `POST /api/admin/v1/payouts/files`: a file for the next working day.
pub(super) async fn make_file(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Json(request): Json<Reason>,
) -> Result<axum::Json<MadeFile>> {
    let reason = checked_reason(&request.reason)?;
    let day = next_weekday(japan(app.clock.now()).date());
    let made = payout::make_file(&app, &staff.actor, day, reason).await?;
    let (count, total) = made.file.as_ref().map_or((0, 0), |file| (file.count, file.total));
    let file_id = made.file.map(|file| file.file_id);
    Ok(axum::Json(MadeFile { file_id, count, total, waiting: made.waiting.len() }))
}

/// The next day that is no weekend. Banks' holidays are theirs to know: they take the file anyway.
pub(super) fn next_weekday(today: Date) -> Date {
    let mut day = today;
    loop {
        day = day.tomorrow().unwrap_or(day);
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return day;
        }
    }
}

/// A file for the bank, as it is taken from the desk.
pub(super) fn for_bank(file_id: &str, bytes: Vec<u8>) -> Response {
    let name = format!("attachment; filename=\"{file_id}.txt\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    (headers, bytes).into_response()
}

/// `GET /api/admin/v1/payouts/files/{file_id}`: the file, for the bank.
pub(super) async fn take_file(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(file_id): Path<String>,
) -> Result<Response> {
    Ok(for_bank(&file_id, payout::contents(&app, &staff.actor, &file_id).await?))
}

/// `POST /api/admin/v1/payouts/files/{file_id}/sent`
pub(super) async fn sent(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(file_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    let reason = checked_reason(&request.reason)?;
    payout::sent(&app, &staff.actor, &file_id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/admin/v1/payouts/{payout_id}/returned`: asks a second person. Alone, somebody could
/// have any payout paid twice.
pub(super) async fn returned(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(payout_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<axum::Json<Asked>> {
    let yen = returned::can_come_back(&app, &payout_id).await?;
    let proposal = Proposal::PayoutReturned { payout_id, yen };
    approval::ask(&app, &staff, &proposal, &request.reason).await.map(axum::Json)
}

/// `POST /api/admin/v1/payouts/{payout_id}/refused`: the bank would not take it: asks a second
/// person, whose word takes it out of its file.
pub(super) async fn refused(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(payout_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<axum::Json<Asked>> {
    let yen = returned::can_be_refused(&app, &payout_id).await?;
    let proposal = Proposal::PayoutRefused { payout_id, yen };
    approval::ask(&app, &staff, &proposal, &request.reason).await.map(axum::Json)
}

/// `POST /api/admin/v1/payout-accounts/{merchant_id}/{changed_at}/approve`: asks a second person.
pub(super) async fn approve_account(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path((merchant_id, changed_at)): Path<(String, String)>,
    Json(request): Json<Reason>,
) -> Result<axum::Json<Asked>> {
    let changed_at = instant(&changed_at)?;
    let last_digits = bank::waits(&app, (&merchant_id, changed_at)).await?.last_digits;
    let proposal = Proposal::ApproveAccount { merchant_id, changed_at, last_digits };
    approval::ask(&app, &staff, &proposal, &request.reason).await.map(axum::Json)
}

/// `POST /api/admin/v1/payout-accounts/{merchant_id}/{changed_at}/refuse`
pub(super) async fn refuse_account(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path((merchant_id, changed_at)): Path<(String, String)>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    let reason = checked_reason(&request.reason)?;
    let change = (merchant_id.as_str(), instant(&changed_at)?);
    bank::refuse(&app, &staff.actor, change, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Microseconds, as the page has them.
fn instant(text: &str) -> Result<Micros> {
    Ok(text.parse().map_err(|_| Code::NotFound)?)
}
