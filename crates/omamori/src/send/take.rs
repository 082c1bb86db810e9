//! `POST /api/wallet/v1/sends/{send_id}/take`: the receiver takes what waits.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use serde_json::json;

use super::create::SendAnswer;
use super::row::{self, Send};
use super::transfers::{self, Known, State as Became};
use super::view::view;
use super::{review, tell};
use crate::app::App;
use crate::gate::{Act, Question, Use};
use crate::identity::Customer;
use crate::identity::account::{self, Account};
use crate::pos::yen;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Takes it. A retry gets the same answer.
pub async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(send_id): Path<String>,
) -> Result<Answer<SendAnswer>> {
    app.gate.open_door(Act::SendTake, None, Some(&customer.customer_id))?;
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    let (row, known) = addressed(&app, &account, &send_id).await?;
    let known = taken(&app, &account, Some(&customer.device_id), &row, known).await?;
    let send = view(&app, &row, &known, &customer.customer_id).await?;
    Ok(Answer(SendAnswer { send }))
}

/// A send that goes to this customer, by their number, their code or their request. Another's is
/// not there; neither is one that is only reached by its link.
///
/// # Errors
/// [`Code::SendNotFound`]; a fault.
pub(super) async fn addressed(
    app: &App,
    account: &Account,
    send_id: &str,
) -> Result<(Send, Known)> {
    let row = row::find(&app.stores.registry, send_id).await?.ok_or(Code::SendNotFound)?;
    let known = transfers::known(app, row.transfer_id()).await?.ok_or(Code::SendNotFound)?;
    let by_number = row.to_phone.as_deref() == Some(account.phone.as_str());
    let by_name = row.to_customer_id.as_deref() == Some(account.customer_id.as_str());
    let has_it = matches!(known.state, Became::Taken { by, .. } if by == account.wallet_account);
    // A number changes hands; what its former holder took stays theirs.
    let was_taken = matches!(known.state, Became::Taken { .. });
    if has_it || (!was_taken && (by_number || by_name)) {
        Ok((row, known))
    } else {
        Err(Code::SendNotFound.into())
    }
}

/// Gives a send to who has the right to it, once.
///
/// # Errors
/// The refusal, for the receiver; a fault.
pub(super) async fn taken(
    app: &App,
    receiver: &Account,
    device: Option<&str>,
    row: &Send,
    known: Known,
) -> Result<Known> {
    match known.state {
        Became::Taken { by, .. } if by == receiver.wallet_account => return Ok(known),
        Became::Taken { .. } | Became::Returned { .. } => return Err(Code::SendEnded.into()),
        Became::Waiting { .. } => {}
    }
    let amount = yen(&known.transfer);
    let detail = json!({ "send": row.send_id });
    let question = Question {
        act: Act::SendTake,
        customer: Some(&receiver.customer_id),
        device,
        terminal: None,
        amount: Some(amount),
        admission: Some(app.gate.admission(Use::Receive, receiver.wallet_account, amount)),
        detail: &detail,
    };
    let clearance = app.gate.decide(question, opinion(app, receiver, row).await?).await?;
    let request = transfers::take(&known.transfer, receiver.wallet_account);
    let _outcome = app.gate.commit(clearance, request).await?;
    // Whatever came between, the ledger says what became of it.
    let known = transfers::known(app, row.transfer_id()).await?;
    let known = known.ok_or(Error::fault("a send that was there is gone"))?;
    match known.state {
        Became::Taken { by, .. } if by == receiver.wallet_account => {
            review::look(app, receiver).await?;
            tell::ended(app, row, &known).await?;
            Ok(known)
        }
        _ => Err(Code::SendEnded.into()),
    }
}

async fn opinion(app: &App, receiver: &Account, row: &Send) -> Result<Result<(), Code>> {
    if receiver.customer_id == row.sender_id {
        return Ok(Err(Code::SendToSelf));
    }
    if receiver.frozen {
        return Ok(Err(Code::AccountFrozen));
    }
    // Whoever stopped their account may be the victim of who sent this.
    let sender = account::find(&app.stores.registry, &row.sender_id).await?;
    Ok(if sender.frozen { Err(Code::SendHeld) } else { Ok(()) })
}

/// What pays a request is taken at once, for its receiver asked for it. Where they cannot take it
/// now, it waits like any other.
///
/// # Errors
/// A fault.
pub(super) async fn for_request(app: &App, row: &Send, known: Known) -> Result<Known> {
    let (Some(_), Some(asker)) = (&row.request_id, &row.to_customer_id) else { return Ok(known) };
    if !matches!(known.state, Became::Waiting { .. }) {
        return Ok(known);
    }
    let asker = account::find(&app.stores.registry, asker).await?;
    match taken(app, &asker, None, row, known).await {
        Ok(taken) => Ok(taken),
        Err(fault @ Error::Fault(_)) => Err(fault),
        Err(_) => Ok(known),
    }
}
