//! The lines of all histories as rows, for search, sums and files: a view, kept by a follower of
//! the journal. It can be deleted and is made again.
//!
//! The history itself is read from the ledger ([`super::entry`]), which knows of a payment as soon
//! as it is answered; who searches waits until the follower has come that far.

mod read;
mod show;
mod write;

use std::time::Duration;

use omamori_db::{Db, Step};
use omamori_ledger::Following;

use crate::gate::Gate;
pub use read::{Filter, Line, Sum, places, search, sums};
pub use show::entries;

/// The table: see its migration.
const SCHEMA: &[Step] = &[Step {
    version: 1,
    name: "history_lines",
    text: include_str!("../../../../../migrations/history_views/0001_history_lines.sql"),
}];
/// Whoever searches waits no longer than this for the newest line.
const CATCHES_UP: Duration = Duration::from_secs(2);

/// The follower at work.
pub struct Lines(Following);

impl Lines {
    /// Starts it.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn start(views: &Db, gate: &Gate) -> omamori_db::Result<Self> {
        views.migrate("history_views", SCHEMA).await?;
        Ok(Self(gate.reader().follow(views.clone(), write::Writer).await?))
    }

    /// Waits until all that was answered before this call is a row. A view that is being made anew
    /// is not waited for: what it has is shown.
    pub async fn catch_up(&self, gate: &Gate) {
        let reached = self.0.reach(gate.reader().seq());
        if tokio::time::timeout(CATCHES_UP, reached).await.is_err() {
            tracing::warn!("a search goes on before the history's view has caught up");
        }
    }
}
