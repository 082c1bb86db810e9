//! Limits that customers set for themselves, below the operator's.
//!
//! Lowering holds at once and needs no factor: it only protects. Raising needs one, is told on
//! every way there is, waits 24 hours and can be called off with one tap until then; so that who
//! holds somebody's phone and passkey for a moment, or talks them into it, still meets the lower
//! limit. No limit of a customer's is ever above the operator's: both hold.
//!
//! Not here: that they are kept. The gate takes them from [`Owned`] for every use of value
//! (`gate::admission`), and the ledger's writer enforces them with the operator's.

mod change;
mod owned;
mod page;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

pub use owned::{Own, OwnLimits, Owned, Raise};

use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::limits::Limits;
use crate::gate::windows::{Class, Span};

/// How long a raise waits.
pub const WAIT: Micros = DAY;

/// A limit that a customer can set. Words of tables, the API and notices: only ever added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// One payment.
    #[serde(rename = "payment_once")]
    PaymentOnce,
    /// Payments of 24 hours.
    #[serde(rename = "payment_24h")]
    Payment24h,
    /// Payments of 30 days.
    #[serde(rename = "payment_30d")]
    Payment30d,
    /// Sends of 24 hours.
    #[serde(rename = "send_24h")]
    Send24h,
    /// Sends of 30 days.
    #[serde(rename = "send_30d")]
    Send30d,
    /// Top-ups of 24 hours, by every way.
    #[serde(rename = "topup_24h")]
    Topup24h,
}

impl Kind {
    /// All of them, as pages show them.
    pub const ALL: [Self; 6] = [
        Self::PaymentOnce,
        Self::Payment24h,
        Self::Payment30d,
        Self::Send24h,
        Self::Send30d,
        Self::Topup24h,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentOnce => "payment_once",
            Self::Payment24h => "payment_24h",
            Self::Payment30d => "payment_30d",
            Self::Send24h => "send_24h",
            Self::Send30d => "send_30d",
            Self::Topup24h => "topup_24h",
        }
    }

    /// From a table.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The key of its name.
    #[must_use]
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::PaymentOnce => "limit.payment_once",
            Self::Payment24h => "limit.payment_24h",
            Self::Payment30d => "limit.payment_30d",
            Self::Send24h => "limit.send_24h",
            Self::Send30d => "limit.send_30d",
            Self::Topup24h => "limit.topup_24h",
        }
    }

    /// The operator's limit, in yen. One payment has none but that of 24 hours.
    #[must_use]
    pub const fn operators(self, set: &Limits) -> i64 {
        match self {
            Self::PaymentOnce | Self::Payment24h => set.payment_24h,
            Self::Payment30d => set.payment_30d,
            Self::Send24h => set.sending.sent_24h,
            Self::Send30d => set.sending.sent_30d,
            Self::Topup24h => set.topup_24h,
        }
    }

    /// Of which use.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::PaymentOnce | Self::Payment24h | Self::Payment30d => Class::Payment,
            Self::Send24h | Self::Send30d => Class::Send,
            Self::Topup24h => Class::Topup,
        }
    }

    /// Whether it counts what was used before.
    #[must_use]
    pub const fn is_rolling(self) -> bool {
        !matches!(self.span(), Span::Once)
    }

    /// In which time.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            Self::PaymentOnce => Span::Once,
            Self::Payment24h | Self::Send24h | Self::Topup24h => Span::Day,
            Self::Payment30d | Self::Send30d => Span::Month,
        }
    }
}

/// The routes.
pub fn router() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/limits", get(page::list))
        .route("/limits/lower", post(change::lower))
        .route("/limits/raise/options", post(change::raise_options))
        .route("/limits/raise", post(change::raise))
        .route("/limits/keep", post(change::keep));
    Router::new().route("/settings/limits", get(page::limits)).nest("/api/wallet/v1", api)
}
