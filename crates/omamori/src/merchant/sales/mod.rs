//! What a merchant sold: by store, terminal and day.
//!
//! A view, kept by a follower of the journal ([`write`]) and read by the page and its CSV
//! ([`read`], [`page`]). Its sums are the ledger's to the yen: what a day adds to a store's sales
//! account and takes off it again, settlements left out.

mod csv;
pub mod page;
pub mod read;
mod write;

use std::time::Duration;

use omamori_db::{Db, Step};
use omamori_ledger::Following;

use crate::gate::Gate;

/// The table: see its migration.
const SCHEMA: &[Step] = &[Step {
    version: 1,
    name: "sales_days",
    text: include_str!("../../../../../migrations/sales_views/0001_sales_days.sql"),
}];
/// Whoever looks waits no longer than this for the newest sale.
const CATCHES_UP: Duration = Duration::from_secs(2);

/// The follower at work.
pub struct Sales(Following);

impl Sales {
    /// Starts it.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn start(views: &Db, gate: &Gate) -> omamori_db::Result<Self> {
        views.migrate("sales_views", SCHEMA).await?;
        Ok(Self(gate.reader().follow(views.clone(), write::Writer).await?))
    }

    /// Waits until all that was answered before this call is counted, and says whether it is. A
    /// view that is being made anew is not waited for: what it has is shown.
    pub async fn catch_up(&self, gate: &Gate) -> bool {
        let reached = self.0.reach(gate.reader().seq());
        let in_time = tokio::time::timeout(CATCHES_UP, reached).await.unwrap_or(false);
        if !in_time {
            tracing::warn!("sales are shown before their view has caught up");
        }
        in_time
    }
}
