//! The Japanese profile, JPQR: one account template that all wallets of a store share.

use std::collections::BTreeMap;

use super::{MerchantCode, Template};

/// The account template of JPQR.
pub const JPQR_TEMPLATE: u8 = 26;

/// What names it.
pub const JPQR_GLOBALLY_UNIQUE_ID: &str = "jp.or.paymentsjapan";

/// Japanese yen in ISO 4217; it has no smaller part.
pub const CURRENCY_YEN: u16 = 392;

const COUNTRY: &str = "JP";
const LANGUAGE: &str = "JA";

/// Ids and lengths of the four levels.
const LEVELS: [(u8, usize); 4] = [(1, 13), (2, 4), (3, 6), (4, 6)];

/// The store, in the four levels of numbers that Payments Japan allots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JpqrMerchant([String; 4]);

impl JpqrMerchant {
    /// Takes level 1 (13 digits), level 2 (4), level 3 (6) and level 4 (6).
    ///
    /// # Errors
    /// [`JpqrFault::Level`] for the first that is not so many digits.
    pub fn new(levels: [&str; 4]) -> Result<Self, JpqrFault> {
        for ((id, digits), level) in LEVELS.into_iter().zip(levels) {
            if level.len() != digits || !level.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(JpqrFault::Level(id));
            }
        }
        Ok(Self(levels.map(str::to_owned)))
    }

    /// Levels 1 to 4.
    #[must_use]
    pub const fn levels(&self) -> &[String; 4] {
        &self.0
    }

    /// The account template, to stand at [`JPQR_TEMPLATE`].
    #[must_use]
    pub fn template(&self) -> Template {
        let ids = LEVELS.map(|(id, _)| id);
        let fields = ids.into_iter().zip(self.0.iter().cloned()).collect::<BTreeMap<_, _>>();
        Template { globally_unique_id: JPQR_GLOBALLY_UNIQUE_ID.to_owned(), fields }
    }
}

/// Why a store's code is no JPQR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JpqrFault {
    /// Template 26 is absent, or of somebody else.
    #[error("the JPQR template is missing")]
    NoTemplate,
    /// A level is absent or has not its number of digits.
    #[error("level {0} of the JPQR template is missing or has a wrong form")]
    Level(u8),
    /// The template has a field that JPQR does not know.
    #[error("the JPQR template has an unknown field {0:02}")]
    UnknownField(u8),
    /// The country is not JP.
    #[error("the country is not JP")]
    Country,
    /// The currency is not 392.
    #[error("the currency is not the yen")]
    Currency,
    /// The amount has a decimal point.
    #[error("the amount is not in whole yen")]
    Amount,
    /// The postal code is absent.
    #[error("the postal code is missing")]
    NoPostalCode,
    /// The Japanese name is absent.
    #[error("the name in Japanese is missing")]
    NoJapaneseName,
    /// The language template has a city.
    #[error("a city in the local language is not allowed")]
    LocalCity,
}

impl MerchantCode {
    /// Checks the rules that JPQR adds, and says which store it is.
    ///
    /// # Errors
    /// The first that applies, in the order of [`JpqrFault`]'s variants.
    pub fn jpqr(&self) -> Result<JpqrMerchant, JpqrFault> {
        let template = (self.accounts.get(&JPQR_TEMPLATE))
            .filter(|template| template.globally_unique_id == JPQR_GLOBALLY_UNIQUE_ID)
            .ok_or(JpqrFault::NoTemplate)?;
        let level = |id: u8| template.fields.get(&id).map_or("", String::as_str);
        let merchant = JpqrMerchant::new(LEVELS.map(|(id, _)| level(id)))?;
        if let Some(&id) = template.fields.keys().find(|&&id| id > 4) {
            return Err(JpqrFault::UnknownField(id));
        }
        if self.country != COUNTRY {
            return Err(JpqrFault::Country);
        }
        if self.currency != CURRENCY_YEN {
            return Err(JpqrFault::Currency);
        }
        if self.amount.as_ref().is_some_and(|amount| amount.to_yen().is_none()) {
            return Err(JpqrFault::Amount);
        }
        if self.postal_code.is_none() {
            return Err(JpqrFault::NoPostalCode);
        }
        let japanese = (self.local_language.as_ref())
            .filter(|local| local.language == LANGUAGE)
            .ok_or(JpqrFault::NoJapaneseName)?;
        if japanese.city.is_some() {
            return Err(JpqrFault::LocalCity);
        }
        Ok(merchant)
    }
}
