//! Sending what is in the outbox. One endpoint is served by one task of a node at a time, so that a
//! receiver that is slow or down delays nobody else, and sees its own events about in order.
//!
//! Endpoints have turns: who was served goes behind those who wait, who failed waits as long as it
//! has been failing, and those who are failing have few places, of their own.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use omamori_db::{Row, Tx, sql};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::endpoint::{keys, secret_place};
use super::reach::{Failure, Message};
use crate::app::App;
use crate::audit::MACHINE;
use crate::clock::{DAY, HOUR, MINUTE, Micros, SECOND};
use crate::merchant::notice::{MerchantNotice, tell};
use crate::rng::random_below;
use crate::web::error::{Error, Result};
use crate::worker::{Worker, ticks};

/// How long after each failed try the next one comes: the schedule of the specification.
const PAUSES: [Micros; 9] = [
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];
/// An endpoint that took nothing for so long is switched off.
const FAILING_MAX: Micros = 5 * DAY;
/// For so long a claim holds: longer than any try takes. Then its node counts as dead.
const CLAIM: Micros = 2 * MINUTE;
/// How often the worker looks.
const EVERY: Duration = Duration::from_secs(1);
/// Endpoints that one node serves at once, and beside them those that took nothing when they were
/// tried last: neither takes the places of the other.
const AT_ONCE: usize = 24;
const FAILING_AT_ONCE: usize = 8;
/// Due endpoints of each sort that are looked at: those at work, and enough to fill their places.
const LOOKED_AT: i64 = 64;
/// How long an endpoint that fails waits for its next turn, at least and at most. In between it is
/// as long as it has been failing.
const TURN: (Micros, Micros) = (5 * SECOND, 5 * MINUTE);
/// Events of one endpoint before others have their turn.
const BATCH: i64 = 64;

/// Starts the task that sends.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let app = Arc::downgrade(app);
    Worker::new("webhooks").with(|stop| work(app, stop))
}

async fn work(app: Weak<App>, mut stop: watch::Receiver<bool>) {
    let mut ticks = ticks(EVERY);
    let mut tasks = JoinSet::new();
    let mut busy: HashMap<Id, Turn> = HashMap::new();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            _ = ticks.tick() => {}
        }
        while let Some(done) = tasks.try_join_next_with_id() {
            let id = done.map_or_else(|error| error.id(), |(id, ())| id);
            busy.remove(&id);
        }
        let Some(app) = app.upgrade() else { break };
        let due = match due_endpoints(&app).await {
            Ok(due) => due,
            Err(error) => {
                report(&error);
                continue;
            }
        };
        for turn in due {
            if has_place(&turn, busy.values()) {
                let (app, stop, id) = (app.clone(), stop.clone(), turn.endpoint_id.clone());
                let task = async move {
                    if let Err(error) = serve(&app, &id, &stop).await {
                        report(&error);
                    }
                };
                busy.insert(tasks.spawn(task).id(), turn);
            }
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// Whether an endpoint can be served beside those that are.
fn has_place<'a>(turn: &Turn, busy: impl Iterator<Item = &'a Turn>) -> bool {
    let mut like_it = 0;
    for known in busy {
        if known.endpoint_id == turn.endpoint_id {
            return false;
        }
        like_it += usize::from(known.is_failing == turn.is_failing);
    }
    like_it < if turn.is_failing { FAILING_AT_ONCE } else { AT_ONCE }
}

fn report(error: &Error) {
    if let Error::Fault(fault) = error {
        tracing::warn!(%fault, "webhooks were not sent");
    }
}

/// Sends what is due, once. Gives how many this node tried.
///
/// # Errors
/// A fault if the registry fails.
pub async fn deliver_due(app: &Arc<App>) -> Result<usize> {
    let (_running, stop) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for Turn { endpoint_id, .. } in due_endpoints(app).await? {
        let (app, stop) = (app.clone(), stop.clone());
        tasks.spawn(async move { serve(&app, &endpoint_id, &stop).await });
    }
    let mut tried = 0;
    while let Some(done) = tasks.join_next().await {
        tried += done.map_err(|_| Error::fault("a task of webhooks broke"))??;
    }
    Ok(tried)
}

/// An endpoint whose turn it is.
struct Turn {
    endpoint_id: String,
    is_failing: bool,
}

/// The endpoints whose turn it is, who waits longest first; those that fail after the others.
async fn due_endpoints(app: &App) -> Result<Vec<Turn>> {
    let well = sql("SELECT e.endpoint_id FROM webhook_endpoint e
         WHERE e.state = 'on' AND e.next_try_at <= $1 AND e.failing_since IS NULL AND EXISTS
         (SELECT d.event_id FROM webhook_delivery d WHERE d.endpoint_id = e.endpoint_id
          AND d.state = 'waiting' AND d.next_at <= $1)
         ORDER BY e.next_try_at, e.endpoint_id LIMIT $2");
    let failing = sql("SELECT e.endpoint_id FROM webhook_endpoint e
         WHERE e.state = 'on' AND e.next_try_at <= $1 AND e.failing_since IS NOT NULL AND EXISTS
         (SELECT d.event_id FROM webhook_delivery d WHERE d.endpoint_id = e.endpoint_id
          AND d.state = 'waiting' AND d.next_at <= $1)
         ORDER BY e.next_try_at, e.endpoint_id LIMIT $2");
    let mut turns = Vec::new();
    for (query, is_failing) in [(well, false), (failing, true)] {
        let query = query.bind(app.clock.now()).bind(LOOKED_AT);
        for row in app.stores.registry.all(query).await? {
            turns.push(Turn { endpoint_id: row.text("endpoint_id")?, is_failing });
        }
    }
    Ok(turns)
}

/// A row that is due, with all that sending it needs.
struct Due {
    endpoint_id: String,
    event_id: String,
    attempts: i64,
    url: String,
    body: String,
    failing_since: Option<Micros>,
}

/// Sends what is due to one endpoint, until one is not taken: the others would not be either.
async fn serve(app: &App, endpoint_id: &str, stop: &watch::Receiver<bool>) -> Result<usize> {
    let query = sql("SELECT d.event_id, d.attempts, v.body FROM webhook_delivery d
         JOIN webhook_event v ON v.event_id = d.event_id
         WHERE d.endpoint_id = $1 AND d.state = 'waiting' AND d.next_at <= $2
         ORDER BY d.next_at, d.created_at, d.event_id LIMIT $3");
    let query = query.bind(endpoint_id).bind(app.clock.now()).bind(BATCH);
    let rows = app.stores.registry.all(query).await?;
    let mut tried = 0;
    for row in rows {
        // Read anew each time: it may have been switched off, moved or given another key.
        let query = sql("SELECT url, secret, old_secret, old_until, failing_since
             FROM webhook_endpoint WHERE endpoint_id = $1 AND state = 'on'");
        let endpoint = app.stores.registry.optional(query.bind(endpoint_id)).await?;
        let (Some(endpoint), false) = (endpoint, *stop.borrow()) else { break };
        let due = Due {
            endpoint_id: endpoint_id.to_owned(),
            event_id: row.text("event_id")?,
            attempts: row.int("attempts")?,
            body: row.text("body")?,
            url: endpoint.text("url")?,
            failing_since: endpoint.int_optional("failing_since")?,
        };
        match attempt(app, &endpoint, due).await? {
            Tried::ByAnother => {}
            Tried::Taken => tried += 1,
            Tried::Failed => return Ok(tried + 1),
        }
    }
    // Behind those who wait. Who failed has had its next turn written with its failure.
    let update = sql("UPDATE webhook_endpoint SET next_try_at = $1
         WHERE endpoint_id = $2 AND next_try_at < $1");
    app.stores.registry.execute(update.bind(app.clock.now()).bind(endpoint_id)).await?;
    Ok(tried)
}

enum Tried {
    Taken,
    Failed,
    /// Another node was faster.
    ByAnother,
}

async fn attempt(app: &App, endpoint: &Row, due: Due) -> Result<Tried> {
    let now = app.clock.now();
    let claim = sql("UPDATE webhook_delivery SET attempts = attempts + 1, next_at = $1
         WHERE endpoint_id = $2 AND event_id = $3 AND state = 'waiting' AND attempts = $4");
    let claim = claim.bind(now + CLAIM).bind(&due.endpoint_id).bind(&due.event_id);
    if app.stores.registry.execute(claim.bind(due.attempts)).await? != 1 {
        return Ok(Tried::ByAnother);
    }
    let mine = Due { attempts: due.attempts + 1, ..due };
    let seconds = now / SECOND;
    let place = secret_place(&mine.endpoint_id);
    let keys = keys(app, endpoint, &place, now)?;
    let signed = keys.iter().map(|key| key.sign(&mine.event_id, seconds, &mine.body));
    let message = Message {
        id: mine.event_id.clone(),
        seconds,
        signatures: signed.collect::<Vec<_>>().join(" "),
        body: mine.body.clone(),
    };
    let posted = match app.webhooks.target(&mine.url) {
        Some(target) => app.webhooks.post(target, message).await,
        None => Err(Failure::NOT_ALLOWED),
    };
    match posted {
        Ok(status) => {
            taken(app, &mine, status).await?;
            Ok(Tried::Taken)
        }
        Err(failure) => {
            failed(app, &mine, failure).await?;
            Ok(Tried::Failed)
        }
    }
}

async fn taken(app: &App, due: &Due, status: u16) -> Result<()> {
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE webhook_delivery
         SET state = 'delivered', last_status = $1, last_error = NULL, done_at = $2
         WHERE endpoint_id = $3 AND event_id = $4 AND attempts = $5");
    let update = update.bind(status).bind(app.clock.now()).bind(&due.endpoint_id);
    tx.execute(update.bind(&due.event_id).bind(due.attempts)).await?;
    if due.failing_since.is_some() {
        let update = sql("UPDATE webhook_endpoint SET failing_since = NULL WHERE endpoint_id = $1");
        tx.execute(update.bind(&due.endpoint_id)).await?;
    }
    Ok(tx.commit().await?)
}

async fn failed(app: &App, due: &Due, failure: Failure) -> Result<()> {
    let (now, endpoint_id) = (app.clock.now(), &due.endpoint_id);
    let (event_id, attempts, status) = (&due.event_id, due.attempts, failure.status);
    tracing::info!(endpoint_id, event_id, attempts, why = failure.word, status, "not taken");
    let mut tx = app.stores.registry.begin().await?;
    let (state, next_at) = match pause(app, attempts) {
        Some(pause) => ("waiting", now + pause),
        None => ("given_up", now),
    };
    let update = sql("UPDATE webhook_delivery
         SET state = $1, next_at = $2, last_status = $3, last_error = $4
         WHERE endpoint_id = $5 AND event_id = $6 AND attempts = $7");
    let update = update.bind(state).bind(next_at).bind(status.map(i64::from)).bind(failure.word);
    tx.execute(update.bind(endpoint_id).bind(event_id).bind(attempts)).await?;
    let since = due.failing_since.unwrap_or(now);
    let end = match status {
        Some(410) => Some("gone"), // the receiver says that it wants no more
        _ if now - since >= FAILING_MAX => Some("failed"),
        _ => None,
    };
    let update = sql("UPDATE webhook_endpoint
         SET failing_since = COALESCE(failing_since, $1), state = COALESCE($2, state),
             next_try_at = $3
         WHERE endpoint_id = $4 AND state = 'on'");
    let next_turn = now + (now - since).clamp(TURN.0, TURN.1);
    let update = update.bind(now).bind(end).bind(next_turn).bind(endpoint_id);
    if tx.execute(update).await? == 1 && end.is_some() {
        tell_of_end(app, &mut tx, due).await?;
    }
    tx.commit().await?;
    if let Some(state) = end {
        tracing::warn!(endpoint_id, state, "a webhook was switched off");
    }
    Ok(())
}

/// Tells the merchant that nothing is sent there any more.
async fn tell_of_end(app: &App, tx: &mut Tx, due: &Due) -> Result<()> {
    let query = sql("SELECT merchant_id FROM webhook_endpoint WHERE endpoint_id = $1");
    let merchant_id = tx.one(query.bind(&due.endpoint_id)).await?.text("merchant_id")?;
    let host = due.url.split('/').nth(2).unwrap_or_default().to_owned();
    tell(app, tx, &merchant_id, MACHINE, &MerchantNotice::WebhookOff { host }).await
}

/// How long to wait after so many tries, up to a tenth longer, so that a receiver that comes back
/// does not get all at the same instant; none if it was the last one.
fn pause(app: &App, attempts: i64) -> Option<Micros> {
    let place = usize::try_from(attempts - 1).unwrap_or(0);
    let pause = *PAUSES.get(place)?;
    let more = random_below(app.rng.as_ref(), pause.unsigned_abs() / 10);
    Some(pause + i64::try_from(more).unwrap_or_default())
}
