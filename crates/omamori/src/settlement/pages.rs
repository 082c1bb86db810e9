//! The merchant's pages: its statements, one of them, and the same as CSV.

use std::fmt::Write;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::account_page;
use super::bank::{self, Shown};
use super::payout::{self, Payout};
use super::statement::{self, Settlement};
use crate::app::App;
use crate::clock::Micros;
use crate::merchant::access::Manager;
use crate::merchant::{Frame, MerchantUser};
use crate::web::codes::Code;
use crate::web::csv::cell;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// Statements on the page: two years of daily ones.
const ROWS_MAX: i64 = 730;

/// The routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/merchant/bank", get(account_page::show))
        .route("/api/merchant/v1/bank", post(account_page::change))
        .route("/api/merchant/v1/bank/options", post(account_page::options))
        .route("/merchant/settlements", get(list))
        .route("/merchant/settlements/{settlement_id}", get(show))
        .route("/merchant/settlements/{settlement_id}/csv", get(csv))
}

/// A statement with what became of its payout.
struct Row {
    settlement: Settlement,
    payout: &'static str,
}

impl Row {
    fn new(settlement: Settlement, payouts: &[Payout]) -> Self {
        let day = settlement.closing_on.to_string();
        let payout = payouts.iter().find(|payout| payout.closing_on == day);
        let payout = match payout {
            None if settlement.statement.payout == 0 => "none",
            None => "waiting",
            Some(payout) if payout.returned_at.is_some() => "returned",
            Some(payout) if payout.sent_at.is_some() => "sent",
            Some(payout) if payout.file_id.is_some() => "in_file",
            Some(_) => "waiting",
        };
        Self { settlement, payout }
    }
}

#[derive(Template)]
#[template(path = "settlements.html")]
struct ListPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    account: Option<Shown>,
    now: Micros,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "settlement.html")]
struct StatementPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    issuer_name: String,
    fee_percent: String,
    row: Row,
}

/// `GET /merchant/settlements`
async fn list(State(app): State<Arc<App>>, Manager(user): Manager, text: Text) -> Result<Response> {
    let payouts = payout::of_merchant(&app, &user.merchant_id, ROWS_MAX).await?;
    let settlements = statement::list(&app, &user.merchant_id, ROWS_MAX).await?;
    page(&ListPage {
        text,
        sandbox: app.sandbox(),
        account: bank::shown(&app, &user.merchant_id).await?,
        frame: Frame::new(&user, "settlements"),
        now: app.clock.now(),
        rows: settlements.into_iter().map(|one| Row::new(one, &payouts)).collect(),
    })
}

/// A statement of the merchant; another's is not there.
async fn mine(app: &App, user: &MerchantUser, id: &str) -> Result<Settlement> {
    Ok(statement::find(app, &user.merchant_id, id).await?.ok_or(Code::NotFound)?)
}

/// `GET /merchant/settlements/{settlement_id}`
async fn show(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    text: Text,
    Path(settlement_id): Path<String>,
) -> Result<Response> {
    let settlement = mine(&app, &user, &settlement_id).await?;
    let payouts = payout::of_merchant(&app, &user.merchant_id, ROWS_MAX).await?;
    page(&StatementPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&user, "settlements"),
        issuer_name: app.config.issuer_name.clone(),
        fee_percent: percent(settlement.statement.terms.fee_basis_points),
        row: Row::new(settlement, &payouts),
    })
}

/// `1.95` of 195 hundredths of a percent.
fn percent(basis_points: i64) -> String {
    let (whole, rest) = (basis_points / 100, basis_points % 100);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:02}") }
}

/// `GET /merchant/settlements/{settlement_id}/csv`
async fn csv(
    State(app): State<Arc<App>>,
    Manager(user): Manager,
    Path(settlement_id): Path<String>,
) -> Result<Response> {
    let settlement = mine(&app, &user, &settlement_id).await?;
    let name = format!("attachment; filename=\"settlement-{}.csv\"", settlement.closing_on);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, rows(&settlement)?).into_response())
}

/// The lines, with the mark that lets spreadsheets know UTF-8. The yen of all lines before `payout`
/// add up to `payout` and `carried_out`; what follows says what of that is held.
fn rows(settlement: &Settlement) -> Result<String> {
    let statement = &settlement.statement;
    let mut out = String::from("\u{feff}closing_on,line,store_id,store,count,yen\r\n");
    let day = settlement.closing_on;
    let mut line = |what: &str, store: (&str, &str), count: Option<i64>, yen: i64| {
        let count = count.map_or_else(String::new, |count| count.to_string());
        let (id, name) = (store.0, cell(store.1));
        write!(out, "{day},{what},{id},{name},{count},{yen}\r\n").map_err(|_| fault())
    };
    line("carried_in", ("", ""), None, statement.carried_in)?;
    line("returned", ("", ""), None, statement.returned)?;
    for store in &statement.stores {
        let of = (store.store_id.as_str(), store.name.as_str());
        line("sales", of, Some(store.sale_count), store.sales)?;
        line("refunds", of, Some(store.refund_count), -store.refunds)?;
        line("cash", of, None, -store.net_cash())?;
    }
    line("fee", ("", ""), None, -statement.fee)?;
    line("tax", ("", ""), None, -statement.tax)?;
    line("payout", ("", ""), None, statement.payout)?;
    line("carried_out", ("", ""), None, statement.carried_out)?;
    if !statement.held_sales.is_empty() {
        let count = i64::try_from(statement.held_sales.len()).unwrap_or(i64::MAX);
        line("held", ("", ""), Some(count), statement.held)?;
    }
    for sale in &statement.held_sales {
        let store = statement.stores.iter().find(|store| store.store_id == sale.store_id);
        let of = (sale.store_id.as_str(), store.map_or("", |store| store.name.as_str()));
        line(&format!("held_sale {}", sale.payment_id), of, None, sale.net())?;
    }
    Ok(out)
}

fn fault() -> Error {
    Error::fault("a line of CSV")
}
