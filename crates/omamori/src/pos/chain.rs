//! The chain of an operation by code: *authorize* and *capture*, linked.
//!
//! Authorize is pending and has the code's id, so a code works once. Capture posts it and has the
//! id derived from the merchant's own, so a retry is the same operation.

use omamori_ledger::{CreateTransferResult as R, Reply, Transfer, TransferFlags};

use crate::gate::chart::{LEDGER_JPY, TransferCode};
use crate::web::codes::Code;

/// An authorization that no capture follows is released after a minute. Here both are one chain,
/// so this is a second line only.
const AUTHORIZATION_SECONDS: u32 = 60;

/// What is to be moved.
#[derive(Clone, Copy)]
pub struct Chain {
    /// The id that uses up the code.
    pub authorization_id: u128,
    /// The id of the operation.
    pub id: u128,
    /// From.
    pub debit_account_id: u128,
    /// To.
    pub credit_account_id: u128,
    /// Yen of paid value.
    pub amount: i64,
    /// What the customer gives of all kinds of value in yen, where that is more than the amount;
    /// otherwise 0.
    pub of_all_kinds: u32,
    /// Where.
    pub terminal_number: i64,
    /// Why.
    pub code: TransferCode,
}

impl Chain {
    /// The two transfers.
    #[must_use]
    pub fn transfers(&self) -> [Transfer; 2] {
        let authorize = Transfer {
            id: self.authorization_id,
            debit_account_id: self.debit_account_id,
            credit_account_id: self.credit_account_id,
            amount: self.amount.unsigned_abs(),
            user_data_64: self.terminal_number.unsigned_abs(),
            user_data_32: self.of_all_kinds,
            timeout: AUTHORIZATION_SECONDS,
            ledger: LEDGER_JPY,
            code: self.code.number(),
            flags: TransferFlags::LINKED | TransferFlags::PENDING,
            ..Transfer::default()
        };
        let capture = Transfer {
            id: self.id,
            pending_id: authorize.id,
            timeout: 0,
            flags: TransferFlags::POST_PENDING_TRANSFER,
            ..authorize
        };
        [authorize, capture]
    }
}

/// Whether the whole chain was made.
#[must_use]
pub fn is_made(reply: &Reply) -> bool {
    reply.transfers.iter().all(|outcome| outcome.result == R::Ok)
}

/// Why a chain was not made; `reused` if its id belongs to another operation.
#[must_use]
pub fn refusal(reply: &Reply, reused: Code) -> Code {
    match reply.transfers[0].result {
        R::ExceedsCredits | R::DebitAccountNotFound => Code::InsufficientFunds,
        R::DebitAccountAlreadyClosed | R::CreditAccountAlreadyClosed => Code::AccountFrozen,
        R::LinkedEventFailed => reused,
        _ => Code::CodeAlreadyUsed,
    }
}
