//! The customer's payment code: 24 digits, shown as Code 128 and as QR.
//!
//! ```text
//! 999931 123456789 93067435 7
//! prefix device    one-time check
//! ```
//!
//! | part | digits | meaning |
//! |---|---|---|
//! | prefix | 6 | which operator's code this is, see [`Prefix`] |
//! | device number | 9 | which enrolled phone shows it, see [`DeviceNumber`] |
//! | one-time part | 8 | proof that the phone holds its secret now, see [`one_time`] |
//! | check digit | 1 | Luhn (ISO/IEC 7812-1 annex B) over the 23 digits before it |
//!
//! The check digit catches a mistyped digit before a guess is counted against the device; it
//! protects nothing. The eight one-time digits carry 26 bits, and at any moment twelve of the
//! 10^8 values are right, so whoever calls [`verify`] must count wrong codes and lock the device.

mod one_time;

use std::fmt;
use std::str::FromStr;

pub use one_time::{
    CodeSecret, EXPIRED_STEPS, RefreshCount, STEP_SECONDS, TimeStep, Verdict, authorization_id,
    one_time, verify,
};

/// Length of a customer's code.
pub const CODE_DIGITS: usize = 24;

const PREFIX_DIGITS: usize = 6;
const DEVICE_DIGITS: usize = 9;
const ONE_TIME_VALUES: u32 = 100_000_000;

/// The first six digits of every code of one operator: a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix(u32);

impl Prefix {
    /// `999931`, for an operator that has no operator code (事業者識別コード) allotted by Payments
    /// Japan, who should put that one here.
    ///
    /// In the numbering of ISO/IEC 7812-1 a first digit 9 is followed by the ISO 3166-1 numeric
    /// code of the country whose standards body allots the rest. `999` is among the codes 900 to
    /// 999 that ISO 3166-1 leaves to users and will never give to a country, so no body can allot
    /// `9999…`. It is also outside the families seen in Japanese wallets, `9000…` (PayPay, LINE
    /// Pay, 楽天ペイ, d払い) and `315899…` (メルペイ, au PAY, ゆうちょPay).
    pub const DEFAULT: Self = Self(999_931);
}

impl FromStr for Prefix {
    type Err = CodeError;

    /// Reads exactly six digits.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        require_digits(text, PREFIX_DIGITS)?;
        Ok(Self(decimal(text)))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

/// The public number of an enrolled phone: at most nine digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceNumber(u32);

impl DeviceNumber {
    /// The largest number that fits into a code.
    pub const MAX: Self = Self(999_999_999);

    /// `None` for more than nine digits.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for DeviceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:09}", self.0)
    }
}

/// The eight one-time digits. Whoever reads them within their time can pay with them once, so
/// `Debug` hides them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OneTime(u32);

impl OneTime {
    /// `None` for more than eight digits.
    #[must_use]
    pub const fn new(value: u32) -> Option<Self> {
        if value < ONE_TIME_VALUES { Some(Self(value)) } else { None }
    }
}

impl fmt::Display for OneTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

impl fmt::Debug for OneTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTime(***)")
    }
}

/// A customer's code, taken apart. [`Display`](fmt::Display) puts the 24 digits together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerCode {
    /// Which operator's code it is.
    pub prefix: Prefix,
    /// Which phone shows it.
    pub device: DeviceNumber,
    /// The proof that it is that phone, now.
    pub one_time: OneTime,
}

impl CustomerCode {
    /// Reads the 24 digits that a scanner read. No spaces, no other scripts' digits.
    ///
    /// # Errors
    /// The first that applies, in the order of [`CodeError`]'s variants.
    pub fn parse(text: &str, prefix: Prefix) -> Result<Self, CodeError> {
        require_digits(text, CODE_DIGITS)?;
        let (body, check) = text.split_at(CODE_DIGITS - 1);
        let (found_prefix, rest) = body.split_at(PREFIX_DIGITS);
        let (device, one_time) = rest.split_at(DEVICE_DIGITS);
        if decimal(found_prefix) != prefix.0 {
            return Err(CodeError::WrongPrefix);
        }
        if decimal(check) != luhn_check_digit(body) {
            return Err(CodeError::WrongCheckDigit);
        }
        Ok(Self {
            prefix,
            device: DeviceNumber(decimal(device)),
            one_time: OneTime(decimal(one_time)),
        })
    }
}

impl fmt::Display for CustomerCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format!("{}{}{}", self.prefix, self.device, self.one_time);
        write!(f, "{body}{}", luhn_check_digit(&body))
    }
}

/// Why a text is no code of this operator. None of these says anything about a secret, so none
/// of them counts as a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not as many characters as it must have.
    #[error("{expected} digits are expected, {found} characters were found")]
    WrongLength {
        /// How many there must be.
        expected: usize,
        /// How many characters there are.
        found: usize,
    },
    /// A character other than 0 to 9.
    #[error("character {position} is not a digit from 0 to 9")]
    NotADigit {
        /// Index of the first such character, counted from 0.
        position: usize,
    },
    /// The code of another operator, or no payment code at all.
    #[error("the prefix is not this operator's")]
    WrongPrefix,
    /// A digit was read or typed wrongly.
    #[error("the check digit does not match")]
    WrongCheckDigit,
}

fn require_digits(text: &str, expected: usize) -> Result<(), CodeError> {
    let found = text.chars().count();
    if found != expected {
        return Err(CodeError::WrongLength { expected, found });
    }
    match text.chars().position(|character| !character.is_ascii_digit()) {
        Some(position) => Err(CodeError::NotADigit { position }),
        None => Ok(()),
    }
}

/// The value of at most nine ASCII digits.
fn decimal(digits: &str) -> u32 {
    digits.bytes().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
}

/// The digit that makes the Luhn sum of `digits` and itself a multiple of ten.
fn luhn_check_digit(digits: &str) -> u32 {
    let sum: u32 = (digits.bytes().rev().enumerate())
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            let weighted = if place % 2 == 0 { digit * 2 } else { digit };
            weighted / 10 + weighted % 10
        })
        .sum();
    (10 - sum % 10) % 10
}
