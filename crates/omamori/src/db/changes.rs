//! Tells every node what to forget.
//!
//! Nodes keep terminals and phones in memory, because every payment asks for them. Who changes
//! one writes a row here; every node reads the rows of the last seconds, several times a second.
//! Rows are read by time with an overlap longer than a write takes to become visible, so none is
//! missed; reading one twice does no harm.

use std::sync::{Arc, Weak};
use std::time::Duration;

use omamori_db::sql;
use omamori_paycode::code::DeviceNumber;

use crate::app::App;
use crate::clock::SECOND;
use crate::id::Kind;

/// How often nodes look; a change is in force everywhere within a second.
const EVERY: Duration = Duration::from_millis(250);
/// How far back they look.
const OVERLAP: i64 = 15 * SECOND;
/// Nobody looks further back than [`OVERLAP`]; some more for clocks that differ.
const KEPT: i64 = 3_600 * SECOND;

/// What nodes keep in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A terminal, by its id.
    Terminal(&'a str),
    /// A customer's phone, by its number.
    Device(DeviceNumber),
}

/// Says that it changed: here at once, on other nodes within a second.
///
/// # Errors
/// [`omamori_db::Error`].
pub async fn changed(app: &App, subject: Subject<'_>) -> omamori_db::Result<()> {
    let (kind, name) = match subject {
        Subject::Terminal(terminal_id) => ("terminal", terminal_id.to_owned()),
        Subject::Device(number) => ("device", number.get().to_string()),
    };
    forget(app, kind, &name);
    let row = sql("INSERT INTO change_log (change_id, at, kind, subject) VALUES ($1, $2, $3, $4)")
        .bind(Kind::Request.random_text(app.rng.as_ref()))
        .bind(app.clock.now())
        .bind(kind)
        .bind(name);
    let old = sql("DELETE FROM change_log WHERE at < $1").bind(app.clock.now() - KEPT);
    app.stores.registry.execute(row).await?;
    app.stores.registry.execute(old).await?;
    Ok(())
}

/// Follows the changes as long as the service lives.
pub fn start(app: &Arc<App>) {
    tokio::spawn(follow(Arc::downgrade(app)));
}

async fn follow(app: Weak<App>) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = look(&app).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "changes not read");
        }
    }
}

async fn look(app: &App) -> omamori_db::Result<()> {
    let since = app.clock.now() - OVERLAP;
    let rows = app
        .stores
        .registry
        .all(sql("SELECT kind, subject FROM change_log WHERE at > $1").bind(since))
        .await?;
    for row in rows {
        forget(app, &row.text("kind")?, &row.text("subject")?);
    }
    Ok(())
}

fn forget(app: &App, kind: &str, subject: &str) {
    match kind {
        "terminal" => app.merchants.forget_terminal(subject),
        "device" => {
            if let Some(number) = subject.parse().ok().and_then(DeviceNumber::new) {
                app.identity.forget(number);
            }
        }
        _ => tracing::warn!(kind, "a change of an unknown kind"),
    }
}
