//! Tasks that work beside the requests until they are told to stop.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use crate::app::App;
use crate::web::error::{Error, Result};

/// How long a stop waits for what is under way.
const PATIENCE: Duration = Duration::from_secs(10);

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

    /// Starts one that does what is due, again and again, while the service is there. What fails or
    /// panics is logged in these words; what is due is met again at the next look.
    #[must_use]
    pub fn every<F, T>(
        self,
        period: Duration,
        app: &Arc<App>,
        words: &'static str,
        due: impl Fn(Arc<App>, watch::Receiver<bool>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
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
                // A task of its own, so that one look that panics is not the last; and it ends
                // with this one, if this one is cut off.
                let mut look = JoinSet::new();
                look.spawn(due(app, stop.clone()));
                match look.join_next().await {
                    None | Some(Ok(Ok(_))) => {}
                    Some(Ok(Err(Error::Fault(fault)))) => tracing::warn!(%fault, "{words}"),
                    Some(Ok(Err(refused))) => {
                        tracing::warn!(code = refused.code().as_str(), "{words}");
                    }
                    Some(Err(error)) => tracing::error!(%error, "{words}"),
                }
            }
        })
    }

    /// Tells them to take up nothing more, and waits a while for what is under way. What takes
    /// longer is cut off: a service may be killed anywhere, so each step of a task may be.
    pub async fn stop(self) {
        Self::stop_all([self]).await;
    }

    /// The same for several at once.
    pub async fn stop_all(workers: impl IntoIterator<Item = Self>) {
        let workers = Vec::from_iter(workers);
        for worker in &workers {
            worker.stop.send_replace(true);
        }
        let until = Instant::now() + PATIENCE;
        for Self { name, tasks, .. } in workers {
            for mut task in tasks {
                match tokio::time::timeout_at(until, &mut task).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::error!(%error, worker = name, "a task broke"),
                    Err(_) => {
                        tracing::warn!(worker = name, "a task was cut off");
                        task.abort();
                    }
                }
            }
        }
    }
}
