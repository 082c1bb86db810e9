//! `/console/law`: what the Payment Services Act asks, by base period, and the same as CSV.
//! The arithmetic is [`crate::law`]'s.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::access::Finance;
use super::frame::Frame;
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::law::base::{BaseDate, deposit};
use crate::law::quota::Quota;
use crate::law::{Figures, periods};
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// Base periods that are shown, the running one among them.
const SHOWN: usize = 6;
/// For so long the figures of one reading of the journal serve.
const FRESH: Micros = 5 * MINUTE;

/// A base period.
#[derive(Clone)]
struct Row {
    first: String,
    last: String,
    /// Until when report and deposit are due; empty for the period that runs.
    due: String,
    figures: Figures,
    deposit: i64,
}

/// What one reading of the journal found.
struct Found {
    at: Micros,
    /// Newest first.
    rows: Vec<Row>,
    quota: Quota,
}

/// The last reading. Whoever comes while the journal is read waits for it, so it is read once.
#[derive(Default)]
pub(super) struct Reading(tokio::sync::Mutex<Option<Arc<Found>>>);

#[derive(Template)]
#[template(path = "console_law.html")]
struct LawPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    found: Arc<Found>,
}

/// `GET /console/law`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    text: Text,
) -> Result<Response> {
    let frame = Frame::new(&app, &staff, "law").await?;
    page(&LawPage { text, sandbox: app.sandbox(), frame, found: found(&app).await? })
}

/// `GET /console/law.csv`
pub(super) async fn csv(State(app): State<Arc<App>>, Finance(_): Finance) -> Result<Response> {
    let found = found(&app).await?;
    let mut text =
        String::from("first,last,unused_before,issued,recovered,unused_after,deposit,due\r\n");
    for Row { first, last, due, figures, deposit } in &found.rows {
        let Figures { opening, issued, recovered, closing, .. } = figures;
        text.push_str(&format!(
            "{first},{last},{opening},{issued},{recovered},{closing},{deposit},{due}\r\n"
        ));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"omamori-law.csv\""),
    ];
    Ok((headers, text).into_response())
}

async fn found(app: &App) -> Result<Arc<Found>> {
    let mut last = app.console.law.0.lock().await;
    let now = app.clock.now();
    if let Some(found) = last.as_ref().filter(|found| now - found.at < FRESH) {
        return Ok(Arc::clone(found));
    }
    let found = Arc::new(read(app, now).await?);
    *last = Some(Arc::clone(&found));
    Ok(found)
}

/// Reads the journal once, for all periods.
async fn read(app: &App, now: Micros) -> Result<Found> {
    let now_at = Timestamp::from_microsecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut bases = vec![BaseDate::last_before(now_at)];
    while bases.len() < SHOWN {
        bases.insert(0, bases[0].before());
    }
    let nanos = |at: Timestamp| u64::try_from(at.as_nanosecond()).unwrap_or_default();
    let mut cuts: Vec<u64> = bases.iter().map(|base| nanos(base.end())).collect();
    cuts.push(nanos(now_at) + 1);
    let figures = periods(&app.stores.journal, &cuts).await?;
    let (before, base) = (&figures[SHOWN - 2], figures[SHOWN - 1].opening);
    let quota = Quota::new(before.issued, base, 0);
    let mut rows = Vec::new();
    for (number, figures) in figures.into_iter().enumerate() {
        let end = bases.get(number + 1);
        let first = bases[number].next_day();
        rows.push(Row {
            first: first.to_string(),
            last: end.map_or_else(String::new, |base| base.day().to_string()),
            due: end.map_or_else(String::new, |base| base.due().to_string()),
            deposit: if end.is_some() { deposit(figures.closing) } else { 0 },
            figures,
        });
    }
    // Periods before the first yen say nothing.
    let nothing = |row: &Row| row.figures == Figures::default() && !row.last.is_empty();
    let rows = rows.into_iter().skip_while(nothing).collect::<Vec<_>>();
    Ok(Found { at: now, rows: rows.into_iter().rev().collect(), quota })
}
