//! Value set aside for a payment that comes later: *authorize*, then *capture* of as much or less,
//! or *void*, or the end of its time. `docs/value.md` is the rule in words.
//!
//! An authorization is a pending transfer ([`reservation`]), so nothing else has to know of it:
//! what is set aside cannot be spent, each of its ends excludes the others on every node, and its
//! time is kept by the ledger. A capture frees it and pays in one chain, so that from then on there
//! is a payment like any other, which is refunded and settled like any other.
//!
//! A payment that the gate wants staff to look at first is held the same way ([`held`]).

pub(crate) mod capture;
pub(crate) mod create;
pub mod held;
pub(crate) mod inquiry;
pub mod reservation;
pub(crate) mod void;

use serde::{Deserialize, Serialize};

use super::model::SaleDetail;
use crate::clock::{DAY, MINUTE, SECOND};
use crate::id::derive;

/// Above this the windows of limits would forget what is set aside.
const DAYS_BOUND: u32 = 30;
/// A shorter time is a payment's.
const SECONDS_MIN: i64 = 60;

/// How long value is set aside.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationSettings {
    /// Days, where the register does not say how long.
    pub default_days: u32,
    /// The most days that a register may ask for: 1–30.
    pub max_days: u32,
    /// Minutes for which a held payment waits for staff: 1–1,440.
    pub hold_minutes: u32,
}

impl Default for AuthorizationSettings {
    fn default() -> Self {
        Self { default_days: 7, max_days: DAYS_BOUND, hold_minutes: 30 }
    }
}

impl AuthorizationSettings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=DAYS_BOUND).contains(&self.max_days) {
            return Err(format!("authorization.max_days must be between 1 and {DAYS_BOUND}"));
        }
        if !(1..=self.max_days).contains(&self.default_days) {
            return Err("authorization.default_days must be between 1 and max_days".to_owned());
        }
        if !(1..=1_440).contains(&self.hold_minutes) {
            return Err("authorization.hold_minutes must be between 1 and 1,440".to_owned());
        }
        Ok(())
    }

    fn default_seconds(&self) -> u32 {
        seconds(i64::from(self.default_days) * DAY)
    }

    fn max_seconds(&self) -> u32 {
        seconds(i64::from(self.max_days) * DAY)
    }

    fn hold_seconds(&self) -> u32 {
        seconds(i64::from(self.hold_minutes) * MINUTE)
    }
}

fn seconds(micros: i64) -> u32 {
    u32::try_from(micros / SECOND).unwrap_or(u32::MAX)
}

/// The id of a merchant's authorization.
#[must_use]
pub fn authorization_id(merchant_id: &str, merchant_authorization_id: &str) -> u128 {
    derive("authorization", &[merchant_id.as_bytes(), merchant_authorization_id.as_bytes()])
}

/// What the evidence keeps of an authorization.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuthorizationDetail {
    /// The merchant's own id.
    pub merchant_authorization_id: String,
    /// Where, and what for; its `merchant_payment_id` is empty.
    #[serde(flatten)]
    pub sale: SaleDetail,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let set = AuthorizationSettings::default;
        assert!(set().check().is_ok());
        assert!(AuthorizationSettings { max_days: 31, ..set() }.check().is_err());
        assert!(AuthorizationSettings { max_days: 3, ..set() }.check().is_err(), "default above");
        assert!(AuthorizationSettings { default_days: 0, ..set() }.check().is_err());
        assert!(AuthorizationSettings { hold_minutes: 0, ..set() }.check().is_err());
    }
}
