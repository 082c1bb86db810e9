//! What happened, as far as windows count it.

use serde::{Deserialize, Serialize};

use crate::act::Act;

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// A proof was wrong: a sign-in that failed, a card that was declined.
    Failed,
    /// The gate said no, or not yet.
    Refused,
    /// Its first step was done: whether the act follows is not known yet.
    Begun,
}

/// Who and what took part: stable hashes of ids, so that no window holds personal data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parties {
    /// The customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<u64>,
    /// The phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<u64>,
    /// The network: /24 of IPv4, /48 of IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<u64>,
    /// The autonomous system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn: Option<u64>,
    /// The card, as the gateway recognises it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<u64>,
    /// The store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<u64>,
    /// The terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<u64>,
    /// Who receives, of a sending, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<u64>,
    /// Who sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<u64>,
    /// The sale, of a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale: Option<u64>,
}

/// Which party a window is kept by, or counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// [`Parties::account`].
    Account,
    /// [`Parties::device`].
    Device,
    /// [`Parties::network`].
    Network,
    /// [`Parties::asn`].
    Asn,
    /// [`Parties::card`].
    Card,
    /// [`Parties::store`].
    Store,
    /// [`Parties::terminal`].
    Terminal,
    /// [`Parties::receiver`].
    Receiver,
    /// [`Parties::sender`].
    Sender,
    /// [`Parties::sale`].
    Sale,
    /// A network in a store: who came from one and pays in the other.
    NetworkInStore,
    /// A customer in a store.
    AccountInStore,
}

/// Two parties as one.
const fn both(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 by the golden ratio: spreads what is alike
    match (one, other) {
        (Some(one), Some(other)) => Some((one ^ other.rotate_left(32)).wrapping_mul(ODD)),
        _ => None,
    }
}

impl Parties {
    /// The hash of one of them, if it took part.
    #[must_use]
    pub const fn get(&self, party: Party) -> Option<u64> {
        match party {
            Party::Account => self.account,
            Party::Device => self.device,
            Party::Network => self.network,
            Party::Asn => self.asn,
            Party::Card => self.card,
            Party::Store => self.store,
            Party::Terminal => self.terminal,
            Party::Receiver => self.receiver,
            Party::Sender => self.sender,
            Party::Sale => self.sale,
            Party::NetworkInStore => both(self.network, self.store),
            Party::AccountInStore => both(self.account, self.store),
        }
    }
}

/// One act, after it was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Microseconds UTC.
    pub at: i64,
    /// What was wanted.
    pub act: Act,
    /// What became of it.
    pub outcome: Outcome,
    /// Who took part.
    #[serde(flatten)]
    pub parties: Parties,
    /// Yen; 0 if none moved.
    #[serde(default)]
    pub amount: i64,
}
