//! `/topup/atm`: the code for ATMs that read it, and the form for ATMs that show a number.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::customer::{AtmView, shown};
use super::terminal::room;
use crate::app::App;
use crate::identity::PageCustomer;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(Template)]
#[template(path = "topup_atm.html")]
struct AtmPage {
    text: Text,
    sandbox: bool,
    balance: i64,
    balance_max: i64,
    /// What can be topped up now, and at once at most.
    room: i64,
    once_max: i64,
    unit: i64,
    /// The ATM that the customer has agreed to.
    atm: Option<AtmView>,
}

/// `GET /topup/atm`
pub async fn atm(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let limits = &app.config.limits;
    page(&AtmPage {
        text,
        sandbox: app.sandbox(),
        balance: app.gate.balance(customer.wallet_account),
        balance_max: limits.balance_max,
        room: room(&app, customer.wallet_account),
        once_max: limits.topup_atm_max,
        unit: limits.topup_atm_unit,
        atm: shown(&app, &customer).await?,
    })
}
