//! The ledger's state in memory: what the journal folds to.

use crate::{
    Account, IdFilter, Position, Request, StoredTransfer, Transfer, accounts::Accounts,
    transfers::Transfers,
};

/// Accounts with their balances, open pending transfers, and the recent past.
///
/// It changes only by facts: [`State::merge`] after an entry is durable, [`State::fold`] when
/// entries are read. It is read while a batch is applied.
#[derive(Default)]
pub struct State {
    pub(crate) position: Position,
    pub(crate) accounts: Accounts,
    pub(crate) transfers: Transfers,
    old_ids: IdFilter,
}

/// What a [`State`] holds and occupies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// Accounts.
    pub account_count: usize,
    /// Bytes reserved for accounts and their index.
    pub account_bytes: usize,
    /// Transfers in memory, open pending ones included.
    pub transfer_count: usize,
    /// Open pending transfers.
    pub pending_count: usize,
    /// Bytes reserved for transfers and their indexes.
    pub transfer_bytes: usize,
    /// Ids of transfers that have left memory.
    pub old_id_count: usize,
    /// Bytes of the filter that knows them.
    pub old_id_bytes: usize,
}

impl State {
    /// The state of an empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The entry up to which the journal is folded.
    #[must_use]
    pub const fn position(&self) -> &Position {
        &self.position
    }

    /// The account with this id.
    #[must_use]
    pub fn account(&self, id: u128) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// All accounts in order of creation.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.accounts.iter()
    }

    /// The transfer with this id, if it is in memory.
    #[must_use]
    pub fn transfer(&self, id: u128) -> Option<StoredTransfer> {
        self.transfers.get(id)
    }

    /// All open pending transfers, in no order.
    pub fn pending_transfers(&self) -> impl Iterator<Item = &Transfer> {
        self.transfers.open()
    }

    /// When the next pending transfer expires, in nanoseconds since 1970. A batch with this
    /// timestamp or a later one, even one without requests, releases it.
    #[must_use]
    pub fn next_expiry(&self) -> Option<u64> {
        self.transfers.next_expiry()
    }

    /// Makes room for more accounts at once, before a bulk load.
    pub fn reserve_accounts(&mut self, additional: usize) {
        self.accounts.reserve(additional);
    }

    /// Drops the transfers that happened, and if pending were resolved, at or before
    /// `timestamp`. The caller vouches that another store holds them, with their status.
    pub fn forget_transfers_until(&mut self, timestamp: u64) {
        let old_ids = &mut self.old_ids;
        self.transfers.forget_until(timestamp, |id| old_ids.insert(id));
    }

    /// Notes the id of a transfer that another store holds and memory does not.
    pub fn remember_old(&mut self, id: u128) {
        self.old_ids.insert(id);
    }

    /// Whether a transfer with this id may have left memory; `false` is certain.
    #[must_use]
    pub fn may_be_old(&self, id: u128) -> bool {
        self.old_ids.may_contain(id) && !self.transfers.contains(id)
    }

    /// The ids of a request to look up in [`crate::OlderTransfers`] before it is applied: those
    /// of transfers that may have left memory. Seldom any.
    pub fn older_ids<'a>(&'a self, request: &'a Request) -> impl Iterator<Item = u128> + 'a {
        request
            .transfers
            .iter()
            .flat_map(|transfer| [transfer.id, transfer.pending_id])
            .filter(|id| self.may_be_old(*id))
    }

    /// Reads the accounts that the requests of a batch name. It changes nothing, but lets the
    /// processor fetch many accounts at once, where applying waits for one after the other: at a
    /// million accounts that is a third of the time of applying.
    pub fn read_ahead<'a>(&self, requests: impl IntoIterator<Item = &'a Request>) {
        let transfers = requests.into_iter().flat_map(|request| &request.transfers);
        let ids = transfers.flat_map(|each| [each.debit_account_id, each.credit_account_id]);
        let accounts = ids.filter(|id| *id != 0).filter_map(|id| self.account(id));
        std::hint::black_box(accounts.fold(0, |sum, account| sum ^ account.credits_posted));
    }

    /// What is held, and what it occupies.
    #[must_use]
    pub fn memory_use(&self) -> MemoryUse {
        MemoryUse {
            account_count: self.accounts.len(),
            account_bytes: self.accounts.memory_bytes(),
            transfer_count: self.transfers.len(),
            pending_count: self.transfers.open_count(),
            transfer_bytes: self.transfers.memory_bytes(),
            old_id_count: self.old_ids.id_count(),
            old_id_bytes: self.old_ids.memory_bytes(),
        }
    }
}
