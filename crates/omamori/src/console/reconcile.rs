//! `/console/reconciliation`: what the card gateway and partners say of money, where it differs
//! from the ledger, and who looks into it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::access::Finance;
use super::approval::checked_reason;
use super::frame::Frame;
use crate::app::App;
use crate::reconcile::row::{self, Found, Run, Step};
use crate::reconcile::{Period, run};
use crate::web::error::{Error, Result};
use crate::web::filters::{self, japan};
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// Rows of each table.
const ROWS_MAX: i64 = 200;

#[derive(Template)]
#[template(path = "console_reconcile.html")]
struct ReconcilePage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    staff_id: String,
    yesterday: String,
    offers_cards: bool,
    runs: Vec<Run>,
    open: Vec<Found>,
    over: Vec<Found>,
}

/// `GET /console/reconciliation`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    text: Text,
) -> Result<Response> {
    let yesterday = japan(app.clock.now()).date().yesterday();
    page(&ReconcilePage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "reconciliation").await?,
        staff_id: staff.staff_id,
        yesterday: yesterday.map_or_else(|_| String::new(), |day| day.to_string()),
        offers_cards: app.topups.offers_cards(),
        runs: row::runs(&app, ROWS_MAX).await?,
        open: row::differences(&app, false, ROWS_MAX).await?,
        over: row::differences(&app, true, ROWS_MAX).await?,
    })
}

/// What came of a run.
#[derive(Serialize)]
pub(super) struct Ran {
    reconciliation_id: String,
    ours_yen: i64,
    theirs_yen: i64,
    differences: usize,
}

impl From<run::Done> for Ran {
    fn from(done: run::Done) -> Self {
        Self {
            reconciliation_id: done.reconciliation_id,
            ours_yen: done.ours.1,
            theirs_yen: done.theirs.1,
            differences: done.differences.len(),
        }
    }
}

/// Days to look at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfCard {
    from: String,
    until: String,
}

/// `POST /api/admin/v1/reconciliations/card`
pub(super) async fn card(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Json(asked): Json<OfCard>,
) -> Result<axum::Json<Ran>> {
    let period = period(&app, &asked.from, &asked.until)?;
    Ok(axum::Json(run::card(&app, &staff.actor, period).await?.into()))
}

/// A partner's days.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfCash {
    merchant_id: String,
    from: String,
    until: String,
    csv: String,
    /// What the file is called.
    #[serde(default)]
    file_name: String,
    /// Why there is another file than the one that opened differences which this one closes.
    #[serde(default)]
    reason: String,
}

/// `POST /api/admin/v1/reconciliations/cash`
pub(super) async fn cash(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Json(asked): Json<OfCash>,
) -> Result<axum::Json<Ran>> {
    let period = period(&app, &asked.from, &asked.until)?;
    let (of, actor) = (&asked.merchant_id, &staff.actor);
    let OfCash { csv, file_name: name, reason, .. } = &asked;
    if !reason.trim().is_empty() {
        checked_reason(reason)?;
    }
    let file = run::File { name, csv, reason };
    Ok(axum::Json(run::cash(&app, actor, of, period, file).await?.into()))
}

fn period(app: &App, from: &str, until: &str) -> Result<Period> {
    let day = |field: &str, text: &str| {
        let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        day.ok_or_else(|| Error::field(field, "malformed"))
    };
    Period::new(day("from", from)?, day("until", until)?, app.clock.now())
}

/// `POST /api/admin/v1/reconciliations/differences/{difference_id}/take`
pub(super) async fn take(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(difference_id): Path<String>,
) -> Result<StatusCode> {
    row::act(&app, &staff.actor, &difference_id, Step::Take).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What it was.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Explanation {
    reason: String,
}

/// `POST /api/admin/v1/reconciliations/differences/{difference_id}/explain`
pub(super) async fn explain(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    Path(difference_id): Path<String>,
    Json(asked): Json<Explanation>,
) -> Result<StatusCode> {
    let words = checked_reason(&asked.reason)?;
    row::act(&app, &staff.actor, &difference_id, Step::Explain(words)).await?;
    Ok(StatusCode::NO_CONTENT)
}
