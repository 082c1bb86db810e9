//! The worker that deletes what is past its time, as [`INVENTORY`] says, and carries closings out.

use std::sync::{Arc, Weak};
use std::time::Duration;

use omamori_db::sql;
use tokio::time::MissedTickBehavior;

use super::inventory::{INVENTORY, Kept, Store};
use super::{closing, evidence};
use crate::app::App;
use crate::web::error::{Error, Result};

/// How often it works. Each round is bounded; so is each of its transactions.
const EVERY: Duration = Duration::from_secs(600);
/// Rows of one transaction.
const BATCH: i64 = 500;
/// Transactions of one table in one round: the rest comes with the next.
const BATCHES_MAX: usize = 200;

/// Starts the worker. It ends when the service is gone.
pub fn start(app: &Arc<App>) {
    tokio::spawn(repeat(Arc::downgrade(app)));
}

async fn repeat(app: Weak<App>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(app) = app.upgrade() else { return };
        for done in [retain(&app).await, closing::carry_out_due(&app).await] {
            if let Err(Error::Fault(fault)) = done {
                tracing::error!(%fault, "what is past its time was not deleted");
            }
        }
    }
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
