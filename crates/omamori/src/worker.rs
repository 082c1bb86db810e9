//! Tasks that work beside the requests until they are told to stop.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::web::error::{Error, Result};

/// Tasks at work. They end with [`Worker::stop`], or when the service is gone.
pub struct Worker {
    name: &'static str,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Worker {
    /// None yet. The name is for the log.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, stop: watch::Sender::new(false), tasks: Vec::new() }
    }

    /// Starts one more. It is given what becomes true when it is to stop.
    #[must_use]
    pub fn with<F>(mut self, task: impl FnOnce(watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.push(tokio::spawn(task(self.stop.subscribe())));
        self
    }

    /// Starts one that does what is due, again and again, while the service is there. A fault is
    /// logged in these words; what is due is met again at the next look.
    #[must_use]
    pub fn every<F>(
        self,
        period: Duration,
        app: &Arc<App>,
        words: &'static str,
        due: impl Fn(Arc<App>, watch::Receiver<bool>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<usize>> + Send,
    {
        let app = Arc::downgrade(app);
        self.with(|mut stop| async move {
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return,
                    _ = ticks.tick() => {}
                }
                let Some(app) = app.upgrade() else { return };
                if let Err(Error::Fault(fault)) = due(app, stop.clone()).await {
                    tracing::warn!(%fault, "{words}");
                }
            }
        })
    }

    /// Tells them to take up nothing more, and waits for what is under way.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, worker = self.name, "a task broke");
            }
        }
    }
}
