//! Where a case stands.

use omamori_db::Row;

use super::kind::Outcome;
use crate::clock::Micros;

/// Where a case stands, with what is true in that state alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has taken it.
    Open,
    /// One of the staff works on it.
    Taken {
        /// `stf_…`.
        by: String,
        /// Since when.
        at: Micros,
    },
    /// The customer was asked something. The clock stands still.
    Waiting {
        /// Who asked, `stf_…`.
        by: String,
        /// Since when.
        at: Micros,
    },
    /// It is decided.
    Decided {
        /// By whom, `stf_…`.
        by: String,
        /// When.
        at: Micros,
        /// How.
        outcome: Outcome,
    },
}

impl State {
    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken { .. } => "taken",
            Self::Waiting { .. } => "waiting",
            Self::Decided { .. } => "decided",
        }
    }

    /// Who works on it, or decided it.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        match self {
            Self::Open => None,
            Self::Taken { by, .. } | Self::Waiting { by, .. } | Self::Decided { by, .. } => {
                Some(by)
            }
        }
    }

    /// Whether it is decided.
    #[must_use]
    pub const fn is_decided(&self) -> bool {
        matches!(self, Self::Decided { .. })
    }

    /// Whether somebody has it in hand, and who that is, is this one.
    #[must_use]
    pub fn is_in_hands_of(&self, staff_id: &str) -> bool {
        match self {
            Self::Taken { by, .. } | Self::Waiting { by, .. } => by == staff_id,
            Self::Open | Self::Decided { .. } => false,
        }
    }

    pub(super) fn read(row: &Row) -> omamori_db::Result<Self> {
        let corrupt = |column: &str| omamori_db::Error::Corrupt { column: column.to_owned() };
        let by = || row.text_optional("state_by")?.ok_or_else(|| corrupt("state_by"));
        let at = row.int("state_at")?;
        Ok(match &*row.text("state")? {
            "open" => Self::Open,
            "taken" => Self::Taken { by: by()?, at },
            "waiting" => Self::Waiting { by: by()?, at },
            "decided" => {
                let outcome = row.text_optional("outcome")?.unwrap_or_default();
                let outcome = Outcome::parse(&outcome).ok_or_else(|| corrupt("outcome"))?;
                Self::Decided { by: by()?, at, outcome }
            }
            _ => return Err(corrupt("state")),
        })
    }
}
