//! `/merchant/sales`, and the same as CSV.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use super::csv::lines as csv_lines;
use super::read::{self, Figures, Period, Store};
use crate::app::App;
use crate::console::{Plot, draw};
use crate::merchant::Frame;
use crate::merchant::access::Manager;
use crate::web::error::{Error, Result};
use crate::web::filters::{self, civil_text, japan, yen_text};
use crate::web::page::page;
use crate::web::text::Text;

/// Days that are shown when no period is asked for.
const DAYS: i32 = 30;
/// Above so many days the picture has a bar a month.
const DAYS_DRAWN: i32 = 92;

/// What is asked for. Without a period: the last days.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::merchant) struct Asked {
    from: String,
    until: String,
    store: String,
    by: By,
}

impl Default for Asked {
    fn default() -> Self {
        Self { from: String::new(), until: String::new(), store: String::new(), by: By::Day }
    }
}

/// By what sums are shown.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum By {
    Day,
    Store,
    Terminal,
}

/// A line of the table.
struct Line {
    name: String,
    /// Of a terminal: its store.
    note: String,
    figures: Figures,
    net: i64,
    fee: i64,
}

#[derive(Template)]
#[template(path = "sales.html")]
struct SalesPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    period: Period,
    by: By,
    /// All of the merchant's, to choose from.
    stores: Vec<Store>,
    store: String,
    total: Figures,
    net: i64,
    fee: (i64, i64),
    plot: Plot,
    is_by_month: bool,
    lines: Vec<Line>,
}

/// What was asked for.
struct Wanted {
    period: Period,
    stores: Vec<Store>,
}

type Days = BTreeMap<Date, Figures>;

/// `GET /merchant/sales`
pub(in crate::merchant) async fn show(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    text: Text,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let Query(asked) = asked.map_err(|_| Error::field("by", "malformed"))?;
    let stores = read::stores(&app, &user.merchant_id).await?;
    let wanted = wanted(&app, &asked, stores.clone())?;
    let days = read::by_day(&app, &wanted.stores, wanted.period).await?;
    let mut total = Figures::default();
    days.values().for_each(|figures| total += *figures);
    let fee = read::fee(&app, &user.merchant_id).await?;
    let is_by_month = wanted.period.days() > DAYS_DRAWN;
    let mut lines = match asked.by {
        By::Day => days.iter().map(|(day, of)| line(civil_text(day), String::new(), *of)).collect(),
        By::Store => by_store(&app, &wanted).await?,
        By::Terminal => by_terminal(&app, &user.merchant_id, &wanted, text).await?,
    };
    add_fees(&mut lines, |net| fee(net).0);
    page(&SalesPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&user, "sales"),
        period: wanted.period,
        by: asked.by,
        stores,
        store: asked.store,
        total,
        net: total.net(),
        fee: fee(total.net()),
        plot: plot(&days, wanted.period, is_by_month),
        is_by_month,
        lines,
    })
}

/// `GET /merchant/sales.csv`
pub(in crate::merchant) async fn csv(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let Query(asked) = asked.map_err(|_| Error::field("by", "malformed"))?;
    let stores = read::stores(&app, &user.merchant_id).await?;
    let Wanted { period, stores } = wanted(&app, &asked, stores)?;
    let rows = read::rows(&app, &stores, period).await?;
    let terminals = read::terminals(&app, &user.merchant_id).await?;
    let Period { from, until } = period;
    let name = format!("attachment; filename=\"sales-{from}-{until}.csv\"");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, csv_lines(&rows, &stores, &terminals)?).into_response())
}

fn wanted(app: &App, asked: &Asked, stores: Vec<Store>) -> Result<Wanted> {
    let period = period(asked, japan(app.clock.now()).date())?;
    Ok(Wanted { period, stores: read::chosen(stores, &asked.store)? })
}

fn period(asked: &Asked, today: Date) -> Result<Period> {
    let day = |field: &str, text: &str| {
        let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        day.ok_or_else(|| Error::field(field, "malformed"))
    };
    let until = if asked.until.is_empty() { today } else { day("until", &asked.until)? };
    let from = if asked.from.is_empty() {
        until.checked_sub((DAYS - 1).days()).unwrap_or(until)
    } else {
        day("from", &asked.from)?
    };
    Period::new(from, until)
}

/// Gross sales of every day or month of the period, those without a sale too.
fn plot(days: &Days, period: Period, by_month: bool) -> Plot {
    let place = |day: Date| if by_month { day.first_of_month() } else { day };
    let mut sums: BTreeMap<Date, i64> = BTreeMap::new();
    for (day, figures) in days {
        *sums.entry(place(*day)).or_default() += figures.gross;
    }
    let mut bars = Vec::new();
    let mut day = place(period.from);
    while day <= period.until {
        let gross = sums.get(&day).copied().unwrap_or_default();
        let name = if by_month { day.strftime("%Y/%m").to_string() } else { civil_text(day) };
        bars.push((name, gross));
        let next = if by_month { day.checked_add(1.month()) } else { day.tomorrow() };
        let Ok(next) = next else { break };
        day = next;
    }
    draw("sales.chart", &bars, yen_text)
}

fn name_of(stores: &[Store], place: usize) -> String {
    stores.get(place).map_or("", |store| store.name.as_str()).to_owned()
}

async fn by_store(app: &App, wanted: &Wanted) -> Result<Vec<Line>> {
    let sums = read::by_store(app, &wanted.stores, wanted.period).await?;
    let named = |(store, of)| line(name_of(&wanted.stores, store), String::new(), of);
    Ok(sums.into_iter().map(named).collect())
}

async fn by_terminal(
    app: &App,
    merchant_id: &str,
    wanted: &Wanted,
    text: Text,
) -> Result<Vec<Line>> {
    let sums = read::by_terminal(app, &wanted.stores, wanted.period).await?;
    let terminals = read::terminals(app, merchant_id).await?;
    let named = |((store, number), of)| {
        let terminal = terminals.get(&number).map(|terminal| terminal.name.clone());
        let named = terminal.unwrap_or_else(|| text.t("sales.no_terminal").to_owned());
        line(named, name_of(&wanted.stores, store), of)
    };
    Ok(sums.into_iter().map(named).collect())
}

/// A fee is rounded once for all: each line has what it adds to it, so the lines add up.
fn add_fees(lines: &mut [Line], fee: impl Fn(i64) -> i64) {
    let (mut net, mut taken) = (0, 0);
    for line in lines {
        net += line.figures.net();
        line.fee = fee(net) - taken;
        taken += line.fee;
    }
}

const fn line(name: String, note: String, figures: Figures) -> Line {
    Line { name, note, figures, net: figures.net(), fee: 0 }
}
