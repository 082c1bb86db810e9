//! The task that empties the outbox: one for each way, so that none waits for another's gateway.

use std::sync::Arc;
use std::time::Duration;

use super::delivery::{Channel, deliver_batch};
use crate::app::App;
use crate::worker::Worker;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// Starts a task for each channel.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let words = "the outbox was not emptied";
    Channel::ALL.into_iter().fold(Worker::new("outbox"), |worker, channel| {
        worker.every(EVERY, app, words, move |app, _| async move {
            while deliver_batch(&app, channel).await? > 0 {}
            Ok(())
        })
    })
}
