//! Tasks that work beside the requests until they are told to stop.

use std::future::Future;

use tokio::sync::watch;
use tokio::task::JoinHandle;

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
