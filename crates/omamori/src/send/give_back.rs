//! Value goes back to its sender: declined, called back, or after too many wrong passcodes.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use serde_json::json;

use super::create::SendAnswer;
use super::row::{self, Send};
use super::transfers::{self, Known, State as Became, Why};
use super::view::view;
use super::{take, tell};
use crate::app::App;
use crate::gate::{Act, Question};
use crate::identity::{Customer, account};
use crate::pos::yen;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// `POST /api/wallet/v1/sends/{send_id}/decline`: by the receiver.
pub async fn decline(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(send_id): Path<String>,
) -> Result<Answer<SendAnswer>> {
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    let (row, known) = take::addressed(&app, &account, &send_id).await?;
    let known = returned(&app, Some(&customer), &row, known, Why::Declined).await?;
    let send = view(&app, &row, &known, &customer.customer_id).await?;
    Ok(Answer(SendAnswer { send }))
}

/// `POST /api/wallet/v1/sends/{send_id}/call-back`: by the sender. No step-up: it only brings back
/// what was theirs.
pub async fn call_back(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(send_id): Path<String>,
) -> Result<Answer<SendAnswer>> {
    let row = row::find(&app.stores.registry, &send_id).await?;
    let row = row.filter(|row| row.sender_id == customer.customer_id).ok_or(Code::SendNotFound)?;
    let known = transfers::known(&app, row.transfer_id()).await?.ok_or(Code::SendNotFound)?;
    let known = returned(&app, Some(&customer), &row, known, Why::CalledBack).await?;
    let send = view(&app, &row, &known, &customer.customer_id).await?;
    Ok(Answer(SendAnswer { send }))
}

/// Gives it back, once.
///
/// # Errors
/// [`Code::SendEnded`] if it was taken; a fault.
pub(super) async fn returned(
    app: &App,
    by: Option<&Customer>,
    row: &Send,
    known: Known,
    why: Why,
) -> Result<Known> {
    match known.state {
        Became::Returned { .. } => return Ok(known),
        Became::Taken { .. } => return Err(Code::SendEnded.into()),
        Became::Waiting { .. } => {}
    }
    let detail = json!({ "send": row.send_id, "why": why });
    let question = Question {
        customer: by.map(|customer| &*customer.customer_id),
        device: by.map(|customer| &*customer.device_id),
        amount: Some(yen(&known.transfer)),
        ..Question::plain(Act::SendReturn, &detail)
    };
    let clearance = app.gate.decide(question, Ok(())).await?;
    let _outcome = app.gate.commit(clearance, transfers::give_back(row.transfer_id(), why)).await?;
    let known = transfers::known(app, row.transfer_id()).await?;
    let known = known.ok_or(Error::fault("a send that was there is gone"))?;
    match known.state {
        Became::Returned { .. } => {
            tell::ended(app, row, &known).await?;
            Ok(known)
        }
        _ => Err(Code::SendEnded.into()),
    }
}
