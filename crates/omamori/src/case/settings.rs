//! The operator's settings of cases: in how many hours each kind should be decided.

use serde::Deserialize;

use super::kind::CaseKind;
use crate::clock::{HOUR, Micros};

/// A year: nobody means more.
const HOURS_MAX: u32 = 8_784;

/// Hours until a case should be decided, by kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseSettings {
    /// [`CaseKind::Dispute`].
    pub dispute_hours: u32,
    /// [`CaseKind::HeldPayment`].
    pub held_payment_hours: u32,
    /// [`CaseKind::Chargeback`].
    pub chargeback_hours: u32,
    /// [`CaseKind::Collecting`].
    pub collecting_hours: u32,
    /// [`CaseKind::SharedCard`].
    pub shared_card_hours: u32,
    /// [`CaseKind::Alert`].
    pub alert_hours: u32,
}

impl Default for CaseSettings {
    fn default() -> Self {
        Self {
            dispute_hours: 72,
            held_payment_hours: 2,
            chargeback_hours: 72,
            collecting_hours: 72,
            shared_card_hours: 72,
            alert_hours: 24,
        }
    }
}

impl CaseSettings {
    const fn hours(&self, kind: CaseKind) -> u32 {
        match kind {
            CaseKind::Dispute => self.dispute_hours,
            CaseKind::HeldPayment => self.held_payment_hours,
            CaseKind::Chargeback => self.chargeback_hours,
            CaseKind::Collecting => self.collecting_hours,
            CaseKind::SharedCard => self.shared_card_hours,
            CaseKind::Alert => self.alert_hours,
        }
    }

    /// The time that a kind of case has.
    #[must_use]
    pub fn time_for(&self, kind: CaseKind) -> Micros {
        i64::from(self.hours(kind)) * HOUR
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// What to mend.
    pub fn check(&self) -> Result<(), String> {
        for kind in CaseKind::ALL {
            if !(1..=HOURS_MAX).contains(&self.hours(kind)) {
                return Err(format!("cases.{}_hours must be 1 to {HOURS_MAX}", kind.as_str()));
            }
        }
        Ok(())
    }
}
