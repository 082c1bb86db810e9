//! Runs and differences as pages show them, and what becomes of a difference.

use omamori_db::{Row, sql};
use serde_json::json;

use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::gate::Act;
use crate::web::codes::Code;
use crate::web::error::Result;

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// `card` or `cash`.
    pub kind: String,
    /// The gateway, or the partner.
    pub subject: String,
    /// The first day.
    pub from: String,
    /// The last.
    pub until: String,
    /// How many lines we have, and their yen.
    pub ours: (i64, i64),
    /// How many they have.
    pub theirs: (i64, i64),
    /// What the gateway took for it, in yen.
    pub fee: i64,
    /// When.
    pub made_at: Micros,
    /// The partner's file, if there was one: its name, and the start of its SHA-256.
    pub file: Option<(String, String)>,
}

/// A difference.
#[derive(Clone, Debug)]
pub struct Found {
    /// `rdf_…`.
    pub difference_id: String,
    /// `card` or `cash`.
    pub kind: String,
    /// The gateway, or the partner.
    pub subject: String,
    /// By which both sides know it.
    pub reference: String,
    /// When.
    pub on_day: String,
    /// `only_ours`, `only_theirs` or `amount`.
    pub what: String,
    /// Our yen.
    pub ours: i64,
    /// Theirs.
    pub theirs: i64,
    /// `open`, `taken`, `explained` or `agreed`.
    pub state: String,
    /// Since when.
    pub state_at: Micros,
    /// Who looks into it.
    pub taken_by: Option<String>,
    /// What that person found.
    pub explanation: Option<String>,
}

/// The newest runs.
///
/// # Errors
/// A fault if the registry fails.
pub async fn runs(app: &App, limit: i64) -> Result<Vec<Run>> {
    let query =
        sql("SELECT kind, subject, from_day, until_day, ours_count, ours_yen, theirs_count,
             theirs_yen, fee_yen, made_at, file_name, file_sha256
         FROM reconciliation ORDER BY made_at DESC, reconciliation_id LIMIT $1");
    let mut runs = Vec::new();
    for row in app.stores.registry.all(query.bind(limit)).await? {
        let name = row.text_optional("file_name")?;
        runs.push(Run {
            kind: row.text("kind")?,
            subject: row.text("subject")?,
            from: row.text("from_day")?,
            until: row.text("until_day")?,
            ours: (row.int("ours_count")?, row.int("ours_yen")?),
            theirs: (row.int("theirs_count")?, row.int("theirs_yen")?),
            fee: row.int("fee_yen")?,
            made_at: row.int("made_at")?,
            file: row
                .text_optional("file_sha256")?
                .map(|sha256| (name.unwrap_or_default(), sha256.chars().take(12).collect())),
        });
    }
    Ok(runs)
}

/// The differences that somebody must look at or looks at, the oldest first; or those that are
/// over, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn differences(app: &App, over: bool, limit: i64) -> Result<Vec<Found>> {
    let query = if over {
        sql("SELECT difference_id, kind, subject, reference, on_day, what, ours_yen, theirs_yen,
                 state, state_at, taken_by, explanation FROM reconciliation_difference
             WHERE state IN ('explained', 'agreed')
             ORDER BY state_at DESC, difference_id LIMIT $1")
    } else {
        sql("SELECT difference_id, kind, subject, reference, on_day, what, ours_yen, theirs_yen,
                 state, state_at, taken_by, explanation FROM reconciliation_difference
             WHERE state IN ('open', 'taken') ORDER BY on_day, difference_id LIMIT $1")
    };
    app.stores.registry.all(query.bind(limit)).await?.iter().map(found).collect()
}

fn found(row: &Row) -> Result<Found> {
    Ok(Found {
        difference_id: row.text("difference_id")?,
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        reference: row.text("reference")?,
        on_day: row.text("on_day")?,
        what: row.text("what")?,
        ours: row.int("ours_yen")?,
        theirs: row.int("theirs_yen")?,
        state: row.text("state")?,
        state_at: row.int("state_at")?,
        taken_by: row.text_optional("taken_by")?,
        explanation: row.text_optional("explanation")?,
    })
}

/// What somebody does about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Looks into it.
    Take,
    /// Says what it was. Only who has taken it up.
    Explain(&'a str),
}

/// Takes a difference up, or explains it.
///
/// # Errors
/// [`Code::NotFound`]: no such difference in the state for it; a fault.
pub async fn act(app: &App, actor: &Actor, id: &str, step: Step<'_>) -> Result<()> {
    let (act, to) = match step {
        Step::Take => (Act::DifferenceTake, "taken"),
        Step::Explain(_) => (Act::DifferenceExplain, "explained"),
    };
    let about = json!({ "difference": id, "state": to });
    let clearance = actor.decide(app, act, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let update = match step {
        Step::Take => sql("UPDATE reconciliation_difference
             SET state = 'taken', state_at = $1, taken_by = $2
             WHERE difference_id = $3 AND state IN ('open', 'taken')")
        .bind(app.clock.now())
        .bind(&actor.id)
        .bind(id),
        Step::Explain(words) => sql("UPDATE reconciliation_difference
             SET state = 'explained', state_at = $1, explanation = $2
             WHERE difference_id = $3 AND state = 'taken' AND taken_by = $4")
        .bind(app.clock.now())
        .bind(words)
        .bind(id)
        .bind(&actor.id),
    };
    if tx.execute(update).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let reason = if let Step::Explain(words) = step { words } else { "" };
    let before = json!(null);
    let entry = Entry { actor, act, subject: id, before, after: about, reason };
    audit::commit(app, tx, &clearance, &entry).await
}
