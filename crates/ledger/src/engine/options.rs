//! How a ledger is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use omamori_db::Db;

/// What a [`crate::Ledger`] works on, and its bounds.
#[derive(Clone)]
pub struct Options {
    /// Where the journal is. Open it with [`omamori_db::Durability::Full`].
    pub journal: Db,
    /// Where the views are; may be the same PostgreSQL database as the journal.
    pub views: Db,
    /// What time it is, in nanoseconds since 1970. It may stand still or step back; timestamps
    /// rise all the same.
    pub now_nanos: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Requests of one entry.
    pub batch_requests_max: usize,
    /// Requests that wait; one more is answered [`crate::CommitError::Busy`].
    pub queue_requests_max: usize,
    /// Transfers that stay in memory after the views have them, about 200 bytes each.
    pub recent_transfers_max: usize,
    /// Transfers that the views may lack before requests are answered
    /// [`crate::CommitError::Busy`]: memory must hold them.
    pub unviewed_transfers_max: usize,
    /// Facts between two snapshots of the accounts, at least: what a start must fold. With many
    /// accounts it is stretched to half of their number, because a snapshot costs in proportion.
    pub snapshot_facts_min: u64,
    /// How much of the journal is checked at the start.
    pub chain_check: ChainCheck,
    /// For measurements only: entries are answered and not kept, which shows what all the rest
    /// costs. The views run ahead of the journal, so the stores are worth nothing afterwards.
    pub journal_keeps_nothing: bool,
    /// Told of every batch that became durable.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Somebody who measures the writer.
pub trait Observer: Send + Sync {
    /// A batch is durable. Called by the writer before it answers: it must be quick.
    fn committed(&self, batch: &BatchSeen);
}

/// What a batch took.
#[derive(Clone, Copy, Debug)]
pub struct BatchSeen {
    /// Requests in it.
    pub requests: usize,
    /// How long the first of them waited for the writer.
    pub waited: Duration,
    /// From then until its entry was durable.
    pub took: Duration,
    /// How often it was built again because another node was faster.
    pub conflicts: usize,
}

/// How much of the journal's chain of hashes is checked when the ledger opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainCheck {
    /// All of it: a byte changed anywhere is found before the first request is taken. Reads the
    /// whole journal.
    Whole,
    /// What is read anyway: the entries after the snapshot, and the history that the companion
    /// asks for.
    Read,
}

impl Options {
    /// Options with the defaults for all bounds.
    #[must_use]
    pub fn new(journal: Db, views: Db, now_nanos: Arc<dyn Fn() -> u64 + Send + Sync>) -> Self {
        Self {
            journal,
            views,
            now_nanos,
            batch_requests_max: 512,
            queue_requests_max: 16_384,
            recent_transfers_max: 1_000_000,
            unviewed_transfers_max: 4_000_000,
            snapshot_facts_min: 1_000_000,
            chain_check: ChainCheck::Whole,
            journal_keeps_nothing: false,
            observer: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("batch_requests_max", &self.batch_requests_max)
            .field("queue_requests_max", &self.queue_requests_max)
            .field("recent_transfers_max", &self.recent_transfers_max)
            .field("unviewed_transfers_max", &self.unviewed_transfers_max)
            .field("snapshot_facts_min", &self.snapshot_facts_min)
            .field("chain_check", &self.chain_check)
            .field("journal_keeps_nothing", &self.journal_keeps_nothing)
            .finish_non_exhaustive()
    }
}
