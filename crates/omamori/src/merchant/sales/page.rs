//! `/merchant/sales`, and the same as CSV.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use super::csv::lines;
use super::read::{self, Figures, Period, Row, Store, Terminal};
use crate::app::App;
use crate::console::{Plot, draw};
use crate::merchant::Frame;
use crate::merchant::access::Manager;
use crate::web::error::{Error, Result};
use crate::web::filters::{self, japan, yen_text};
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

/// What was found.
struct Found {
    period: Period,
    stores: Vec<Store>,
    rows: Vec<Row>,
    terminals: HashMap<i64, Terminal>,
}

/// `GET /merchant/sales`
pub(in crate::merchant) async fn show(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    text: Text,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let Query(asked) = asked.map_err(|_| Error::field("by", "malformed"))?;
    let stores = read::stores(&app, &user.merchant_id).await?;
    let found = find(&app, &user.merchant_id, &asked, stores.clone()).await?;
    let total = read::total(&found.rows);
    let fee = read::fee(&app, &user.merchant_id).await?;
    let is_by_month = found.period.days() > DAYS_DRAWN;
    page(&SalesPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&user, "sales"),
        period: found.period,
        by: asked.by,
        stores,
        store: asked.store,
        total,
        net: total.net(),
        fee: fee(total.net()),
        plot: plot(&found, is_by_month),
        is_by_month,
        lines: table(&found, asked.by, text, |net| fee(net).0),
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
    let found = find(&app, &user.merchant_id, &asked, stores).await?;
    let Period { from, until } = found.period;
    let name = format!("attachment; filename=\"sales-{from}-{until}.csv\"");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, lines(&found.rows, &found.stores, &found.terminals)?).into_response())
}

async fn find(app: &App, merchant_id: &str, asked: &Asked, stores: Vec<Store>) -> Result<Found> {
    let period = period(asked, japan(app.clock.now()).date())?;
    let stores = read::chosen(stores, &asked.store)?;
    let rows = read::rows(app, &stores, period).await?;
    let terminals = read::terminals(app, merchant_id).await?;
    Ok(Found { period, stores, rows, terminals })
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
fn plot(found: &Found, by_month: bool) -> Plot {
    let place = |day: Date| if by_month { day.first_of_month() } else { day };
    let sums = read::by(&found.rows, |row| place(row.day));
    let mut bars = Vec::new();
    let mut day = place(found.period.from);
    while day <= found.period.until {
        let gross = sums.get(&day).map_or(0, |figures| figures.gross);
        let name = if by_month { day.strftime("%Y-%m").to_string() } else { day.to_string() };
        bars.push((name, gross));
        let next = if by_month { day.checked_add(1.month()) } else { day.tomorrow() };
        let Ok(next) = next else { break };
        day = next;
    }
    draw("sales.chart", &bars, yen_text)
}

/// The lines of the table. A fee is rounded once for all: each line has what it adds to it, so the
/// lines add up.
fn table(found: &Found, by: By, text: Text, fee: impl Fn(i64) -> i64) -> Vec<Line> {
    let name =
        |store: usize| found.stores.get(store).map_or("", |store| store.name.as_str()).to_owned();
    let mut lines: Vec<Line> = match by {
        By::Day => read::by(&found.rows, |row| row.day)
            .into_iter()
            .map(|(day, figures)| line(day.to_string(), String::new(), figures))
            .collect(),
        By::Store => read::by(&found.rows, |row| row.store)
            .into_iter()
            .map(|(store, figures)| line(name(store), String::new(), figures))
            .collect(),
        By::Terminal => read::by(&found.rows, |row| (row.store, row.terminal_number))
            .into_iter()
            .map(|((store, number), figures)| {
                let terminal = found.terminals.get(&number);
                let terminal = terminal.map(|terminal| terminal.name.clone());
                let named = terminal.unwrap_or_else(|| text.t("sales.no_terminal").to_owned());
                line(named, name(store), figures)
            })
            .collect(),
    };
    let (mut net, mut taken) = (0, 0);
    for line in &mut lines {
        net += line.figures.net();
        line.fee = fee(net) - taken;
        taken += line.fee;
    }
    lines
}

const fn line(name: String, note: String, figures: Figures) -> Line {
    Line { name, note, figures, net: figures.net(), fee: 0 }
}
