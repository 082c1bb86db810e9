//! The task that empties the outbox: one for each way, so that none waits for another's gateway.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::delivery::{Channel, deliver_batch};
use crate::app::App;
use crate::web::error::{Error, Result};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// The tasks at work.
pub struct Worker {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts them. They end with [`Worker::stop`], or when the service is gone.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let (stop, stopped) = watch::channel(false);
    let send = Channel::ALL.map(|channel| {
        let work = async move |app: &Arc<App>| while_any(app, channel).await;
        tokio::spawn(repeat(Arc::downgrade(app), stopped.clone(), EVERY, work))
    });
    Worker { stop, tasks: send.into_iter().collect() }
}

impl Worker {
    /// Takes up nothing more and waits for what is being sent.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the outbox broke");
            }
        }
    }
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
