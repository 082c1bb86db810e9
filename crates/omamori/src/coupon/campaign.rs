//! What a campaign is.

use omamori_db::Row;
use serde::{Deserialize, Serialize};

use crate::clock::Micros;
use crate::id::derive;
use crate::pos::ItemDetail;
use crate::web::error::{Error, FieldError, Result};
use crate::web::text::is_hidden;

/// What a coupon gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Gift {
    /// Yen off the amount.
    AmountOff {
        /// Yen.
        yen: i64,
    },
    /// A part of the amount off, rounded down.
    PercentOff {
        /// 1–100.
        percent: i64,
        /// At most so many yen.
        max_yen: i64,
    },
    /// One piece of an item for nothing.
    FreeItem {
        /// The item's JAN, as the register sends it.
        jan: String,
        /// At most so many yen, whatever the register says that it costs.
        max_yen: i64,
    },
    /// The points of a payment, multiplied. Nobody has to set it.
    PointsFactor {
        /// 2–20.
        factor: i64,
    },
    /// Free value, at once when the customer takes it. The operator's only.
    FreeValue {
        /// Yen.
        yen: i64,
    },
}

impl Gift {
    /// Whether customers set it before they use it.
    #[must_use]
    pub const fn is_coupon(&self) -> bool {
        !matches!(self, Self::PointsFactor { .. })
    }

    /// Whether it goes off an item; the others go off the whole amount.
    #[must_use]
    pub const fn is_on_item(&self) -> bool {
        matches!(self, Self::FreeItem { .. })
    }

    /// Yen off a payment of `amount` with these items; 0 if it does not fit.
    #[must_use]
    pub fn yen(&self, amount: i64, items: &[ItemDetail]) -> i64 {
        match self {
            Self::AmountOff { yen } => (*yen).min(amount),
            Self::PercentOff { percent, max_yen } => (amount * percent / 100).min(*max_yen),
            Self::FreeItem { jan, max_yen } => {
                let bought = items.iter().filter(|item| item.jan.as_ref() == Some(jan));
                let price = bought.map(|item| item.unit_price).max().unwrap_or_default();
                price.min(*max_yen).min(amount)
            }
            Self::PointsFactor { .. } | Self::FreeValue { .. } => 0,
        }
    }

    /// Yen of free value that it gives at once.
    #[must_use]
    pub const fn free_value(&self) -> Option<i64> {
        match self {
            Self::FreeValue { yen } => Some(*yen),
            _ => None,
        }
    }

    /// Whether it is the operator's debt: a merchant does not give it.
    #[must_use]
    pub const fn is_of_operator(&self) -> bool {
        matches!(self, Self::PointsFactor { .. } | Self::FreeValue { .. })
    }
}

/// A campaign as its owner writes it: a file for the operator, the page for a merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// As customers and clerks read it, at most 40 characters.
    pub name: String,
    /// What it gives.
    pub gift: Gift,
    /// Yen that all uses together may cost. 0 for a points factor, which costs points.
    pub budget: i64,
    /// How often one customer may use it.
    #[serde(default = "once")]
    pub per_customer: i64,
    /// Only a payment of so many yen or more.
    #[serde(default)]
    pub amount_min: i64,
    /// Only in these stores (`sto_…`); none is everywhere.
    #[serde(default)]
    pub stores: Vec<String>,
    /// Only customers who signed up in so many days before they set it.
    #[serde(default)]
    pub new_customer_days: Option<i64>,
    /// Only customers who have been there for so many days and have not paid in them.
    #[serde(default)]
    pub dormant_days: Option<i64>,
}

const fn once() -> i64 {
    1
}

/// The most that a budget may be.
const BUDGET_MAX: i64 = 100_000_000;

impl Terms {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// The fields that are wrong.
    pub fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        let mut bound = |field: &str, value: i64, bounds: std::ops::RangeInclusive<i64>| {
            if !bounds.contains(&value) {
                wrong.push(FieldError { field: field.to_owned(), code: "out_of_range" });
            }
        };
        let budget_min = i64::from(self.gift.is_coupon());
        bound("budget", self.budget, budget_min..=BUDGET_MAX * budget_min);
        bound("per_customer", self.per_customer, 1..=1_000);
        bound("amount_min", self.amount_min, 0..=1_000_000);
        bound("new_customer_days", self.new_customer_days.unwrap_or(1), 1..=366);
        // Nobody is both.
        let dormant_max = if self.new_customer_days.is_some() { 0 } else { 366 };
        let dormant_min = i64::from(self.dormant_days.is_some());
        bound("dormant_days", self.dormant_days.unwrap_or(0), dormant_min..=dormant_max);
        bound("stores", i64::try_from(self.stores.len()).unwrap_or(i64::MAX), 0..=200);
        match &self.gift {
            Gift::AmountOff { yen } => bound("gift.yen", *yen, 1..=100_000),
            Gift::PercentOff { percent, max_yen } => {
                bound("gift.percent", *percent, 1..=100);
                bound("gift.max_yen", *max_yen, 1..=100_000);
            }
            Gift::FreeItem { max_yen, .. } => bound("gift.max_yen", *max_yen, 1..=100_000),
            Gift::PointsFactor { factor } => {
                bound("gift.factor", *factor, 2..=20);
                // Every payment has it: nobody is chosen.
                let chosen = self.new_customer_days.or(self.dormant_days);
                bound("new_customer_days", chosen.unwrap_or(0), 0..=0);
            }
            Gift::FreeValue { yen } => {
                bound("gift.yen", *yen, 1..=10_000);
                // Taken once: who takes it again has it already.
                bound("per_customer", self.per_customer, 1..=1);
                // No payment and no store is part of it.
                bound("amount_min", self.amount_min, 0..=0);
                bound("stores", i64::try_from(self.stores.len()).unwrap_or(i64::MAX), 0..=0);
            }
        }
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > 40 || name.chars().any(is_hidden) {
            wrong.push(FieldError { field: "name".to_owned(), code: "malformed" });
        }
        if let Gift::FreeItem { jan, .. } = &self.gift
            && !crate::pos::is_jan(jan)
        {
            wrong.push(FieldError { field: "gift.jan".to_owned(), code: "malformed" });
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

/// A campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// `cmp_…`.
    pub campaign_id: String,
    /// Whose budget it is: `mer_…`, or the operator's.
    pub merchant_id: Option<String>,
    /// What was promised.
    pub terms: Terms,
    /// From when on.
    pub starts_at: Micros,
    /// Until when.
    pub ends_at: Micros,
    /// When its owner stopped it.
    pub stopped_at: Option<Micros>,
}

/// Where a campaign is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its first day is to come.
    Planned,
    /// It gives.
    Running,
    /// Its last day is over.
    Ended,
    /// Its owner stopped it.
    Stopped,
}

impl Stage {
    /// The word of texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Stopped => "stopped",
        }
    }

    /// How pages mark it.
    #[must_use]
    pub const fn chip(self) -> &'static str {
        match self {
            Self::Planned => "chip--warn",
            Self::Running => "chip--good",
            Self::Ended | Self::Stopped => "",
        }
    }

    /// Whether it gives or will give.
    #[must_use]
    pub const fn is_to_come(self) -> bool {
        matches!(self, Self::Planned | Self::Running)
    }
}

/// The columns that make a [`Campaign`].
macro_rules! campaign_columns {
    () => {
        "campaign_id, merchant_id, terms, starts_at, ends_at, stopped_at, created_at"
    };
}
pub(super) use campaign_columns;

impl Campaign {
    /// Where it is in its life.
    #[must_use]
    pub const fn stage(&self, now: Micros) -> Stage {
        match () {
            () if self.stopped_at.is_some() => Stage::Stopped,
            () if now >= self.ends_at => Stage::Ended,
            () if now < self.starts_at => Stage::Planned,
            () => Stage::Running,
        }
    }

    /// From its row.
    ///
    /// # Errors
    /// A fault if the row is not as it was written.
    pub fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            campaign_id: row.text("campaign_id")?,
            merchant_id: row.text_optional("merchant_id")?,
            terms: serde_json::from_str(&row.text("terms")?)?,
            starts_at: row.int("starts_at")?,
            ends_at: row.int("ends_at")?,
            stopped_at: row.int_optional("stopped_at")?,
        })
    }

    /// Whether it can be used.
    #[must_use]
    pub fn is_running(&self, now: Micros) -> bool {
        self.stopped_at.is_none() && (self.starts_at..self.ends_at).contains(&now)
    }

    /// Whether it can be used in a store.
    #[must_use]
    pub fn is_in(&self, store_id: &str, merchant_id: &str) -> bool {
        self.merchant_id.as_deref().is_none_or(|mine| mine == merchant_id)
            && (self.terms.stores.is_empty() || self.terms.stores.iter().any(|id| id == store_id))
    }

    /// The ledger account of its budget.
    #[must_use]
    pub fn budget_account(&self) -> u128 {
        derive("campaign-budget", &[self.campaign_id.as_bytes()])
    }

    /// The transfer by which a customer took what it gives at once.
    #[must_use]
    pub fn taken(&self, wallet: u128) -> u128 {
        derive("free-value-taken", &[self.campaign_id.as_bytes(), &wallet.to_be_bytes()])
    }

    /// The ledger account of how often a customer may still use it.
    #[must_use]
    pub fn pieces_account(&self, wallet: u128) -> u128 {
        derive("coupon-pieces", &[self.campaign_id.as_bytes(), &wallet.to_be_bytes()])
    }
}

/// The ledger account of a merchant's discounts given into its campaigns.
#[must_use]
pub fn merchant_funding(merchant_id: &str) -> u128 {
    derive("merchant-funding", &[merchant_id.as_bytes()])
}

/// The ledger account of a merchant's own discounts, used.
#[must_use]
pub fn merchant_discount(merchant_id: &str) -> u128 {
    derive("merchant-discount", &[merchant_id.as_bytes()])
}
