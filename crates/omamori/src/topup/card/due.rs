//! Rows that wait for another try: each says when (`next_at`) and how many there were (`attempts`).
//! Any number of nodes look at once; who claims a row has it for [`CLAIM`].

use std::future::Future;

use omamori_db::{Row, sql};
use tokio::task::JoinSet;

use super::{CLAIM, pause};
use crate::app::App;
use crate::web::error::Result;

/// Taken up at once by one node.
pub(super) const BATCH: i64 = 8;

/// A row of one of these tables.
pub(super) trait Due: Sized + Send + Sync {
    /// What is due: `$1` is now, `$2` how many.
    const DUE: &'static str;
    /// Claims one, if nobody else did: `$1` is when the next try is, `$2` the id, `$3` how many
    /// tries there were.
    const CLAIMED: &'static str;

    /// A row of [`Self::DUE`].
    fn read(row: &Row) -> omamori_db::Result<Self>;
    /// The row's id.
    fn id(&self) -> &str;
    /// How many tries there were.
    fn attempts(&self) -> i64;
    /// Goes on with it, as far as it goes.
    fn go_on(&self, app: &App) -> impl Future<Output = Result<()>> + Send;
}

/// Takes up what is due, once. Gives how many were taken up by this node. One that fails comes
/// again after a pause, and holds no other up.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn take_up<T: Due>(app: &App) -> Result<usize> {
    let registry = &app.stores.registry;
    let mut taken = 0;
    for row in registry.all(sql(T::DUE).bind(app.clock.now()).bind(BATCH)).await? {
        let due = T::read(&row)?;
        let next = app.clock.now() + CLAIM.max(pause(due.attempts()));
        let claim = sql(T::CLAIMED).bind(next).bind(due.id()).bind(due.attempts());
        if registry.execute(claim).await? != 1 {
            continue; // another node was faster
        }
        taken += 1;
        if let Err(error) = due.go_on(app).await {
            let (id, code) = (due.id(), error.code().as_str());
            tracing::warn!(id, code, "what waits of a card was not taken up; it is tried again");
        }
    }
    Ok(taken)
}

/// Waits for what was taken up at once. Gives how many were; one that fails cuts no other off.
pub(super) async fn all(mut tasks: JoinSet<Result<bool>>) -> usize {
    let mut taken = 0;
    while let Some(outcome) = tasks.join_next().await {
        match outcome {
            Ok(Ok(done)) => taken += usize::from(done),
            Ok(Err(error)) => {
                let code = error.code().as_str();
                tracing::warn!(code, "a top-up by card was not taken up; it is tried again");
            }
            Err(error) => tracing::error!(%error, "a top-up by card broke; it is tried again"),
        }
    }
    taken
}
