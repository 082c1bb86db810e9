//! What a customer asked for, what they are asked for, and what is behind a request's link.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::row::{self, Asked};
use crate::app::App;
use crate::clock::Micros;
use crate::identity::Customer;
use crate::identity::account::{self, Account};
use crate::send::transfers::State as Became;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters::as_rfc3339;
use crate::web::json::Json;

/// A request. Instants are microseconds UTC; RFC 3339 in JSON.
#[derive(Debug, Serialize)]
pub struct RequestView {
    /// `ask_…`.
    pub request_id: String,
    /// The shares of one bill have one.
    pub group_id: String,
    /// `out` for who asks, `in` for everybody else.
    pub direction: &'static str,
    /// Yen.
    pub amount: i64,
    /// `open`, `paying` (set aside, and not taken yet), `paid`, `canceled` or `expired`.
    pub status: &'static str,
    /// The other side: what the asker calls the payer; the masked number of the asker.
    pub name: String,
    /// From the asker.
    pub message: String,
    /// When it was asked.
    #[serde(serialize_with = "as_rfc3339")]
    pub asked_at: Micros,
    /// Until when it can be paid.
    #[serde(serialize_with = "as_rfc3339")]
    pub expires_at: Micros,
    /// What pays it: the link's token.
    pub token: String,
    /// The link.
    pub address: String,
}

/// A request as `customer_id` sees it.
///
/// # Errors
/// A fault if a store fails.
pub async fn view(app: &App, asked: &Asked, customer_id: &str) -> Result<RequestView> {
    let own = asked.asker_id == customer_id;
    let payment = row::payment(app, &asked.request_id).await?;
    let status = match payment {
        Some((_, known)) if matches!(known.state, Became::Taken { .. }) => "paid",
        Some(_) => "paying",
        None if asked.canceled_at.is_some() => "canceled",
        None if !asked.stands(app.clock.now()) => "expired",
        None => "open",
    };
    let name = if own {
        asked.to_name.clone()
    } else {
        account::find(&app.stores.registry, &asked.asker_id).await?.phone.masked()
    };
    Ok(RequestView {
        request_id: asked.request_id.clone(),
        group_id: asked.group_id.clone(),
        direction: if own { "out" } else { "in" },
        amount: asked.wanted_yen,
        status,
        name,
        message: asked.message.clone(),
        asked_at: asked.created_at,
        expires_at: asked.expires_at,
        token: row::token(app, &asked.request_id),
        address: row::address(app, &asked.request_id),
    })
}

/// Requests of one customer, the newest first.
#[derive(Serialize)]
pub struct Requests {
    /// What this customer is asked for and has not paid.
    to_pay: Vec<RequestView>,
    /// What this customer asked for.
    asked: Vec<RequestView>,
}

/// `GET /api/wallet/v1/money-requests`
pub async fn handle(State(app): State<Arc<App>>, customer: Customer) -> Result<Answer<Requests>> {
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    let mut asked = Vec::new();
    for row in row::asked_by(&app.stores.registry, &customer.customer_id).await? {
        asked.push(view(&app, &row, &customer.customer_id).await?);
    }
    Ok(Answer(Requests { to_pay: to_pay(&app, &account).await?, asked }))
}

/// What a customer is asked for and has not paid.
///
/// # Errors
/// A fault if a store fails.
pub async fn to_pay(app: &App, account: &Account) -> Result<Vec<RequestView>> {
    let mut views = Vec::new();
    for row in row::asked_of(&app.stores.registry, account, app.clock.now()).await? {
        let view = view(app, &row, &account.customer_id).await?;
        if view.status == "open" {
            views.push(view);
        }
    }
    Ok(views)
}

/// A request's link that was opened.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    token: String,
}

/// `POST /api/wallet/v1/money-requests/look`
pub async fn look(
    State(app): State<Arc<App>>,
    customer: Customer,
    Json(Look { token }): Json<Look>,
) -> Result<Answer<RequestView>> {
    let asked = row::find_by_token(&app, &token).await?.ok_or(Code::RequestNotFound)?;
    Ok(Answer(view(&app, &asked, &customer.customer_id).await?))
}
