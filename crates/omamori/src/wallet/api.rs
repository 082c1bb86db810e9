//! `/api/wallet/v1`: the same for native apps and for our own pages.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::entry::{Entry, PAGE, history as read_history, reservations};
use super::pages::{Limits, limits};
use crate::app::App;
use crate::identity::Customer;
use crate::web::error::{Error, Result};

/// Entries of one answer at most.
const LIMIT_MAX: usize = 100;

/// The signed-in customer.
#[derive(Serialize)]
pub struct Me {
    customer_id: String,
    balance: i64,
    /// What of the balance was paid in, and what was given free.
    balance_paid: i64,
    balance_free: i64,
    points: i64,
    /// What is set aside for payments that come later: no part of the balance.
    reservations: Vec<Entry>,
    currency: &'static str,
    device_id: String,
    limits: Limits,
}

/// Who is signed in, and what can be spent.
pub async fn me(State(app): State<Arc<App>>, customer: Customer) -> Result<axum::Json<Me>> {
    let purse = app.gate.purse(customer.wallet_account);
    Ok(axum::Json(Me {
        balance: purse.balance(),
        balance_paid: purse.paid,
        balance_free: purse.free_total(),
        points: purse.points_total(),
        reservations: reservations(&app, customer.wallet_account).await?,
        currency: "JPY",
        limits: limits(&app, &customer).await?,
        customer_id: customer.customer_id,
        device_id: customer.device_id,
    }))
}

/// Which part of the history.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    #[serde(default)]
    before: Option<u64>,
    #[serde(default)]
    limit: Option<usize>,
}

/// A part of the history.
#[derive(Serialize)]
pub struct HistoryAnswer {
    entries: Vec<Entry>,
    /// `before` of the next part.
    next: Option<String>,
}

/// The customer's history, newest first.
pub async fn history(
    State(app): State<Arc<App>>,
    customer: Customer,
    query: std::result::Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<axum::Json<HistoryAnswer>> {
    let Query(query) = query.map_err(|_| Error::field("before", "malformed"))?;
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::field("limit", "out_of_range"));
    }
    let page = read_history(&app, customer.wallet_account, query.before, limit).await?;
    // As text: a JavaScript number cannot hold it.
    let next = page.next.map(|next| next.to_string());
    Ok(axum::Json(HistoryAnswer { entries: page.entries, next }))
}
