//! The operator's settings of points and free value.

use serde::Deserialize;

use super::SpendingOrder;
use crate::gate::purse::MONTHS_AHEAD_MAX;

/// Points and free value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValueSettings {
    /// In which order a customer's value is spent.
    pub spending_order: SpendingOrder,
    /// Free value ends with the month that is so many months after it was given: 0–12.
    pub free_months: u16,
    /// Points.
    pub points: PointsSettings,
}

impl Default for ValueSettings {
    fn default() -> Self {
        Self {
            spending_order: SpendingOrder::default(),
            free_months: 6,
            points: PointsSettings::default(),
        }
    }
}

/// How points are earned.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PointsSettings {
    /// Points for ¥10,000, where a store has no rate of its own: 50 is one point for ¥200. 0 is
    /// none, 10,000 a point a yen.
    pub rate: i64,
    /// Of what the rate is taken.
    pub base: PointsBase,
    /// Consumption tax in percent, for a base without tax.
    pub tax_percent: i64,
    /// Points end with the month that is so many months after they were earned: 0–12.
    pub months: u16,
    /// Days after the payment on which they are earned: 0–60, 0 is at once.
    pub after_days: u16,
}

impl Default for PointsSettings {
    fn default() -> Self {
        Self { rate: 50, base: PointsBase::default(), tax_percent: 10, months: 12, after_days: 0 }
    }
}

/// Of what points are earned: what was paid in paid and free value, not in points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointsBase {
    /// With tax.
    #[default]
    TaxIncluded,
    /// Without: ⌊paid × 100 ÷ (100 + tax)⌋.
    TaxExcluded,
}

impl PointsSettings {
    /// Points for a payment, rounded down once: a payment of ¥399 earns 1 at the default rate.
    /// `factor` multiplies the rate (a campaign), 1 if there is none.
    #[must_use]
    pub fn earned(&self, paid: i64, rate: i64, factor: i64) -> i64 {
        let base = match self.base {
            PointsBase::TaxIncluded => paid,
            PointsBase::TaxExcluded => paid * 100 / (100 + self.tax_percent),
        };
        base * rate * factor / 10_000
    }
}

impl ValueSettings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub fn check(&self) -> Result<(), String> {
        let months =
            [("value.free_months", self.free_months), ("value.points.months", self.points.months)];
        if let Some((name, _)) = months.iter().find(|(_, months)| *months > MONTHS_AHEAD_MAX) {
            return Err(format!("{name} must be between 0 and {MONTHS_AHEAD_MAX}"));
        }
        if !(0..=10_000).contains(&self.points.rate) {
            return Err("value.points.rate must be between 0 and 10,000".to_owned());
        }
        if self.points.after_days > 60 {
            return Err("value.points.after_days must be between 0 and 60".to_owned());
        }
        if !(0..=100).contains(&self.points.tax_percent) {
            return Err("value.points.tax_percent must be between 0 and 100".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_rounded_down_once_for_each_payment() {
        let with = PointsSettings::default();
        let earned: Vec<i64> =
            [0, 199, 200, 399, 400, 1_000_000].map(|yen| with.earned(yen, 50, 1)).to_vec();
        assert_eq!(earned, [0, 0, 1, 1, 2, 5_000]);
        let without = PointsSettings { base: PointsBase::TaxExcluded, ..with };
        assert_eq!([219, 220, 439, 440].map(|yen| without.earned(yen, 50, 1)), [0, 1, 1, 2]);
        assert_eq!(without.earned(220, 50, 5), 5);
    }

    #[test]
    fn value_that_would_not_be_found_again_is_refused() {
        let settings = ValueSettings { free_months: 13, ..ValueSettings::default() };
        assert!(settings.check().is_err());
        assert!(ValueSettings::default().check().is_ok());
    }
}
