//! `/console/stores/…`: a merchant with its stores and terminals, by the id of any of them. To
//! look only.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::access::{Fraud, Viewer};
use super::frame::Frame;
use crate::app::App;
use crate::control::Door;
use crate::merchant::desk::{Merchant, Store, find};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// A store with what the ledger says of it.
struct Shown {
    store: Store,
    /// Owed to the merchant for sales, in yen.
    owed: i64,
    /// Owed by the merchant for cash that it took, in yen.
    cash: i64,
    /// Whether its id, or that of one of its terminals, was looked for.
    is_sought: bool,
}

#[derive(Template)]
#[template(path = "console_store.html")]
struct StorePage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    merchant_id: String,
    merchant_name: String,
    stores: Vec<Shown>,
    sought: String,
    may_close: bool,
    doors: Vec<Door>,
}

/// `GET /console/stores/{id}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Path(id): Path<String>,
) -> Result<Response> {
    let found = find(&app.stores.registry, &id).await?.ok_or(Code::NotFound)?;
    let Merchant { merchant_id, name, stores } = found;
    let frame = Frame::new(&app, &staff, "store").await?;
    let shown = stores.into_iter().map(|store| shown(&app, store, &id)).collect();
    page(&StorePage {
        text,
        sandbox: app.sandbox(),
        frame,
        merchant_id,
        merchant_name: name,
        stores: shown,
        sought: id,
        may_close: Fraud::is_of(staff.role),
        doors: Door::ALL.iter().copied().filter(|door| door.is_of_a_store()).collect(),
    })
}

fn shown(app: &App, store: Store, sought: &str) -> Shown {
    let net = |id, owed_to_them: bool| {
        let account = app.gate.account(id).unwrap_or_default();
        let (credits, debits) = (account.credits_posted, account.debits_posted);
        let yen = |units: u64| i64::try_from(units).unwrap_or(i64::MAX);
        if owed_to_them { yen(credits) - yen(debits) } else { yen(debits) - yen(credits) }
    };
    let is_sought = store.store_id == sought
        || store.terminals.iter().any(|terminal| terminal.terminal_id == sought);
    Shown {
        owed: net(store.sales_account, true),
        cash: net(store.cash_account, false),
        is_sought,
        store,
    }
}
