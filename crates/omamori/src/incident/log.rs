//! The incident's own log, and its timeline: the log with the alerts, doors and approvals around
//! it.

use omamori_db::{Db, Tx, sql};
use serde::Serialize;
use utoipa::ToSchema;

use super::row::Incident;
use crate::clock::Micros;
use crate::web::codes::Code;
use crate::web::csv::cell;
use crate::web::error::Result;
use crate::web::filters::as_rfc3339;

/// One thing that happened or was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LogLine)]
pub struct Line {
    /// When.
    #[serde(serialize_with = "as_rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Micros,
    /// `stf_…`, `cus_…`, a name, or `machine`.
    pub actor: String,
    /// A word.
    pub event: String,
    /// What it says more.
    pub detail: String,
}

/// Adds an entry, in the transaction of what it tells. Two at once come one after the other.
///
/// # Errors
/// [`Code::NotFound`]: there is no such incident; a fault.
pub async fn add(
    tx: &mut Tx,
    incident_id: &str,
    (actor, at): (&str, Micros),
    event: &str,
    detail: &str,
) -> Result<()> {
    let update = sql("UPDATE incident SET log_count = log_count + 1 WHERE incident_id = $1");
    if tx.execute(update.bind(incident_id)).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let query = sql("SELECT log_count FROM incident WHERE incident_id = $1").bind(incident_id);
    let number = tx.one(query).await?.int("log_count")?;
    let insert = sql("INSERT INTO incident_log (incident_id, number, at, actor, event, detail)
         VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.bind(incident_id).bind(number).bind(at).bind(actor).bind(event);
    tx.execute(insert.bind(detail)).await?;
    Ok(())
}

/// Everything in order: what happened, who did what, what was agreed on, which doors were closed
/// and opened meanwhile.
///
/// # Errors
/// A fault if the registry fails.
pub async fn timeline(registry: &Db, incident: &Incident) -> Result<Vec<Line>> {
    let id = incident.incident_id.as_str();
    let until = incident.closed_at.unwrap_or(i64::MAX);
    let first = began(registry, incident).await?;
    let mut lines = vec![Line {
        at: first,
        actor: "machine".to_owned(),
        event: "first_event".to_owned(),
        detail: String::new(),
    }];
    let own = sql("SELECT at, actor, event, detail FROM incident_log
         WHERE incident_id = $1 ORDER BY number");
    let alerts = sql("SELECT first_at AS at, 'machine' AS actor, 'alert' AS event,
             kind || ' ' || subject AS detail FROM alert
         WHERE first_at >= $1 AND first_at <= $2 ORDER BY first_at");
    let closed = sql("SELECT closed_at AS at, closed_by AS actor, 'door_closed' AS event,
             door || ' ' || scope || ' ' || subject AS detail FROM control
         WHERE closed_at >= $1 AND closed_at <= $2 ORDER BY closed_at");
    let opened = sql("SELECT opened_at AS at, opened_by AS actor, 'door_opened' AS event,
             door || ' ' || scope || ' ' || subject AS detail FROM control
         WHERE closed_at >= $1 AND opened_at <= $2 ORDER BY opened_at");
    let agreed = sql("SELECT a.decided_at AS at, a.decided_by AS actor,
             CASE a.state WHEN 'refused' THEN 'act_refused' ELSE 'act_approved' END AS event,
             i.kind AS detail
         FROM incident_act i JOIN approval a ON a.approval_id = i.approval_id
         WHERE i.incident_id = $1 AND a.decided_at IS NOT NULL ORDER BY a.decided_at");
    for query in [
        alerts.bind(first).bind(until),
        closed.bind(first).bind(until),
        own.bind(id),
        agreed.bind(id),
        opened.bind(first).bind(until),
    ] {
        for row in registry.all(query).await? {
            lines.push(Line {
                at: row.int("at")?,
                actor: row.text("actor")?,
                event: row.text("event")?,
                detail: row.text("detail")?.trim().to_owned(),
            });
        }
    }
    lines.sort_by_key(|line| line.at); // stable: what is of one instant keeps its order
    Ok(lines)
}

/// The first event: as staff know it, or what the cohort shows of before.
async fn began(registry: &Db, incident: &Incident) -> Result<Micros> {
    let query = sql("SELECT CAST(COALESCE(MIN(first_at), $1) AS BIGINT) AS first
         FROM incident_member WHERE incident_id = $2 AND state <> 'cleared'");
    let query = query.bind(incident.first_event_at).bind(&incident.incident_id);
    Ok(registry.one(query).await?.int("first")?.min(incident.first_event_at))
}

/// When it began, when somebody could first have known, and when doors were closed.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// The first event.
    pub began: Micros,
    /// The first alert since the first event.
    pub first_alert: Option<Micros>,
    /// The first door that was closed since then.
    pub first_door: Option<Micros>,
    /// The last one.
    pub last_door: Option<Micros>,
}

impl Times {
    /// From the timeline.
    #[must_use]
    pub fn of(lines: &[Line]) -> Self {
        let all = |event: &str| -> Vec<Micros> {
            lines.iter().filter(|line| line.event == event).map(|line| line.at).collect()
        };
        let doors = all("door_closed");
        Self {
            began: all("first_event").first().copied().unwrap_or_default(),
            first_alert: all("alert").first().copied(),
            first_door: doors.first().copied(),
            last_door: doors.last().copied(),
        }
    }
}

/// As a file for a spreadsheet. A cell that a spreadsheet would take for a formula gets a quote
/// before it.
#[must_use]
pub fn csv(lines: &[Line]) -> String {
    let mut text = String::from("at,actor,event,detail\r\n");
    for line in lines {
        let at = crate::web::filters::rfc3339(line.at);
        let cells = [&at, &line.actor, &line.event, &line.detail].map(|text| cell(text));
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}
