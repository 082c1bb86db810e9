//! Alerts in the registry: raised, taken up, over.

use omamori_db::{Db, Row, Tx, sql};
use serde_json::json;

use super::kind::Kind;
use super::look::Seen;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::{DAY, HOUR, MINUTE, Micros};
use crate::gate::Act;
use crate::id;
use crate::web::codes::Code;
use crate::web::error::Result;

/// Not seen for so long, it is over.
const OVER_AFTER: Micros = 3 * MINUTE;
/// A rule's alert stands until somebody takes it up, a day at most.
const RULE_OVER_AFTER: Micros = DAY;
/// What comes again so soon after its end is the same thing, and is not told again.
const SAME: Micros = HOUR / 2;

/// The columns of an [`Alert`].
macro_rules! alert_columns {
    () => {
        "alert_id, kind, subject, severity, state, figure, threshold, first_at, last_at, \
         acknowledged_by, acknowledged_at, ended_at"
    };
}

/// An alert as the table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// `alt_…`.
    pub alert_id: String,
    /// Its kind's word.
    pub kind: String,
    /// What it is about; may be empty.
    pub subject: String,
    /// `warning` or `critical`.
    pub severity: String,
    /// `open`, `acknowledged` or `over`.
    pub state: String,
    /// The newest figure.
    pub figure: i64,
    /// What it passed.
    pub threshold: i64,
    /// Since when.
    pub first_at: Micros,
    /// Until when at least.
    pub last_at: Micros,
    /// Who took it up.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<Micros>,
    /// When it was over.
    pub ended_at: Option<Micros>,
}

impl Alert {
    fn read(row: &Row) -> omamori_db::Result<Self> {
        Ok(Self {
            alert_id: row.text("alert_id")?,
            kind: row.text("kind")?,
            subject: row.text("subject")?,
            severity: row.text("severity")?,
            state: row.text("state")?,
            figure: row.int("figure")?,
            threshold: row.int("threshold")?,
            first_at: row.int("first_at")?,
            last_at: row.int("last_at")?,
            acknowledged_by: row.text_optional("acknowledged_by")?,
            acknowledged_at: row.int_optional("acknowledged_at")?,
            ended_at: row.int_optional("ended_at")?,
        })
    }

    /// Where its evidence is.
    #[must_use]
    pub fn path(&self) -> &'static str {
        Kind::of(&self.kind).map_or("/console/alerts", Kind::path)
    }
}

/// One alert.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, alert_id: &str) -> Result<Option<Alert>> {
    let query = sql(concat!("SELECT ", alert_columns!(), " FROM alert WHERE alert_id = $1"));
    let row = registry.optional(query.bind(alert_id)).await?;
    Ok(row.map(|row| Alert::read(&row)).transpose()?)
}

/// What stands, then what is over, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(registry: &Db, limit: i64) -> Result<Vec<Alert>> {
    let query = sql(concat!(
        "SELECT ",
        alert_columns!(),
        " FROM alert ORDER BY CASE state WHEN 'open' THEN 0 WHEN 'acknowledged' THEN 1 ELSE 2 END,
             first_at DESC LIMIT $1"
    ));
    let rows = registry.all(query.bind(limit)).await?;
    Ok(rows.iter().map(Alert::read).collect::<omamori_db::Result<_>>()?)
}

/// How many nobody has taken up.
///
/// # Errors
/// A fault if the registry fails.
pub async fn standing(registry: &Db) -> Result<i64> {
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM alert WHERE state = 'open'");
    Ok(registry.one(count).await?.int("n")?)
}

/// Raises an alert, or says that it still stands. True if it is news.
///
/// # Errors
/// A fault if the registry fails.
pub async fn raise(app: &App, seen: &Seen) -> Result<bool> {
    let now = app.clock.now();
    let alert_id = id::Kind::Alert.random_text(app.rng.as_ref());
    let mut tx = app.stores.registry.begin().await?;
    let insert = sql("INSERT INTO alert (alert_id, kind, subject, severity, state, figure,
                           threshold, first_at, last_at)
         VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $7)
         ON CONFLICT (kind, subject) WHERE state <> 'over'
         DO UPDATE SET figure = excluded.figure, last_at = excluded.last_at");
    let insert = insert.bind(&alert_id).bind(seen.kind.as_str()).bind(&seen.subject);
    let insert = insert.bind(seen.kind.severity().as_str()).bind(seen.figure);
    tx.execute(insert.bind(seen.threshold).bind(now)).await?;
    let mine = sql("SELECT alert_id FROM alert WHERE alert_id = $1").bind(&alert_id);
    let is_new = tx.optional(mine).await?.is_some();
    let is_news = is_new && !ended_just_now(&mut tx, seen, now).await?;
    if is_news {
        tell(app, &mut tx, &alert_id, now).await?;
    }
    tx.commit().await?;
    if is_news {
        let (kind, figure) = (seen.kind.as_str(), seen.figure);
        tracing::warn!(alert_id, kind, figure, "an alert was raised");
    }
    Ok(is_news)
}

async fn ended_just_now(tx: &mut Tx, seen: &Seen, now: Micros) -> Result<bool> {
    let same = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM alert
         WHERE kind = $1 AND subject = $2 AND state = 'over' AND ended_at > $3");
    let same = same.bind(seen.kind.as_str()).bind(&seen.subject).bind(now - SAME);
    Ok(tx.one(same).await?.int("n")? > 0)
}

/// Puts it into the outbox, once for each address.
async fn tell(app: &App, tx: &mut Tx, alert_id: &str, now: Micros) -> Result<()> {
    let settings = &app.config.alerts;
    let ways = [("email", settings.email.len()), ("webhook", settings.webhooks.len())];
    for (way, count) in ways {
        for place in 0..count {
            let insert =
                sql("INSERT INTO alert_delivery (delivery_id, alert_id, way, place, state,
                                   attempts, next_at, created_at)
                 VALUES ($1, $2, $3, $4, 'waiting', CAST(0 AS BIGINT), $5, $5)");
            let delivery_id = id::Kind::Delivery.random_text(app.rng.as_ref());
            let insert = insert.bind(delivery_id).bind(alert_id).bind(way);
            tx.execute(insert.bind(place as i64).bind(now)).await?;
        }
    }
    Ok(())
}

/// Ends what was not seen lately.
pub(super) async fn end_past(app: &App) -> Result<()> {
    let now = app.clock.now();
    let update = sql("UPDATE alert SET state = 'over', ended_at = $1
         WHERE state <> 'over' AND last_at < CASE kind WHEN 'risk_rule' THEN CAST($2 AS BIGINT)
             ELSE CAST($3 AS BIGINT) END");
    let update = update.bind(now).bind(now - RULE_OVER_AFTER).bind(now - OVER_AFTER);
    app.stores.registry.execute(update).await?;
    Ok(())
}

/// Somebody takes it up: written into the audit log.
///
/// # Errors
/// [`Code::NotFound`]: there is none, or somebody has it already; a fault.
pub async fn acknowledge(
    app: &App,
    actor: &Actor,
    by: &str,
    alert_id: &str,
    reason: &str,
) -> Result<()> {
    let act = Act::AlertAcknowledge;
    let clearance = actor.decide(app, act, None, &json!({ "alert": alert_id }), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE alert SET state = 'acknowledged', acknowledged_by = $1,
             acknowledged_at = $2 WHERE alert_id = $3 AND state = 'open'");
    let update = update.bind(by).bind(app.clock.now()).bind(alert_id);
    if tx.execute(update).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let (before, after) = (json!({ "state": "open" }), json!({ "state": "acknowledged" }));
    let entry = Entry { actor, act, subject: alert_id, before, after, reason };
    audit::commit(app, tx, &clearance, &entry).await
}
