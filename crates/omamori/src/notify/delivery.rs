//! The durable outbox: queueing, claiming, sending, trying again.

use std::sync::Arc;

use omamori_db::{Row, Tx, sql};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::adapter::{Letter, SendError};
use super::push;
use crate::app::App;
use crate::clock::{DAY, HOUR, MINUTE, Micros, SECOND};
use crate::id::Kind;
use crate::web::error::Result;

/// A way out of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A text to a phone number.
    Sms,
    /// An e-mail.
    Email,
    /// Web push to the phone's browser.
    Push,
}

/// How long and how often one way is tried.
struct Policy {
    attempts_max: i64,
    /// What is older would be news of yesterday.
    age_max: Micros,
    /// Messages to one customer in 24 hours: more is no information, and someone's attack.
    per_day: i64,
}

impl Channel {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Sms, Self::Email, Self::Push];

    /// The word of tables and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Push => "push",
        }
    }

    const fn policy(self) -> Policy {
        match self {
            Self::Sms => Policy { attempts_max: 6, age_max: HOUR, per_day: 10 },
            Self::Email => Policy { attempts_max: 16, age_max: 3 * DAY, per_day: 50 },
            Self::Push => Policy { attempts_max: 10, age_max: DAY, per_day: 100 },
        }
    }
}

/// After the first failure; each further one waits twice as long as the one before.
const FIRST_PAUSE: Micros = 10 * SECOND;
const LONGEST_PAUSE: Micros = 6 * HOUR;
/// For so long a claim holds: longer than any adapter takes. Then its node counts as dead.
const CLAIM: Micros = 2 * MINUTE;
/// Sent at once by one node on one way.
const BATCH: i64 = 8;

/// What is sent, with the address it goes to: sealed in the outbox, erased when done.
#[derive(Serialize, Deserialize)]
pub(super) enum Parcel {
    Sms { to: String, text: String },
    Email { to: String, subject: String, text: String },
    Push { subscription_id: String, title: String, body: String, path: String },
}

impl Parcel {
    const fn channel(&self) -> Channel {
        match self {
            Self::Sms { .. } => Channel::Sms,
            Self::Email { .. } => Channel::Email,
            Self::Push { .. } => Channel::Push,
        }
    }
}

fn place(delivery_id: &str) -> String {
    format!("delivery.message/{delivery_id}")
}

/// Puts a parcel into the outbox, unless the customer got too many of its kind today: then the
/// notice in the app must do.
pub(super) async fn queue(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    parcel: &Parcel,
) -> Result<()> {
    let (now, channel) = (app.clock.now(), parcel.channel());
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM delivery
         WHERE customer_id = $1 AND channel = $2 AND created_at > $3 AND about = 'account'");
    let count = count.bind(customer_id).bind(channel.as_str()).bind(now - DAY);
    if tx.one(count).await?.int("n")? >= channel.policy().per_day {
        tracing::warn!(customer_id, channel = channel.as_str(), "told in the app only: too many");
        return Ok(());
    }
    let delivery_id = Kind::Delivery.random_text(app.rng.as_ref());
    let message = serde_json::to_vec(parcel)?;
    let message = app.vault.seal(app.rng.as_ref(), &place(&delivery_id), &message);
    let insert = sql("INSERT INTO delivery (delivery_id, customer_id, channel, message, state,
                               attempts, next_at, created_at)
         VALUES ($1, $2, $3, $4, 'waiting', CAST(0 AS BIGINT), $5, $5)");
    let insert = insert.bind(delivery_id).bind(customer_id).bind(channel.as_str()).bind(message);
    tx.execute(insert.bind(now)).await?;
    Ok(())
}

/// Puts a parcel about money into the outbox, once for each `delivery_id`. There is no daily bound:
/// each is a payment that somebody made at a till.
pub(super) async fn queue_money(
    app: &App,
    tx: &mut Tx,
    delivery_id: &str,
    customer_id: &str,
    parcel: &Parcel,
) -> Result<()> {
    let message = serde_json::to_vec(parcel)?;
    let message = app.vault.seal(app.rng.as_ref(), &place(delivery_id), &message);
    let insert = sql("INSERT INTO delivery (delivery_id, customer_id, channel, message, state,
                               attempts, next_at, created_at, about)
         VALUES ($1, $2, $3, $4, 'waiting', CAST(0 AS BIGINT), $5, $5, 'money')
         ON CONFLICT (delivery_id) DO NOTHING");
    let insert = insert.bind(delivery_id).bind(customer_id).bind(parcel.channel().as_str());
    tx.execute(insert.bind(message).bind(app.clock.now())).await?;
    Ok(())
}

/// A row that is due.
struct Due {
    delivery_id: String,
    attempts: i64,
    message: Vec<u8>,
    created_at: Micros,
    channel: Channel,
}

/// Sends what is due on all ways, once. Returns how many were tried by this node.
///
/// # Errors
/// A fault if the registry fails.
pub async fn deliver_due(app: &Arc<App>) -> Result<usize> {
    let mut tried = 0;
    for channel in Channel::ALL {
        while let batch @ 1.. = deliver_batch(app, channel).await? {
            tried += batch;
        }
    }
    Ok(tried)
}

/// Sends some of what is due on one way, all at once.
pub(super) async fn deliver_batch(app: &Arc<App>, channel: Channel) -> Result<usize> {
    let query = sql("SELECT delivery_id, attempts, message, created_at FROM delivery
         WHERE channel = $1 AND state = 'waiting' AND next_at <= $2
         ORDER BY next_at LIMIT $3");
    let query = query.bind(channel.as_str()).bind(app.clock.now()).bind(BATCH);
    let rows = app.stores.registry.all(query).await?;
    let mut attempts = JoinSet::new();
    for row in &rows {
        let (app, due) = (app.clone(), read(row, channel)?);
        attempts.spawn(async move { attempt(&app, due).await });
    }
    let mut tried = 0;
    while let Some(outcome) = attempts.join_next().await {
        tried += usize::from(outcome.unwrap_or(Ok(false))?);
    }
    Ok(tried)
}

fn read(row: &Row, channel: Channel) -> omamori_db::Result<Due> {
    Ok(Due {
        delivery_id: row.text("delivery_id")?,
        attempts: row.int("attempts")?,
        message: row.bytes("message")?,
        created_at: row.int("created_at")?,
        channel,
    })
}

/// Tries one row; false if another node was faster.
async fn attempt(app: &App, due: Due) -> Result<bool> {
    let now = app.clock.now();
    let claim = sql("UPDATE delivery SET attempts = attempts + 1, next_at = $1
         WHERE delivery_id = $2 AND state = 'waiting' AND attempts = $3");
    let claim = claim.bind(now + CLAIM).bind(&due.delivery_id).bind(due.attempts);
    if app.stores.registry.execute(claim).await? != 1 {
        return Ok(false);
    }
    let mine = Due { attempts: due.attempts + 1, ..due };
    let policy = mine.channel.policy();
    if mine.created_at + policy.age_max <= now {
        settle(app, &mine, "given_up", Some("too_old")).await?;
        return Ok(true);
    }
    let sent = send(app, &mine).await?;
    app.metrics.message(mine.channel.as_str(), super::outcome(&sent));
    match sent {
        Ok(()) => settle(app, &mine, "sent", None).await?,
        Err(error) => {
            let (delivery_id, attempts) = (&mine.delivery_id, mine.attempts);
            let channel = mine.channel.as_str();
            tracing::warn!(delivery_id, channel, attempts, %error, "a message was not sent");
            if error.is_final() || mine.attempts >= policy.attempts_max {
                settle(app, &mine, "given_up", Some(error.word())).await?;
            } else {
                postpone(app, &mine, error.word()).await?;
            }
        }
    }
    Ok(true)
}

/// The outer error is ours, the inner one the other side's.
async fn send(app: &App, due: &Due) -> Result<std::result::Result<(), SendError>> {
    let opened = app.vault.open(&place(&due.delivery_id), &due.message);
    let parcel = opened.ok().and_then(|plain| serde_json::from_slice(&plain).ok());
    let Some(parcel) = parcel else { return Ok(Err(SendError::Unsendable)) };
    let outbox = app.identity.outbox();
    match parcel {
        Parcel::Sms { to, text } => Ok(outbox.sms.send(&to, &text).await),
        Parcel::Email { to, subject, text } => {
            let Some(mail) = &outbox.mail else { return Ok(Err(SendError::Unsendable)) };
            let (id, at) = (due.delivery_id.clone(), due.created_at);
            Ok(mail.send(&Letter { id, to, subject, text, at }).await)
        }
        Parcel::Push { subscription_id, title, body, path } => {
            let Some(way) = &outbox.push else { return Ok(Err(SendError::Unsendable)) };
            let topic = due.delivery_id.clone();
            let note = push::Note { title, body, path, topic };
            push::deliver(app, way.as_ref(), &subscription_id, note).await
        }
    }
}

/// The row is done: what it said and to whom is erased.
async fn settle(app: &App, due: &Due, state: &str, error: Option<&str>) -> Result<()> {
    let update =
        sql("UPDATE delivery SET state = $1, last_error = $2, done_at = $3, message = NULL
         WHERE delivery_id = $4 AND attempts = $5");
    let update = update.bind(state).bind(error).bind(app.clock.now());
    app.stores.registry.execute(update.bind(&due.delivery_id).bind(due.attempts)).await?;
    Ok(())
}

async fn postpone(app: &App, due: &Due, error: &str) -> Result<()> {
    let update = sql("UPDATE delivery SET next_at = $1, last_error = $2
         WHERE delivery_id = $3 AND attempts = $4");
    let update = update.bind(app.clock.now() + pause(due.attempts)).bind(error);
    app.stores.registry.execute(update.bind(&due.delivery_id).bind(due.attempts)).await?;
    Ok(())
}

/// How long to wait after so many tries.
pub(crate) fn pause(attempts: i64) -> Micros {
    let doublings = (attempts - 1).clamp(0, 30);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_every_way_gives_up() {
        assert_eq!([1, 2, 3, 4].map(pause), [10, 20, 40, 80].map(|s| s * SECOND));
        assert_eq!(pause(100), LONGEST_PAUSE);
        for channel in Channel::ALL {
            let Policy { attempts_max, age_max, .. } = channel.policy();
            let last: Micros = (1..attempts_max).map(pause).sum();
            assert!(last > age_max / 20 && last <= age_max, "{channel:?}: {}", last / MINUTE);
        }
    }
}
