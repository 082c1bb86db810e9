//! The task that looks, ends what is over, and sends.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::deliver_due;
use super::kind::Kind;
use super::look::{Seen, look};
use super::store::{end_past, raise};
use crate::app::App;
use crate::audit::witness::verify_now;
use crate::web::error::{Error, Result};

/// How often it looks: an alert is out well within a minute.
const EVERY: Duration = Duration::from_secs(10);
/// Looks between two readings of the audit log: an hour.
const LOOKS_PER_VERIFY: u64 = 360;

/// Starts it. It ends when the service is gone.
pub fn start(app: &Arc<App>) {
    tokio::spawn(repeat(Arc::downgrade(app)));
}

async fn repeat(app: Weak<App>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut looks, mut problems) = (0, 0);
    loop {
        ticks.tick().await;
        let Some(app) = app.upgrade() else { return };
        if looks % LOOKS_PER_VERIFY == 0 {
            problems = problems_of_audit(&app).await.unwrap_or(problems);
        }
        looks += 1;
        if let Err(Error::Fault(fault)) = round(&app, problems).await {
            tracing::warn!(%fault, "alerts were not looked at");
        }
    }
}

async fn problems_of_audit(app: &App) -> Result<i64> {
    let report = verify_now(app).await?;
    Ok(i64::try_from(report.problems.len()).unwrap_or(i64::MAX))
}

/// One look.
async fn round(app: &Arc<App>, audit_problems: i64) -> Result<()> {
    let mut seen = look(app).await?;
    if audit_problems > 0 {
        let (kind, subject) = (Kind::AuditBroken, String::new());
        seen.push(Seen { kind, subject, figure: audit_problems, threshold: 0 });
    }
    for one in &seen {
        raise(app, one).await?;
    }
    end_past(app).await?;
    while deliver_due(app).await? > 0 {}
    Ok(())
}

/// One look, for tests.
///
/// # Errors
/// A fault if the registry fails.
pub async fn round_now(app: &Arc<App>) -> Result<()> {
    let problems = problems_of_audit(app).await?;
    round(app, problems).await
}
