//! `/console/law`: what the Payment Services Act asks, by base period, and the same as CSV.
//! The arithmetic is [`crate::law`]'s.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::access::Finance;
use super::frame::Frame;
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::law::base::{BaseDate, deposit};
use crate::law::quota::Quota;
use crate::law::{Figures, periods};
use crate::refund::quota::promised;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// Base periods that are shown, the running one among them.
const SHOWN: usize = 6;
/// For so long the figures of one reading of the journal serve.
const FRESH: Micros = 5 * MINUTE;
/// For so long the page waits for a reading; then it shows what there was before, and follows.
const PAGE_WAITS: Duration = Duration::from_secs(1);
/// For so long the file waits.
const FILE_WAITS: Duration = Duration::from_secs(20);

/// A base period.
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
    /// What is left of it.
    quota: Quota,
    /// What was refunded within it in the period that runs.
    refunded: i64,
    /// What two people agreed on within it and is not paid yet.
    promised: i64,
}

/// The last reading, and whether there is another one under way. It works beside the requests: one
/// that is cut off loses nothing, and however many ask, the journal is read once.
pub(super) struct Reading {
    kept: Mutex<Kept>,
    ended: watch::Sender<()>,
}

#[derive(Default)]
struct Kept {
    last: Option<Arc<Found>>,
    is_reading: bool,
    /// The last reading came to nothing.
    broke: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self { kept: Mutex::default(), ended: watch::Sender::new(()) }
    }
}

impl Reading {
    /// Whether the journal is being read.
    pub(super) fn is_under_way(&self) -> bool {
        self.kept.lock().is_reading
    }
}

/// Ends a reading, however it ends.
struct End<'a>(&'a Reading, Option<Found>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let mut kept = self.0.kept.lock();
        kept.is_reading = false;
        kept.broke = self.1.is_none();
        if let Some(found) = self.1.take() {
            kept.last = Some(Arc::new(found));
        }
        drop(kept);
        self.0.ended.send_replace(());
    }
}

#[derive(Template)]
#[template(path = "console_law.html")]
struct LawPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    /// The newest figures there are, if there are any yet.
    found: Option<Arc<Found>>,
    is_reading: bool,
}

/// `GET /console/law`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Finance(staff): Finance,
    text: Text,
) -> Result<Response> {
    let frame = Frame::new(&app, &staff, "law").await?;
    let found = found(&app, PAGE_WAITS).await?;
    let is_reading = app.console.law.is_under_way();
    page(&LawPage { text, sandbox: app.sandbox(), frame, found, is_reading })
}

/// `GET /console/law.csv`
pub(super) async fn csv(State(app): State<Arc<App>>, Finance(_): Finance) -> Result<Response> {
    // Nobody files what is older than it says: while the journal is read there is no file.
    let found = found(&app, FILE_WAITS).await?.filter(|found| is_fresh(found, app.clock.now()));
    let found = found.ok_or(Error::RetryAfter(Code::Busy, 5))?;
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

fn is_fresh(found: &Found, now: Micros) -> bool {
    now - found.at < FRESH
}

/// The newest figures; begins a reading if they are old, and waits for it, but not for long.
async fn found(app: &Arc<App>, waits: Duration) -> Result<Option<Arc<Found>>> {
    let (reading, now) = (&app.console.law, app.clock.now());
    let mut ended = reading.ended.subscribe();
    {
        let mut kept = reading.kept.lock();
        if let Some(last) = kept.last.as_ref().filter(|last| is_fresh(last, now)) {
            return Ok(Some(Arc::clone(last)));
        }
        if !kept.is_reading {
            kept.is_reading = true;
            tokio::spawn(read_beside(Arc::clone(app), now));
        }
    }
    let is_over = tokio::time::timeout(waits, ended.changed()).await.is_ok();
    let kept = reading.kept.lock();
    if is_over && kept.broke {
        return Err(Error::fault("the journal was not read for the law's figures"));
    }
    Ok(kept.last.clone())
}

async fn read_beside(app: Arc<App>, now: Micros) {
    let mut end = End(&app.console.law, None);
    match read(&app, now).await {
        Ok(found) => end.1 = Some(found),
        Err(Error::Fault(fault)) => tracing::error!(%fault, "the law's figures"),
        Err(error) => tracing::error!(code = error.code().as_str(), "the law's figures"),
    }
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
    let refunded = figures[SHOWN - 1].refunded_of_quota();
    let quota = Quota::new(before.issued, base, refunded);
    let promised = promised(&app.stores.registry).await?;
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
    Ok(Found { at: now, rows: rows.into_iter().rev().collect(), quota, refunded, promised })
}
