//! How much of a payment was given back: exact without a table and without a lock.
//!
//! Each refund or cancel is a chain: the paid value, a claim of amount 0 whose id is derived from
//! the payment and *what was refunded before it*, and what else goes back (see [`Back`]). Two
//! refunds at once derive the same claim, so one of them fails as a whole and looks again. Walking
//! the claims from 0 gives every refund in order, and their sum can never pass the payment.
//!
//! An incident that makes a payment good takes a place in the same order, so that what a store
//! gives back later is not the customer's a second time: it goes to who made it good.

use omamori_ledger::{CreateTransferResult as R, Transfer};
use serde_json::Value;

use super::model::{Paid, RefundDetail, RefundView, detail_of, micros};
use crate::app::App;
use crate::clock::Micros;
use crate::coupon::returnable;
use crate::gate::Clearance;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode};
use crate::gate::windows::{Position, slot};
use crate::id::{Kind, derive};
use crate::value::back::Back;
use crate::value::legs::operator_id;
use crate::value::promise;
use crate::web::error::Result;
use crate::web::filters::rfc3339;

/// More refunds than this of one payment are not a shop's business.
pub const REVERSALS_MAX: usize = 200;

/// Something that was given back.
#[derive(Clone, Debug)]
pub struct Reversal {
    /// The money transfer's id; 0 when its evidence is past its retention time.
    pub id: u128,
    /// The merchant's own id; none for a cancel.
    pub merchant_refund_id: Option<String>,
    /// Yen of the payment's amount.
    pub amount: i64,
    /// What of it went to the customer.
    pub to_customer: i64,
    /// Whether it was a cancel.
    pub is_cancel: bool,
    /// Free text.
    pub reason: Option<String>,
    /// When.
    pub at: Micros,
}

impl Reversal {
    /// From its claim and the record behind it.
    pub(super) fn of(claim: &Transfer, record: Option<Value>) -> Result<Self> {
        let about: RefundDetail = detail_of(record)?;
        Ok(Self {
            id: Kind::Refund.parse(&about.refund_id).unwrap_or_default(),
            merchant_refund_id: about.merchant_refund_id,
            amount: Position::of(claim).amount,
            to_customer: Position::of(claim).to_customer,
            is_cancel: claim.code == TransferCode::CancelPosition.number(),
            reason: about.reason,
            at: micros(claim),
        })
    }

    /// As the API shows it.
    #[must_use]
    pub fn view(&self) -> RefundView {
        RefundView {
            refund_id: Kind::Refund.text(self.id),
            merchant_refund_id: self.merchant_refund_id.clone(),
            amount: self.amount,
            amount_to_customer: self.to_customer,
            reason: self.reason.clone(),
            refunded_at: rfc3339(self.at),
        }
    }
}

/// The id of a refund's money transfer.
#[must_use]
pub fn refund_id(merchant_id: &str, merchant_refund_id: &str) -> u128 {
    derive("refund", &[merchant_id.as_bytes(), merchant_refund_id.as_bytes()])
}

/// The id of a cancel's money transfer.
#[must_use]
pub fn cancel_id(payment_id: u128) -> u128 {
    derive("cancel", &[&payment_id.to_be_bytes()])
}

fn claim_id(payment_id: u128, refunded_before: i64) -> u128 {
    derive("refund-position", &[&payment_id.to_be_bytes(), &refunded_before.to_be_bytes()])
}

/// The same place, if an incident has the first one.
fn next_claim_id(payment_id: u128, refunded_before: i64) -> u128 {
    derive("refund-position-next", &[&payment_id.to_be_bytes(), &refunded_before.to_be_bytes()])
}

/// All that was given back of a payment, and what of it an incident made good.
#[derive(Debug, Default)]
pub struct Given {
    /// The claims, in order.
    pub claims: Vec<Transfer>,
    /// Yen of the payment's amount.
    pub refunded: i64,
    /// What of it went to the customer, of all kinds.
    pub to_customer: i64,
    /// What an incident made good; nothing does so twice.
    pub made_good: Option<i64>,
    /// The next place: whoever takes it knows all that is here.
    pub place: u128,
    /// What stores gave back since the incident made it good.
    since: i64,
}

impl Given {
    /// Walks the claims.
    ///
    /// # Errors
    /// A fault if the views fail.
    pub async fn read(app: &App, paid: &Paid) -> Result<Self> {
        let (mut given, payment_id) = (Self::default(), paid.capture.id);
        loop {
            given.place = claim_id(payment_id, given.refunded);
            let Some(found) = app.gate.transfer(given.place).await? else { return Ok(given) };
            let mut claim = found.transfer;
            if claim.code == TransferCode::MadeGood.number() {
                given.made_good = Some(i64::try_from(claim.user_data_64).unwrap_or(i64::MAX));
                given.place = next_claim_id(payment_id, given.refunded);
                let Some(found) = app.gate.transfer(given.place).await? else { return Ok(given) };
                claim = found.transfer;
            }
            let Position { amount, to_customer } = Position::of(&claim);
            assert!(
                amount > 0 && given.refunded + amount <= paid.amount(),
                "refunds pass the payment"
            );
            given.refunded += amount;
            given.to_customer += to_customer;
            given.since += if given.made_good.is_some() { to_customer } else { 0 };
            given.claims.push(claim);
        }
    }

    /// What was made good already of so much that goes back to the customer.
    fn made_good_of(&self, to_customer: i64) -> i64 {
        let all = self.made_good.unwrap_or_default();
        all.min(self.since + to_customer) - all.min(self.since)
    }

    /// The transfer by which an incident takes the next place: it makes so many yen good.
    #[must_use]
    pub fn make_good(&self, yen: i64) -> Transfer {
        Transfer {
            id: self.place,
            debit_account_id: operator_id(AccountCode::IncidentLoss),
            credit_account_id: operator_id(AccountCode::IncidentPayable),
            amount: 0,
            user_data_64: yen.unsigned_abs(),
            ledger: LEDGER_JPY,
            code: TransferCode::MadeGood.number(),
            ..Transfer::default()
        }
    }
}

/// The claims on a payment, in order.
///
/// # Errors
/// A fault if the views fail.
pub async fn claims(app: &App, paid: &Paid) -> Result<Vec<Transfer>> {
    Ok(Given::read(app, paid).await?.claims)
}

/// Everything that was given back of a payment, in order.
///
/// # Errors
/// A fault if a store fails.
pub async fn reversals(app: &App, paid: &Paid) -> Result<Vec<Reversal>> {
    let claims = claims(app, paid).await?;
    let records = app.gate.evidence(&claims).await?;
    claims.iter().zip(records).map(|(claim, record)| Reversal::of(claim, record)).collect()
}

/// What became of an attempt to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Another refund came between, or the customer's points changed: look again.
    Lost,
    /// The customer's account takes no value.
    AccountClosed,
}

/// What to give back.
pub struct Giving<'a> {
    /// The payment.
    pub payment: &'a Paid,
    /// The money transfer's id.
    pub id: u128,
    /// Refund or cancel.
    pub code: TransferCode,
    /// Yen of the payment's amount.
    pub amount: i64,
    /// The sum of all refunds before.
    pub refunded_before: i64,
    /// The terminal that asks.
    pub terminal_number: i64,
}

/// Gives back, once.
///
/// # Errors
/// A fault, with the state unknown to the caller, who asks again with the same id.
pub async fn give_back(app: &App, clearance: Clearance, giving: &Giving<'_>) -> Result<Outcome> {
    let Paid { capture, made } = giving.payment;
    let given = Given::read(app, giving.payment).await?;
    if given.refunded != giving.refunded_before {
        return Ok(Outcome::Lost);
    }
    let is_cancel = giving.code == TransferCode::Cancel;
    let pieces = if is_cancel { returnable(app, made).await? } else { Vec::new() };
    let hold_off = match made.promise {
        None => None,
        Some(promise) => {
            let places = promise::places(app, giving.payment).await?;
            let issued = promise::is_issued(app, capture, &places).await?;
            (!issued).then(|| promise::hold_off(capture, promise, giving.refunded_before))
        }
    };
    let mut back = Back {
        made,
        hold_off,
        amount: giving.amount,
        before: giving.refunded_before,
        pieces: &pieces,
        made_good: 0,
        purse: &app.gate.purse(capture.debit_account_id),
        now: app.clock.now(),
    };
    // So that the customer's limit is given back where it was used: what was set aside before
    // counts from then on.
    let used_at = match made.authorization {
        None => capture.timestamp,
        Some(id) => {
            let set_aside = app.gate.transfer(id).await?;
            set_aside.map_or(capture.timestamp, |set_aside| set_aside.transfer.timestamp)
        }
    };
    let share = back.share();
    back.made_good = given.made_good_of(share.due());
    let money = Transfer {
        id: giving.id,
        debit_account_id: capture.credit_account_id,
        credit_account_id: capture.debit_account_id,
        amount: share.paid.unsigned_abs(),
        user_data_64: giving.terminal_number.unsigned_abs(),
        ledger: LEDGER_JPY,
        code: giving.code.number(),
        ..Transfer::default()
    };
    let position = Position { amount: giving.amount, to_customer: share.due() };
    let claim = Transfer {
        id: given.place,
        amount: 0,
        user_data_64: position.user_data(),
        user_data_32: slot(used_at),
        code: if is_cancel { TransferCode::CancelPosition } else { TransferCode::RefundPosition }
            .number(),
        ..money
    };
    let request = back.legs(money, claim, giving.terminal_number).close(app);
    let reply = app.gate.commit(clearance, request).await?;
    let results = || reply.transfers.iter().map(|outcome| outcome.result);
    Ok(if results().all(|result| result == R::Ok) {
        Outcome::Done
    } else if results().any(|result| result == R::CreditAccountAlreadyClosed) {
        Outcome::AccountClosed
    } else {
        Outcome::Lost
    })
}
