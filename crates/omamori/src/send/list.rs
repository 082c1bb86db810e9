//! What a customer sent, and what waits for them.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use serde::Serialize;

use super::create::SendAnswer;
use super::limits::{self, Limits};
use super::transfers::{self, State as Became};
use super::view::{SendView, view};
use super::{row, take};
use crate::app::App;
use crate::identity::Customer;
use crate::identity::account::{self, Account};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Sends of one customer, the newest first.
#[derive(Serialize)]
pub struct Sends {
    /// What others sent and this customer has not taken.
    pub waiting: Vec<SendView>,
    /// What this customer sent lately.
    pub sent: Vec<SendView>,
    /// What can be sent now.
    pub limits: Limits,
}

/// `GET /api/wallet/v1/sends`
pub async fn handle(State(app): State<Arc<App>>, customer: Customer) -> Result<Answer<Sends>> {
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    Ok(Answer(Sends {
        waiting: waiting(&app, &account).await?,
        sent: sent(&app, &customer.customer_id).await?,
        limits: limits::of(&app, &customer).await?,
    }))
}

/// What waits for a customer.
///
/// # Errors
/// A fault if a store fails.
pub(super) async fn waiting(app: &App, account: &Account) -> Result<Vec<SendView>> {
    let mut views = Vec::new();
    for row in row::waiting_for(&app.stores.registry, account, app.clock.now()).await? {
        let Some(known) = transfers::known(app, row.transfer_id()).await? else { continue };
        if matches!(known.state, Became::Waiting { .. }) {
            views.push(view(app, &row, &known, &account.customer_id).await?);
        }
    }
    Ok(views)
}

/// What a customer sent.
///
/// # Errors
/// A fault if a store fails.
pub(super) async fn sent(app: &App, customer_id: &str) -> Result<Vec<SendView>> {
    let mut views = Vec::new();
    for row in row::sent_by(&app.stores.registry, customer_id).await? {
        if let Some(known) = transfers::known(app, row.transfer_id()).await? {
            views.push(view(app, &row, &known, customer_id).await?);
        }
    }
    Ok(views)
}

/// `GET /api/wallet/v1/sends/{send_id}`
pub async fn one(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(send_id): Path<String>,
) -> Result<Answer<SendAnswer>> {
    Ok(Answer(SendAnswer { send: find(&app, &customer, &send_id).await? }))
}

/// A send of this customer, in either direction. Another's is not there.
///
/// # Errors
/// [`Code::SendNotFound`]; a fault.
pub(super) async fn find(app: &App, customer: &Customer, send_id: &str) -> Result<SendView> {
    let registry = &app.stores.registry;
    let row = row::find(registry, send_id).await?.ok_or(Error::Refused(Code::SendNotFound))?;
    if row.sender_id == customer.customer_id {
        let known = transfers::known(app, row.transfer_id()).await?.ok_or(Code::SendNotFound)?;
        return view(app, &row, &known, &customer.customer_id).await;
    }
    let account = account::find(registry, &customer.customer_id).await?;
    let (row, known) = take::addressed(app, &account, send_id).await?;
    view(app, &row, &known, &customer.customer_id).await
}
