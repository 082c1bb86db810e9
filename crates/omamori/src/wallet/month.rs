//! `/history/months`: a month in figures, and the half year up to it as a chart.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use super::entry::Class;
use super::lines::{Sum, sums};
use super::search::begins;
use crate::app::App;
use crate::identity::PageCustomer;
use crate::web::error::{Error, Result};
use crate::web::filters::{self, japan, yen_text};
use crate::web::page::page;
use crate::web::text::Text;

/// Months of the chart.
const MONTHS: i64 = 6;
/// Size of the chart, in its own units.
const WIDTH: i64 = 600;
const HEIGHT: i64 = 160;
const BAR: i64 = 20;

/// Which month.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// `2026-04`.
    #[serde(default)]
    month: String,
}

/// A month in figures, each as people say it: positive.
#[derive(Clone, Copy, Default)]
struct Month {
    /// Its first day.
    first: Date,
    payments: i64,
    /// Less what came back.
    paid: i64,
    topped_up: i64,
    sent: i64,
    received: i64,
    points: i64,
}

impl Month {
    fn add(&mut self, sum: &Sum) {
        self.points += sum.points;
        match sum.class {
            Class::Paid => {
                self.payments += sum.count;
                self.paid -= sum.yen;
            }
            Class::Refunded => self.paid -= sum.yen,
            Class::Topup => self.topped_up += sum.yen,
            Class::Sent => self.sent -= sum.yen,
            Class::Received => self.received += sum.yen,
            Class::Points => {}
        }
    }

    /// `2026-04`.
    fn word(&self) -> String {
        self.first.strftime("%Y-%m").to_string()
    }

    fn last(&self) -> Date {
        self.first.last_of_month()
    }

    const fn bars(&self) -> [(&'static str, i64); 4] {
        [
            ("paid", self.paid),
            ("topup", self.topped_up),
            ("sent", self.sent),
            ("received", self.received),
        ]
    }
}

struct Bar {
    kind: &'static str,
    x: i64,
    y: i64,
    height: i64,
    /// What a pointer on it shows.
    title: String,
}

/// The bars of a month, and its name below them.
struct Group {
    bars: Vec<Bar>,
    middle: i64,
    name: String,
}

#[derive(Template)]
#[template(path = "months.html")]
struct MonthsPage {
    text: Text,
    sandbox: bool,
    month: Month,
    months: Vec<Month>,
    groups: Vec<Group>,
    highest: i64,
    before: String,
    after: Option<String>,
}

/// `GET /history/months`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
    query: std::result::Result<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let malformed = || Error::field("month", "malformed");
    let Query(asked) = query.map_err(|_| malformed())?;
    let this = japan(app.clock.now()).date().first_of_month();
    let chosen = match asked.month.trim() {
        "" => this,
        month => format!("{month}-01").parse().map_err(|_| malformed())?,
    };
    let since = chosen.checked_sub((MONTHS - 1).months()).map_err(|_| malformed())?;
    let next = chosen.checked_add(1.month()).map_err(|_| malformed())?;
    let (Some(from), Some(until)) = (begins(since), begins(next)) else { return Err(malformed()) };
    app.lines.catch_up(&app.gate).await;
    let sums = sums(&app.stores.views, customer.wallet_account, from, until).await?;
    let mut months = Vec::new();
    for place in 0..MONTHS {
        let first = since.checked_add(place.months()).map_err(|_| malformed())?;
        let mut month = Month { first, ..Month::default() };
        let number = i64::from(first.year()) * 100 + i64::from(first.month());
        sums.iter().filter(|sum| sum.month == number).for_each(|sum| month.add(sum));
        months.push(month);
    }
    let highest = months.iter().flat_map(Month::bars).map(|(_, yen)| yen).max().unwrap_or(0);
    let before = chosen.checked_sub(1.month()).map_err(|_| malformed())?;
    page(&MonthsPage {
        text,
        sandbox: app.sandbox(),
        groups: groups(&months, highest, text),
        month: months.last().copied().unwrap_or_default(),
        months,
        highest,
        before: before.strftime("%Y-%m").to_string(),
        after: (next <= this).then(|| next.strftime("%Y-%m").to_string()),
    })
}

fn groups(months: &[Month], highest: i64, text: Text) -> Vec<Group> {
    let width = WIDTH / MONTHS;
    let group = |(place, month): (i64, &Month)| {
        let bars = month.bars();
        let left = place * width + (width - BAR * bars.len() as i64) / 2;
        let bar = |(number, (kind, yen)): (i64, (&'static str, i64))| {
            // What is not nothing is seen; a month in which more came back than was paid is none.
            let height = if yen <= 0 { 0 } else { (yen * HEIGHT / highest.max(1)).max(2) };
            let title = format!("{} {}", text.named("history.class_", kind), yen_text(yen));
            Bar { kind, x: left + number * BAR, y: HEIGHT - height, height, title }
        };
        Group {
            bars: (0..).zip(bars).map(bar).collect(),
            middle: place * width + width / 2,
            name: month.first.strftime("%Y/%m").to_string(),
        }
    };
    (0..).zip(months).map(group).collect()
}
