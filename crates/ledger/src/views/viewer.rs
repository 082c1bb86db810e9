//! The follower that keeps the views.

use std::sync::Arc;
use std::time::Duration;

use omamori_db::{Error, Tx};

use super::changes::Changes;
use super::rows::Rows;
use super::snapshot::Snapshot;
use super::{FOLLOWER_NAME, Follower};
use crate::engine::{Companion, Shared};
use crate::{Entry, Position};

/// Statements show what the views lack, so the views may take their time.
const LINGER: Duration = Duration::from_millis(100);
const PAGE_ENTRIES: usize = 256;

/// Writes the transfers, and from time to time a snapshot.
pub(crate) struct Viewer<C> {
    shared: Arc<Shared<C>>,
    snapshot_facts_min: u64,
    snapshot: Snapshot,
    changes: Changes,
    /// The snapshot that the open transaction writes.
    written: Option<Snapshot>,
}

impl<C: Companion> Viewer<C> {
    pub(crate) fn new(shared: Arc<Shared<C>>, snapshot_facts_min: u64) -> Self {
        let snapshot = Snapshot::default();
        Self { shared, snapshot_facts_min, snapshot, changes: Changes::default(), written: None }
    }

    /// Whether so much happened that the next start would have to fold too much. A snapshot
    /// costs in proportion to the accounts, so with many of them it is taken less often.
    fn snapshot_is_due(&self) -> bool {
        let account_count = self.snapshot.account_count + self.changes.created.len() as u64;
        self.changes.fact_count >= self.snapshot_facts_min.max(account_count / 2)
    }

    fn note<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) -> Result<(), Error> {
        for entry in entries {
            let noted = self.changes.note(entry);
            noted.map_err(|_| Error::Corrupt { column: "pending_block".to_owned() })?;
        }
        Ok(())
    }

    /// The places of accounts in the order of creation. The live state has them all: it is
    /// further than the views.
    fn slots(&self, ids: &[u128]) -> Option<Vec<u32>> {
        /// Accounts looked up under one hold of the lock.
        const IDS_AT_ONCE: usize = 4096;
        let mut slots = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS_AT_ONCE) {
            let core = self.shared.read();
            for id in ids {
                slots.push(core.state.accounts.slot(*id)?);
            }
        }
        Some(slots)
    }
}

impl<C: Companion> Follower for Viewer<C> {
    fn name(&self) -> &'static str {
        FOLLOWER_NAME
    }

    fn linger(&self) -> Duration {
        LINGER
    }

    /// Reads the newest snapshot, and what happened between it and `position`.
    async fn resume(&mut self, position: &Position) -> Result<(), Error> {
        self.shared.viewed_to(position);
        self.written = None;
        let db = &self.shared.views.db;
        self.snapshot = Snapshot::newest(db).await?;
        self.changes = Changes::since_snapshot(Snapshot::pendings(db).await?);
        let mut base = self.snapshot.position;
        while base.seq < position.seq {
            let left = (position.seq - base.seq).min(PAGE_ENTRIES as u64) as usize;
            let page = self.shared.journal.read_from(base.seq + 1, left).await?;
            let mut entries = Vec::with_capacity(page.len());
            for stored in page {
                let broken = |_| Error::Corrupt { column: format!("journal {}", stored.seq) };
                let entry = stored.decode_after(&base).map_err(broken)?;
                base = entry.position();
                entries.push(entry);
            }
            if entries.is_empty() {
                return Err(Error::Corrupt { column: format!("journal {}", base.seq + 1) });
            }
            self.note(&entries)?;
        }
        Ok(())
    }

    async fn apply(&mut self, tx: &mut Tx, entries: &[Arc<Entry>]) -> Result<(), Error> {
        let entries = || entries.iter().map(|entry| &**entry);
        Rows::of_entries(entries()).write(tx).await?;
        self.note(entries())?;
        if self.snapshot_is_due()
            && let Some(last) = entries().next_back()
        {
            let slots = |ids: &[u128]| self.slots(ids);
            let position = last.position();
            let written = self.snapshot.advance(tx, &position, &self.changes, slots).await?;
            self.written = Some(written);
        }
        Ok(())
    }

    fn overtaken(&mut self, position: &Position) {
        self.shared.viewed_to(position);
    }

    fn applied(&mut self, position: &Position) {
        if let Some(written) = self.written.take() {
            self.snapshot = written;
            self.changes.clear();
        }
        self.shared.viewed_to(position);
    }
}
