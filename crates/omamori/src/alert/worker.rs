//! The tasks that look, end what is over, and send.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::deliver_due;
use super::kind::Kind;
use super::look::{Seen, look};
use super::store::{end_past, raise};
use crate::app::App;
use crate::audit::verify::verify;
use crate::web::error::Result;
use crate::worker::Worker;

/// How often it looks: an alert is out well within a minute.
const EVERY: Duration = Duration::from_secs(10);
/// How often the audit log is read.
const AUDIT_EVERY: Duration = Duration::from_secs(3600);

/// Starts them: reading a long audit log holds no alert up.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let found = Arc::new(AtomicI64::new(0));
    let problems = found.clone();
    Worker::new("alerts")
        .every(AUDIT_EVERY, app, "the audit log was not read", move |app, _| {
            let found = found.clone();
            async move {
                found.store(problems_of_audit(&app).await?, Ordering::Relaxed);
                Ok(())
            }
        })
        .every(EVERY, app, "alerts were not looked at", move |app, _| {
            let problems = problems.load(Ordering::Relaxed);
            async move { round(&app, problems).await }
        })
}

async fn problems_of_audit(app: &App) -> Result<i64> {
    let report = verify(&app.stores.registry, &[]).await?;
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
