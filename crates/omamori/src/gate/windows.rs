//! Rolling windows: what each customer paid and topped up in the last 24 hours and 30 days.
//!
//! They are a fold of the journal that lives beside the ledger's state in its writer, and the
//! writer asks [`Windows::admit`] right before it applies a request. So a limit is exact: 16
//! requests at once, or two nodes at once, cannot pass it together.
//!
//! Time is counted in slots of five minutes and a slot leaves a window when its end does: a
//! window is up to five minutes longer than its name says, never shorter.

use std::collections::HashMap;

use omamori_ledger::{Companion, Fact, Request, State, Transfer};

use super::chart::{TransferCode, available};
use crate::web::codes::Code;

const NANOS_PER_SLOT: u64 = 300 * 1_000_000_000;
const SLOTS_24H: u32 = 24 * 12;
const SLOTS_30D: u32 = 30 * SLOTS_24H;

/// The five-minute slot of an instant in nanoseconds.
#[must_use]
pub fn slot(timestamp_nanos: u64) -> u32 {
    u32::try_from(timestamp_nanos / NANOS_PER_SLOT).unwrap_or(u32::MAX)
}

/// Which way value goes, seen from the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Out, to a merchant.
    Payment,
    /// In, by any way.
    Topup,
}

/// The bounds that one operation must keep; decided by the gate, enforced by the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The customer's account.
    pub account: u128,
    /// Which window.
    pub class: Class,
    /// Yen.
    pub amount: i64,
    /// Yen in 24 hours, and the code if they are passed.
    pub max_24h: (i64, Code),
    /// Yen in 30 days, and the code if they are passed.
    pub max_30d: Option<(i64, Code)>,
    /// The largest balance after it.
    pub balance_max: Option<i64>,
}

/// What is used of a customer's windows, in yen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// In the last 24 hours.
    pub in_24h: i64,
    /// In the last 30 days.
    pub in_30d: i64,
}

/// Amounts by slot, oldest first.
#[derive(Debug, Default)]
struct Window(Vec<(u32, i64)>);

impl Window {
    fn used(&self, now: u32) -> Used {
        let since = |slots: u32| now.saturating_sub(slots);
        let sum = |from: u32| {
            self.0.iter().rev().take_while(|(slot, _)| *slot >= from).map(|(_, yen)| yen).sum()
        };
        Used { in_24h: sum(since(SLOTS_24H)), in_30d: sum(since(SLOTS_30D)) }
    }

    fn add(&mut self, slot: u32, yen: i64) {
        let from = slot.saturating_sub(SLOTS_30D);
        if self.0.first().is_some_and(|(oldest, _)| *oldest < from) {
            self.0.retain(|(kept, _)| *kept >= from);
        }
        match self.0.last_mut() {
            Some((last, sum)) if *last == slot => *sum += yen,
            _ => self.0.push((slot, yen)),
        }
    }

    /// Gives an amount back to the slot it was used in; one that has left the window is gone.
    fn give_back(&mut self, slot: u32, yen: i64) {
        if let Ok(index) = self.0.binary_search_by_key(&slot, |(kept, _)| *kept) {
            self.0[index].1 -= yen;
            assert!(self.0[index].1 >= 0, "more was given back than was used");
        }
    }
}

#[derive(Debug, Default)]
struct Customer {
    payments: Window,
    topups: Window,
}

/// The windows of all customers.
#[derive(Debug, Default)]
pub struct Windows(HashMap<u128, Customer>);

impl Windows {
    /// What is used at `timestamp_nanos`.
    #[must_use]
    pub fn used(&self, account: u128, class: Class, timestamp_nanos: u64) -> Used {
        let now = slot(timestamp_nanos);
        let Some(customer) = self.0.get(&account) else { return Used::default() };
        match class {
            Class::Payment => customer.payments.used(now),
            Class::Topup => customer.topups.used(now),
        }
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
        let used = self.used(admission.account, admission.class, timestamp_nanos);
        let (max_24h, code_24h) = admission.max_24h;
        if used.in_24h + admission.amount > max_24h {
            return Err(code_24h);
        }
        if let Some((max_30d, code_30d)) = admission.max_30d
            && used.in_30d + admission.amount > max_30d
        {
            return Err(code_30d);
        }
        if admission.balance_max.is_some_and(|max| balance + admission.amount > max) {
            return Err(Code::LimitBalance);
        }
        Ok(())
    }

    fn observe_transfer(&mut self, transfer: &Transfer) {
        if transfer.is_pending() {
            return; // a first phase: counted when it is posted
        }
        // Amounts are bounded by the limits, far below i64::MAX; anything else is a bug.
        let yen = i64::try_from(transfer.amount).unwrap_or(i64::MAX);
        let now = slot(transfer.timestamp);
        // A reversal carries the slot of what it reverses (see `pos`).
        let then = transfer.user_data_32;
        let (account, reversed) = (transfer.debit_account_id, transfer.credit_account_id);
        match TransferCode::of(transfer.code) {
            Some(TransferCode::Payment) => {
                self.0.entry(account).or_default().payments.add(now, yen);
            }
            Some(TransferCode::Refund | TransferCode::Cancel) => {
                if let Some(customer) = self.0.get_mut(&reversed) {
                    customer.payments.give_back(then, yen);
                }
            }
            Some(TransferCode::TopupCash) => {
                self.0.entry(reversed).or_default().topups.add(now, yen);
            }
            Some(TransferCode::TopupCashCancel) => {
                if let Some(customer) = self.0.get_mut(&account) {
                    customer.topups.give_back(then, yen);
                }
            }
            Some(TransferCode::RefundPosition | TransferCode::Tombstone) | None => {}
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
            if let Fact::TransferCreated(transfer) = fact {
                self.observe_transfer(transfer);
            }
        }
    }

    fn history_nanos(&self) -> u64 {
        u64::from(SLOTS_30D + 1) * NANOS_PER_SLOT
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
            class: Class::Payment,
            amount,
            max_24h: (10_000, Code::LimitPayment24h),
            max_30d: Some((15_000, Code::LimitPayment30d)),
            balance_max: None,
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
        let topup = Admission {
            class: Class::Topup,
            max_30d: None,
            balance_max: Some(100_000),
            ..admission(5_000)
        };
        assert_eq!(windows.check(&topup, 95_000, START), Ok(()));
        assert_eq!(windows.check(&topup, 95_001, START), Err(Code::LimitBalance));
    }
}
