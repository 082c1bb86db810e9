//! `GET /topup`: the ways in, as a list.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::identity::{PageCustomer, account};
use crate::refund::review::is_leaving;
use crate::terms;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

struct Way {
    path: &'static str,
    icon: &'static str,
    name: &'static str,
    note: &'static str,
}

const REGISTER: Way = Way {
    path: "/topup/register",
    icon: "barcode",
    name: "topup.way_register",
    note: "topup.way_register_note",
};
const ATM: Way =
    Way { path: "/topup/atm", icon: "atm", name: "topup.way_atm", note: "topup.way_atm_note" };
const CARD: Way =
    Way { path: "/topup/card", icon: "card", name: "topup.way_card", note: "topup.way_card_note" };

const AUTO: Way = Way {
    path: "/topup/auto",
    icon: "refresh",
    name: "topup.way_auto",
    note: "topup.way_auto_note",
};

#[derive(Template)]
#[template(path = "topup.html")]
struct WaysPage {
    text: Text,
    sandbox: bool,
    balance: i64,
    /// Whether the account is stopped: then no way leads in.
    is_stopped: bool,
    /// It is shut, since it closes and its rest is claimed.
    leaving: bool,
    ways: Vec<Way>,
}

/// The ways in.
pub async fn ways(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    if let Some(first) = terms::confirm::in_the_way(&app, &customer, text).await? {
        return Ok(first);
    }
    let mut ways = vec![REGISTER, ATM];
    if app.topups.offers_cards() {
        ways.extend([CARD, AUTO]);
    }
    let balance = app.gate.balance(customer.wallet_account);
    let registry = &app.stores.registry;
    let is_stopped = account::find(registry, &customer.customer_id).await?.frozen;
    let leaving = is_stopped && is_leaving(registry, &customer.customer_id).await?;
    page(&WaysPage { text, sandbox: app.sandbox(), balance, is_stopped, leaving, ways })
}
