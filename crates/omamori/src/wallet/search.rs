//! `/history`: all of it by day, or what a search finds; and the same for native apps.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};
use serde::{Deserialize, Serialize};

use super::entry::{Class, Entry, History, PAGE, history as read_history};
use super::lines::{self, Filter};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::identity::{Customer, PageCustomer};
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// Entries of one answer at most.
const LIMIT_MAX: usize = 100;
/// Characters of a text that is looked for.
const TEXT_MAX: usize = 64;
/// More yen than any line has.
const YEN_MAX: i64 = 1_000_000_000;

/// What is asked for. An empty text is one that was not filled in.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    before: Option<u64>,
    limit: Option<usize>,
    /// In the name of a store or its merchant.
    pub q: String,
    /// A [`Class`].
    pub kind: String,
    /// Yen, in or out.
    pub min: String,
    /// Yen, in or out.
    pub max: String,
    /// `2026-04-01`, in Japan.
    pub from: String,
    /// `2026-04-30`: that day too.
    pub to: String,
}

impl Asked {
    fn is_search(&self) -> bool {
        let fields = [&self.q, &self.kind, &self.min, &self.max, &self.from, &self.to];
        fields.iter().any(|field| !field.trim().is_empty())
    }

    /// What the fields mean; the text is not in it.
    pub(super) fn filter(&self) -> Result<Filter> {
        let class = match self.kind.trim() {
            "" => None,
            word => Some(Class::parse(word).ok_or_else(|| Error::field("kind", "unknown"))?),
        };
        let until = day("to", &self.to)?.map(|start| start + DAY);
        if self.q.chars().count() > TEXT_MAX {
            return Err(Error::field("q", "too_long"));
        }
        Ok(Filter {
            from: day("from", &self.from)?,
            until,
            class,
            min: yen("min", &self.min)?,
            max: yen("max", &self.max)?,
            places: None,
        })
    }
}

/// The beginning of a day in Japan.
fn day(field: &str, text: &str) -> Result<Option<Micros>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let date: Date = text.parse().map_err(|_| Error::field(field, "malformed"))?;
    begins(date).map(Some).ok_or_else(|| Error::field(field, "out_of_range"))
}

/// When a day begins in Japan; none for one that is not of our time.
pub(super) fn begins(date: Date) -> Option<Micros> {
    if !(1970..=9_000).contains(&date.year()) {
        return None;
    }
    let zoned = date.to_zoned(TimeZone::fixed(offset(9))).ok()?;
    Some(zoned.timestamp().as_microsecond())
}

fn yen(field: &str, text: &str) -> Result<Option<i64>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let yen: i64 = text.parse().map_err(|_| Error::field(field, "malformed"))?;
    if !(0..=YEN_MAX).contains(&yen) {
        return Err(Error::field(field, "out_of_range"));
    }
    Ok(Some(yen))
}

/// The filter with the stores whose name has the text. Names are compared here, not by the
/// engine: no character of the text means anything but itself.
pub(super) async fn with_places(
    app: &App,
    wallet: u128,
    text: &str,
    mut filter: Filter,
) -> Result<Filter> {
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() {
        return Ok(filter);
    }
    let mut found = Vec::new();
    for place in lines::places(&app.stores.views, wallet).await? {
        let Some(store) = app.merchants.store_by_account(place).await? else { continue };
        let name = format!("{} {}", store.merchant_name, store.name).to_lowercase();
        if name.contains(&wanted) {
            found.push(place);
        }
    }
    filter.places = Some(found);
    Ok(filter)
}

async fn look(app: &App, customer: &Customer, asked: &Asked, limit: usize) -> Result<History> {
    let wallet = customer.wallet_account;
    if !asked.is_search() {
        return read_history(app, wallet, asked.before, limit).await;
    }
    let filter = asked.filter()?;
    app.lines.catch_up(&app.gate).await;
    let filter = with_places(app, wallet, &asked.q, filter).await?;
    let views = &app.stores.views;
    let mut found = lines::search(views, wallet, &filter, asked.before, limit + 1).await?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().map(|line| line.timestamp).filter(|_| is_more);
    Ok(History { entries: lines::entries(app, &found).await?, next })
}

struct Day {
    at: Micros,
    entries: Vec<Entry>,
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    text: Text,
    sandbox: bool,
    asked: Asked,
    is_search: bool,
    classes: &'static [Class],
    days: Vec<Day>,
    next: Option<String>,
}

/// `GET /history`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
    query: std::result::Result<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let Query(asked) = query.map_err(|_| Error::field("before", "malformed"))?;
    let part = look(&app, &customer, &asked, PAGE).await?;
    let mut days: Vec<Day> = Vec::new();
    for entry in part.entries {
        let date = |at| filters::japan(at).date();
        match days.last_mut() {
            Some(day) if date(day.at) == date(entry.at) => day.entries.push(entry),
            _ => days.push(Day { at: entry.at, entries: vec![entry] }),
        }
    }
    page(&HistoryPage {
        text,
        sandbox: app.sandbox(),
        is_search: asked.is_search(),
        classes: &Class::ALL,
        asked,
        days,
        next: part.next.map(|next| next.to_string()),
    })
}

/// A part of the history.
#[derive(Serialize)]
pub(super) struct Answer {
    entries: Vec<Entry>,
    /// `before` of the next part.
    next: Option<String>,
}

/// `GET /api/wallet/v1/history`: newest first.
pub(super) async fn api(
    State(app): State<Arc<App>>,
    customer: Customer,
    query: std::result::Result<Query<Asked>, QueryRejection>,
) -> Result<axum::Json<Answer>> {
    let Query(asked) = query.map_err(|_| Error::field("before", "malformed"))?;
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::field("limit", "out_of_range"));
    }
    let part = look(&app, &customer, &asked, limit).await?;
    // As text: a JavaScript number cannot hold it.
    let next = part.next.map(|next| next.to_string());
    Ok(axum::Json(Answer { entries: part.entries, next }))
}
