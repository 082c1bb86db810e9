//! `/points`: what the customer has of each kind, when it ends, and what to do with points.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::choices::uses_points;
use crate::app::App;
use crate::clock::{Micros, SECOND};
use crate::gate::purse::{Lot, Purse};
use crate::identity::{Customer, PageCustomer};
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// A part with its last moment.
#[derive(Serialize)]
struct Part {
    amount: i64,
    #[serde(serialize_with = "filters::as_rfc3339")]
    ends_at: Micros,
}

/// What a customer has, by kind.
#[derive(Serialize)]
pub(super) struct Holdings {
    balance_paid: i64,
    balance_free: i64,
    free_lots: Vec<Part>,
    points: i64,
    points_lots: Vec<Part>,
    points_owed: i64,
    use_points: bool,
}

/// The last second of a lot: what people read as its last day.
fn parts(lots: &[Lot]) -> Vec<Part> {
    let part = |lot: &Lot| Part { amount: lot.amount, ends_at: lot.month.end() - SECOND };
    lots.iter().map(part).collect()
}

async fn holdings(app: &App, customer: &Customer) -> Result<Holdings> {
    let purse: Purse = app.gate.purse(customer.wallet_account);
    Ok(Holdings {
        balance_paid: purse.paid,
        balance_free: purse.free_total(),
        free_lots: parts(&purse.free),
        points: purse.points_total(),
        points_lots: parts(&purse.points),
        points_owed: purse.points_debt,
        use_points: uses_points(app, &customer.customer_id).await?,
    })
}

/// `GET /api/wallet/v1/points`.
pub(super) async fn api(State(app): State<Arc<App>>, customer: Customer) -> Result<Json<Holdings>> {
    Ok(Json(holdings(&app, &customer).await?))
}

#[derive(Template)]
#[template(path = "points.html")]
struct PointsPage {
    text: Text,
    sandbox: bool,
    held: Holdings,
}

/// `GET /points`.
pub(super) async fn points(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let held = holdings(&app, &customer).await?;
    page(&PointsPage { text, sandbox: app.sandbox(), held })
}
