//! What acts on a cohort move in the ledger: losses made good, and value taken back. Ids are
//! derived from incident and customer, so each happens once, whoever does it and however often.

use omamori_db::sql;
use omamori_ledger::{Account, CreateTransferResult as R, Request, Transfer, TransferFlags};
use serde_json::json;

use super::act::Planned;
use super::cohort::made_good_by;
use super::count::Position;
use super::moves::loss_now;
use crate::app::App;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode, wallet_account_id};
use crate::gate::{Act, Question};
use crate::id::derive;
use crate::pos::yen;
use crate::value::legs::operator_account;
use crate::web::error::{Error, Result};

/// The id of the transfer by which an act makes a customer's loss good.
#[must_use]
pub fn compensation_id(act: &Planned, customer_id: &str) -> u128 {
    let parts = [&act.incident_id, customer_id, &act.act_id].map(str::as_bytes);
    derive("incident-compensation", &parts)
}

/// The same, of an act that began when an incident had one compensation.
fn first_compensation_id(act: &Planned, customer_id: &str) -> u128 {
    derive("incident-compensation", &[act.incident_id.as_bytes(), customer_id.as_bytes()])
}

/// The id of the transfer that takes back what came in.
#[must_use]
pub fn reversal_id(incident_id: &str, customer_id: &str) -> u128 {
    derive("incident-reversal", &[incident_id.as_bytes(), customer_id.as_bytes()])
}

/// What a transfer did: a word, and yen.
pub(super) type Moved = (&'static str, i64);

/// Makes a loss good, from the operator's loss account: into the wallet, or, where that is closed,
/// to what is owed outside of wallets. Never more than was agreed on, and never more than is lost
/// now of the transfers that this act took: a store may have refunded, another act may have been
/// first.
pub(super) async fn compensate(
    app: &App,
    act: &Planned,
    customer_id: &str,
    amount: i64,
) -> Result<Moved> {
    let [loss, payable] =
        [AccountCode::IncidentLoss, AccountCode::IncidentPayable].map(operator_account);
    let paying = Paying { app, act, customer_id, what: Act::IncidentCompensate, amount };
    let id = compensation_id(act, customer_id);
    if let Some(stands) = paying.before(id).await? {
        let is_out = stands.credit_account_id == payable.id;
        return Ok((if is_out { "payout" } else { "done" }, yen(&stands)));
    }
    let wallet = wallet_account_id(customer_id);
    let registry = &app.stores.registry;
    let moves = made_good_by(registry, (&act.incident_id, &act.act_id), customer_id).await?;
    let (moves, now) = (moves.iter().collect::<Vec<_>>(), Position::of_ledger(app).await?);
    let amount = amount.min(loss_now(app, &moves, &now).await?);
    if amount <= 0 {
        return Ok(("nothing", 0));
    }
    let query = sql("SELECT status FROM customer WHERE customer_id = $1").bind(customer_id);
    let row = registry.optional(query).await?;
    let status = row.map(|row| row.text("status")).transpose()?;
    let is_there = status.is_some_and(|status| status != "closed");
    let paying = Paying { amount, ..paying };
    let from = Transfer {
        id,
        debit_account_id: loss.id,
        amount: amount.unsigned_abs(),
        ledger: LEDGER_JPY,
        ..Transfer::default()
    };
    let into_wallet = Transfer {
        credit_account_id: wallet,
        code: TransferCode::IncidentCompensation.number(),
        ..from
    };
    let outside = Transfer {
        credit_account_id: payable.id,
        code: TransferCode::IncidentPayout.number(),
        ..from
    };
    let accounts = || vec![loss, payable];
    let first = if is_there { into_wallet } else { outside };
    let mut stands = paying.transfer(accounts(), first).await?;
    if stands.is_none() {
        // The wallet was closed since.
        stands = paying.transfer(accounts(), outside).await?;
    }
    let stands = stands.ok_or(Error::fault("a compensation was refused by the ledger"))?;
    Ok((if stands.credit_account_id == payable.id { "payout" } else { "done" }, yen(&stands)))
}

/// Takes back what came in, as far as it is there.
pub(super) async fn reverse(
    app: &App,
    act: &Planned,
    customer_id: &str,
    amount: i64,
) -> Result<Moved> {
    let held = operator_account(AccountCode::IncidentReturned);
    let paying = Paying { app, act, customer_id, what: Act::IncidentReverse, amount };
    let transfer = Transfer {
        id: reversal_id(&act.incident_id, customer_id),
        debit_account_id: wallet_account_id(customer_id),
        credit_account_id: held.id,
        amount: amount.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: TransferCode::IncidentReversal.number(),
        flags: TransferFlags::BALANCING_DEBIT,
        ..Transfer::default()
    };
    let stands = match app.gate.transfer_certainly(transfer.id).await? {
        Some(stands) => Some(stands.transfer),
        None => paying.transfer(vec![held], transfer).await?,
    };
    let Some(stands) = stands else { return Ok(("nothing", 0)) };
    let is_own = paying.is_own(&stands).await?;
    Ok(if is_own { ("done", yen(&stands)) } else { ("already", 0) })
}

struct Paying<'a> {
    app: &'a App,
    act: &'a Planned,
    customer_id: &'a str,
    what: Act,
    amount: i64,
}

impl Paying<'_> {
    /// Whose act a transfer was.
    async fn made_by(&self, transfer: &Transfer) -> Result<Option<String>> {
        let record = self.app.gate.evidence(std::slice::from_ref(transfer)).await?.pop().flatten();
        Ok(record.and_then(|record| record["detail"]["act"].as_str().map(str::to_owned)))
    }

    /// Whether a transfer was made by this act, and not by another one of the incident.
    async fn is_own(&self, transfer: &Transfer) -> Result<bool> {
        let made_by = self.made_by(transfer).await?;
        Ok(made_by.is_none_or(|act_id| act_id == self.act.act_id))
    }

    /// What this act has paid already.
    async fn before(&self, id: u128) -> Result<Option<Transfer>> {
        if let Some(stands) = self.app.gate.transfer_certainly(id).await? {
            return Ok(Some(stands.transfer));
        }
        let first = first_compensation_id(self.act, self.customer_id);
        let Some(stands) = self.app.gate.transfer(first).await? else { return Ok(None) };
        let is_own = self.made_by(&stands.transfer).await?.is_some_and(|id| id == self.act.act_id);
        Ok(is_own.then_some(stands.transfer))
    }

    /// The transfer that stands under this id: made now, or by another node meanwhile. None if an
    /// account takes or gives nothing any more.
    async fn transfer(
        &self,
        accounts: Vec<Account>,
        transfer: Transfer,
    ) -> Result<Option<Transfer>> {
        let Self { app, act, customer_id, what, amount } = self;
        let detail = json!({ "incident": act.incident_id, "act": act.act_id });
        let question = Question {
            customer: Some(customer_id),
            amount: Some(*amount),
            ..Question::plain(*what, &detail)
        };
        let clearance = app.gate.decide(question, Ok(())).await?;
        let request = Request { accounts, transfers: vec![transfer] };
        let result = app.gate.commit(clearance, request).await?.transfers[0].result;
        match app.gate.transfer_certainly(transfer.id).await? {
            Some(stands) => Ok(Some(stands.transfer)),
            None if is_closed(result) => Ok(None),
            None => Err(Error::fault("a transfer of an incident was refused by the ledger")),
        }
    }
}

fn is_closed(result: R) -> bool {
    matches!(
        result,
        R::DebitAccountAlreadyClosed
            | R::CreditAccountAlreadyClosed
            | R::DebitAccountNotFound
            | R::CreditAccountNotFound
    )
}
