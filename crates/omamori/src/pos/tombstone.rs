//! Cancelling what is not here takes its id, so that it cannot be made when it arrives late.

use omamori_ledger::{CreateTransferResult as R, Request, Transfer};
use serde::Serialize;

use crate::app::App;
use crate::gate::chart::{LEDGER_JPY, TransferCode};
use crate::gate::{Act, Place, Question};
use crate::merchant::StoreEntry;
use crate::web::error::{Error, Result};

/// Whether a transfer only takes an id.
#[must_use]
pub fn is_tombstone(transfer: &Transfer) -> bool {
    transfer.code == TransferCode::Tombstone.number()
}

/// Takes the id `id`, unless what it names has just arrived: the caller looks again.
///
/// # Errors
/// A fault.
pub async fn bury<D: Serialize + Sync>(
    app: &App,
    (store, place): (&StoreEntry, Place<'_>),
    act: Act,
    id: u128,
    detail: &D,
) -> Result<()> {
    let question = Question { terminal: Some(place), ..Question::plain(act, detail) };
    let clearance = app.gate.decide(question, Ok(())).await?;
    let tombstone = Transfer {
        id,
        debit_account_id: store.cash_account,
        credit_account_id: store.sales_account,
        user_data_64: place.terminal_number.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: TransferCode::Tombstone.number(),
        ..Transfer::default()
    };
    let request = Request { accounts: Vec::new(), transfers: vec![tombstone] };
    let reply = app.gate.commit(clearance, request).await?;
    match reply.transfers[0].result {
        R::DebitAccountNotFound | R::CreditAccountNotFound => {
            Err(Error::fault("a store has no ledger accounts"))
        }
        _ => Ok(()),
    }
}
