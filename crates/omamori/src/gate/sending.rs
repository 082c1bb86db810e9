//! What sending between customers needs beside the windows: its limits, the sends that wait, and
//! from how many people each customer received.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

/// 府令5条の2: above ¥100,000 a transfer or ¥300,000 a month, an account of more than ¥300,000 is
/// 高額電子移転可能型. No setting passes these without the `high_value` licence switch.
const ONCE_BOUND: i64 = 100_000;
const MONTH_BOUND: i64 = 300_000;

/// Limits of sending and receiving, in yen or in persons.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SendingLimits {
    /// One send.
    pub once_max: i64,
    /// Sends of the last 24 hours.
    pub sent_24h: i64,
    /// Sends of the last 30 days.
    pub sent_30d: i64,
    /// Received in the last 30 days: above it nothing more is taken.
    pub received_30d: i64,
    /// Different senders of the last 30 days: with so many, nothing more is taken.
    pub senders_30d: i64,
    /// Received in the last 24 hours: from here on staff look at the account (府令23条の3).
    pub review_received_24h: i64,
    /// Received in the last 30 days: from here on staff look at the account.
    pub review_received_30d: i64,
    /// Different senders of the last 24 hours: from here on staff look at the account.
    pub review_senders_24h: i64,
    /// Different senders of the last 30 days: from here on staff look at the account.
    pub review_senders_30d: i64,
    /// SMS a day that one sender causes to numbers without an account.
    pub sms_24h: i64,
    /// Requests for money a day by one customer.
    pub requests_24h: i64,
    /// Requests for money a day by one customer to one number.
    pub requests_to_one_24h: i64,
}

impl Default for SendingLimits {
    fn default() -> Self {
        Self {
            once_max: 30_000,
            sent_24h: 50_000,
            sent_30d: 100_000,
            received_30d: 300_000,
            senders_30d: 50,
            review_received_24h: 100_000,
            review_received_30d: 200_000,
            review_senders_24h: 10,
            review_senders_30d: 30,
            sms_24h: 3,
            requests_24h: 30,
            requests_to_one_24h: 3,
        }
    }
}

impl SendingLimits {
    /// Refuses limits that make no sense or that the law does not allow.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub fn check(&self, high_value: bool) -> Result<(), String> {
        let all = [
            ("once_max", self.once_max, ONCE_BOUND),
            ("sent_24h", self.sent_24h, MONTH_BOUND),
            ("sent_30d", self.sent_30d, MONTH_BOUND),
            ("received_30d", self.received_30d, i64::MAX),
            ("senders_30d", self.senders_30d, i64::MAX),
            ("review_received_24h", self.review_received_24h, i64::MAX),
            ("review_received_30d", self.review_received_30d, i64::MAX),
            ("review_senders_24h", self.review_senders_24h, i64::MAX),
            ("review_senders_30d", self.review_senders_30d, i64::MAX),
            ("requests_24h", self.requests_24h, 1_000),
            ("requests_to_one_24h", self.requests_to_one_24h, 1_000),
        ];
        for (name, value, bound) in all {
            if !(1..=100_000_000).contains(&value) {
                return Err(format!("limits.sending.{name} must be between 1 and 100,000,000"));
            }
            if !high_value && value > bound {
                return Err(format!(
                    "limits.sending.{name} above {bound} needs limits.high_value (府令5条の2)"
                ));
            }
        }
        if !(0..=100).contains(&self.sms_24h) {
            return Err("limits.sending.sms_24h must be between 0 and 100".to_owned());
        }
        Ok(())
    }
}

/// A send that waits to be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenSend {
    /// The sender's account.
    pub account: u128,
    /// When it was sent.
    pub slot: u32,
    pub yen: i64,
}

/// One receipt: when, and from whom.
#[derive(Clone, Copy, Debug)]
struct Receipt {
    slot: u32,
    sender: u64,
}

/// The sends that wait, and who sent to whom in the last 30 days.
#[derive(Debug, Default)]
pub(super) struct Sending {
    open: HashMap<u128, OpenSend>,
    received: HashMap<u128, Vec<Receipt>>,
}

impl Sending {
    /// A send waits from now on.
    pub fn begin(&mut self, id: u128, send: OpenSend) {
        self.open.insert(id, send);
    }

    /// It waits no more. `None` for pending transfers that are no sends.
    pub fn end(&mut self, id: u128) -> Option<OpenSend> {
        self.open.remove(&id)
    }

    /// A customer received; what is older than `from` is forgotten.
    pub fn received(&mut self, account: u128, sender: u64, slot: u32, from: u32) {
        let receipts = self.received.entry(account).or_default();
        if receipts.first().is_some_and(|oldest| oldest.slot < from) {
            receipts.retain(|receipt| receipt.slot >= from);
        }
        receipts.push(Receipt { slot, sender });
    }

    /// How many different people a customer received from since `from`.
    pub fn senders(&self, account: u128, from: u32) -> i64 {
        let Some(receipts) = self.received.get(&account) else { return 0 };
        let inside = receipts.iter().rev().take_while(|receipt| receipt.slot >= from);
        let senders: HashSet<u64> = inside.map(|receipt| receipt.sender).collect();
        i64::try_from(senders.len()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_the_law_need_the_licence_switch() {
        let check =
            |limits: &SendingLimits| (limits.check(false).is_ok(), limits.check(true).is_ok());
        let set = SendingLimits::default;
        assert_eq!(check(&set()), (true, true));
        assert_eq!(check(&SendingLimits { once_max: 100_000, ..set() }), (true, true));
        assert_eq!(check(&SendingLimits { once_max: 100_001, ..set() }), (false, true));
        assert_eq!(check(&SendingLimits { sent_30d: 300_001, ..set() }), (false, true));
        assert_eq!(check(&SendingLimits { once_max: 0, ..set() }), (false, false));
    }

    #[test]
    fn one_person_is_counted_once_and_leaves_with_the_window() {
        let mut sending = Sending::default();
        for (sender, slot) in [(1, 10), (1, 11), (2, 12), (3, 40)] {
            sending.received(7, sender, slot, 0);
        }
        assert_eq!(
            (sending.senders(7, 0), sending.senders(7, 12), sending.senders(8, 0)),
            (3, 2, 0)
        );
        sending.received(7, 1, 50, 12);
        assert_eq!(sending.senders(7, 0), 3, "the oldest two are forgotten, 1 is back");
    }
}
