//! `/console/rules/backtest`: a person's draft, or a version, over a past period, beside the rules
//! in force.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::draft;
use crate::app::App;
use crate::clock::Micros;
use crate::console::access::Fraud;
use crate::console::frame::Frame;
use crate::risk::backtest::{Bar, Period, Run, run};
use crate::risk::rules;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::filters::japan;
use crate::web::page::page;
use crate::web::text::Text;

/// Acts of one run at the desk; a longer period is for `omamori risk backtest`.
const ACTS_MAX: u64 = 200_000;
/// Days that the form begins with.
const DAYS: i64 = 7;

#[derive(Template)]
#[template(path = "console_rules_backtest.html")]
struct BacktestPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    from: String,
    to: String,
    version: Option<i64>,
    in_force: i64,
    refused: Option<String>,
    run: Option<Run>,
    bars: Vec<Bar>,
}

/// What to try: without a version the person's draft. Days in Japan, both included.
#[derive(Deserialize)]
pub(in crate::console) struct Chosen {
    from: Option<String>,
    to: Option<String>,
    version: Option<i64>,
}

/// `GET /console/rules/backtest`: without days it shows the form alone.
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    text: Text,
    Query(chosen): Query<Chosen>,
) -> Result<Response> {
    let today = japan(app.clock.now()).date();
    let day = |days: i64| today.saturating_sub(days.days()).to_string();
    let live = app.gate.risk().in_force();
    let mut shown = BacktestPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "rules").await?,
        from: chosen.from.clone().unwrap_or_else(|| day(DAYS)),
        to: chosen.to.clone().unwrap_or_else(|| day(0)),
        version: chosen.version,
        in_force: live.version,
        refused: None,
        run: None,
        bars: Vec::new(),
    };
    if let (Some(from), Some(to)) = (&chosen.from, &chosen.to) {
        let period = period(from, to)?;
        let rules = match chosen.version {
            Some(version) => rules::find(&app.stores.registry, version).await?.rules,
            None => draft(&app, &staff.staff_id).await?.0,
        };
        match rules::check(&rules) {
            Ok(tested) => {
                let sets = (&tested, &live.set);
                let run = run(&app.stores, period, sets, ACTS_MAX, |_| ()).await?;
                shown.bars = run.bars();
                shown.run = Some(run);
            }
            Err(refused) => shown.refused = Some(refused.to_string()),
        }
    }
    page(&shown)
}

/// Days in Japan, both included.
///
/// # Errors
/// A field that is no day, or an end before its beginning.
pub(crate) fn period(from: &str, to: &str) -> Result<Period> {
    let first = instant(from, 0).ok_or_else(|| Error::field("from", "malformed"))?;
    let end = instant(to, 1).ok_or_else(|| Error::field("to", "malformed"))?;
    if end <= first {
        return Err(Error::field("to", "out_of_range"));
    }
    Ok(Period { from: first, to: end })
}

/// The first instant of a day in Japan, so many days later.
fn instant(day: &str, days: i64) -> Option<Micros> {
    let day: Date = day.parse().ok()?;
    let day = day.checked_add(days.days()).ok()?;
    let japan = TimeZone::fixed(jiff::tz::offset(9));
    Some(day.to_zoned(japan).ok()?.timestamp().as_microsecond())
}
