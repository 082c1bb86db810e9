//! The workers that delete what is past its time, as [`INVENTORY`] says, and carry closings out.

use std::sync::Arc;
use std::time::Duration;

use omamori_db::sql;

use super::inventory::{INVENTORY, Kept, Store};
use super::{closing, evidence};
use crate::app::App;
use crate::web::error::Result;
use crate::worker::Worker;

/// How often it works. Each round is bounded; so is each of its transactions.
const EVERY: Duration = Duration::from_secs(600);
/// Rows of one transaction.
const BATCH: i64 = 500;
/// Transactions of one table in one round: the rest comes with the next.
const BATCHES_MAX: usize = 200;

/// Starts the workers.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    Worker::new("privacy")
        .every(EVERY, app, "what is past its time was not deleted", |app, _| async move {
            retain(&app).await
        })
        .every(EVERY, app, "accounts were not closed", |app, _| async move {
            closing::carry_out_due(&app).await
        })
}

/// Deletes what is past its time.
///
/// # Errors
/// A fault if a store fails; what was deleted before stays deleted.
pub async fn retain(app: &App) -> Result<()> {
    let now = app.clock.now();
    for table in INVENTORY {
        let Kept::Until { sweep, after, .. } = table.kept else { continue };
        let db = match table.store {
            Store::Registry => &app.stores.registry,
            Store::Evidence => &app.stores.evidence,
        };
        for _ in 0..BATCHES_MAX {
            if db.execute(sql(sweep).bind(now - after).bind(BATCH)).await? == 0 {
                break;
            }
        }
    }
    for _ in 0..BATCHES_MAX {
        if evidence::empty(&app.stores.evidence, now, BATCH).await? == 0 {
            break;
        }
    }
    Ok(())
}
