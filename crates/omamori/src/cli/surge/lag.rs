//! How far the views are behind the journal, looked at from outside.

use std::path::Path;
use std::time::{Duration, Instant};

use omamori_db::{Db, Durability, sql};

use super::SurgeError;

const ASK_AGAIN: Duration = Duration::from_millis(20);

/// How far behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lag {
    /// Between the last entry of the journal and the last that the views had.
    pub(super) behind: Duration,
    /// Until the views had caught up, with nothing new coming.
    pub(super) caught_up_in: Duration,
}

/// Measures the lag now and waits until there is none. What came before the run, which took
/// `run`, is long ago and no lag of it.
pub(super) async fn measure(folder: &Path, run: Duration) -> Result<Lag, SurgeError> {
    let file = |name: &str| format!("sqlite:{}", folder.join(name).display());
    let journal = Db::open(&file("journal.sqlite"), Durability::Full).await?;
    let views = Db::open(&file("views.sqlite"), Durability::Rebuildable).await?;
    let started = Instant::now();
    let head = position(&journal, HEAD).await?;
    let mut viewed = position(&views, VIEWED).await?;
    let behind = Duration::from_nanos(head.saturating_sub(viewed).unsigned_abs()).min(run);
    while viewed < head {
        tokio::time::sleep(ASK_AGAIN).await;
        viewed = position(&views, VIEWED).await?;
    }
    let caught_up_in = if behind.is_zero() { Duration::ZERO } else { started.elapsed() };
    journal.close().await;
    views.close().await;
    Ok(Lag { behind, caught_up_in })
}

const HEAD: &str = "SELECT CAST(COALESCE(MAX(last_timestamp), 0) AS BIGINT) AS at FROM journal \
                    WHERE seq = (SELECT MAX(seq) FROM journal)";
const VIEWED: &str = "SELECT CAST(COALESCE(MIN(timestamp), 0) AS BIGINT) AS at \
                      FROM ledger_follower";

/// In nanoseconds since 1970, as the ledger counts.
async fn position(db: &Db, text: &'static str) -> Result<i64, SurgeError> {
    Ok(db.one(sql(text)).await?.int("at")?)
}
