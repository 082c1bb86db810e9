//! `/api/wallet/v1`: the same for native apps and for our own pages.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use super::entry::{Entry, reservations};
use super::pages::{Limits, limits};
use crate::app::App;
use crate::identity::Customer;
use crate::web::error::Result;

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
