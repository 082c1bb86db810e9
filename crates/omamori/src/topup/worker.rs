//! The task that goes on with what waits: conversations with the gateway that were cut off,
//! challenges that nobody answered, money that must go back.

use std::sync::Arc;
use std::time::Duration;

use super::card;
use crate::app::App;
use crate::web::error::Result;
use crate::worker::Worker;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// Starts the task that goes on with what waits.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let words = "what waits of top-ups was not taken up";
    Worker::new("top-ups").every(EVERY, app, words, |app, _| async move { work_due(&app).await })
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
