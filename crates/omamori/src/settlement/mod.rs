//! Merchants get paid.
//!
//! On each closing day of its calendar a merchant's sales, less refunds, go from its stores' sales
//! accounts to what it is owed (*payable*); the cash that its registers took for top-ups, the fee
//! and the tax on the fee go off; what is left, less a holdback for refunds, is a payout. Where
//! less than nothing is left it is carried forward. `docs/settlement.md` has the rule, to the yen.
//!
//! - [`figures`] reads the ledger, [`statement`] reckons (pure) and is written down, [`carry`]
//!   makes its transfers, in one linked chain whose ids are derived from merchant and day.
//! - [`hold`]: sales that are settled and not paid out for now.
//! - [`run`] does it for all merchants, beside the request that asked for it ([`progress`]);
//!   [`payout`] puts what can be paid of what is [`waiting`] into a file for the bank and books
//!   what the bank says, [`returned`] what it gave back or would not take; files for the bank,
//!   those of refunds too, are [`bank_file`]'s.
//! - [`terms`] and [`bank`]: on which terms, and to which account.
//!
//! Every step may be done twice, by two nodes at once, and after a crash at any place.

mod account_page;
pub mod bank;
pub(crate) mod bank_file;
pub mod calendar;
pub mod carry;
pub mod figures;
pub mod hold;
mod pages;
pub mod payout;
pub mod progress;
pub mod returned;
pub mod run;
mod settings;
pub mod statement;
pub mod terms;
pub mod waiting;

pub use pages::router;
pub use settings::{Rounding, SenderSettings, SettlementSettings};
