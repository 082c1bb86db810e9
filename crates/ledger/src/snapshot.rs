//! Starting from a snapshot instead of the first entry.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{Account, Position, State, Transfer, TransferFlags};

/// Why accounts and pending transfers are not a state. Fold the journal instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// An id occurs twice.
    #[error("id {id} is there twice")]
    Repeated {
        /// The id.
        id: u128,
    },
    /// A transfer is not a pending one, or its accounts are not in the snapshot.
    #[error("transfer {id} cannot be an open pending transfer here")]
    NotPending {
        /// The transfer.
        id: u128,
    },
    /// The balances of a ledger do not net to zero, or its pending balances are not those of the
    /// open pending transfers.
    #[error("the balances of ledger {ledger} do not add up")]
    Unbalanced {
        /// The ledger.
        ledger: u32,
    },
}

/// Sums over one ledger that a right snapshot brings to zero.
#[derive(Default)]
struct Net {
    posted: i128,
    debits_pending: i128,
    credits_pending: i128,
}

impl State {
    /// The state at `position`, from all of its accounts, in any order, and all of its open
    /// pending transfers. The ids of all other transfers are for [`State::remember_old`].
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn from_snapshot(
        position: Position,
        accounts: impl IntoIterator<Item = Account>,
        pending_transfers: impl IntoIterator<Item = Transfer>,
    ) -> Result<Self, SnapshotError> {
        let mut state = Self::new();
        let mut nets: BTreeMap<u32, Net> = BTreeMap::new();
        let accounts = accounts.into_iter();
        state.reserve_accounts(accounts.size_hint().0);
        for account in accounts {
            if state.account(account.id).is_some() {
                return Err(SnapshotError::Repeated { id: account.id });
            }
            let net = nets.entry(account.ledger).or_default();
            net.posted += i128::from(account.debits_posted) - i128::from(account.credits_posted);
            net.debits_pending += i128::from(account.debits_pending);
            net.credits_pending += i128::from(account.credits_pending);
            state.accounts.insert(account);
        }
        for pending in pending_transfers {
            state.insert_snapshot_pending(&pending)?;
            let net = nets.entry(pending.ledger).or_default();
            net.debits_pending -= i128::from(pending.amount);
            net.credits_pending -= i128::from(pending.amount);
        }
        let unbalanced = nets
            .iter()
            .find(|(_, net)| (net.posted, net.debits_pending, net.credits_pending) != (0, 0, 0));
        if let Some((&ledger, _)) = unbalanced {
            return Err(SnapshotError::Unbalanced { ledger });
        }
        state.position = position;
        Ok(state)
    }

    fn insert_snapshot_pending(&mut self, pending: &Transfer) -> Result<(), SnapshotError> {
        let id = pending.id;
        if self.transfers.contains(id) {
            return Err(SnapshotError::Repeated { id });
        }
        let debit = self.account(pending.debit_account_id);
        let credit = self.account(pending.credit_account_id);
        let joined = debit.zip(credit).is_some_and(|(debit, credit)| {
            debit.id != credit.id
                && debit.ledger == pending.ledger
                && credit.ledger == pending.ledger
                && debit.debits_pending >= pending.amount
                && credit.credits_pending >= pending.amount
        });
        if !joined || !pending.flags.contains(TransferFlags::PENDING) {
            return Err(SnapshotError::NotPending { id });
        }
        self.transfers.insert_held(*pending);
        Ok(())
    }
}
