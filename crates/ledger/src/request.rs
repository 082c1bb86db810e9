//! What is asked of the ledger, and what it answers.

use hashbrown::HashMap;

use crate::{Account, CreateAccountResult, CreateTransferResult, StoredTransfer, Transfer};

/// One caller's events: first the accounts, then the transfers.
///
/// Each list is a `create_accounts` or `create_transfers` call of TigerBeetle: its events stand
/// alone, except where `linked` joins neighbours of the same list into an all-or-nothing chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Accounts to create, in order.
    pub accounts: Vec<Account>,
    /// Transfers to create, in order; they see the accounts of the same request.
    pub transfers: Vec<Transfer>,
}

/// The answers to a [`Request`], one for each event, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// One for each account.
    pub accounts: Vec<AccountOutcome>,
    /// One for each transfer.
    pub transfers: Vec<TransferOutcome>,
}

/// What became of one account of a request.
///
/// An id that is repeated within one chain breaks that chain as `exists`, though nothing of the
/// chain then exists; the other fields are 0 in that case. (So do transfers, as in TigerBeetle.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountOutcome {
    /// The result code.
    pub result: CreateAccountResult,
    /// When it was created, for `ok` and `exists`; otherwise 0.
    pub timestamp: u64,
}

/// What became of one transfer of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferOutcome {
    /// The result code.
    pub result: CreateTransferResult,
    /// When it happened, for `ok` and `exists`; otherwise 0.
    pub timestamp: u64,
    /// What was moved or reserved, for `ok` and `exists`; otherwise 0.
    pub amount: u64,
}

/// Transfers that have left memory, looked up before a batch that may refer to them.
///
/// It remembers that an id was looked up even when nothing was found, so that applying can tell
/// a new id from one that nobody looked for.
#[derive(Clone, Debug, Default)]
pub struct OlderTransfers(HashMap<u128, Option<StoredTransfer>>);

impl OlderTransfers {
    /// Notes what the look-up of `id` found.
    pub fn insert(&mut self, id: u128, found: Option<StoredTransfer>) {
        self.0.insert(id, found);
    }

    /// `None`: nobody looked for `id`. `Some(None)`: there is no such transfer.
    #[must_use]
    pub fn get(&self, id: u128) -> Option<Option<&StoredTransfer>> {
        self.0.get(&id).map(Option::as_ref)
    }
}
