//! Changing the state by facts: the one place where it changes.

use thiserror::Error;

use crate::{Account, Delta, Entry, Fact, PendingStatus, Position, State, Transfer, effect};

/// Why an entry cannot follow the state. Of a journal that this crate wrote, none can occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FoldError {
    /// An entry is missing or repeated.
    #[error("entry {found} where entry {expected} must follow")]
    Sequence {
        /// The sequence number that must follow.
        expected: u64,
        /// The entry's.
        found: u64,
    },
    /// The entry was made to follow another history.
    #[error("entry {seq} does not carry the hash of the entry before it")]
    PreviousHash {
        /// The entry.
        seq: u64,
    },
    /// Time does not rise.
    #[error("timestamp {found} does not follow {last}")]
    Timestamp {
        /// The last timestamp of the state.
        last: u64,
        /// The fact's.
        found: u64,
    },
    /// The id of an account or transfer is there already.
    #[error("the fact of {timestamp} repeats id {id}")]
    Repeated {
        /// The fact.
        timestamp: u64,
        /// The id.
        id: u128,
    },
    /// A transfer names an account that is not there, or names one twice.
    #[error("the fact of {timestamp} names accounts that cannot be joined")]
    Accounts {
        /// The fact.
        timestamp: u64,
    },
    /// A second phase or an expiry names no open pending transfer.
    #[error("the fact of {timestamp} resolves {pending_id}, which is not open")]
    NotOpen {
        /// The fact.
        timestamp: u64,
        /// The pending transfer.
        pending_id: u128,
    },
    /// A balance would fall below zero or leave 64 bits.
    #[error("the fact of {timestamp} takes a balance out of its range")]
    Balance {
        /// The fact.
        timestamp: u64,
    },
}

impl State {
    /// Takes over what a batch did, once its entry is durable at `position`.
    ///
    /// # Panics
    /// If the delta was not made from this very state, or if the facts do not lead to the
    /// balances that the batch computed: a bug, after which nothing may be answered.
    #[expect(clippy::needless_pass_by_value, reason = "a delta is merged once")]
    pub fn merge(&mut self, delta: Delta, position: Position) {
        assert_eq!(self.position, delta.base, "the delta was made from another state");
        for fact in &delta.facts {
            if let Err(error) = self.fold_fact(fact) {
                panic!("a fact of this ledger does not fold: {error}");
            }
        }
        for account in &delta.accounts {
            assert_eq!(self.account(account.id), Some(account), "facts and batch disagree");
        }
        assert_eq!(position.seq, delta.base.seq + 1, "entries follow one another");
        assert_eq!(position.timestamp, self.position.timestamp, "the position is another entry's");
        self.position = position;
    }

    /// Takes over what an entry of the journal holds.
    ///
    /// # Errors
    /// See [`FoldError`]. A state whose fold failed is half changed: drop it.
    pub fn fold(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let expected = self.position.seq + 1;
        if entry.seq != expected {
            return Err(FoldError::Sequence { expected, found: entry.seq });
        }
        if entry.previous_hash != self.position.hash {
            return Err(FoldError::PreviousHash { seq: entry.seq });
        }
        for fact in &entry.facts {
            self.fold_fact(fact)?;
        }
        self.position = entry.position();
        Ok(())
    }

    fn fold_fact(&mut self, fact: &Fact) -> Result<(), FoldError> {
        let timestamp = fact.timestamp();
        if timestamp <= self.position.timestamp {
            return Err(FoldError::Timestamp { last: self.position.timestamp, found: timestamp });
        }
        match fact {
            Fact::AccountCreated(account) => {
                if self.accounts.slot(account.id).is_some() {
                    return Err(FoldError::Repeated { timestamp, id: account.id });
                }
                self.accounts.insert(*account);
            }
            Fact::TransferCreated(transfer) => self.fold_transfer(transfer)?,
            Fact::PendingTransferExpired { pending_id, .. } => {
                let pending = self.close_pending(*pending_id, PendingStatus::Expired, timestamp)?;
                self.change_balances(&pending, timestamp, effect::release)?;
            }
        }
        self.position.timestamp = timestamp;
        Ok(())
    }

    fn fold_transfer(&mut self, transfer: &Transfer) -> Result<(), FoldError> {
        let timestamp = transfer.timestamp;
        if self.transfers.contains(transfer.id) {
            return Err(FoldError::Repeated { timestamp, id: transfer.id });
        }
        if transfer.is_resolving() {
            let status = transfer.resolution();
            let pending = self.close_pending(transfer.pending_id, status, timestamp)?;
            self.change_balances(&pending, timestamp, |pending, debit, credit| {
                effect::resolve(transfer, pending, debit, credit)
            })?;
        } else {
            self.change_balances(transfer, timestamp, effect::begin)?;
        }
        self.transfers.insert(*transfer);
        Ok(())
    }

    fn close_pending(
        &mut self,
        pending_id: u128,
        status: PendingStatus,
        timestamp: u64,
    ) -> Result<Transfer, FoldError> {
        self.transfers
            .resolve(pending_id, status, timestamp)
            .ok_or(FoldError::NotOpen { timestamp, pending_id })
    }

    /// Applies `change` to the two accounts of `transfer`.
    fn change_balances(
        &mut self,
        transfer: &Transfer,
        timestamp: u64,
        change: impl FnOnce(&Transfer, &mut Account, &mut Account) -> Option<()>,
    ) -> Result<(), FoldError> {
        let debit_slot = self.accounts.slot(transfer.debit_account_id);
        let credit_slot = self.accounts.slot(transfer.credit_account_id);
        let (Some(debit_slot), Some(credit_slot)) = (debit_slot, credit_slot) else {
            return Err(FoldError::Accounts { timestamp });
        };
        if debit_slot == credit_slot {
            return Err(FoldError::Accounts { timestamp });
        }
        let (debit, credit) = self.accounts.pair_mut(debit_slot, credit_slot);
        change(transfer, debit, credit).ok_or(FoldError::Balance { timestamp })
    }
}
