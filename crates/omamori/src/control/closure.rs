//! One closed door: for whom, why, by whom, until when.

use omamori_db::Row;
use sha2::{Digest, Sha256};

use super::caller::{Caller, Version};
use super::door::Door;
use crate::clock::Micros;
use crate::gate::Place;
use crate::networks::Country;

/// The columns that make a [`Closure`].
macro_rules! closure_columns {
    () => {
        "control_id, door, scope, subject, reason, notice_ja, notice_en, closed_by, closed_at, \
         ends_at, opened_by, opened_at"
    };
}
pub(super) use closure_columns;

/// For whom a door is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    All,
    /// One store, `sto_…`.
    Store(String),
    /// All stores of a merchant, `mer_…`.
    Merchant(String),
    /// So many of a hundred customers, always the same ones.
    Percent(u8),
    /// Whose request comes from a network of this autonomous system.
    Asn(u32),
    /// Whose request comes from a network of this country, `JP`.
    Country(Country),
    /// Whose app says that it is older than this version.
    AppVersion(Version),
    /// Who uses an account of this issuer, by its id in the settings.
    Issuer(String),
}

/// Whom an act concerns.
pub(super) struct Whom<'a> {
    pub(super) place: Option<&'a Place<'a>>,
    pub(super) customer: Option<&'a str>,
    pub(super) issuer: Option<&'a str>,
    pub(super) caller: Caller,
}

impl Scope {
    /// As a row has it.
    #[must_use]
    pub fn columns(&self) -> (&'static str, String) {
        match self {
            Self::All => ("all", String::new()),
            Self::Store(id) => ("store", id.clone()),
            Self::Merchant(id) => ("merchant", id.clone()),
            Self::Percent(percent) => ("percent", percent.to_string()),
            Self::Asn(number) => ("asn", number.to_string()),
            Self::Country(country) => ("country", country.as_str().to_owned()),
            Self::AppVersion(version) => ("app_version", version.to_string()),
            Self::Issuer(id) => ("issuer", id.clone()),
        }
    }

    /// From a row, or from the command line.
    #[must_use]
    pub fn parse(scope: &str, subject: &str) -> Option<Self> {
        Some(match scope {
            "all" if subject.is_empty() => Self::All,
            "store" if !subject.is_empty() => Self::Store(subject.to_owned()),
            "merchant" if !subject.is_empty() => Self::Merchant(subject.to_owned()),
            "percent" => {
                Self::Percent(subject.parse().ok().filter(|percent| (1..100).contains(percent))?)
            }
            "asn" => Self::Asn(subject.trim_start_matches("AS").parse().ok()?),
            "country" => Self::Country(Country::parse(subject)?),
            "app_version" => Self::AppVersion(Version::parse(subject)?),
            "issuer" if !subject.is_empty() => Self::Issuer(subject.to_owned()),
            _ => return None,
        })
    }

    /// Whether it is of where a request comes from.
    pub(super) const fn is_of_callers(&self) -> bool {
        matches!(self, Self::Asn(_) | Self::Country(_) | Self::AppVersion(_))
    }

    /// Whether a door can be closed for it.
    #[must_use]
    pub const fn fits(&self, door: Door) -> bool {
        match self {
            Self::Store(_) => door.is_of_a_store(),
            Self::Merchant(_) => door.is_of_a_merchant(),
            Self::Issuer(_) => matches!(door, Door::External | Door::ExternalLink),
            Self::All
            | Self::Percent(_)
            | Self::Asn(_)
            | Self::Country(_)
            | Self::AppVersion(_) => true,
        }
    }

    fn covers(&self, whom: &Whom<'_>) -> bool {
        let Whom { place, customer, issuer, caller } = whom;
        match self {
            Self::All => true,
            Self::Store(id) => place.is_some_and(|place| place.store_id == id),
            Self::Merchant(id) => place.is_some_and(|place| place.merchant_id == id),
            Self::Percent(percent) => customer.is_some_and(|id| hundredth(id) < *percent),
            Self::Asn(number) => caller.asn == Some(*number),
            Self::Country(country) => caller.country == Some(*country),
            Self::AppVersion(version) => caller.version.is_some_and(|theirs| theirs < *version),
            Self::Issuer(id) => *issuer == Some(id.as_str()),
        }
    }
}

/// Which hundredth of all customers somebody belongs to.
fn hundredth(customer_id: &str) -> u8 {
    let hash = Sha256::digest(customer_id.as_bytes());
    let number = u16::from_be_bytes([hash[0], hash[1]]);
    u8::try_from(number % 100).unwrap_or(0)
}

/// A door that is closed, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// `ctl_…`.
    pub control_id: String,
    /// Which door.
    pub door: Door,
    /// For whom.
    pub scope: Scope,
    /// Why, for staff.
    pub reason: String,
    /// For everyone; empty for the usual words.
    pub notice_ja: String,
    /// The same in English.
    pub notice_en: String,
    /// Who closed it.
    pub closed_by: String,
    /// Since when.
    pub closed_at: Micros,
    /// When it opens by itself.
    pub ends_at: Option<Micros>,
    /// Who opened it.
    pub opened_by: Option<String>,
    /// When that was.
    pub opened_at: Option<Micros>,
}

impl Closure {
    /// From a row. A door that this version does not know is passed over: it has no such function.
    pub(super) fn of(row: &Row) -> omamori_db::Result<Option<Self>> {
        let door = Door::of(&row.text("door")?);
        let scope = Scope::parse(&row.text("scope")?, &row.text("subject")?);
        let (Some(door), Some(scope)) = (door, scope) else { return Ok(None) };
        Ok(Some(Self {
            control_id: row.text("control_id")?,
            door,
            scope,
            reason: row.text("reason")?,
            notice_ja: row.text("notice_ja")?,
            notice_en: row.text("notice_en")?,
            closed_by: row.text("closed_by")?,
            closed_at: row.int("closed_at")?,
            ends_at: row.int_optional("ends_at")?,
            opened_by: row.text_optional("opened_by")?,
            opened_at: row.int_optional("opened_at")?,
        }))
    }

    /// Whether it is in force.
    #[must_use]
    pub fn is_closed(&self, now: Micros) -> bool {
        self.opened_at.is_none() && self.ends_at.is_none_or(|end| now < end)
    }

    /// When it ended, if it did.
    #[must_use]
    pub fn ended_at(&self, now: Micros) -> Option<Micros> {
        self.opened_at.or(self.ends_at.filter(|end| *end <= now))
    }

    pub(super) fn stops(&self, doors: impl Fn(Door) -> bool, whom: &Whom<'_>, now: Micros) -> bool {
        doors(self.door) && self.is_closed(now) && self.scope.covers(whom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whom<'a>(place: Option<&'a Place<'a>>, customer: Option<&'a str>) -> Whom<'a> {
        Whom { place, customer, issuer: None, caller: Caller::default() }
    }

    #[test]
    fn a_scope_covers_its_own_and_nobody_else() {
        let here = Place { terminal_number: 1, store_id: "sto_1", merchant_id: "mer_1" };
        let covers = |scope: Scope| scope.covers(&whom(Some(&here), Some("cus_1")));
        assert!(covers(Scope::All));
        assert!(covers(Scope::Store("sto_1".into())));
        assert!(!covers(Scope::Store("sto_2".into())));
        assert!(covers(Scope::Merchant("mer_1".into())));
        assert!(!Scope::Store("sto_1".into()).covers(&whom(None, Some("cus_1"))));
        assert!(!Scope::Percent(99).covers(&whom(Some(&here), None)));
    }

    #[test]
    fn what_is_not_known_of_a_caller_is_not_covered() {
        let version = |text| Version::parse(text).unwrap();
        let (asn, country) = (Some(64_500), Country::parse("JP"));
        let known = Caller { asn, country, version: Some(version("1.4.0")) };
        let of = |scope: &Scope, caller, issuer| {
            scope.covers(&Whom { place: None, customer: None, issuer, caller })
        };
        for (scope, is_covered) in [
            (Scope::Asn(64_500), true),
            (Scope::Asn(64_501), false),
            (Scope::Country(Country::parse("JP").unwrap()), true),
            (Scope::Country(Country::parse("US").unwrap()), false),
            (Scope::AppVersion(version("1.4.1")), true),
            (Scope::AppVersion(version("1.4.0")), false),
            (Scope::Issuer("a".into()), true),
            (Scope::Issuer("b".into()), false),
        ] {
            assert_eq!(of(&scope, known, Some("a")), is_covered, "{scope:?}");
            assert!(!of(&scope, Caller::default(), None), "{scope:?}");
        }
    }

    #[test]
    fn a_percentage_is_that_of_all_and_grows_without_letting_go() {
        let hit = |percent| -> Vec<usize> {
            let ids = (0..10_000).map(|n| format!("cus_{n}"));
            let scope = Scope::Percent(percent);
            let covered = ids.enumerate().filter(|(_, id)| scope.covers(&whom(None, Some(id))));
            covered.map(|(n, _)| n).collect()
        };
        let (ten, half) = (hit(10), hit(50));
        assert!((800..1_200).contains(&ten.len()), "{}", ten.len());
        assert!((4_700..5_300).contains(&half.len()), "{}", half.len());
        assert!(ten.iter().all(|n| half.contains(n)));
    }

    #[test]
    fn scopes_come_back_from_their_columns() {
        for scope in [
            Scope::All,
            Scope::Store("sto_1".into()),
            Scope::Merchant("mer_1".into()),
            Scope::Percent(5),
            Scope::Asn(64_500),
            Scope::Country(Country::parse("JP").unwrap()),
            Scope::AppVersion(Version::parse("1.4.0").unwrap()),
            Scope::Issuer("google".into()),
        ] {
            let (word, subject) = scope.columns();
            assert_eq!(Scope::parse(word, &subject), Some(scope));
        }
        for (word, subject) in [
            ("all", "x"),
            ("store", ""),
            ("percent", "0"),
            ("percent", "100"),
            ("asn", "x"),
            ("country", "jp"),
            ("app_version", "new"),
        ] {
            assert_eq!(Scope::parse(word, subject), None);
        }
    }
}
