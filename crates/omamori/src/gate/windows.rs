//! Rolling windows: what each customer paid and topped up in the last 24 hours and 30 days.
//!
//! They are a fold of the journal that lives beside the ledger's state in its writer, and the
//! writer asks [`Windows::admit`] right before it applies a request. So a limit is exact: 16
//! requests at once, or two nodes at once, cannot pass it together.
//!
//! Time is counted in slots of five minutes and a slot leaves a window when its end does: a
//! window is up to five minutes longer than its name says, never shorter.

mod reserved;

use std::collections::HashMap;

use omamori_ledger::{Companion, Fact, Request, State, Transfer, TransferFlags};
use serde::Serialize;

use super::chart::{TransferCode, due};
use super::purse;
use super::reservation::is_captured;
use super::sending::Sending;
use crate::web::codes::Code;
use reserved::{Reservations, Reserved};

const NANOS_PER_SLOT: u64 = 300 * 1_000_000_000;
const SLOTS_PER_HOUR: u32 = 12;
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
    /// In, by card.
    CardTopup,
    /// In, by the customer's auto top-up.
    AutoTopup,
}

/// How far back a window reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// One operation, whatever was used before.
    Once,
    /// 24 hours.
    Day,
    /// 30 days.
    Month,
}

impl Span {
    const fn slots(self) -> u32 {
        match self {
            Self::Once => 0,
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

/// What one operation must keep; decided by the gate, enforced by the writer. Only
/// [`super::Gate::admission`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The customer's account.
    pub(super) account: u128,
    /// Yen.
    pub(super) amount: i64,
    /// The windows it uses, in the order in which they are told.
    pub(super) bounds: Vec<Bound>,
    /// Which way the value goes, seen from the customer.
    pub(super) flow: Flow,
}

/// Which way value goes, seen from the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Out of paid value: there must be enough.
    Out,
    /// Out of all kinds of value, as a plan says that found enough; the ledger refuses the chain
    /// if that changed.
    Spend,
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
#[derive(Clone, Copy, Debug)]
enum Effect {
    Uses(u128, &'static [Class]),
    GivesBack(u128, &'static [Class]),
    Nothing,
}

impl Effect {
    const fn of(transfer: &Transfer, code: TransferCode) -> Self {
        let (from, to) = (transfer.debit_account_id, transfer.credit_account_id);
        match code {
            TransferCode::Payment | TransferCode::Authorization | TransferCode::PaymentHeld => {
                Self::Uses(from, &[Class::Payment, Class::Out])
            }
            TransferCode::RefundPosition | TransferCode::CancelPosition => {
                Self::GivesBack(to, &[Class::Payment, Class::Out])
            }
            TransferCode::Send => Self::Uses(from, &[Class::Send, Class::Out]),
            TransferCode::SendReceive => Self::Uses(to, &[Class::Receive]),
            TransferCode::TopupCash | TransferCode::TopupAtm => Self::Uses(to, &[Class::Topup]),
            TransferCode::TopupCashCancel | TransferCode::TopupAtmCancel => {
                Self::GivesBack(from, &[Class::Topup])
            }
            TransferCode::TopupCard => Self::Uses(to, &[Class::Topup, Class::CardTopup]),
            TransferCode::TopupAuto => {
                Self::Uses(to, &[Class::Topup, Class::CardTopup, Class::AutoTopup])
            }
            // A charged-back top-up was made all the same.
            TransferCode::CardChargeback
            | TransferCode::ChargebackLoss
            | TransferCode::Tombstone
            | TransferCode::WalletClose
            | TransferCode::SendClaim => Self::Nothing,
            // The legs of payments and refunds are counted with their payment or position.
            TransferCode::AuthorizationPart
            | TransferCode::CodeClaim
            | TransferCode::Refund
            | TransferCode::Cancel
            | TransferCode::FreeSpent
            | TransferCode::FreeFunded
            | TransferCode::FreeBack
            | TransferCode::FreeFundedBack
            | TransferCode::PointsSpent
            | TransferCode::PointsFunded
            | TransferCode::PointsBack
            | TransferCode::PointsFundedBack
            | TransferCode::CouponDiscount
            | TransferCode::CouponDiscountBack
            | TransferCode::CouponUsed
            | TransferCode::CouponBack => Self::Nothing,
            // Neither paid in nor paid out.
            TransferCode::FreeGiven
            | TransferCode::FreeGivenNote
            | TransferCode::FreeExpired
            | TransferCode::PointsEarned
            | TransferCode::PointsPromised
            | TransferCode::PointsHeldOff
            | TransferCode::PointsTaken
            | TransferCode::PointsExpired
            | TransferCode::PointsConverted
            | TransferCode::PointsConvertedNote
            | TransferCode::CouponGiven
            | TransferCode::CampaignFunded
            | TransferCode::CampaignReleased => Self::Nothing,
        }
    }

    /// The yen of it: a payment counts once, with all kinds of value.
    fn yen(transfer: &Transfer, code: TransferCode) -> i64 {
        let yen = match code {
            TransferCode::Payment | TransferCode::Authorization | TransferCode::PaymentHeld => {
                due(transfer)
            }
            TransferCode::RefundPosition | TransferCode::CancelPosition => {
                Position::of(transfer).to_customer.unsigned_abs()
            }
            _ => transfer.amount,
        };
        // Amounts are bounded by the limits, far below i64::MAX; anything else is a bug.
        i64::try_from(yen).unwrap_or(i64::MAX)
    }
}

/// What the position of a refund or cancel says, in its `user_data_64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Yen of the sale that are given back: the lower half.
    pub amount: i64,
    /// What of it goes to the customer, of all kinds; the rest was a discount: the upper half.
    pub to_customer: i64,
}

impl Position {
    /// From a transfer.
    #[must_use]
    pub fn of(transfer: &Transfer) -> Self {
        let half = |bits: u64| i64::from(u32::try_from(bits).unwrap_or(u32::MAX));
        let data = transfer.user_data_64;
        Self { amount: half(data & u64::from(u32::MAX)), to_customer: half(data >> 32) }
    }

    /// As a transfer carries it.
    ///
    /// # Panics
    /// If an amount is beyond what the API ever lets in.
    #[must_use]
    pub fn user_data(self) -> u64 {
        let half = |yen: i64| match u32::try_from(yen) {
            Ok(half) => u64::from(half),
            Err(_) => panic!("a refund of {yen} yen"),
        };
        half(self.to_customer) << 32 | half(self.amount)
    }
}

/// Whether the first phase of such a transfer uses the windows: it stays pending while somebody
/// outside is asked or has not taken it; else many that wait would pass the limit together. Of all
/// others both phases are one chain, and the second one counts.
const fn reserves(code: TransferCode) -> bool {
    matches!(
        code,
        TransferCode::TopupCard
            | TransferCode::TopupAuto
            | TransferCode::Send
            | TransferCode::Authorization
            | TransferCode::PaymentHeld
    )
}

/// The windows of all customers.
#[derive(Debug, Default)]
pub struct Windows {
    customers: HashMap<u128, Customer>,
    reserved: Reservations,
    /// Who received from whom.
    sending: Sending,
}

impl Windows {
    /// What is used at `timestamp_nanos`.
    #[must_use]
    pub fn used(&self, account: u128, class: Class, timestamp_nanos: u64) -> Used {
        let now = slot(timestamp_nanos);
        let used = |span| self.used_in(account, class, span, now);
        Used { in_24h: used(Span::Day), in_30d: used(Span::Month) }
    }

    fn used_in(&self, account: u128, class: Class, span: Span, now: u32) -> i64 {
        if span == Span::Once {
            return 0;
        }
        if class == Class::Senders {
            return self.sending.senders(account, now.saturating_sub(span.slots()));
        }
        self.customers.get(&account).map_or(0, |customer| customer.used(class, span, now))
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
        let rolling = |bound: &&Bound| bound.span != Span::Once;
        admission.bounds.iter().filter(rolling).map(seen).collect()
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

    fn observe_transfer(&mut self, transfer: &Transfer) {
        let Some(code) = TransferCode::of(transfer.code) else { return };
        if code == TransferCode::SendReceive {
            let (to, at) = (transfer.credit_account_id, slot(transfer.timestamp));
            let from = at.saturating_sub(Span::Month.slots());
            self.sending.received(to, transfer.user_data_64, at, from);
        }
        let yen = Effect::yen(transfer, code);
        let effect = Effect::of(transfer, code);
        if transfer.is_pending() {
            if reserves(code) {
                let slot = slot(transfer.timestamp);
                self.reserved.insert(transfer.id, Reserved { slot, yen, effect });
                self.apply(effect, slot, yen);
            }
            return; // any other first phase is counted when it is posted
        }
        let is_void = transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
        if is_void && is_captured(transfer) {
            self.reserved.hand_over(transfer.pending_id);
        } else if is_void {
            self.release(transfer.pending_id);
        } else if let Some(reserved) = self.reserved.remove(transfer.pending_id) {
            // It counts where it was reserved; what was not taken is free again there.
            self.give_back(&reserved, reserved.yen - yen);
        } else {
            let then = match effect {
                // A reversal carries the slot of what it reverses (see `pos`).
                Effect::GivesBack(..) => transfer.user_data_32,
                Effect::Uses(..) | Effect::Nothing => slot(transfer.timestamp),
            };
            self.apply(effect, then, yen);
        }
    }

    /// A reservation came to nothing: what it used is free again.
    fn release(&mut self, pending_id: u128) {
        if let Some(reserved) = self.reserved.remove(pending_id) {
            self.give_back(&reserved, reserved.yen);
        }
    }

    fn give_back(&mut self, reserved: &Reserved, yen: i64) {
        if let Effect::Uses(account, classes) = reserved.effect {
            self.apply(Effect::GivesBack(account, classes), reserved.slot, yen);
        }
    }

    /// The pending transfers of a customer that use its windows, oldest first.
    #[must_use]
    pub fn reservations(&self, account: u128) -> &[u128] {
        self.reserved.of(account)
    }

    fn apply(&mut self, effect: Effect, slot: u32, yen: i64) {
        match effect {
            Effect::Uses(account, classes) => {
                let customer = self.customers.entry(account).or_default();
                classes.iter().for_each(|class| customer.add(slot, *class, yen));
            }
            Effect::GivesBack(account, classes) => {
                if let Some(customer) = self.customers.get_mut(&account) {
                    classes.iter().for_each(|class| customer.give_back(slot, *class, yen));
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
        let now = i64::try_from(timestamp / 1_000).unwrap_or(i64::MAX);
        let balance = match admission.flow {
            Flow::In { .. } => {
                purse::expected(|id| state.account(id).copied(), admission.account, now)
            }
            Flow::Out | Flow::Spend => 0, // not asked for
        };
        self.check(admission, balance, timestamp)
    }

    fn observe(&mut self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::TransferCreated(transfer) => self.observe_transfer(transfer),
                Fact::PendingTransferExpired { pending_id, .. } => self.release(*pending_id),
                Fact::AccountCreated(_) => {}
            }
        }
    }

    fn history_nanos(&self) -> u64 {
        u64::from(Span::Month.slots() + 1) * NANOS_PER_SLOT
    }
}

#[cfg(test)]
mod tests;
