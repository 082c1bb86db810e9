//! What a file says.

use std::fmt;

use crate::Kana;

/// Bytes of a record, without its line end.
pub const RECORD_BYTES: usize = 120;

/// A value does not fit its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is out of range")]
pub struct OutOfRange(pub &'static str);

/// Numbers of a fixed count of digits, zeros in front.
macro_rules! digits {
    ($($(#[$doc:meta])* $name:ident: $inner:ty, $count:literal, $word:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name($inner);

        impl $name {
            /// From all its digits.
            ///
            /// # Errors
            /// Another count, or something else than ASCII digits.
            pub fn parse(text: &str) -> Result<Self, OutOfRange> {
                let fits = text.len() == $count && text.bytes().all(|b| b.is_ascii_digit());
                let number = text.parse().ok().filter(|_| fits);
                number.map(Self).ok_or(OutOfRange($word))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:0width$}", self.0, width = $count)
            }
        }
    )*};
}

digits! {
    /// A bank: four digits (統一金融機関番号).
    BankCode: u16, 4, "a bank code (four digits)";
    /// A branch of a bank: three digits.
    BranchCode: u16, 3, "a branch code (three digits)";
    /// An account at a branch: seven digits, zeros in front.
    AccountNumber: u32, 7, "an account number (seven digits)";
}

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// 普通.
    Ordinary,
    /// 当座.
    Current,
    /// 貯蓄.
    Savings,
    /// その他.
    Other,
}

impl AccountKind {
    /// Every kind there is.
    pub const ALL: [Self; 4] = [Self::Ordinary, Self::Current, Self::Savings, Self::Other];

    /// Its digit.
    #[must_use]
    pub const fn digit(self) -> u8 {
        match self {
            Self::Ordinary => b'1',
            Self::Current => b'2',
            Self::Savings => b'4',
            Self::Other => b'9',
        }
    }

    /// The kind of a digit.
    #[must_use]
    pub fn of(digit: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.digit() == digit)
    }
}

/// A bank's branch, with the names that some banks want beside the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Office {
    /// The bank.
    pub bank: BankCode,
    /// Its name, at most 15 characters; may be empty.
    pub bank_name: Kana,
    /// The branch.
    pub branch: BranchCode,
    /// Its name, at most 15 characters; may be empty.
    pub branch_name: Kana,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Where.
    pub office: Office,
    /// What.
    pub kind: AccountKind,
    /// Its number there.
    pub number: AccountNumber,
}

/// A day of the year; the format knows no years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    month: u8,
    day: u8,
}

impl Day {
    /// From month and day.
    ///
    /// # Errors
    /// No year has this day.
    pub fn new(month: u8, day: u8) -> Result<Self, OutOfRange> {
        let last = match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        let is_day = (1..=last).contains(&day);
        if is_day { Ok(Self { month, day }) } else { Err(OutOfRange("a day of the year")) }
    }

    /// `0401`: month and day.
    #[must_use]
    pub fn text(self) -> String {
        format!("{:02}{:02}", self.month, self.day)
    }
}

/// Who pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The number that the bank gave, at most ten digits.
    pub code: u64,
    /// At most 40 characters.
    pub name: Kana,
    /// From which account. Savings accounts do not pay.
    pub account: Account,
}

/// One transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// To which account.
    pub account: Account,
    /// Its holder, 1 to 30 characters, as the bank has the name.
    pub holder: Kana,
    /// Yen, 1 to 9,999,999,999.
    pub amount: u64,
    /// The sender's own number for the receiver, at most ten digits.
    pub customer_code_1: u64,
    /// A second one.
    pub customer_code_2: u64,
}

/// What stands between records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnd {
    /// CR and LF after each record, as most banks' pages want it.
    #[default]
    CrLf,
    /// Nothing: one record follows the other.
    None,
}

impl LineEnd {
    pub(crate) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n",
            Self::None => b"",
        }
    }
}

/// A file of transfers that are to be made on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Who pays.
    pub sender: Sender,
    /// When (取組日).
    pub day: Day,
    /// At least one, at most 999,999.
    pub transfers: Vec<Transfer>,
}

impl File {
    /// The sum of all transfers, in yen.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.transfers.iter().map(|transfer| transfer.amount).fold(0, u64::saturating_add)
    }
}
