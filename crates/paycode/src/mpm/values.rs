//! Values with a form of their own.

use std::fmt;
use std::str::FromStr;

use super::{MpmError, MpmFault};

/// The longest amount, in characters.
const MAX_AMOUNT: usize = 13;

/// An amount of money as the text writes it: digits, at most one point, not zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount(String);

impl Amount {
    /// An amount of whole yen. `None` for zero and for more than 13 digits.
    #[must_use]
    pub fn yen(yen: u64) -> Option<Self> {
        yen.to_string().parse().ok()
    }

    /// The amount in yen; `None` where a decimal point is written.
    #[must_use]
    pub fn to_yen(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The amount as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Amount {
    type Err = MpmError;

    fn from_str(text: &str) -> Result<Self, MpmError> {
        Self::read(54, text).map_err(|fault| fault.at(0))
    }
}

impl Amount {
    pub(super) fn read(id: u8, text: &str) -> Result<Self, MpmFault> {
        positive_decimal(id, text, MAX_AMOUNT)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A share of 00.01 to 99.99 per cent, as the text writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Percentage(String);

impl Percentage {
    /// The share as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn read(id: u8, text: &str) -> Result<Self, MpmFault> {
        let (whole, fraction) = positive_decimal(id, text, 5)?;
        if whole.len() > 2 || fraction.len() > 2 {
            return Err(MpmFault::WrongValue(id));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Percentage {
    type Err = MpmError;

    fn from_str(text: &str) -> Result<Self, MpmError> {
        Self::read(57, text).map_err(|fault| fault.at(0))
    }
}

/// The digits before and after the point of a decimal number greater than zero.
fn positive_decimal(id: u8, text: &str, max: usize) -> Result<(&str, &str), MpmFault> {
    if text.chars().count() > max {
        return Err(MpmFault::WrongLength(id));
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !digits().all(|byte| byte.is_ascii_digit()) {
        return Err(MpmFault::WrongCharacter(id));
    }
    if digits().all(|byte| byte == b'0') {
        return Err(MpmFault::WrongValue(id));
    }
    Ok((whole, fraction))
}

/// An id inside the additional data (62). 01–09 hold at most 25 characters of printable ASCII;
/// `***` asks the wallet to let the customer type the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdditionalId(u8);

impl AdditionalId {
    /// 01: number of the bill.
    pub const BILL_NUMBER: Self = Self(1);
    /// 02: a telephone number to top up.
    pub const MOBILE_NUMBER: Self = Self(2);
    /// 03: which store.
    pub const STORE_LABEL: Self = Self(3);
    /// 04: the customer's loyalty number.
    pub const LOYALTY_NUMBER: Self = Self(4);
    /// 05: the merchant's own reference.
    pub const REFERENCE_LABEL: Self = Self(5);
    /// 06: which customer.
    pub const CUSTOMER_LABEL: Self = Self(6);
    /// 07: which terminal.
    pub const TERMINAL_LABEL: Self = Self(7);
    /// 08: what the payment is for.
    pub const PURPOSE: Self = Self(8);
    /// 09: what the wallet is asked to send: A address, M telephone number, E e-mail address.
    pub const CONSUMER_DATA_REQUEST: Self = Self(9);

    /// The id with this number, 01 to 99. Those from 10 on are kept as they are.
    #[must_use]
    pub const fn new(id: u8) -> Option<Self> {
        if matches!(id, 1..=99) { Some(Self(id)) } else { None }
    }

    /// The number of the id.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}
