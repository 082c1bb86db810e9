//! The way of merged entries to everybody who follows the ledger.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{Entry, Journal};

/// Entries with about this many facts stay at hand; who is further behind reads the journal.
const FACTS_AT_HAND_MAX: usize = 131_072;

/// How far the ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The last merged entry.
    pub(crate) seq: u64,
    /// No entry will follow.
    pub(crate) ended: bool,
}

/// The newest merged entries, and a signal when there are more.
pub(crate) struct Feed {
    pub(crate) journal: Journal,
    at_hand: Mutex<AtHand>,
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct AtHand {
    entries: VecDeque<Arc<Entry>>,
    fact_count: usize,
}

impl Feed {
    /// A feed whose first entry will be the one after `seq`.
    pub(crate) fn new(journal: Journal, seq: u64) -> Self {
        let progress = watch::Sender::new(Progress { seq, ended: false });
        Self { journal, at_hand: Mutex::default(), progress }
    }

    /// Hands on an entry that was merged.
    pub(crate) fn publish(&self, entry: Arc<Entry>) {
        let seq = entry.seq;
        let mut at_hand = self.at_hand.lock();
        at_hand.fact_count += entry.facts.len();
        at_hand.entries.push_back(entry);
        while at_hand.fact_count > FACTS_AT_HAND_MAX
            && let Some(oldest) = at_hand.entries.pop_front()
        {
            at_hand.fact_count -= oldest.facts.len();
        }
        drop(at_hand);
        self.progress.send_modify(|progress| progress.seq = seq);
    }

    /// Tells everybody that no entry will follow.
    pub(crate) fn end(&self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The entries from `seq` on that are at hand, up to about `fact_count_max` facts but at least
    /// one; `None` if that one has to be read from the journal.
    pub(crate) fn at_hand(&self, seq: u64, fact_count_max: usize) -> Option<Vec<Arc<Entry>>> {
        let at_hand = self.at_hand.lock();
        let first = at_hand.entries.front()?.seq;
        let skipped = usize::try_from(seq.checked_sub(first)?).ok()?;
        let mut fact_count = 0;
        let entries = at_hand.entries.iter().skip(skipped).take_while(|entry| {
            let fits = fact_count == 0 || fact_count + entry.facts.len() <= fact_count_max;
            fact_count += entry.facts.len();
            fits
        });
        let entries: Vec<_> = entries.map(Arc::clone).collect();
        (!entries.is_empty()).then_some(entries)
    }
}
