//! Payout files in the format of the Japanese Bankers Association: 全銀協規定フォーマット, 総合振込
//! (general transfers, kind 21).
//!
//! A file is a header, a data record for each transfer, a trailer with count and sum, and an end
//! record. Each has 120 bytes of JIS X 0201: digits, capitals, half-width kana and a few signs.
//! [`File::write`] makes one, [`File::read`] takes nothing but what the format allows and what
//! adds up. [`Kana::convert`] turns names as people write them into names as banks take them.
//!
//! Pure: no input or output, no clock, no storage. Amounts are yen.

mod kana;
mod read;
mod record;
mod write;

pub use kana::{Kana, KanaError};
pub use read::ReadError;
pub use record::{
    Account, AccountKind, AccountNumber, BankCode, BranchCode, Day, File, LineEnd, Office,
    OutOfRange, RECORD_BYTES, Sender, Transfer,
};
pub use write::WriteError;
