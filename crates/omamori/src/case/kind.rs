//! The kinds of cases, and how each can end.

use serde::{Deserialize, Serialize};

/// What a case is about. Words of tables: only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// A customer says: I do not know this payment, top-up or send.
    Dispute,
    /// The gate held a payment until somebody has looked.
    HeldPayment,
    /// A card's holder had a top-up charged back.
    Chargeback,
    /// An account collects from many (府令23条の3第1項1号).
    Collecting,
    /// A card is on more accounts than it should be.
    SharedCard,
    /// A threshold or a rule raised an alarm.
    Alert,
}

impl CaseKind {
    /// Every kind there is.
    pub const ALL: [Self; 6] = [
        Self::Dispute,
        Self::HeldPayment,
        Self::Chargeback,
        Self::Collecting,
        Self::SharedCard,
        Self::Alert,
    ];

    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dispute => "dispute",
            Self::HeldPayment => "held_payment",
            Self::Chargeback => "chargeback",
            Self::Collecting => "collecting",
            Self::SharedCard => "shared_card",
            Self::Alert => "alert",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// How a case of this kind can be decided.
    #[must_use]
    pub const fn outcomes(self) -> &'static [Outcome] {
        match self {
            Self::Dispute => &[Outcome::Accepted, Outcome::Rejected],
            Self::HeldPayment => &[Outcome::Released, Outcome::Refused],
            Self::Chargeback | Self::Collecting | Self::SharedCard | Self::Alert => {
                &[Outcome::Fraud, Outcome::Harmless]
            }
        }
    }

    /// Whether the customer sees the case and is told of it. Of the others, telling could defeat
    /// what they are for.
    #[must_use]
    pub const fn is_shown_to_customer(self) -> bool {
        matches!(self, Self::Dispute | Self::HeldPayment)
    }
}

/// How a case was decided. Words of tables: only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A dispute: it was not the customer.
    Accepted,
    /// A dispute: it was the customer, as far as can be seen.
    Rejected,
    /// A held payment goes on.
    Released,
    /// A held payment does not.
    Refused,
    /// It was fraud.
    Fraud,
    /// There was nothing wrong.
    Harmless,
}

impl Outcome {
    /// Every outcome there is.
    pub const ALL: [Self; 6] = [
        Self::Accepted,
        Self::Rejected,
        Self::Released,
        Self::Refused,
        Self::Fraud,
        Self::Harmless,
    ];

    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Released => "released",
            Self::Refused => "refused",
            Self::Fraud => "fraud",
            Self::Harmless => "harmless",
        }
    }

    /// The outcome of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// The key of the text that tells the customer.
    #[must_use]
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Accepted => "notice.case_accepted",
            Self::Rejected => "notice.case_rejected",
            Self::Released => "notice.case_released",
            Self::Refused => "notice.case_refused",
            Self::Fraud | Self::Harmless => "notice.case_done",
        }
    }

    /// Whether what the case is about counts as fraud in back-tests.
    #[must_use]
    pub const fn is_fraud(self) -> bool {
        matches!(self, Self::Accepted | Self::Refused | Self::Fraud)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back() {
        for kind in CaseKind::ALL {
            assert_eq!(CaseKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            let fraud = kind.outcomes().iter().filter(|outcome| outcome.is_fraud());
            assert_eq!(fraud.count(), 1, "{kind:?} can be one of two things");
        }
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
        assert_eq!(CaseKind::parse("Dispute"), None);
        assert_eq!(Outcome::parse(""), None);
    }
}
