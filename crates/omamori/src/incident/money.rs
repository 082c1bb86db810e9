//! What acts on a cohort move in the ledger: losses made good, and value taken back. Ids are
//! derived from incident and customer, so each happens once, whoever does it and however often.

use omamori_db::sql;
use omamori_ledger::{Account, CreateTransferResult as R, Request, Transfer, TransferFlags};
use serde_json::json;

use super::act::{ActRow, Planned};
use super::cohort::made_good_by;
use super::count::Position;
use super::moves::{came_now, loss_now};
use super::still::{Look, begins_to_pay};
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

/// The id of the transfer by which an act takes back what came in.
#[must_use]
pub fn reversal_id(act: &Planned, customer_id: &str) -> u128 {
    let parts = [&act.incident_id, customer_id, &act.act_id].map(str::as_bytes);
    derive("incident-reversal", &parts)
}

/// The same, of an act that began when an incident had one take-back.
fn first_reversal_id(act: &Planned, customer_id: &str) -> u128 {
    derive("incident-reversal", &[act.incident_id.as_bytes(), customer_id.as_bytes()])
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// What a transfer did: a word, and yen.
    Moved(&'static str, i64),
    /// It is not known yet what is lost: something that was sent waits to be taken.
    Waits,
    /// The member was cleared since the dry run: nothing moves.
    Cleared,
    /// Another node ended it.
    Gone,
}

impl Step {
    /// Why no money of a row moves, if so.
    const fn instead(look: Look) -> Option<Self> {
        match look {
            Look::Pays => None,
            Look::Cleared => Some(Self::Cleared),
            Look::Gone => Some(Self::Gone),
        }
    }
}

/// Makes a loss good, from the operator's loss account: into the wallet, or, where that is closed,
/// to what is owed outside of wallets. Never more than was agreed on, and never more than is lost
/// now of the transfers that this act took: a store may have refunded, another act may have been
/// first. As long as something that was sent waits to be taken, the row waits: it may come back.
pub(super) async fn compensate(app: &App, act: &Planned, row: &ActRow) -> Result<Step> {
    let (customer_id, amount) = (row.subject.as_str(), row.yen);
    let [loss, payable] =
        [AccountCode::IncidentLoss, AccountCode::IncidentPayable].map(operator_account);
    let paying = Paying { app, act, customer_id, what: Act::IncidentCompensate, amount };
    let id = compensation_id(act, customer_id);
    let paid = |stands: &Transfer| {
        let is_out = stands.credit_account_id == payable.id;
        Step::Moved(if is_out { "payout" } else { "done" }, yen(stands))
    };
    if let Some(stands) = paying.before(id, first_compensation_id(act, customer_id)).await? {
        return Ok(paid(&stands));
    }
    let wallet = wallet_account_id(customer_id);
    let registry = &app.stores.registry;
    let moves = made_good_by(registry, (&act.incident_id, &act.act_id), customer_id).await?;
    let (mut lost, mut waits, now) = (0, 0, Position::of_ledger(app).await?);
    for one in &moves {
        let loss = loss_now(app, one, &now).await?;
        lost += loss.lost;
        waits += loss.waits;
    }
    if waits > 0 {
        return Ok(Step::Waits);
    }
    if let Some(instead) = Step::instead(begins_to_pay(app, act, row).await?) {
        return Ok(instead);
    }
    let amount = amount.min(lost);
    if amount <= 0 {
        return Ok(Step::Moved("nothing", 0));
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
    Ok(paid(&stands))
}

/// Takes back what came in by the transfers that this act took, as far as it is there: less what
/// was taken back since by a cancel or a chargeback. What is the customer's own stays.
pub(super) async fn reverse(app: &App, act: &Planned, row: &ActRow) -> Result<Step> {
    let customer_id = row.subject.as_str();
    let held = operator_account(AccountCode::IncidentReturned);
    let paying = Paying { app, act, customer_id, what: Act::IncidentReverse, amount: row.yen };
    let id = reversal_id(act, customer_id);
    if let Some(stands) = paying.before(id, first_reversal_id(act, customer_id)).await? {
        return Ok(Step::Moved("done", yen(&stands)));
    }
    if let Some(instead) = Step::instead(begins_to_pay(app, act, row).await?) {
        return Ok(instead);
    }
    let of = (act.incident_id.as_str(), act.act_id.as_str());
    let mut came = 0;
    for one in made_good_by(&app.stores.registry, of, customer_id).await? {
        came += came_now(app, &one).await?;
    }
    let amount = row.yen.min(came);
    if amount <= 0 {
        return Ok(Step::Moved("nothing", 0));
    }
    let paying = Paying { amount, ..paying };
    let transfer = Transfer {
        id,
        debit_account_id: wallet_account_id(customer_id),
        credit_account_id: held.id,
        amount: amount.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: TransferCode::IncidentReversal.number(),
        flags: TransferFlags::BALANCING_DEBIT,
        ..Transfer::default()
    };
    let stands = paying.transfer(vec![held], transfer).await?;
    Ok(stands.map_or(Step::Moved("nothing", 0), |stands| Step::Moved("done", yen(&stands))))
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

    /// What this act has moved already, under its own id or as the first act of its incident.
    async fn before(&self, id: u128, first: u128) -> Result<Option<Transfer>> {
        if let Some(stands) = self.app.gate.transfer_certainly(id).await? {
            return Ok(Some(stands.transfer));
        }
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
