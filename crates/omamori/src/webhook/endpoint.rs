//! The endpoints of a merchant: rows, keys, and what may be done with them. Every statement names
//! the merchant: another one's endpoint is not there.

use omamori_db::{Db, Row, Tx, sql};

use super::event::{Event, EventKind, Listener, put};
use super::sign::Key;
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::id::{Kind, derive};
use crate::web::codes::Code;
use crate::web::error::Result;

/// Of one merchant.
const ENDPOINTS_MAX: i64 = 5;
/// For how long the key before signs beside a new one.
const OVERLAP: Micros = DAY;
/// Events on the page of one endpoint.
const LOG_ROWS: i64 = 30;

/// An endpoint, as its merchant sees it.
pub(super) struct Endpoint {
    pub endpoint_id: String,
    pub url: String,
    pub state: String,
    pub failing_since: Option<Micros>,
    pub old_until: Option<Micros>,
    pub created_at: Micros,
    pub waiting: i64,
    pub given_up: i64,
    /// The newest first.
    pub log: Vec<Delivery>,
}

/// A line of the log.
pub(super) struct Delivery {
    pub event_id: String,
    pub kind: String,
    pub state: String,
    pub attempts: i64,
    pub last_status: Option<i64>,
    pub last_error: Option<String>,
    pub next_at: Micros,
    pub created_at: Micros,
}

/// Where a key is sealed for.
pub(super) fn secret_place(endpoint_id: &str) -> String {
    format!("webhook_endpoint.secret/{endpoint_id}")
}

/// The keys that sign now: the newest first.
pub(super) fn keys(app: &App, row: &Row, place: &str, now: Micros) -> Result<Vec<Key>> {
    let mut keys = vec![Key::of(app.vault.open(place, &row.bytes("secret")?)?)];
    let is_in_overlap = row.int_optional("old_until")?.is_some_and(|until| now < until);
    if let (true, Some(old)) = (is_in_overlap, row.bytes_optional("old_secret")?) {
        keys.push(Key::of(app.vault.open(place, &old)?));
    }
    Ok(keys)
}

/// Adds one whose address was looked at. Gives its key, to be shown once.
pub(super) async fn add(
    app: &App,
    merchant_id: &str,
    endpoint_id: &str,
    url: &str,
) -> Result<String> {
    let key = Key::new(app.rng.as_ref());
    let sealed = app.vault.seal(app.rng.as_ref(), &secret_place(endpoint_id), key.bytes());
    let mut tx = app.stores.registry.begin().await?;
    // Two at once wait here for each other, and cannot both be the last that is allowed.
    let lock = sql("UPDATE merchant SET name = name WHERE merchant_id = $1");
    tx.execute(lock.bind(merchant_id)).await?;
    let insert = sql("INSERT INTO webhook_endpoint
             (endpoint_id, merchant_id, url, secret, state, created_at)
         SELECT $1, m.merchant_id, $2, $3, 'on', $4 FROM merchant m
         WHERE m.merchant_id = $5 AND (SELECT COUNT(*) FROM webhook_endpoint e
             WHERE e.merchant_id = m.merchant_id) < $6");
    let insert = insert.bind(endpoint_id).bind(url).bind(sealed).bind(app.clock.now());
    let insert = insert.bind(merchant_id).bind(ENDPOINTS_MAX);
    if tx.execute(insert).await? != 1 {
        return Err(Code::TooManyWebhooks.into());
    }
    tx.commit().await?;
    Ok(key.text())
}

/// Gives it another key. The one before signs too, for a day.
pub(super) async fn rotate(app: &App, merchant_id: &str, endpoint_id: &str) -> Result<String> {
    let key = Key::new(app.rng.as_ref());
    let sealed = app.vault.seal(app.rng.as_ref(), &secret_place(endpoint_id), key.bytes());
    let update = sql("UPDATE webhook_endpoint
         SET old_secret = secret, old_until = $1, secret = $2
         WHERE endpoint_id = $3 AND merchant_id = $4");
    let update = update.bind(app.clock.now() + OVERLAP).bind(sealed).bind(endpoint_id);
    found(app.stores.registry.execute(update.bind(merchant_id)).await?)?;
    Ok(key.text())
}

/// Counts what gives an endpoint a turn at somebody's word: so many times only, or whoever keeps
/// asking has a place of a node for ever.
fn counted(app: &App, endpoint_id: &str) -> Result<()> {
    app.webhooks.asked.check(derive("webhook turn", &[endpoint_id.as_bytes()]), app.clock.now())
}

/// Switches it on or off. What came meanwhile is sent when it is on again.
pub(super) async fn switch(
    app: &App,
    merchant_id: &str,
    endpoint_id: &str,
    on: bool,
) -> Result<()> {
    let update = sql("UPDATE webhook_endpoint
         SET state = $1, failing_since = NULL, next_try_at = CAST(0 AS BIGINT)
         WHERE endpoint_id = $2 AND merchant_id = $3");
    let update = update.bind(if on { "on" } else { "off" }).bind(endpoint_id).bind(merchant_id);
    let mut tx = app.stores.registry.begin().await?;
    found(tx.execute(update).await?)?;
    if on {
        counted(app, endpoint_id)?;
    }
    Ok(tx.commit().await?)
}

/// Removes it with its log.
pub(super) async fn remove(app: &App, merchant_id: &str, endpoint_id: &str) -> Result<()> {
    let mut tx = app.stores.registry.begin().await?;
    let delete = sql("DELETE FROM webhook_delivery WHERE endpoint_id IN
         (SELECT endpoint_id FROM webhook_endpoint WHERE endpoint_id = $1 AND merchant_id = $2)");
    tx.execute(delete.bind(endpoint_id).bind(merchant_id)).await?;
    let delete = sql("DELETE FROM webhook_endpoint WHERE endpoint_id = $1 AND merchant_id = $2");
    found(tx.execute(delete.bind(endpoint_id).bind(merchant_id)).await?)?;
    Ok(tx.commit().await?)
}

/// Gives it a turn now, though it has been failing: somebody wants to see whether it works again.
async fn turn_in(app: &App, tx: &mut Tx, endpoint_id: &str) -> Result<()> {
    let update = sql("UPDATE webhook_endpoint SET next_try_at = CAST(0 AS BIGINT)
         WHERE endpoint_id = $1");
    tx.execute(update.bind(endpoint_id)).await?;
    counted(app, endpoint_id)
}

/// Sends it an event that says nothing.
pub(super) async fn test(app: &App, merchant_id: &str, endpoint_id: &str) -> Result<()> {
    let mut tx = app.stores.registry.begin().await?;
    let query = sql("SELECT endpoint_id, merchant_id, created_at FROM webhook_endpoint
         WHERE endpoint_id = $1 AND merchant_id = $2");
    let row = tx.optional(query.bind(endpoint_id).bind(merchant_id)).await?;
    let listener = Listener::read(&row.ok_or(Code::NotFound)?)?;
    let event = Event {
        kind: EventKind::Test,
        of: Kind::Request.random_text(app.rng.as_ref()),
        merchant_id: merchant_id.to_owned(),
        at: app.clock.now(),
        data: serde_json::json!({}),
    };
    put(app, &mut tx, std::iter::once(&listener), &event).await?;
    turn_in(app, &mut tx, endpoint_id).await?;
    Ok(tx.commit().await?)
}

/// Sends an event again, whatever became of it.
pub(super) async fn replay_one(
    app: &App,
    merchant_id: &str,
    (endpoint_id, event_id): (&str, &str),
) -> Result<()> {
    let update = sql("UPDATE webhook_delivery
         SET state = 'waiting', attempts = CAST(0 AS BIGINT), next_at = $1, done_at = NULL
         WHERE endpoint_id = $2 AND event_id = $3
           AND endpoint_id IN (SELECT endpoint_id FROM webhook_endpoint WHERE merchant_id = $4)
           AND event_id IN (SELECT event_id FROM webhook_event WHERE merchant_id = $4)");
    let update = update.bind(app.clock.now()).bind(endpoint_id).bind(event_id);
    let mut tx = app.stores.registry.begin().await?;
    found(tx.execute(update.bind(merchant_id)).await?)?;
    turn_in(app, &mut tx, endpoint_id).await?;
    Ok(tx.commit().await?)
}

/// Sends again all that was given up.
pub(super) async fn replay(app: &App, merchant_id: &str, endpoint_id: &str) -> Result<()> {
    let mut tx = app.stores.registry.begin().await?;
    let query = sql("SELECT endpoint_id FROM webhook_endpoint
         WHERE endpoint_id = $1 AND merchant_id = $2");
    tx.optional(query.bind(endpoint_id).bind(merchant_id)).await?.ok_or(Code::NotFound)?;
    let update = sql("UPDATE webhook_delivery
         SET state = 'waiting', attempts = CAST(0 AS BIGINT), next_at = $1
         WHERE endpoint_id = $2 AND state = 'given_up'");
    tx.execute(update.bind(app.clock.now()).bind(endpoint_id)).await?;
    turn_in(app, &mut tx, endpoint_id).await?;
    Ok(tx.commit().await?)
}

fn found(rows: u64) -> Result<()> {
    if rows == 0 { Err(Code::NotFound.into()) } else { Ok(()) }
}

/// All of a merchant, the oldest first, each with the end of its log.
pub(super) async fn list(registry: &Db, merchant_id: &str) -> Result<Vec<Endpoint>> {
    let query = sql("SELECT e.endpoint_id, e.url, e.state, e.failing_since, e.old_until,
                e.created_at,
                (SELECT CAST(COUNT(*) AS BIGINT) FROM webhook_delivery d
                 WHERE d.endpoint_id = e.endpoint_id AND d.state = 'waiting') AS waiting,
                (SELECT CAST(COUNT(*) AS BIGINT) FROM webhook_delivery d
                 WHERE d.endpoint_id = e.endpoint_id AND d.state = 'given_up') AS given_up
         FROM webhook_endpoint e WHERE e.merchant_id = $1
         ORDER BY e.created_at, e.endpoint_id");
    let mut endpoints = Vec::new();
    for row in registry.all(query.bind(merchant_id)).await? {
        let endpoint_id = row.text("endpoint_id")?;
        endpoints.push(Endpoint {
            url: row.text("url")?,
            state: row.text("state")?,
            failing_since: row.int_optional("failing_since")?,
            old_until: row.int_optional("old_until")?,
            created_at: row.int("created_at")?,
            waiting: row.int("waiting")?,
            given_up: row.int("given_up")?,
            log: log(registry, &endpoint_id).await?,
            endpoint_id,
        });
    }
    Ok(endpoints)
}

async fn log(registry: &Db, endpoint_id: &str) -> Result<Vec<Delivery>> {
    let query = sql("SELECT d.event_id, v.kind, d.state, d.attempts, d.last_status, d.last_error,
                d.next_at, d.created_at
         FROM webhook_delivery d JOIN webhook_event v ON v.event_id = d.event_id
         WHERE d.endpoint_id = $1 ORDER BY d.created_at DESC, d.event_id LIMIT $2");
    let rows = registry.all(query.bind(endpoint_id).bind(LOG_ROWS)).await?;
    Ok(rows.iter().map(delivery).collect::<omamori_db::Result<_>>()?)
}

fn delivery(row: &Row) -> omamori_db::Result<Delivery> {
    Ok(Delivery {
        event_id: row.text("event_id")?,
        kind: row.text("kind")?,
        state: row.text("state")?,
        attempts: row.int("attempts")?,
        last_status: row.int_optional("last_status")?,
        last_error: row.text_optional("last_error")?,
        next_at: row.int("next_at")?,
        created_at: row.int("created_at")?,
    })
}

/// Whether one of a merchant's was switched off because it failed: the back office says so.
///
/// # Errors
/// A fault if the registry fails.
pub async fn any_failed(registry: &Db, merchant_id: &str) -> Result<bool> {
    let query = sql("SELECT endpoint_id FROM webhook_endpoint
         WHERE merchant_id = $1 AND state IN ('failed', 'gone') LIMIT 1");
    Ok(registry.optional(query.bind(merchant_id)).await?.is_some())
}
