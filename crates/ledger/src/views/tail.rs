//! Merged transfers that the views may not have yet, by account.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::{Entry, Fact, Transfer};

/// Transfers of a run; a run is dropped as a whole.
const RUN_TRANSFERS: usize = 65_536;

/// The transfers of the recent past by account, so that a statement shows what was just answered.
///
/// Each run links the transfers of an account from the newest back to the oldest, so a transfer
/// costs two steps in a hash table and no allocation of its own.
#[derive(Default)]
pub(crate) struct Tail {
    runs: VecDeque<Run>,
}

#[derive(Default)]
struct Run {
    last_timestamp: u64,
    links: Vec<Link>,
    newest: HashMap<u128, u32>,
}

/// A transfer, and the one before it of each of its accounts.
struct Link {
    transfer: Transfer,
    debit_previous: Option<u32>,
    credit_previous: Option<u32>,
}

impl Tail {
    /// Notes the transfers of an entry that was merged.
    pub(crate) fn note(&mut self, entry: &Entry) {
        if self.runs.back().is_none_or(|run| run.links.len() >= RUN_TRANSFERS) {
            self.runs.push_back(Run::default());
        }
        let Some(run) = self.runs.back_mut() else { unreachable!("a run was just added") };
        run.last_timestamp = entry.position().timestamp;
        for fact in &entry.facts {
            if let Fact::TransferCreated(transfer) = fact {
                run.push(*transfer);
            }
        }
    }

    /// Drops runs that the views hold, durable up to `viewed_timestamp`.
    pub(crate) fn forget(&mut self, viewed_timestamp: u64) {
        while self.runs.front().is_some_and(|run| run.last_timestamp <= viewed_timestamp) {
            self.runs.pop_front();
        }
    }

    /// The transfers of an account before a time, newest first.
    pub(crate) fn of_account(
        &self,
        account_id: u128,
        before_timestamp: u64,
    ) -> impl Iterator<Item = Transfer> {
        let of_run = move |run| Run::of_account(run, account_id);
        self.runs
            .iter()
            .rev()
            .flat_map(of_run)
            .filter(move |transfer| transfer.timestamp < before_timestamp)
    }

    /// How many transfers the tail holds.
    pub(crate) fn transfer_count(&self) -> usize {
        self.runs.iter().map(|run| run.links.len()).sum()
    }

    /// Bytes that the tail occupies.
    pub(crate) fn memory_bytes(&self) -> usize {
        let bytes_of =
            |run: &Run| run.links.capacity() * size_of::<Link>() + run.newest.allocation_size();
        self.runs.iter().map(bytes_of).sum()
    }
}

impl Run {
    fn push(&mut self, transfer: Transfer) {
        let index = self.links.len() as u32;
        self.links.push(Link {
            transfer,
            debit_previous: self.newest.insert(transfer.debit_account_id, index),
            credit_previous: self.newest.insert(transfer.credit_account_id, index),
        });
    }

    fn of_account(&self, account_id: u128) -> impl Iterator<Item = Transfer> {
        let mut next = self.newest.get(&account_id).copied();
        std::iter::from_fn(move || {
            let link = &self.links[next? as usize];
            next = if link.transfer.debit_account_id == account_id {
                link.debit_previous
            } else {
                link.credit_previous
            };
            Some(link.transfer)
        })
    }
}
