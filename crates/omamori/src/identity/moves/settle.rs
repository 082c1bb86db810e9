//! The end of the time in which a move can be undone: the customer is told, and the phone that was
//! replaced is out, for it could do nothing else.

use std::sync::{Arc, Weak};
use std::time::Duration;

use omamori_db::{Tx, sql};

use super::UNDO;
use crate::app::App;
use crate::clock::Micros;
use crate::identity::devices;
use crate::notify::{Notice, tell};
use crate::web::error::Result;
use crate::worker::ticks;

/// How often moves are looked at: nobody waits for it.
const EVERY: Duration = Duration::from_secs(60);
/// Moves that are settled at one look.
const AT_ONCE: i64 = 100;

/// Settles moves as long as the service lives.
pub(in crate::identity) fn start(app: &Arc<App>) {
    tokio::spawn(follow(Arc::downgrade(app)));
}

async fn follow(app: Weak<App>) {
    let mut ticks = ticks(EVERY);
    loop {
        ticks.tick().await;
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = settle_past(&app).await {
            tracing::warn!(?error, "moves were not settled");
        }
    }
}

/// Settles what can no longer be undone.
pub(in crate::identity) async fn settle_past(app: &App) -> Result<()> {
    let before = app.clock.now() - UNDO;
    let query = sql("SELECT move_id, customer_id, from_device_id FROM device_move
         WHERE state = 'done' AND done_at <= $1 ORDER BY done_at LIMIT $2");
    for row in app.stores.registry.all(query.bind(before).bind(AT_ONCE)).await? {
        let customer_id = row.text("customer_id")?;
        let mut tx = app.stores.registry.begin().await?;
        // Another node may be at it, or the owner may end the phone now.
        let settle = sql("UPDATE device_move SET state = 'settled'
             WHERE move_id = $1 AND state = 'done'");
        if tx.execute(settle.bind(row.text("move_id")?)).await? == 1 {
            if let Some(old) = row.text_optional("from_device_id")? {
                end(app, &mut tx, &customer_id, &old, before + UNDO).await?;
            }
            tx.commit().await?;
            devices::forget(app, &customer_id).await?;
        }
    }
    Ok(())
}

async fn end(app: &App, tx: &mut Tx, customer_id: &str, old: &str, now: Micros) -> Result<()> {
    let end = sql("UPDATE device SET state = 'ended', ended_at = $1
         WHERE device_id = $2 AND state = 'replaced'");
    tx.execute(end.bind(now).bind(old)).await?;
    tx.execute(sql("DELETE FROM session WHERE device_id = $1").bind(old)).await?;
    devices::note(app, tx, customer_id).await?;
    let device = devices::name(tx, old).await?;
    tell(app, tx, customer_id, &Notice::DeviceMoveSettled { device }).await
}
