//! An incident: opened, written about, published, closed.

use omamori_db::{Db, Row, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::log;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::gate::Act;
use crate::id::Kind;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;

const TITLE_CHARACTERS: usize = 120;
const TEXT_CHARACTERS: usize = 2_000;

/// What kind of thing went wrong. Words of tables: only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// Accounts were used by others than their holders.
    Takeover,
    /// Cards were used by others than their holders.
    CardFraud,
    /// One of the operator's people took part.
    Insider,
    /// A store or its staff took part.
    Merchant,
    /// The service itself did wrong.
    System,
    /// Something else.
    Other,
}

impl IncidentKind {
    /// Every kind there is.
    pub const ALL: [Self; 6] =
        [Self::Takeover, Self::CardFraud, Self::Insider, Self::Merchant, Self::System, Self::Other];

    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Takeover => "takeover",
            Self::CardFraud => "card_fraud",
            Self::Insider => "insider",
            Self::Merchant => "merchant",
            Self::System => "system",
            Self::Other => "other",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// An incident.
#[derive(Clone, Debug)]
pub struct Incident {
    /// `inc_…`.
    pub incident_id: String,
    /// For staff.
    pub title: String,
    /// What went wrong.
    pub kind: IncidentKind,
    /// `alt_…` or `cse_…`; empty if it was opened by hand.
    pub source: String,
    /// When it began, as far as known.
    pub first_event_at: Micros,
    /// Why, as far as known.
    pub cause: String,
    /// What was restored.
    pub standing: String,
    /// `stf_…`.
    pub opened_by: String,
    /// When.
    pub opened_at: Micros,
    /// Since when customers read of it.
    pub published_at: Option<Micros>,
    /// `stf_…`.
    pub closed_by: Option<String>,
    /// When.
    pub closed_at: Option<Micros>,
}

impl Incident {
    /// Whether it is still worked on.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    fn read(row: &Row) -> omamori_db::Result<Self> {
        let kind = IncidentKind::parse(&row.text("kind")?);
        Ok(Self {
            incident_id: row.text("incident_id")?,
            title: row.text("title")?,
            kind: kind.ok_or_else(|| omamori_db::Error::Corrupt { column: "kind".to_owned() })?,
            source: row.text("source")?,
            first_event_at: row.int("first_event_at")?,
            cause: row.text("cause")?,
            standing: row.text("standing")?,
            opened_by: row.text("opened_by")?,
            opened_at: row.int("opened_at")?,
            published_at: row.int_optional("published_at")?,
            closed_by: row.text_optional("closed_by")?,
            closed_at: row.int_optional("closed_at")?,
        })
    }
}

/// The columns that make an [`Incident`].
macro_rules! incident_columns {
    () => {
        "incident_id, title, kind, source, first_event_at, cause, standing, opened_by, opened_at, \
         published_at, closed_by, closed_at"
    };
}

/// The incident with this id.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn find(registry: &Db, incident_id: &str) -> Result<Incident> {
    let query =
        sql(concat!("SELECT ", incident_columns!(), " FROM incident WHERE incident_id = $1"));
    let row = registry.optional(query.bind(incident_id)).await?.ok_or(Code::NotFound)?;
    Ok(Incident::read(&row)?)
}

/// One that is worked on: whoever changes something asks for it.
///
/// # Errors
/// [`Code::NotFound`], [`Code::IncidentClosed`]; a fault.
pub async fn open_one(registry: &Db, incident_id: &str) -> Result<Incident> {
    let incident = find(registry, incident_id).await?;
    if incident.is_open() { Ok(incident) } else { Err(Code::IncidentClosed.into()) }
}

/// Whether it is worked on, in the transaction of what is done for it.
pub(super) async fn open_in(tx: &mut omamori_db::Tx, incident_id: &str) -> Result<()> {
    let query = sql("SELECT closed_at FROM incident WHERE incident_id = $1").bind(incident_id);
    let row = tx.optional(query).await?.ok_or(Code::NotFound)?;
    match row.int_optional("closed_at")? {
        None => Ok(()),
        Some(_) => Err(Code::IncidentClosed.into()),
    }
}

/// The newest incidents.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(registry: &Db, limit: i64) -> Result<Vec<Incident>> {
    let query = sql(concat!(
        "SELECT ",
        incident_columns!(),
        " FROM incident ORDER BY opened_at DESC, incident_id LIMIT $1"
    ));
    let rows = registry.all(query.bind(limit)).await?;
    Ok(rows.iter().map(Incident::read).collect::<omamori_db::Result<_>>()?)
}

/// What somebody opens.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IncidentNew)]
pub struct New {
    /// A few words.
    pub title: String,
    /// What went wrong.
    pub kind: IncidentKind,
    /// When it began, as far as known.
    pub first_event_at: Micros,
    /// `alt_…`, `cse_…` or empty.
    #[serde(default)]
    pub source: String,
}

fn checked(field: &str, text: &str, max: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field(field, "missing"));
    }
    if text.chars().count() > max {
        return Err(Error::field(field, "too_long"));
    }
    Ok(text.to_owned())
}

/// Opens an incident and gives its id.
///
/// # Errors
/// A wrong field; a fault.
pub async fn open(app: &App, actor: &Actor, new: &New) -> Result<String> {
    let now = app.clock.now();
    let title = checked("title", &new.title, TITLE_CHARACTERS)?;
    if !(1..=now).contains(&new.first_event_at) {
        return Err(Error::field("first_event_at", "out_of_range"));
    }
    let is_source = |kind: Kind| kind.parse(&new.source).is_some();
    if !(new.source.is_empty() || is_source(Kind::Alert) || is_source(Kind::Case)) {
        return Err(Error::field("source", "malformed"));
    }
    let incident_id = Kind::Incident.random_text(app.rng.as_ref());
    let after = json!({ "kind": new.kind, "source": new.source,
        "first_event_at": rfc3339(new.first_event_at) });
    let clearance = actor.decide(app, Act::IncidentOpen, None, &after, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let insert = sql("INSERT INTO incident (incident_id, title, kind, source, first_event_at,
             cause, standing, log_count, opened_by, opened_at)
         VALUES ($1, $2, $3, $4, $5, '', '', CAST(0 AS BIGINT), $6, $7)");
    let insert = insert.bind(&incident_id).bind(&title).bind(new.kind.as_str()).bind(&new.source);
    tx.execute(insert.bind(new.first_event_at).bind(&actor.id).bind(now)).await?;
    log::add(&mut tx, &incident_id, (&actor.id, now), "opened", &new.source).await?;
    let subject = incident_id.as_str();
    let entry = Entry {
        actor,
        act: Act::IncidentOpen,
        subject,
        before: Value::Null,
        after,
        reason: &title,
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(incident_id)
}

/// What is written about an open incident.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = IncidentWriting)]
pub enum Writing {
    /// Words for the log.
    Note {
        /// The words.
        text: String,
    },
    /// What the authority's report says beside the figures.
    Facts {
        /// Why it happened, as far as known.
        cause: String,
        /// What was restored, and since when.
        standing: String,
        /// When it began.
        first_event_at: Micros,
    },
    /// Customers read of it from now on.
    Publish {
        /// Why now.
        reason: String,
    },
    /// It is over.
    Close {
        /// How it ended.
        reason: String,
    },
}

/// Writes something about an open incident.
///
/// # Errors
/// [`Code::NotFound`], [`Code::IncidentClosed`]; a wrong field; a fault.
pub async fn write(app: &App, actor: &Actor, incident_id: &str, writing: &Writing) -> Result<()> {
    let incident = open_one(&app.stores.registry, incident_id).await?;
    let now = app.clock.now();
    let (act, event, words) = match writing {
        Writing::Note { text } => {
            (Act::IncidentWrite, "note", checked("text", text, TEXT_CHARACTERS)?)
        }
        Writing::Facts { cause, standing, first_event_at } => {
            let long = |text: &str| text.chars().count() > TEXT_CHARACTERS;
            if long(cause) || long(standing) {
                return Err(Error::field("cause", "too_long"));
            }
            if !(1..=now).contains(first_event_at) {
                return Err(Error::field("first_event_at", "out_of_range"));
            }
            (Act::IncidentWrite, "facts", String::new())
        }
        Writing::Publish { reason } => {
            (Act::IncidentPublish, "published", checked("reason", reason, TEXT_CHARACTERS)?)
        }
        Writing::Close { reason } => {
            (Act::IncidentClose, "closed", checked("reason", reason, TEXT_CHARACTERS)?)
        }
    };
    let about = json!({ "incident": incident_id, "event": event });
    let clearance = actor.decide(app, act, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    match writing {
        Writing::Note { .. } => {}
        Writing::Facts { cause, standing, first_event_at } => {
            let update = sql("UPDATE incident SET cause = $1, standing = $2, first_event_at = $3
                 WHERE incident_id = $4");
            let update = update.bind(cause.trim()).bind(standing.trim()).bind(*first_event_at);
            tx.execute(update.bind(incident_id)).await?;
        }
        Writing::Publish { .. } => {
            let update = sql("UPDATE incident SET published_at = COALESCE(published_at, $1)
                 WHERE incident_id = $2");
            tx.execute(update.bind(now).bind(incident_id)).await?;
        }
        Writing::Close { .. } => close_row(&mut tx, &actor.id, incident_id, now).await?,
    }
    log::add(&mut tx, incident_id, (&actor.id, now), event, &words).await?;
    let entry = Entry {
        actor,
        act,
        subject: incident_id,
        before: json!({ "open": incident.is_open() }),
        after: json!({ "event": event }),
        // Words of a note can name people, and the audit log is for ever.
        reason: if event == "note" { "" } else { &words },
    };
    audit::commit(app, tx, &clearance, &entry).await
}

async fn close_row(
    tx: &mut omamori_db::Tx,
    by: &str,
    incident_id: &str,
    now: Micros,
) -> Result<()> {
    // The row first: who starts an act takes it too.
    let update = sql("UPDATE incident SET closed_by = $1, closed_at = $2
         WHERE incident_id = $3 AND closed_at IS NULL");
    if tx.execute(update.bind(by).bind(now).bind(incident_id)).await? != 1 {
        return Err(Code::IncidentClosed.into());
    }
    let running = sql("SELECT act_id FROM incident_act
         WHERE incident_id = $1 AND state = 'running' LIMIT 1");
    if tx.optional(running.bind(incident_id)).await?.is_some() {
        return Err(Code::IncidentBusy.into());
    }
    let held = sql("SELECT act_id FROM sale_hold
         WHERE incident_id = $1 AND released_at IS NULL LIMIT 1");
    match tx.optional(held.bind(incident_id)).await? {
        Some(_) => Err(Code::IncidentBusy.into()),
        None => Ok(()),
    }
}
