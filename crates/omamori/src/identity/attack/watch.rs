//! Writes what is known of waves to the registry, a few times a minute whatever their size, so
//! that an attack causes no writes of its own.

use std::sync::{Arc, Weak};
use std::time::Duration;

use omamori_db::sql;

use crate::app::App;
use crate::clock::{HOUR, Micros};
use crate::web::error::Result;
use crate::worker::ticks;

const EVERY: Duration = Duration::from_secs(5);
/// Longer than any wave is silent while it is open.
const FORGOTTEN: Micros = 5 * HOUR;

/// Follows the waves as long as the service lives.
pub(in crate::identity) fn start(app: &Arc<App>) {
    tokio::spawn(follow(Arc::downgrade(app)));
}

async fn follow(app: Weak<App>) {
    let mut ticks = ticks(EVERY);
    if let Some(app) = app.upgrade()
        && let Err(error) = close_forgotten(&app).await
    {
        tracing::error!(?error, "cannot close the attacks of an earlier run");
    }
    loop {
        ticks.tick().await;
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = store(&app).await {
            tracing::error!(?error, "cannot write down an attack");
        }
    }
}

/// Closes what a run that ended left open and nobody has seen since.
async fn close_forgotten(app: &App) -> Result<()> {
    let update = sql("UPDATE attack_wave SET closed_at = last_seen_at
         WHERE closed_at IS NULL AND last_seen_at < $1");
    app.stores.registry.execute(update.bind(app.clock.now() - FORGOTTEN)).await?;
    Ok(())
}

/// Stores the waves that changed.
///
/// # Errors
/// A fault if the registry fails; the next change writes all of it again.
pub(in crate::identity) async fn store(app: &App) -> Result<()> {
    let reports = app.identity.attacks.state.lock().waves.reports(app.clock.now());
    for report in reports {
        if report.closed_at.is_some() {
            tracing::info!(wave = report.id, accounts = report.accounts, "an attack is over");
        }
        let upsert = sql("INSERT INTO attack_wave (wave_id, opened_at, last_seen_at, closed_at,
                                  failures, turned_away, accounts, scopes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (wave_id) DO UPDATE SET last_seen_at = excluded.last_seen_at,
                 closed_at = excluded.closed_at, failures = excluded.failures,
                 turned_away = excluded.turned_away, accounts = excluded.accounts,
                 scopes = excluded.scopes");
        let upsert = upsert.bind(report.id).bind(report.opened_at).bind(report.last_seen_at);
        let upsert = upsert.bind(report.closed_at).bind(report.failures).bind(report.turned_away);
        app.stores.registry.execute(upsert.bind(report.accounts).bind(report.scopes)).await?;
    }
    Ok(())
}
