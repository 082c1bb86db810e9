//! What came of it, counted from the answers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// How often, and how many yen (or points).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How often.
    pub times: u64,
    /// Together.
    pub yen: i64,
}

impl Count {
    pub(super) const fn add(&mut self, yen: i64) {
        self.times += 1;
        self.yen += yen;
    }
}

/// Of one store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreTally {
    /// Sales, before any discount.
    pub sales: Count,
    /// Refunds of parts or the whole.
    pub refunds: Count,
    /// Sales that were canceled.
    pub cancels: Count,
    /// Cash taken.
    pub top_ups: Count,
    /// Of which was given back.
    pub top_ups_canceled: Count,
}

/// Something that was fraud, as a rule that is tried out must know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// `stolen_account`, `card_testing`, `refund_abuse`, `coupon_farming`, `mule` or `list_attack`.
    pub kind: &'static str,
    /// What was done: `buy`, `send` …
    pub act: &'static str,
    /// Seconds since 1970-01-01 UTC.
    pub at: u64,
    /// `cus_…` of the account that it was done with; none if nobody was let in.
    pub customer_id: Option<String>,
    /// Of a sale, also of one that a refund is of.
    pub merchant_payment_id: Option<String>,
    /// Yen, if any moved.
    pub amount: Option<i64>,
    /// The API's word, if it was refused.
    pub refused: Option<String>,
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Accounts that came to be.
    pub signups: u64,
    /// Store by store, in the order of the settings.
    pub stores: Vec<StoreTally>,
    /// Cards that were registered.
    pub cards: u64,
    /// Top-ups by card that were credited.
    pub card_top_ups: Count,
    /// What coupons took off.
    pub discounts: Count,
    /// Points that paid.
    pub points_used: Count,
    /// Points that payments brought, those that refunds took back too.
    pub points_earned: i64,
    /// Points that became balance.
    pub points_converted: Count,
    /// Coupons that were set.
    pub coupons_set: u64,
    /// What was sent.
    pub sends: Count,
    /// Of which was taken.
    pub taken: Count,
    /// Sales that were refused, as the script wanted, by the API's word.
    pub refused: BTreeMap<String, u64>,
    /// What risk rules stopped although it was ordinary, by act and the API's word.
    pub stopped: BTreeMap<String, u64>,
    /// Whom they stopped, as the script numbers people.
    pub bothered: BTreeSet<usize>,
    /// What then went otherwise for them: no goods, so none to bring back.
    pub in_consequence: u64,
    /// What should have worked and did not, by act and the API's word.
    pub unexpected: BTreeMap<String, u64>,
    /// What was fraud.
    pub labels: Vec<Label>,
}

impl Tally {
    /// All stores together.
    #[must_use]
    pub fn sum(&self, of: impl Fn(&StoreTally) -> Count) -> Count {
        let mut all = Count::default();
        for count in self.stores.iter().map(of) {
            all.times += count.times;
            all.yen += count.yen;
        }
        all
    }
}
