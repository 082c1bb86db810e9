//! Limits in yen, as the operator sets them. A customer may later lower them, never raise.

use serde::Deserialize;

use super::sending::SendingLimits;
use crate::baseline;

/// Above this balance an account can become 高額電子移転可能型 (法3条8項, 9項; 府令5条の3), which
/// brings 犯収法 duties. No setting passes it without the `high_value` licence switch.
const BALANCE_BOUND: i64 = 300_000;

/// The limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The operator's declaration that it is licensed for 高額電子移転可能型.
    pub high_value: bool,
    /// The largest balance of a customer.
    pub balance_max: i64,
    /// The largest cash top-up at a register, per operation.
    pub topup_register_max: i64,
    /// Cash top-ups at a register are multiples of this.
    pub topup_register_unit: i64,
    /// All top-ups of the last 24 hours.
    pub topup_24h: i64,
    /// The largest top-up by card, per operation.
    pub topup_card_max: i64,
    /// Top-ups by card are multiples of this.
    pub topup_card_unit: i64,
    /// Top-ups by card of the last 24 hours.
    pub topup_card_24h: i64,
    /// Top-ups by card of the last 30 days.
    pub topup_card_30d: i64,
    /// The largest cash top-up at an ATM, per operation.
    pub topup_atm_max: i64,
    /// Cash top-ups at an ATM are multiples of this.
    pub topup_atm_unit: i64,
    /// Payments of the last 24 hours.
    pub payment_24h: i64,
    /// Payments of the last 30 days.
    pub payment_30d: i64,
    /// Payments and sending of the last 24 hours while the phone was enrolled less than 24 hours
    /// ago.
    pub payment_first_day: i64,
    /// The largest payment by a store's QR that a tap confirms; what is above is confirmed by
    /// passkey or authenticator app.
    pub store_qr_tap_max: i64,
    /// Sending and receiving between customers.
    pub sending: SendingLimits,
}

impl Default for Limits {
    fn default() -> Self {
        baseline::limits(Self {
            high_value: false,
            balance_max: 100_000,
            topup_register_max: 49_000,
            topup_register_unit: 1_000,
            topup_24h: 100_000,
            topup_card_max: 30_000,
            topup_card_unit: 1_000,
            topup_card_24h: 30_000,
            topup_card_30d: 100_000,
            topup_atm_max: 100_000,
            topup_atm_unit: 1_000,
            payment_24h: 100_000,
            payment_30d: 300_000,
            payment_first_day: 10_000,
            store_qr_tap_max: 10_000,
            sending: SendingLimits::default(),
        })
    }
}

impl Limits {
    /// Refuses limits that make no sense or that the law does not allow.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub fn check(&self) -> Result<(), String> {
        let all = [
            ("balance_max", self.balance_max),
            ("topup_register_max", self.topup_register_max),
            ("topup_register_unit", self.topup_register_unit),
            ("topup_24h", self.topup_24h),
            ("topup_card_max", self.topup_card_max),
            ("topup_card_unit", self.topup_card_unit),
            ("topup_card_24h", self.topup_card_24h),
            ("topup_card_30d", self.topup_card_30d),
            ("topup_atm_max", self.topup_atm_max),
            ("topup_atm_unit", self.topup_atm_unit),
            ("payment_24h", self.payment_24h),
            ("payment_30d", self.payment_30d),
            ("payment_first_day", self.payment_first_day),
            ("store_qr_tap_max", self.store_qr_tap_max),
        ];
        if let Some((name, _)) = all.iter().find(|(_, yen)| !(1..=100_000_000).contains(yen)) {
            return Err(format!("limits.{name} must be between 1 and 100,000,000 yen"));
        }
        if !self.high_value && self.balance_max > BALANCE_BOUND {
            return Err(format!(
                "limits.balance_max above {BALANCE_BOUND} yen needs limits.high_value (法3条8項)"
            ));
        }
        self.sending.check(self.high_value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_above_the_legal_bound_needs_the_licence_switch() {
        let mut limits = Limits { balance_max: 300_001, ..Limits::default() };
        assert!(limits.check().is_err());
        limits.high_value = true;
        assert!(limits.check().is_ok());
        limits.payment_24h = 0;
        assert!(limits.check().is_err());
    }
}
