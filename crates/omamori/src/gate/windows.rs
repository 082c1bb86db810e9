//! Rolling windows: what each customer paid and topped up in the last 24 hours and 30 days.
//!
//! They are a fold of the journal that lives beside the ledger's state in its writer, and the
//! writer asks [`Windows::admit`] right before it applies a request. So a limit is exact: 16
//! requests at once, or two nodes at once, cannot pass it together.
//!
//! Time is counted in slots of five minutes and a slot leaves a window when its end does: a
//! window is up to five minutes longer than its name says, never shorter.

use std::collections::HashMap;

use omamori_ledger::{Companion, Fact, Request, State, Transfer, TransferFlags};
use serde::Serialize;

use super::chart::{TransferCode, available};
use super::sending::{OpenSend, Sending};
use crate::web::codes::Code;

const NANOS_PER_SLOT: u64 = 300 * 1_000_000_000;
const SLOTS_PER_HOUR: u32 = 12;
/// What a send is counted as.
const SENT: [Class; 2] = [Class::Send, Class::Out];

/// The five-minute slot of an instant in nanoseconds.
#[must_use]
pub fn slot(timestamp_nanos: u64) -> u32 {
    u32::try_from(timestamp_nanos / NANOS_PER_SLOT).unwrap_or(u32::MAX)
}

/// A kind of use that is bounded. One transfer may be of several kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Out, to a merchant.
    Payment,
    /// In, by any way.
    Topup,
    /// Out, to another customer; what waits to be taken counts, what came back does not.
    Send,
    /// Out, by payment or sending.
    Out,
    /// In, from other customers.
    Receive,
    /// How many different customers value came from: persons, not yen.
    Senders,
}

/// How far back a window reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// 24 hours.
    Day,
    /// 30 days.
    Month,
}

impl Span {
    const fn slots(self) -> u32 {
        match self {
            Self::Day => 24 * SLOTS_PER_HOUR,
            Self::Month => 30 * 24 * SLOTS_PER_HOUR,
        }
    }
}

/// The most that one window may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Of which use.
    pub class: Class,
    /// In which time.
    pub span: Span,
    /// Yen.
    pub max: i64,
    /// What the caller is told when it would be passed.
    pub code: Code,
}

impl Bound {
    /// A bound of 24 hours.
    #[must_use]
    pub const fn day(class: Class, max: i64, code: Code) -> Self {
        Self { class, span: Span::Day, max, code }
    }

    /// A bound of 30 days.
    #[must_use]
    pub const fn month(class: Class, max: i64, code: Code) -> Self {
        Self { class, span: Span::Month, max, code }
    }
}

/// What one operation must keep; decided by the gate, enforced by the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The customer's account.
    pub account: u128,
    /// Yen.
    pub amount: i64,
    /// The windows it uses, in the order in which they are told.
    pub bounds: Vec<Bound>,
    /// Which way the value goes, seen from the customer.
    pub flow: Flow,
}

/// Which way value goes, seen from the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Out: there must be enough.
    Out,
    /// In: the balance after it may not pass this, in yen.
    In {
        /// The largest balance.
        balance_max: i64,
    },
}

/// What is used of a window's two spans, in yen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// In the last 24 hours.
    pub in_24h: i64,
    /// In the last 30 days.
    pub in_30d: i64,
}

/// What a window held when the gate looked.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Seen {
    class: Class,
    span: Span,
    yen: i64,
}

#[derive(Debug)]
struct Entry {
    slot: u32,
    class: Class,
    yen: i64,
}

/// What one customer used, by slot and class, oldest slot first.
#[derive(Debug, Default)]
struct Customer(Vec<Entry>);

impl Customer {
    fn used(&self, class: Class, span: Span, now: u32) -> i64 {
        let from = now.saturating_sub(span.slots());
        let inside = self.0.iter().rev().take_while(|entry| entry.slot >= from);
        inside.filter(|entry| entry.class == class).map(|entry| entry.yen).sum()
    }

    fn find(&mut self, slot: u32, class: Class) -> Option<&mut Entry> {
        let start = self.0.partition_point(|entry| entry.slot < slot);
        let mut same = self.0[start..].iter_mut().take_while(|entry| entry.slot == slot);
        same.find(|entry| entry.class == class)
    }

    fn add(&mut self, slot: u32, class: Class, yen: i64) {
        let from = slot.saturating_sub(Span::Month.slots());
        if self.0.first().is_some_and(|oldest| oldest.slot < from) {
            self.0.retain(|entry| entry.slot >= from);
        }
        match self.find(slot, class) {
            Some(entry) => entry.yen += yen,
            None => self.0.push(Entry { slot, class, yen }),
        }
    }

    /// Gives an amount back to the slot it was used in; one that has left the window is gone.
    fn give_back(&mut self, slot: u32, class: Class, yen: i64) {
        if let Some(entry) = self.find(slot, class) {
            entry.yen -= yen;
            assert!(entry.yen >= 0, "more was given back than was used");
        }
    }
}

/// What a transfer does to the windows of the customer on one of its sides.
enum Effect {
    Uses(u128, &'static [Class]),
    GivesBack(u128, &'static [Class]),
    Nothing,
}

impl Effect {
    const fn of(transfer: &Transfer, code: TransferCode) -> Self {
        let (from, to) = (transfer.debit_account_id, transfer.credit_account_id);
        match code {
            TransferCode::Payment => Self::Uses(from, &[Class::Payment, Class::Out]),
            TransferCode::Refund | TransferCode::Cancel => {
                Self::GivesBack(to, &[Class::Payment, Class::Out])
            }
            TransferCode::SendReceive => Self::Uses(to, &[Class::Receive]),
            // In two phases: see `observe_send`.
            TransferCode::Send | TransferCode::SendClaim => Self::Nothing,
            TransferCode::TopupCash => Self::Uses(to, &[Class::Topup]),
            TransferCode::TopupCashCancel => Self::GivesBack(from, &[Class::Topup]),
            TransferCode::RefundPosition | TransferCode::Tombstone | TransferCode::WalletClose => {
                Self::Nothing
            }
        }
    }
}

/// The windows of all customers.
#[derive(Debug, Default)]
pub struct Windows(HashMap<u128, Customer>, Sending);

impl Windows {
    /// What is used at `timestamp_nanos`.
    #[must_use]
    pub fn used(&self, account: u128, class: Class, timestamp_nanos: u64) -> Used {
        let now = slot(timestamp_nanos);
        let used = |span| self.used_in(account, class, span, now);
        Used { in_24h: used(Span::Day), in_30d: used(Span::Month) }
    }

    fn used_in(&self, account: u128, class: Class, span: Span, now: u32) -> i64 {
        if class == Class::Senders {
            return self.1.senders(account, now.saturating_sub(span.slots()));
        }
        self.0.get(&account).map_or(0, |customer| customer.used(class, span, now))
    }

    /// What each window of an operation holds before it: for the record.
    #[must_use]
    pub fn seen(&self, admission: &Admission, timestamp_nanos: u64) -> Vec<Seen> {
        let now = slot(timestamp_nanos);
        let seen = |bound: &Bound| Seen {
            class: bound.class,
            span: bound.span,
            yen: self.used_in(admission.account, bound.class, bound.span, now),
        };
        admission.bounds.iter().map(seen).collect()
    }

    /// Whether the operation keeps its bounds.
    ///
    /// # Errors
    /// The code of the first bound it would pass.
    pub fn check(
        &self,
        admission: &Admission,
        balance: i64,
        timestamp_nanos: u64,
    ) -> Result<(), Code> {
        let now = slot(timestamp_nanos);
        for bound in &admission.bounds {
            let used = self.used_in(admission.account, bound.class, bound.span, now);
            let adding = if bound.class == Class::Senders { 1 } else { admission.amount };
            if used + adding > bound.max {
                return Err(bound.code);
            }
        }
        match admission.flow {
            Flow::In { balance_max } if balance + admission.amount > balance_max => {
                Err(Code::LimitBalance)
            }
            _ => Ok(()),
        }
    }

    /// A send counts from its first phase on: else many that wait would pass the limit together.
    fn observe_send(&mut self, transfer: &Transfer) {
        if transfer.is_pending() {
            let (account, slot) = (transfer.debit_account_id, slot(transfer.timestamp));
            let yen = i64::try_from(transfer.amount).unwrap_or(i64::MAX);
            let customer = self.0.entry(account).or_default();
            SENT.iter().for_each(|class| customer.add(slot, *class, yen));
            self.1.begin(transfer.id, OpenSend { account, slot, yen });
        } else if transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER) {
            self.send_came_back(transfer.pending_id);
        } else {
            self.1.end(transfer.pending_id);
        }
    }

    fn send_came_back(&mut self, pending_id: u128) {
        let Some(OpenSend { account, slot, yen }) = self.1.end(pending_id) else { return };
        if let Some(customer) = self.0.get_mut(&account) {
            SENT.iter().for_each(|class| customer.give_back(slot, *class, yen));
        }
    }

    fn observe_transfer(&mut self, transfer: &Transfer) {
        let Some(code) = TransferCode::of(transfer.code) else { return };
        if code == TransferCode::Send {
            return self.observe_send(transfer);
        }
        if transfer.is_pending() {
            return; // a first phase: counted when it is posted
        }
        if code == TransferCode::SendReceive {
            let (to, at) = (transfer.credit_account_id, slot(transfer.timestamp));
            let from = at.saturating_sub(Span::Month.slots());
            self.1.received(to, transfer.user_data_64, at, from);
        }
        // Amounts are bounded by the limits, far below i64::MAX; anything else is a bug.
        let yen = i64::try_from(transfer.amount).unwrap_or(i64::MAX);
        match Effect::of(transfer, code) {
            Effect::Uses(account, classes) => {
                let customer = self.0.entry(account).or_default();
                let now = slot(transfer.timestamp);
                classes.iter().for_each(|class| customer.add(now, *class, yen));
            }
            Effect::GivesBack(account, classes) => {
                if let Some(customer) = self.0.get_mut(&account) {
                    // A reversal carries the slot of what it reverses (see `pos`).
                    let then = transfer.user_data_32;
                    classes.iter().for_each(|class| customer.give_back(then, *class, yen));
                }
            }
            Effect::Nothing => {}
        }
    }
}

impl Companion for Windows {
    type Admission = Admission;
    type Refusal = Code;

    fn admit(
        &self,
        state: &State,
        _: &Request,
        admission: &Admission,
        timestamp: u64,
    ) -> Result<(), Code> {
        let balance = state.account(admission.account).map_or(0, available);
        self.check(admission, balance, timestamp)
    }

    fn observe(&mut self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::TransferCreated(transfer) => self.observe_transfer(transfer),
                Fact::PendingTransferExpired { pending_id, .. } => self.send_came_back(*pending_id),
                Fact::AccountCreated(_) => {}
            }
        }
    }

    fn history_nanos(&self) -> u64 {
        u64::from(Span::Month.slots() + 1) * NANOS_PER_SLOT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUSTOMER: u128 = 7;
    const HOUR: u64 = 3_600 * 1_000_000_000;
    const START: u64 = 1_000_000 * HOUR;

    fn transfer(code: TransferCode, amount: u64, timestamp: u64, then: u32) -> Fact {
        let (debit_account_id, credit_account_id) = match code {
            TransferCode::Payment | TransferCode::TopupCashCancel => (CUSTOMER, 1),
            _ => (1, CUSTOMER),
        };
        Fact::TransferCreated(Transfer {
            code: code.number(),
            amount,
            timestamp,
            debit_account_id,
            credit_account_id,
            user_data_32: then,
            ..Transfer::default()
        })
    }

    fn admission(amount: i64) -> Admission {
        Admission {
            account: CUSTOMER,
            amount,
            bounds: vec![
                Bound::day(Class::Payment, 10_000, Code::LimitPayment24h),
                Bound::month(Class::Payment, 15_000, Code::LimitPayment30d),
            ],
            flow: Flow::Out,
        }
    }

    #[test]
    fn windows_roll_and_never_open_early() {
        let mut windows = Windows::default();
        windows.observe(&[transfer(TransferCode::Payment, 9_000, START, 0)]);
        let check = |windows: &Windows, yen, at| windows.check(&admission(yen), 0, at);
        assert_eq!(check(&windows, 1_000, START), Ok(()));
        assert_eq!(check(&windows, 1_001, START), Err(Code::LimitPayment24h));
        assert_eq!(check(&windows, 1_001, START + 24 * HOUR), Err(Code::LimitPayment24h));
        assert_eq!(check(&windows, 6_000, START + 25 * HOUR), Ok(()));
        assert_eq!(check(&windows, 6_001, START + 25 * HOUR), Err(Code::LimitPayment30d));
        assert_eq!(check(&windows, 10_000, START + 31 * 24 * HOUR), Ok(()));
    }

    #[test]
    fn a_refund_gives_the_limit_back_where_it_was_used() {
        let mut windows = Windows::default();
        windows.observe(&[
            transfer(TransferCode::Payment, 9_000, START, 0),
            transfer(TransferCode::Payment, 500, START + 2 * HOUR, 0),
            transfer(TransferCode::Refund, 4_000, START + 3 * HOUR, slot(START)),
        ]);
        let used = windows.used(CUSTOMER, Class::Payment, START + 3 * HOUR);
        assert_eq!(used, Used { in_24h: 5_500, in_30d: 5_500 });
        let later = windows.used(CUSTOMER, Class::Payment, START + 25 * HOUR);
        assert_eq!(later, Used { in_24h: 500, in_30d: 5_500 });
    }

    #[test]
    fn a_top_up_may_not_pass_the_largest_balance() {
        let windows = Windows::default();
        let flow = Flow::In { balance_max: 100_000 };
        let topup = Admission { bounds: Vec::new(), flow, ..admission(5_000) };
        assert_eq!(windows.check(&topup, 95_000, START), Ok(()));
        assert_eq!(windows.check(&topup, 95_001, START), Err(Code::LimitBalance));
    }
}
