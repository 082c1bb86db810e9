//! Merchant-Presented Mode: the text of the QR code that a store shows.
//!
//! EMV® QR Code Specification for Payment Systems, Merchant-Presented Mode, and its Japanese
//! profile JPQR. A text is a row of data objects, each with an id of two digits, a length of two
//! digits *in characters* and a value; some values are such rows again. The first object is
//! `000201`, the last is `63`, a CRC over everything before its value.
//!
//! Ids: 00 payload format · 01 point of initiation · 02–25 card schemes · 26–51 other merchant
//! accounts · 52 category · 53 currency · 54 amount · 55–57 tip · 58 country · 59 name · 60 city ·
//! 61 postal code · 62 additional data · 63 CRC · 64 names in the local language · 65–79 reserved
//! by EMVCo · 80–99 unreserved templates.
//!
//! [`MerchantCode::parse`] takes the objects in any order, as the specification allows;
//! [`MerchantCode::write`] puts them in ascending order, 63 last. A printed static code can be
//! replaced by a thief's sticker: a wallet must show the store's name and have it confirmed.

mod error;
mod jpqr;
mod read;
mod values;
mod write;

use std::collections::BTreeMap;

pub use error::{MpmError, MpmFault};
pub use jpqr::{CURRENCY_YEN, JPQR_GLOBALLY_UNIQUE_ID, JPQR_TEMPLATE, JpqrFault, JpqrMerchant};
pub use values::{AdditionalId, Amount, Percentage};

/// The longest text, in characters.
pub const MAX_CHARACTERS: usize = 512;

/// Everything that a store's QR code says.
///
/// The fields are open; [`write`](Self::write) checks them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantCode {
    /// 01: whether the code is printed once or made for one sale.
    pub initiation: Option<Initiation>,
    /// 02–25: account numbers at card schemes: 02–03 Visa, 04–05 Mastercard, 09–10 Discover,
    /// 11–12 American Express, 13–14 JCB, 15–16 UnionPay, the others reserved by EMVCo.
    pub card_accounts: BTreeMap<u8, String>,
    /// 26–51: accounts elsewhere, each naming its scheme.
    pub accounts: BTreeMap<u8, Template>,
    /// 52: merchant category code (ISO 18245), four digits.
    pub category_code: u16,
    /// 53: currency (ISO 4217 numeric), three digits.
    pub currency: u16,
    /// 54: the amount; without it the customer types one.
    pub amount: Option<Amount>,
    /// 55–57: what to do about a tip.
    pub tip: Option<Tip>,
    /// 58: country (ISO 3166-1 alpha-2).
    pub country: String,
    /// 59: the store's name in printable ASCII, at most 25 characters.
    pub name: String,
    /// 60: the store's city in printable ASCII, at most 15 characters.
    pub city: String,
    /// 61: the store's postal code, at most 10 characters.
    pub postal_code: Option<String>,
    /// 62: numbers and labels of this sale.
    pub additional_data: BTreeMap<AdditionalId, String>,
    /// 64: names in the local language.
    pub local_language: Option<LocalLanguage>,
    /// 65–79: reserved by EMVCo, kept as they are.
    pub reserved: BTreeMap<u8, String>,
    /// 80–99: of anyone's own making, each naming its maker.
    pub unreserved: BTreeMap<u8, Template>,
}

/// 01: how the code came to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiation {
    /// 11: one code for many sales.
    Static,
    /// 12: a code for one sale.
    Dynamic,
}

/// A value that is itself a row of data objects, whose meaning its maker defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// 00: who defines the rest: an application identifier, a UUID or a reversed domain name.
    /// Printable ASCII, at most 32 characters.
    pub globally_unique_id: String,
    /// 01–99.
    pub fields: BTreeMap<u8, String>,
}

/// 55–57: the tip or convenience fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tip {
    /// 55 = 01: ask the customer.
    Prompted,
    /// 55 = 02 and 56: always this much.
    Fixed(Amount),
    /// 55 = 03 and 57: a share of the amount.
    Percentage(Percentage),
}

/// 64: the store in the local language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalLanguage {
    /// 00: language (ISO 639-1), two letters.
    pub language: String,
    /// 01: name, at most 25 characters.
    pub name: String,
    /// 02: city, at most 15 characters.
    pub city: Option<String>,
    /// 03–99: reserved by EMVCo, kept as they are.
    pub reserved: BTreeMap<u8, String>,
}

/// CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF, nothing reflected, nothing added) of the
/// UTF-8 bytes.
fn crc16(text: &str) -> u16 {
    text.bytes().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::crc16;

    #[test]
    fn the_crc_has_its_published_check_value() {
        assert_eq!(crc16("123456789"), 0x29b1);
        assert_eq!(crc16("a"), 0x9d77);
    }
}
