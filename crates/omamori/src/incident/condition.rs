//! One condition of a cohort: written as a word with what it names (`device:dev_…`), kept as typed
//! JSON, compared with a decision record.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::count::Line;
use crate::id::Kind;
use crate::networks::Country;

/// What a decision record must say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", content = "value", rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// It is about this customer, `cus_…`.
    Customer(String),
    /// It was done on this phone, `dev_…`.
    Device(String),
    /// It came from a network.
    Network(Network),
    /// It came from a network of this autonomous system.
    Asn(i64),
    /// It came from a network of this country, `JP`.
    Country(String),
    /// It was done in this store, `sto_…`.
    Store(String),
    /// It was done at the terminal with this number.
    Terminal(i64),
    /// It is this act, in the gate's word: `sign_in`, `payment`, `topup_card`.
    Act(String),
    /// How the gate decided: `allow`, `hold`, `refuse`.
    Verdict(String),
    /// This risk rule had something to say.
    Rule(String),
    /// It was done to the customer by this one of the staff, `stf_…`.
    Staff(String),
    /// So many yen or more.
    AmountMin(i64),
}

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// `192.0.2.0/24`, or one address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address = address.parse::<IpAddr>().ok()?.to_canonical();
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok())?;
        // A network of half the world is a slip of the hand.
        (8..=all).contains(&bits).then_some(Self { address, bits })
    }

    /// Whether an address is in it.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let kept = |address: IpAddr| match address.to_canonical() {
            IpAddr::V4(v4) => (true, u128::from(v4.to_bits()) >> (32 - u32::from(self.bits))),
            IpAddr::V6(v6) => {
                (false, v6.to_bits().checked_shr(128 - u32::from(self.bits)).unwrap_or(0))
            }
        };
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && kept(address) == kept(self.address)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl TryFrom<String> for Network {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a network")
    }
}

/// The words before what a condition names.
const WORDS: [&str; 12] = [
    "customer",
    "device",
    "network",
    "asn",
    "country",
    "store",
    "terminal",
    "act",
    "verdict",
    "rule",
    "staff",
    "amount_min",
];

impl Condition {
    /// From what somebody points at: `device:dev_…`, or the thing alone where it says what it is
    /// (`dev_…`, `192.0.2.0/24`, `AS64500`, `JP`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let named = text.split_once(':').filter(|(word, _)| WORDS.contains(word));
        let Some((word, value)) = named else { return Self::guess(text) };
        let id = |kind: Kind| kind.parse(value).is_some().then(|| value.to_owned());
        Some(match word {
            "customer" => Self::Customer(id(Kind::Customer)?),
            "device" => Self::Device(id(Kind::Device)?),
            "network" => Self::Network(Network::parse(value)?),
            "asn" => Self::Asn(number(value.trim_start_matches("AS"))?),
            "country" => Self::Country(Country::parse(value)?.as_str().to_owned()),
            "store" => Self::Store(id(Kind::Store)?),
            "terminal" => Self::Terminal(number(value)?),
            "act" => Self::Act(plain(value)?),
            "verdict" => {
                let known = ["allow", "hold", "refuse"].contains(&value);
                Self::Verdict(known.then(|| value.to_owned())?)
            }
            "rule" => Self::Rule(plain(value)?),
            "staff" => Self::Staff(id(Kind::Staff)?),
            "amount_min" => Self::AmountMin(number(value)?),
            _ => return None,
        })
    }

    fn guess(text: &str) -> Option<Self> {
        let of = |kind: Kind| kind.parse(text).is_some();
        Some(match text {
            _ if of(Kind::Customer) => Self::Customer(text.to_owned()),
            _ if of(Kind::Device) => Self::Device(text.to_owned()),
            _ if of(Kind::Store) => Self::Store(text.to_owned()),
            _ if of(Kind::Staff) => Self::Staff(text.to_owned()),
            _ if text.starts_with("AS") && text.len() > 2 => Self::Asn(number(&text[2..])?),
            _ => match (Network::parse(text), Country::parse(text)) {
                (Some(network), _) => Self::Network(network),
                (None, Some(country)) => Self::Country(country.as_str().to_owned()),
                (None, None) => return None,
            },
        })
    }

    /// The word before what it names.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Customer(_) => "customer",
            Self::Device(_) => "device",
            Self::Network(_) => "network",
            Self::Asn(_) => "asn",
            Self::Country(_) => "country",
            Self::Store(_) => "store",
            Self::Terminal(_) => "terminal",
            Self::Act(_) => "act",
            Self::Verdict(_) => "verdict",
            Self::Rule(_) => "rule",
            Self::Staff(_) => "staff",
            Self::AmountMin(_) => "amount_min",
        }
    }

    /// What it names.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Customer(text)
            | Self::Device(text)
            | Self::Country(text)
            | Self::Store(text)
            | Self::Act(text)
            | Self::Verdict(text)
            | Self::Rule(text)
            | Self::Staff(text) => text.clone(),
            Self::Network(network) => network.to_string(),
            Self::Asn(number) | Self::Terminal(number) | Self::AmountMin(number) => {
                number.to_string()
            }
        }
    }

    /// What stands in the text of every record of which this holds, if there is such a thing: ids
    /// and words are written as they are, in quotes.
    pub(super) fn needle(&self) -> Option<String> {
        match self {
            Self::Customer(word)
            | Self::Device(word)
            | Self::Country(word)
            | Self::Store(word)
            | Self::Act(word)
            | Self::Verdict(word)
            | Self::Rule(word)
            | Self::Staff(word) => Some(format!("\"{word}\"")),
            Self::Asn(number) | Self::Terminal(number) => Some(number.to_string()),
            Self::Network(_) | Self::AmountMin(_) => None,
        }
    }

    /// Whether a record is so. What staff did to a customer came from the staff's network: only
    /// [`Condition::Staff`] and what names the act itself say something of it.
    pub(super) fn holds(&self, line: &Line) -> bool {
        let own = line.staff().is_none();
        match self {
            Self::Customer(id) => line.customer.as_deref() == Some(id),
            Self::Device(id) => own && line.device.as_deref() == Some(id),
            Self::Network(network) => {
                own && line.address().is_some_and(|address| network.holds(address))
            }
            Self::Asn(number) => own && line.asn() == Some(*number),
            Self::Country(code) => own && line.country() == Some(code),
            Self::Store(id) => line.store() == Some(id),
            Self::Terminal(number) => line.terminal == Some(*number),
            Self::Act(word) => line.act == *word,
            Self::Verdict(word) => line.verdict == *word,
            Self::Rule(id) => line.rules().any(|rule| rule == id),
            Self::Staff(id) => line.staff() == Some(id),
            Self::AmountMin(yen) => line.amount.is_some_and(|amount| amount >= *yen),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.word(), self.value())
    }
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| (0..=i64::from(u32::MAX)).contains(number))
}

/// The word of an act or the id of a rule.
fn plain(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let is_plain = (1..=64).contains(&text.len()) && text.chars().all(fits);
    is_plain.then(|| text.to_owned())
}
