//! What happened to the accounts since the last snapshot.

use hashbrown::HashMap;

use crate::{Account, AccountFlags, Entry, Fact, Transfer, TransferFlags};

/// The changes between two snapshots, kept until the next one is written.
///
/// It is made from the journal alone, not from the live state, which is further on.
#[derive(Default)]
pub(super) struct Changes {
    /// Accounts that came to be, in order.
    pub(super) created: Vec<Account>,
    pub(super) of_account: HashMap<u128, Change>,
    /// The pending transfers that are open, from before the last snapshot too.
    pub(super) open: HashMap<u128, Transfer>,
    /// Ids of all transfers, in order of time.
    pub(super) transfer_ids: Vec<u128>,
    pub(super) fact_count: u64,
}

/// What happened to one account.
#[derive(Clone, Copy, Default)]
pub(super) struct Change {
    debits_pending: i128,
    debits_posted: i128,
    credits_pending: i128,
    credits_posted: i128,
    /// Whether it is closed now, if that changed.
    closed: Option<bool>,
}

/// A resolved transfer names a pending one that nobody opened: the entries are not those that
/// follow the snapshot.
#[derive(Debug)]
pub(super) struct NotOpen;

impl Changes {
    /// No changes yet, after a snapshot with these open pending transfers.
    pub(super) fn since_snapshot(open: impl IntoIterator<Item = Transfer>) -> Self {
        let open = open.into_iter().map(|pending| (pending.id, pending)).collect();
        Self { open, ..Self::default() }
    }

    /// Begins anew after a snapshot of all of it.
    pub(super) fn clear(&mut self) {
        let open = std::mem::take(&mut self.open);
        *self = Self { open, ..Self::default() };
    }

    pub(super) fn note(&mut self, entry: &Entry) -> Result<(), NotOpen> {
        self.fact_count += entry.facts.len() as u64;
        for fact in &entry.facts {
            match fact {
                Fact::AccountCreated(account) => self.created.push(*account),
                Fact::TransferCreated(transfer) => self.note_transfer(transfer)?,
                Fact::PendingTransferExpired { pending_id, .. } => {
                    let pending = self.open.remove(pending_id).ok_or(NotOpen)?;
                    self.release(&pending, true);
                }
            }
        }
        Ok(())
    }

    fn note_transfer(&mut self, transfer: &Transfer) -> Result<(), NotOpen> {
        self.transfer_ids.push(transfer.id);
        let amount = i128::from(transfer.amount);
        if transfer.is_resolving() {
            let posts = transfer.flags.contains(TransferFlags::POST_PENDING_TRANSFER);
            let pending = self.open.remove(&transfer.pending_id).ok_or(NotOpen)?;
            self.release(&pending, !posts);
            if posts {
                self.change(transfer.debit_account_id).debits_posted += amount;
                self.change(transfer.credit_account_id).credits_posted += amount;
            }
            return Ok(());
        }
        let debit = self.change(transfer.debit_account_id);
        if transfer.is_pending() {
            debit.debits_pending += amount;
        } else {
            debit.debits_posted += amount;
        }
        if transfer.flags.contains(TransferFlags::CLOSING_DEBIT) {
            debit.closed = Some(true);
        }
        let credit = self.change(transfer.credit_account_id);
        if transfer.is_pending() {
            credit.credits_pending += amount;
        } else {
            credit.credits_posted += amount;
        }
        if transfer.flags.contains(TransferFlags::CLOSING_CREDIT) {
            credit.closed = Some(true);
        }
        if transfer.is_pending() {
            self.open.insert(transfer.id, *transfer);
        }
        Ok(())
    }

    /// Frees what was reserved, and opens what the pending transfer closed.
    fn release(&mut self, pending: &Transfer, reopens: bool) {
        let amount = i128::from(pending.amount);
        let debit = self.change(pending.debit_account_id);
        debit.debits_pending -= amount;
        if reopens && pending.flags.contains(TransferFlags::CLOSING_DEBIT) {
            debit.closed = Some(false);
        }
        let credit = self.change(pending.credit_account_id);
        credit.credits_pending -= amount;
        if reopens && pending.flags.contains(TransferFlags::CLOSING_CREDIT) {
            credit.closed = Some(false);
        }
    }

    fn change(&mut self, account_id: u128) -> &mut Change {
        self.of_account.entry(account_id).or_default()
    }
}

impl Change {
    /// Brings an account up to date; `None` if a balance would leave its range.
    pub(super) fn apply(&self, account: &mut Account) -> Option<()> {
        let add = |balance: &mut u64, change: i128| {
            *balance = u64::try_from(i128::from(*balance) + change).ok()?;
            Some(())
        };
        add(&mut account.debits_pending, self.debits_pending)?;
        add(&mut account.debits_posted, self.debits_posted)?;
        add(&mut account.credits_pending, self.credits_pending)?;
        add(&mut account.credits_posted, self.credits_posted)?;
        match self.closed {
            Some(true) => account.flags = account.flags.with(AccountFlags::CLOSED),
            Some(false) => account.flags = account.flags.without(AccountFlags::CLOSED),
            None => {}
        }
        Some(())
    }
}
