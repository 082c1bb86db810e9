//! The task that empties the outbox: one for each way, so that none waits for another's gateway.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::delivery::{Channel, deliver_batch};
use crate::app::App;
use crate::web::error::{Error, Result};
use crate::worker::Worker;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// Starts a task for each channel.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    Channel::ALL.into_iter().fold(Worker::new("outbox"), |worker, channel| {
        let app = Arc::downgrade(app);
        let work = async move |app: &Arc<App>| while_any(app, channel).await;
        worker.with(|stop| repeat(app, stop, EVERY, work))
    })
}

async fn while_any(app: &Arc<App>, channel: Channel) -> Result<()> {
    while deliver_batch(app, channel).await? > 0 {}
    Ok(())
}

async fn repeat<W>(app: Weak<App>, mut stop: watch::Receiver<bool>, every: Duration, work: W)
where
    W: AsyncFn(&Arc<App>) -> Result<()>,
{
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => {}
        }
        let Some(app) = app.upgrade() else { return };
        if let Err(Error::Fault(fault)) = work(&app).await {
            tracing::warn!(%fault, "the outbox was not emptied");
        }
    }
}
