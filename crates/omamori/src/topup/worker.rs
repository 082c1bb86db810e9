//! The task that goes on with what waits: conversations with the gateway that were cut off,
//! challenges that nobody answered, money that must go back.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::card;
use crate::app::App;
use crate::web::error::{Error, Result};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// The task at work.
pub struct Worker {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Starts it. It ends with [`Worker::stop`], or when the service is gone.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let (stop, stopped) = watch::channel(false);
    Worker { stop, task: tokio::spawn(work(Arc::downgrade(app), stopped)) }
}

impl Worker {
    /// Takes up nothing more and waits for what is under way.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task of top-ups broke");
        }
    }
}

async fn work(app: Weak<App>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => {}
        }
        let Some(app) = app.upgrade() else { return };
        if let Err(Error::Fault(fault)) = work_due(&app).await {
            tracing::warn!(%fault, "what waits of top-ups was not taken up");
        }
    }
}

/// Goes on with all that is due, once. Gives how many this node took up.
///
/// # Errors
/// A fault if a store fails.
pub async fn work_due(app: &Arc<App>) -> Result<usize> {
    let orders = card::auto::start_due(app).await?;
    let topups = card::resolve_due(app).await?;
    let setups = card::resolve_setups_due(app).await?;
    let consents = card::auto::resolve_consents_due(app).await?;
    let disputes = card::reverse_due(app).await?;
    card::forget_removed(app).await?;
    Ok(orders + topups + setups + consents + disputes)
}
