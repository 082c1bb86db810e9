//! What the writer and all readers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::sync::watch;

use super::{Companion, Feed, error::JournalError, recent::Recent};
use crate::views::{Tail, Views};
use crate::{Delta, Entry, FoldError, Journal, Position, State, StoredEntry};

/// Entries read at once when others wrote.
const PAGE_ENTRIES: usize = 256;

/// All that entries change: together, under one lock.
pub(crate) struct Core<C> {
    pub(crate) state: State,
    pub(crate) companion: C,
    pub(crate) recent: Recent,
    /// False while an entry changes the rest, and for ever if that panics or fails half way.
    whole: bool,
}

impl<C> Core<C> {
    pub(crate) fn new(state: State, companion: C, recent: Recent) -> Self {
        Self { state, companion, recent, whole: true }
    }
}

/// What the writer and all readers share.
pub(crate) struct Shared<C> {
    core: RwLock<Core<C>>,
    /// Merged transfers that the views may lack, by account.
    pub(crate) tail: Mutex<Tail>,
    /// How many transfers the tail holds, to be read without its lock.
    unviewed: AtomicUsize,
    pub(crate) journal: Journal,
    pub(crate) views: Views,
    pub(crate) feed: Arc<Feed>,
    /// Up to where the views are durable.
    pub(crate) viewed: watch::Sender<Position>,
}

impl<C: Companion> Shared<C> {
    /// Shares `core`, whose views go to `viewed`.
    pub(crate) fn new(core: Core<C>, journal: Journal, views: Views, viewed: Position) -> Self {
        let feed = Arc::new(Feed::new(journal.clone(), core.state.position().seq));
        let viewed = watch::Sender::new(viewed);
        Self {
            core: RwLock::new(core),
            tail: Mutex::default(),
            unviewed: AtomicUsize::new(0),
            journal,
            views,
            feed,
            viewed,
        }
    }

    /// Reads state and companion. Never held across an await.
    ///
    /// # Panics
    /// If a change of them failed half way.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Core<C>> {
        let core = self.core.read();
        assert!(core.whole, "the ledger has stopped: its state cannot be trusted");
        core
    }

    /// Takes over a batch whose entry is durable at `position`.
    ///
    /// # Panics
    /// If the facts do not lead to what the batch computed. Nothing can be read afterwards.
    pub(crate) fn merge(&self, delta: Delta, position: Position) {
        let entry = Entry {
            seq: position.seq,
            previous_hash: delta.base.hash,
            facts: delta.facts.clone(),
            hash: position.hash,
        };
        let merged = self.change(entry, |state, _| {
            state.merge(delta, position);
            Ok(())
        });
        assert!(merged.is_ok(), "merging panics or succeeds");
    }

    /// Folds what the journal has after the state. Returns the number of entries.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub(crate) async fn catch_up(&self) -> Result<usize, JournalError> {
        let mut count = 0;
        loop {
            let seq = self.read().state.position().seq + 1;
            let page = self.journal.read_from(seq, PAGE_ENTRIES).await?;
            if page.is_empty() {
                return Ok(count);
            }
            count += page.len();
            for stored in page {
                self.fold_stored(&stored)?;
            }
        }
    }

    /// Checks and folds the entry that must be the next.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub(crate) fn fold_stored(&self, stored: &StoredEntry) -> Result<(), JournalError> {
        let base = *self.read().state.position();
        let entry = stored.decode_after(&base)?;
        let seq = entry.seq;
        let folded = self.change(entry, State::fold);
        folded.map_err(|error| JournalError::Fold { seq, error })
    }

    /// The views are durable up to `position`.
    pub(crate) fn viewed_to(&self, position: &Position) {
        let mut tail = self.tail.lock();
        tail.forget(position.timestamp);
        self.unviewed.store(tail.transfer_count(), Ordering::Relaxed);
        // Under the lock of the tail, so that what is noted meanwhile is forgotten too.
        self.viewed.send_replace(*position);
        drop(tail);
    }

    /// How many transfers the views may lack.
    pub(crate) fn unviewed_transfers(&self) -> usize {
        self.unviewed.load(Ordering::Relaxed)
    }

    fn change(
        &self,
        entry: Entry,
        change: impl FnOnce(&mut State, &Entry) -> Result<(), FoldError>,
    ) -> Result<(), FoldError> {
        let viewed_timestamp = self.viewed.borrow().timestamp;
        let mut core = self.core.write();
        assert!(core.whole, "the ledger has stopped: its state cannot be trusted");
        let Core { state, companion, recent, whole } = &mut *core;
        *whole = false;
        change(state, &entry)?;
        companion.observe(&entry.facts);
        recent.note(&entry);
        recent.forget(state, viewed_timestamp);
        *whole = true;
        drop(core);
        let mut tail = self.tail.lock();
        tail.note(&entry);
        tail.forget(self.viewed.borrow().timestamp);
        self.unviewed.store(tail.transfer_count(), Ordering::Relaxed);
        drop(tail);
        self.feed.publish(Arc::new(entry));
        Ok(())
    }
}
