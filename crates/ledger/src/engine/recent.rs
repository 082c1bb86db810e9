//! Which transfers memory may forget.

use std::collections::VecDeque;

use crate::{Entry, Fact, State};

/// Transfers are forgotten in runs of about this many.
const RUN_TRANSFERS: usize = 1024;

/// Counts the transfers in memory by time, so that the oldest can be forgotten when there are
/// more than wanted and the views hold them.
pub(crate) struct Recent {
    transfer_count_max: usize,
    transfer_count: usize,
    /// Runs of transfers in order of time.
    runs: VecDeque<Run>,
}

struct Run {
    last_timestamp: u64,
    transfer_count: usize,
}

impl Recent {
    pub(crate) fn new(transfer_count_max: usize) -> Self {
        Self { transfer_count_max, transfer_count: 0, runs: VecDeque::new() }
    }

    /// Notes the transfers of an entry that was merged or folded.
    pub(crate) fn note(&mut self, entry: &Entry) {
        let is_transfer = |fact: &&Fact| matches!(fact, Fact::TransferCreated(_));
        let transfer_count = entry.facts.iter().filter(is_transfer).count();
        let last_timestamp = entry.position().timestamp;
        self.transfer_count += transfer_count;
        match self.runs.back_mut() {
            Some(run) if run.transfer_count < RUN_TRANSFERS => {
                run.transfer_count += transfer_count;
                run.last_timestamp = last_timestamp;
            }
            _ => self.runs.push_back(Run { last_timestamp, transfer_count }),
        }
    }

    /// Forgets the oldest transfers above the wanted number, as far as the views hold all up to
    /// `viewed_timestamp`.
    pub(crate) fn forget(&mut self, state: &mut State, viewed_timestamp: u64) {
        let mut until = None;
        while self.transfer_count > self.transfer_count_max
            && let Some(run) = self.runs.front()
            && run.last_timestamp <= viewed_timestamp
        {
            self.transfer_count -= run.transfer_count;
            until = Some(run.last_timestamp);
            self.runs.pop_front();
        }
        if let Some(timestamp) = until {
            state.forget_transfers_until(timestamp);
        }
    }
}
