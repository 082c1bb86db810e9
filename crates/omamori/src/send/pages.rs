//! The pages of sending: `/send`, one send, asking, and the page that a link opens.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::limits;
use super::list;
use super::request::list::{RequestView, to_pay, view};
use super::request::row;
use super::transfers::Why;
use super::view::SendView;
use crate::app::App;
use crate::identity::account;
use crate::identity::{Customer, PageCustomer};
use crate::refund::review::is_leaving;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(Template)]
#[template(path = "send.html")]
struct SendPage {
    text: Text,
    sandbox: bool,
    balance: i64,
    /// Whether the account is stopped: then nothing is sent.
    is_stopped: bool,
    /// It is shut, since it closes and its rest is claimed.
    leaving: bool,
    /// What can be sent at once now.
    sendable: i64,
    waiting: Vec<SendView>,
    to_pay: Vec<RequestView>,
    sent: Vec<SendView>,
}

/// Sends of the list on the page.
const SHOWN: usize = 10;

/// `GET /send`: send, receive, and what waits.
pub async fn send(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    let mut sent = list::sent(&app, &customer.customer_id).await?;
    sent.truncate(SHOWN);
    let balance = app.gate.paid(customer.wallet_account);
    page(&SendPage {
        text,
        sandbox: app.sandbox(),
        balance,
        is_stopped: account.frozen,
        leaving: account.frozen && is_leaving(&app.stores.registry, &customer.customer_id).await?,
        sendable: limits::of(&app, &customer).await?.room.min(balance),
        waiting: list::waiting(&app, &account).await?,
        to_pay: to_pay(&app, &account).await?,
        sent,
    })
}

#[derive(Template)]
#[template(path = "send_one.html")]
struct OnePage {
    text: Text,
    sandbox: bool,
    send: SendView,
}

/// `GET /send/{send_id}`: one send, for both sides.
pub async fn one(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
    Path(send_id): Path<String>,
) -> Result<Response> {
    let send = list::find(&app, &customer, &send_id).await?;
    page(&OnePage { text, sandbox: app.sandbox(), send })
}

#[derive(Template)]
#[template(path = "ask.html")]
struct AskPage {
    text: Text,
    sandbox: bool,
    asked: Vec<RequestView>,
}

/// `GET /ask`: asks for money, alone or split.
pub async fn ask(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    page(&AskPage { text, sandbox: app.sandbox(), asked: asked(&app, &customer).await? })
}

async fn asked(app: &App, customer: &Customer) -> Result<Vec<RequestView>> {
    let mut asked = Vec::new();
    for row in row::asked_by(&app.stores.registry, &customer.customer_id).await? {
        asked.push(view(app, &row, &customer.customer_id).await?);
    }
    Ok(asked)
}

#[derive(Template)]
#[template(path = "receive.html")]
struct ReceivePage {
    text: Text,
    sandbox: bool,
}

/// `GET /receive`: what a link opens. The same for everybody: what the link says is after its `#`,
/// where only the browser sees it.
pub async fn receive(State(app): State<Arc<App>>, text: Text) -> Result<Response> {
    page(&ReceivePage { text, sandbox: app.sandbox() })
}
