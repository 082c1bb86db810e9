//! `POST /api/pos/v1/topups/{merchant_topup_id}/cancel`: the clerk gives the cash back.

use std::sync::Arc;

use axum::extract::{Path, State};
use omamori_ledger::{CreateTransferResult as R, Request, Transfer};

use super::auth::Terminal;
use super::cancel::cancel_until;
use super::fields::is_id;
use super::model::{TopupDetail, micros, yen};
use super::tombstone::{bury, is_tombstone};
use super::topup::{TopupAnswer, topup_cancel_id, topup_id, topup_view};
use crate::app::App;
use crate::gate::chart::{LEDGER_JPY, TransferCode};
use crate::gate::windows::slot;
use crate::gate::{Act, Question};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Takes a top-up back, if the customer still has the money.
#[utoipa::path(post, path = "/api/pos/v1/topups/{merchant_topup_id}/cancel", tag = "topups",
    operation_id = "cancel_topup",
    params(("merchant_topup_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = TopupAnswer), (status = "4XX", body = super::shelf::ErrorAnswer),
        (status = "5XX", body = super::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    State(app): State<Arc<App>>,
    terminal: Terminal,
    Path(merchant_topup_id): Path<String>,
) -> Result<axum::Json<TopupAnswer>> {
    if !is_id(&merchant_topup_id) {
        return Err(Code::TopupNotFound.into());
    }
    let id = topup_id(&terminal.store.merchant_id, &merchant_topup_id);
    let detail = TopupDetail {
        merchant_topup_id,
        store_id: terminal.store.store_id.clone(),
        terminal_id: terminal.terminal_id.clone(),
    };
    if app.gate.transfer(id).await?.is_none() {
        bury(&app, (&terminal.store, terminal.place()), Act::TopupCashCancel, id, &detail).await?;
    }
    let money = app.gate.transfer(id).await?;
    let money = money.ok_or(Error::fault("a top-up's tombstone is not there"))?.transfer;
    let canceled = app.gate.transfer(topup_cancel_id(id)).await?.is_some();
    if !canceled && !is_tombstone(&money) {
        let outcome = cancel(&app, &terminal, &detail, &money).await;
        // Refused, perhaps because the same request was carried out in between.
        if outcome.is_err() && app.gate.transfer_certainly(topup_cancel_id(id)).await?.is_none() {
            outcome?;
        }
    }
    let topup = topup_view(&app, &money).await?;
    Ok(axum::Json(TopupAnswer { topup }))
}

async fn cancel(
    app: &App,
    terminal: &Terminal,
    detail: &TopupDetail,
    money: &Transfer,
) -> Result<()> {
    let (act, code) = if money.code == TransferCode::TopupAtm.number() {
        (Act::TopupAtmCancel, TransferCode::TopupAtmCancel)
    } else {
        (Act::TopupCashCancel, TransferCode::TopupCashCancel)
    };
    let question = Question {
        terminal: Some(terminal.place()),
        amount: Some(yen(money)),
        ..Question::plain(act, detail)
    };
    let opinion = if app.clock.now() > cancel_until(micros(money)) {
        Err(Code::CancelTooLate)
    } else if app.gate.paid(money.credit_account_id) < yen(money) {
        Err(Code::TopupAlreadySpent)
    } else {
        Ok(())
    };
    let clearance = app.gate.decide(question, opinion).await?;
    let back = Transfer {
        id: topup_cancel_id(money.id),
        debit_account_id: money.credit_account_id,
        credit_account_id: money.debit_account_id,
        amount: money.amount,
        user_data_64: terminal.terminal_number.unsigned_abs(),
        // So that the customer's limit is given back where it was used.
        user_data_32: slot(money.timestamp),
        ledger: LEDGER_JPY,
        code: code.number(),
        ..Transfer::default()
    };
    let request = Request { accounts: Vec::new(), transfers: vec![back] };
    match app.gate.commit(clearance, request).await?.transfers[0].result {
        R::ExceedsCredits => Err(Code::TopupAlreadySpent.into()),
        R::DebitAccountAlreadyClosed => Err(Code::AccountFrozen.into()),
        R::Ok => Ok(()),
        // Another request canceled it in between, perhaps from another terminal.
        _ if app.gate.transfer(topup_cancel_id(money.id)).await?.is_some() => Ok(()),
        _ => Err(Error::fault("a top-up's cancel was refused by the ledger")),
    }
}
