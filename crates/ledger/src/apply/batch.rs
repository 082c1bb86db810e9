//! The state as the batch sees it: what it changed, over what the state has.

use hashbrown::HashMap;

use crate::{
    Account, Fact, OlderTransfers, PendingStatus, State, StoredTransfer, Transfer, effect,
    entry::TIMESTAMP_MAX,
};

/// An account that the batch touched.
pub(super) struct BatchAccount {
    /// As the state has it; all zero if the batch created it.
    pub(super) before: Account,
    /// As it is now.
    pub(super) after: Account,
}

/// Two accounts of the batch, by their place in its list.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) debit: usize,
    pub(super) credit: usize,
}

pub(super) struct Batch<'a> {
    pub(super) state: &'a State,
    older: &'a OlderTransfers,
    timestamp_first: u64,
    pub(super) accounts: Vec<BatchAccount>,
    account_index: HashMap<u128, usize>,
    pub(super) facts: Vec<Fact>,
    /// Where in `facts` the transfers are.
    transfer_index: HashMap<u128, usize>,
    /// The pending transfers that the batch resolved.
    resolved: HashMap<u128, PendingStatus>,
    /// How many facts there were when the open chain began.
    chain: Option<usize>,
    /// Accounts as they were before each change of the open chain.
    undo: Vec<(usize, Account)>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(state: &'a State, older: &'a OlderTransfers, timestamp_first: u64) -> Self {
        Self {
            state,
            older,
            timestamp_first,
            accounts: Vec::new(),
            account_index: HashMap::new(),
            facts: Vec::new(),
            transfer_index: HashMap::new(),
            resolved: HashMap::new(),
            chain: None,
            undo: Vec::new(),
        }
    }

    /// When the next fact happens.
    pub(super) fn next_timestamp(&self) -> u64 {
        let timestamp = self.timestamp_first + self.facts.len() as u64;
        assert!(timestamp <= TIMESTAMP_MAX, "timestamps fit in 63 bits");
        timestamp
    }

    pub(super) fn account(&self, id: u128) -> Option<&Account> {
        match self.account_index.get(&id) {
            Some(&at) => Some(&self.accounts[at].after),
            None => self.state.account(id),
        }
    }

    /// Takes an account into the batch, to be changed.
    pub(super) fn load(&mut self, id: u128) -> Option<usize> {
        if let Some(&at) = self.account_index.get(&id) {
            return Some(at);
        }
        let before = *self.state.account(id)?;
        Some(self.insert_account(BatchAccount { before, after: before }))
    }

    fn insert_account(&mut self, account: BatchAccount) -> usize {
        let at = self.accounts.len();
        self.account_index.insert(account.after.id, at);
        self.accounts.push(account);
        at
    }

    /// The transfer with this id, wherever it is kept.
    ///
    /// An id of which memory cannot exclude that it was used long ago must have been looked up:
    /// taking it for new could move value twice.
    pub(super) fn transfer(&self, id: u128) -> Option<StoredTransfer> {
        if let Some(&at) = self.transfer_index.get(&id) {
            let Fact::TransferCreated(transfer) = self.facts[at] else {
                unreachable!("the index of transfers points at transfers");
            };
            let pending_status = self.resolved.get(&id).copied();
            let pending_status = pending_status.unwrap_or(transfer.initial_status());
            return Some(StoredTransfer { transfer, pending_status });
        }
        if let Some(mut stored) = self.state.transfer(id) {
            if let Some(status) = self.resolved.get(&id) {
                stored.pending_status = *status;
            }
            return Some(stored);
        }
        let Some(found) = self.older.get(id) else {
            assert!(!self.state.may_be_old(id), "transfer {id} may be old, but was not looked up");
            return None;
        };
        found.inspect(|stored| {
            let status = stored.pending_status;
            assert_ne!(status, PendingStatus::Pending, "{id} is open, but has left memory");
        });
        found.copied()
    }

    pub(super) fn create_account(&mut self, account: Account) {
        let before = Account { id: account.id, ledger: account.ledger, ..Account::default() };
        self.insert_account(BatchAccount { before, after: account });
        self.facts.push(Fact::AccountCreated(account));
    }

    /// Records a first-phase or single-phase transfer that all rules allow.
    pub(super) fn create_transfer(&mut self, transfer: Transfer, pair: Pair) {
        self.change(pair, |debit, credit| effect::begin(&transfer, debit, credit));
        self.push_transfer(transfer);
    }

    /// Records a second phase that all rules allow.
    pub(super) fn resolve_transfer(&mut self, transfer: Transfer, pending: &Transfer, pair: Pair) {
        self.change(pair, |debit, credit| effect::resolve(&transfer, pending, debit, credit));
        self.resolved.insert(pending.id, transfer.resolution());
        self.push_transfer(transfer);
    }

    fn push_transfer(&mut self, transfer: Transfer) {
        self.transfer_index.insert(transfer.id, self.facts.len());
        self.facts.push(Fact::TransferCreated(transfer));
    }

    fn change(
        &mut self,
        pair: Pair,
        change: impl FnOnce(&mut Account, &mut Account) -> Option<()>,
    ) {
        let Ok([debit, credit]) = self.accounts.get_disjoint_mut([pair.debit, pair.credit]) else {
            panic!("a transfer joins two accounts");
        };
        if self.chain.is_some() {
            self.undo.push((pair.debit, debit.after));
            self.undo.push((pair.credit, credit.after));
        }
        let changed = change(&mut debit.after, &mut credit.after);
        assert!(changed.is_some(), "the rules let a balance out of its range");
    }

    /// Releases the pending transfers whose time has passed, at most `count_max`.
    pub(super) fn expire_pending_transfers(&mut self, count_max: usize) {
        let state = self.state;
        for pending_id in state.transfers.expired_by(self.timestamp_first).take(count_max) {
            let Some(StoredTransfer { transfer: pending, .. }) = state.transfer(pending_id) else {
                panic!("open pending transfer {pending_id} is not in memory");
            };
            let debit = self.load(pending.debit_account_id);
            let credit = self.load(pending.credit_account_id);
            let (Some(debit), Some(credit)) = (debit, credit) else {
                panic!("the accounts of pending transfer {pending_id} are not there");
            };
            self.change(Pair { debit, credit }, |debit, credit| {
                effect::release(&pending, debit, credit)
            });
            self.resolved.insert(pending_id, PendingStatus::Expired);
            let timestamp = self.next_timestamp();
            self.facts.push(Fact::PendingTransferExpired { pending_id, timestamp });
        }
    }

    pub(super) fn open_chain(&mut self) {
        assert!(self.chain.is_none() && self.undo.is_empty(), "chains do not nest");
        self.chain = Some(self.facts.len());
    }

    /// Ends the open chain, if there is one: what it did stays.
    pub(super) fn close_chain(&mut self) {
        self.chain = None;
        self.undo.clear();
    }

    /// Undoes all that the open chain did.
    pub(super) fn roll_back_chain(&mut self) {
        let Some(fact_count) = self.chain.take() else { panic!("no chain is open") };
        for (at, account) in self.undo.drain(..).rev() {
            self.accounts[at].after = account;
        }
        for fact in self.facts.drain(fact_count..).rev() {
            match fact {
                Fact::AccountCreated(account) => {
                    let last = self.accounts.pop();
                    assert_eq!(last.map(|last| last.after), Some(account), "undo in order");
                    self.account_index.remove(&account.id);
                }
                Fact::TransferCreated(transfer) => {
                    self.transfer_index.remove(&transfer.id);
                    if transfer.is_resolving() {
                        self.resolved.remove(&transfer.pending_id);
                    }
                }
                Fact::PendingTransferExpired { .. } => unreachable!("no chain expires transfers"),
            }
        }
    }
}
