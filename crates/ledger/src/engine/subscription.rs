//! Reading the merged entries in order, from any position.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use super::error::JournalError;
use super::feed::{Feed, Progress};
use crate::{BrokenEntry, Entry, Position};

/// Entries that are read from the journal at once.
const PAGE_ENTRIES: usize = 256;

/// The merged entries after a position, each once and in order. Whoever is slow reads from the
/// journal what is no longer at hand; nothing is ever skipped.
pub struct Subscription {
    feed: Arc<Feed>,
    progress: watch::Receiver<Progress>,
    position: Position,
    read: VecDeque<Arc<Entry>>,
}

impl Subscription {
    pub(crate) fn new(feed: Arc<Feed>, position: Position) -> Self {
        let progress = feed.progress();
        Self { feed, progress, position, read: VecDeque::new() }
    }

    /// Up to where entries were handed out.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The next entry, once there is one; `None` when the ledger has stopped and all were given.
    ///
    /// Safe to drop while it waits: no entry is lost.
    ///
    /// # Errors
    /// See [`JournalError`]. It may be called again.
    pub async fn next(&mut self) -> Result<Option<Arc<Entry>>, JournalError> {
        Ok(self.next_many(1).await?.pop())
    }

    /// All entries that there are, at least one and up to about `fact_count_max` facts; waits for
    /// the first. Empty when the ledger has stopped and all were given.
    ///
    /// Safe to drop while it waits: no entry is lost.
    ///
    /// # Errors
    /// See [`JournalError`]. It may be called again.
    pub async fn next_many(
        &mut self,
        fact_count_max: usize,
    ) -> Result<Vec<Arc<Entry>>, JournalError> {
        loop {
            if !self.read.is_empty() {
                return Ok(self.take_read(fact_count_max));
            }
            let next = self.position.seq + 1;
            if let Some(entries) = self.feed.at_hand(next, fact_count_max) {
                self.advance(&entries);
                return Ok(entries);
            }
            let Progress { seq, ended } = *self.progress.borrow_and_update();
            if seq >= next {
                self.read_journal(seq).await?;
            } else if ended || self.progress.changed().await.is_err() {
                return Ok(Vec::new());
            }
        }
    }

    fn take_read(&mut self, fact_count_max: usize) -> Vec<Arc<Entry>> {
        let mut fact_count = 0;
        let mut entries = Vec::new();
        while let Some(entry) = self.read.front()
            && (entries.is_empty() || fact_count + entry.facts.len() <= fact_count_max)
        {
            fact_count += entry.facts.len();
            entries.extend(self.read.pop_front());
        }
        self.advance(&entries);
        entries
    }

    fn advance(&mut self, entries: &[Arc<Entry>]) {
        if let Some(last) = entries.last() {
            self.position = last.position();
        }
    }

    /// Reads a page of entries up to `seq_last`: what is behind that is not merged yet.
    async fn read_journal(&mut self, seq_last: u64) -> Result<(), JournalError> {
        let next = self.position.seq + 1;
        let wanted = (seq_last - self.position.seq).min(PAGE_ENTRIES as u64) as usize;
        let mut base = self.position;
        let page = self.feed.journal.read_from(next, wanted).await?;
        if page.is_empty() {
            return Err(BrokenEntry::Lost { seq: next }.into());
        }
        for stored in page {
            let entry = stored.decode_after(&base)?;
            base = entry.position();
            self.read.push_back(Arc::new(entry));
        }
        Ok(())
    }
}
