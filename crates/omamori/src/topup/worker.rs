//! The task that goes on with what waits: conversations with the gateway that were cut off,
//! challenges that nobody answered, money that must go back.

use std::sync::Arc;
use std::time::Duration;

use super::card;
use crate::app::App;
use crate::worker::Worker;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// Starts the task that goes on with what waits.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let words = "what waits of top-ups was not taken up";
    Worker::new("top-ups").every(
        EVERY,
        app,
        words,
        |app, _| async move { card::work_due(&app).await },
    )
}
