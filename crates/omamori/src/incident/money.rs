//! What acts on a cohort move in the ledger: losses made good, and value taken back. Ids are
//! derived from incident and customer, so each happens once, whoever does it and however often.

use omamori_db::sql;
use omamori_ledger::{Account, CreateTransferResult as R, Request, Transfer};
use serde_json::json;

use super::act::{ActRow, Planned};
use super::cohort::{disputed_of, made_good_by};
use super::moves::Move;
use super::now::{came_now, given_by_card, loss_now};
use super::still::{Look, begins_to_pay};
use crate::app::App;
use crate::gate::chart::{
    AccountCode, LEDGER_JPY, TransferCode, card_accounts, card_loss_id, wallet_account_id,
};
use crate::gate::once::{is_closed, is_taken};
use crate::gate::{Act, Question};
use crate::id::derive;
use crate::pos::{Given, yen};
use crate::topup::card::taken::{Taken, Taking, chain};
use crate::value::legs::{operator_account, operator_id};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// How often a row looks again because a refund or a chargeback came between.
const TRIES: usize = 8;

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

/// The id of the transfer by which an act takes back what a chargeback had cost the operator.
fn regained_id(act: &Planned, customer_id: &str) -> u128 {
    derive("incident-regained", &[&reversal_id(act, customer_id).to_be_bytes()])
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
    /// More is lost by now than was agreed on: nothing moves, it is planned again.
    PlanAgain,
    /// Another node ended it.
    Gone,
}

impl Step {
    /// Why no money of a row moves, if so.
    const fn instead(look: Look) -> Option<Self> {
        match look {
            Look::Pays => None,
            Look::Cleared => Some(Self::Cleared),
            Look::Short => Some(Self::PlanAgain),
            Look::Gone => Some(Self::Gone),
        }
    }
}

/// Makes a loss good, from the operator's loss account: into the wallet, or, where that is closed,
/// to what is owed outside of wallets. Never more than was agreed on, and never more than is lost
/// now of the transfers that this act took, less what a chargeback has given the card's holder: a
/// store may have refunded, another act may have been first. As long as something that was sent
/// waits to be taken, the row waits: it may come back. If more is lost than was agreed on, as when
/// a take-back made good what a chargeback had cost, nothing moves: a transfer is made good once,
/// so the rest would be lost for ever.
pub(super) async fn compensate(app: &App, act: &Planned, row: &ActRow) -> Result<Step> {
    let customer_id = row.subject.as_str();
    let paying = Paying { app, act, customer_id, what: Act::IncidentCompensate };
    let id = compensation_id(act, customer_id);
    let payable = operator_id(AccountCode::IncidentPayable);
    let query = sql("SELECT status FROM customer WHERE customer_id = $1").bind(customer_id);
    let status = app.stores.registry.optional(query).await?;
    let status = status.map(|row| row.text("status")).transpose()?;
    let mut is_there = status.is_some_and(|status| status != "closed");
    for _ in 0..TRIES {
        if let Some(stands) = paying.before(id, first_compensation_id(act, customer_id)).await? {
            return Ok(Step::Moved(outcome(&stands), yen(&stands)));
        }
        let loss = Loss::read(app, act, customer_id).await?;
        if loss.waits > 0 {
            return Ok(Step::Waits);
        }
        let is_short = loss.lost - loss.by_card() > row.yen;
        if let Some(instead) = Step::instead(begins_to_pay(app, act, row, is_short).await?) {
            return Ok(instead);
        }
        if loss.lost <= 0 {
            return Ok(Step::Moved("nothing", 0));
        }
        let amount = row.yen.min(loss.lost - loss.by_card()).max(0);
        let (to, code) = match (amount, is_there) {
            (0, _) => (payable, TransferCode::MadeGood), // all of it by card
            (_, true) => (wallet_account_id(customer_id), TransferCode::IncidentCompensation),
            (_, false) => (payable, TransferCode::IncidentPayout),
        };
        let mut transfers = vec![Transfer {
            id,
            debit_account_id: operator_id(AccountCode::IncidentLoss),
            credit_account_id: to,
            amount: amount.unsigned_abs(),
            ledger: LEDGER_JPY,
            code: code.number(),
            ..Transfer::default()
        }];
        transfers.extend(loss.places(amount));
        let made = paying.make(amount, transfers, |result| is_taken(result) || is_closed(result));
        // Where the wallet was closed since, it is owed outside of it.
        is_there &= !made.await?.is_err_and(is_closed);
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

/// What a compensation came to.
fn outcome(stands: &Transfer) -> &'static str {
    match TransferCode::of(stands.code) {
        Some(TransferCode::IncidentPayout) => "payout",
        Some(TransferCode::MadeGood) => "nothing",
        _ => "done",
    }
}

/// What is lost of the transfers that an act took, as the ledger has it now. Yen.
struct Loss {
    lost: i64,
    waits: i64,
    /// The payments, each with what of it is lost.
    payments: Vec<(Given, i64)>,
    /// The disputed top-ups by card.
    topups: Vec<Taken>,
}

impl Loss {
    async fn read(app: &App, act: &Planned, customer_id: &str) -> Result<Self> {
        let registry = &app.stores.registry;
        let all = disputed_of(registry, &act.incident_id, customer_id).await?;
        let topups = given_by_card(app, &all).await?;
        let mut loss = Self { lost: 0, waits: 0, payments: Vec::new(), topups };
        for one in taken_by(app, act, customer_id).await? {
            let now = loss_now(app, &one).await?;
            loss.lost += now.lost;
            loss.waits += now.waits;
            loss.payments.extend(now.given.map(|given| (given, now.lost)));
        }
        Ok(loss)
    }

    /// What of it chargebacks have given the card's holder already.
    fn by_card(&self) -> i64 {
        self.topups.iter().map(|taken| taken.lost).sum::<i64>().min(self.lost)
    }

    /// The places that say what is made good by so much and by chargebacks: what a store gives
    /// back of a payment, or a chargeback takes of a top-up, comes before them or knows of them.
    fn places(&self, amount: i64) -> Vec<Transfer> {
        let (mut by_card, mut left) = (self.by_card(), amount + self.by_card());
        let mut places = Vec::new();
        for (given, lost) in &self.payments {
            let yen = (*lost).min(left);
            left -= yen;
            places.push(given.make_good(yen));
        }
        for taken in &self.topups {
            let lost = taken.lost.min(by_card);
            by_card -= lost;
            places.push(Taking::MadeGood { lost }.at(taken.place));
        }
        places
    }
}

/// The transfers that an act took of one customer, the oldest first.
async fn taken_by(app: &App, act: &Planned, customer_id: &str) -> Result<Vec<Move>> {
    let of = (act.incident_id.as_str(), act.act_id.as_str());
    let mut moves = made_good_by(&app.stores.registry, of, customer_id).await?;
    moves.sort_by_key(|one| (one.at, one.transfer_id));
    Ok(moves)
}

/// Takes back what came in by the transfers that this act took, as far as it is there: less what
/// was taken back since by a cancel or a chargeback. What is the customer's own stays. Top-ups by
/// card come first: their holders may have them charged back still.
pub(super) async fn reverse(app: &App, act: &Planned, row: &ActRow) -> Result<Step> {
    let customer_id = row.subject.as_str();
    let paying = Paying { app, act, customer_id, what: Act::IncidentReverse };
    let ids = [reversal_id(act, customer_id), regained_id(act, customer_id)];
    let wallet = wallet_account_id(customer_id);
    for _ in 0..TRIES {
        let returned = paying.before(ids[0], first_reversal_id(act, customer_id)).await?;
        let stands = [returned, app.gate.transfer(ids[1]).await?.map(|found| found.transfer)];
        if stands.iter().any(Option::is_some) {
            return Ok(Step::Moved("done", stands.iter().flatten().map(yen).sum()));
        }
        if let Some(instead) = Step::instead(begins_to_pay(app, act, row, false).await?) {
            return Ok(instead);
        }
        let mut came = Vec::new();
        for one in taken_by(app, act, customer_id).await? {
            came.push(came_now(app, &one).await?);
        }
        came.sort_by_key(|one| one.taken.is_none());
        let sum = came.iter().map(|one| one.yen).sum::<i64>();
        let amount = row.yen.min(sum).min(app.gate.paid(wallet));
        if amount <= 0 {
            return Ok(Step::Moved("nothing", 0));
        }
        let (mut left, mut parts, mut places) = (amount, [0, 0], Vec::new());
        for one in came {
            let yen = one.yen.min(left);
            left -= yen;
            let taken = one.taken.filter(|_| yen > 0);
            let taking = taken.unwrap_or_default().taken_back(yen);
            if let Taking::TakeBack { returned, regained } = taking {
                parts[0] += returned;
                parts[1] += regained;
            }
            places.extend(taken.map(|taken| taking.at(taken.place)));
        }
        let to = [operator_id(AccountCode::IncidentReturned), card_loss_id()];
        let parts = ids.into_iter().zip(to).zip(parts).filter(|(_, yen)| *yen > 0);
        let transfer = |((id, to), yen): ((u128, u128), i64)| Transfer {
            id,
            debit_account_id: wallet,
            credit_account_id: to,
            amount: yen.unsigned_abs(),
            ledger: LEDGER_JPY,
            code: TransferCode::IncidentReversal.number(),
            ..Transfer::default()
        };
        let transfers = parts.map(transfer).chain(places).collect();
        let expects = |result| is_taken(result) || is_closed(result) || result == R::ExceedsCredits;
        if paying.make(amount, transfers, expects).await?.is_err_and(is_closed) {
            return Ok(Step::Moved("nothing", 0));
        }
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}

struct Paying<'a> {
    app: &'a App,
    act: &'a Planned,
    customer_id: &'a str,
    what: Act,
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

    /// Makes a chain, once.
    async fn make(
        &self,
        amount: i64,
        mut transfers: Vec<Transfer>,
        expects: impl Fn(R) -> bool + Send,
    ) -> Result<std::result::Result<Transfer, R>> {
        let Self { app, act, customer_id, what } = self;
        chain(&mut transfers);
        let of_incident = [
            AccountCode::IncidentLoss,
            AccountCode::IncidentPayable,
            AccountCode::IncidentReturned,
        ];
        let accounts: Vec<Account> =
            of_incident.map(operator_account).into_iter().chain(card_accounts()).collect();
        let detail = json!({ "incident": act.incident_id, "act": act.act_id });
        let question = Question {
            customer: Some(customer_id),
            amount: Some(amount),
            ..Question::plain(*what, &detail)
        };
        app.gate.once(question, Request { accounts, transfers }, expects).await
    }
}
