//! The acts on a cohort: which there are, on whom, and how one stands.

use std::collections::HashMap;

use omamori_db::{Db, Row, Tx, sql};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Micros;
use crate::console::access::Role;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// An act on a cohort. Words of tables: only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IncidentActKind)]
pub enum ActKind {
    /// Accounts are stopped.
    Freeze,
    /// They are started again.
    Unfreeze,
    /// All sessions end, and no phone is bound any more.
    SignOut,
    /// Passkeys, passwords, apps and accounts elsewhere are forgotten: new ones by recovery.
    RequireFactors,
    /// Merchants of the stores concerned are not paid out for now.
    HoldPayouts,
    /// Single sales are not paid out for now: statements carry them on as held.
    HoldSales,
    /// They are paid out with the next statement.
    ReleaseSales,
    /// What came in by disputed top-ups and is still there is taken back.
    Reverse,
    /// What was taken back of top-ups by card goes to the cards.
    PassOn,
    /// Members are told.
    Notify,
    /// Confirmed losses are made good.
    Compensate,
    /// Functions are closed.
    CloseDoors,
}

impl ActKind {
    /// Every act there is, in the order in which they are usually done.
    pub const ALL: [Self; 12] = [
        Self::CloseDoors,
        Self::Freeze,
        Self::SignOut,
        Self::RequireFactors,
        Self::HoldPayouts,
        Self::HoldSales,
        Self::Reverse,
        Self::PassOn,
        Self::Notify,
        Self::Compensate,
        Self::ReleaseSales,
        Self::Unfreeze,
    ];

    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::SignOut => "sign_out",
            Self::RequireFactors => "require_factors",
            Self::HoldPayouts => "hold_payouts",
            Self::HoldSales => "hold_sales",
            Self::ReleaseSales => "release_sales",
            Self::Reverse => "reverse",
            Self::PassOn => "pass_on",
            Self::Notify => "notify",
            Self::Compensate => "compensate",
            Self::CloseDoors => "close_doors",
        }
    }

    /// The act of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Who may ask for it, and who may agree: where money moves, the books too.
    #[must_use]
    pub const fn may(self, role: Role) -> bool {
        match self {
            Self::Reverse
            | Self::PassOn
            | Self::Compensate
            | Self::HoldPayouts
            | Self::HoldSales
            | Self::ReleaseSales => matches!(role, Role::Fraud | Role::Finance | Role::Admin),
            _ => matches!(role, Role::Fraud | Role::Admin),
        }
    }
}

/// On which members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IncidentActOn)]
pub enum On {
    /// The confirmed.
    Confirmed,
    /// All who were not cleared.
    All,
    /// Nobody of the cohort: who received what its members lost, and was not dismissed.
    Receivers,
}

/// What members are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IncidentActLetter)]
pub enum Letter {
    /// Something happened on your account; here is where to look.
    Affected,
    /// Nothing happened on your account; this is to be safe.
    Precaution,
}

/// An act with its exact parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IncidentActParameters)]
pub struct Parameters {
    /// What is to be done.
    pub kind: ActKind,
    /// To whom.
    pub on: On,
    /// What they are told, if they are.
    #[serde(default)]
    pub letter: Option<Letter>,
    /// Stores whose merchants or sales are held, single payments, or functions that are closed;
    /// empty for all that disputed payments were made in.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// For whom functions are closed, as at the page of doors; empty for all.
    #[serde(default)]
    pub scope: String,
    /// Which store, country … that is.
    #[serde(default)]
    pub scope_of: String,
}

/// An act as it stands.
#[derive(Clone, Debug)]
pub struct Planned {
    /// `iac_…`.
    pub act_id: String,
    /// `inc_…`.
    pub incident_id: String,
    /// The act.
    pub parameters: Parameters,
    /// `planned`, `asked`, `running`, `done`.
    pub state: String,
    /// How many rows.
    pub rows: i64,
    /// Yen in all.
    pub yen: i64,
    /// Of kind, parameters and rows: what is agreed on.
    pub digest: [u8; 32],
    /// `stf_…`.
    pub planned_by: String,
    /// When.
    pub planned_at: Micros,
    /// `apr_…`.
    pub approval_id: Option<String>,
    /// Why.
    pub reason: String,
    /// `stf_…` who carried it out.
    pub started_by: Option<String>,
    /// When.
    pub started_at: Option<Micros>,
    /// When the last row was done.
    pub done_at: Option<Micros>,
}

impl Planned {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            act_id: row.text("act_id")?,
            incident_id: row.text("incident_id")?,
            parameters: serde_json::from_str(&row.text("parameters")?)?,
            state: row.text("state")?,
            rows: row.int("row_count")?,
            yen: row.int("total_yen")?,
            digest: row.array("digest")?,
            planned_by: row.text("planned_by")?,
            planned_at: row.int("planned_at")?,
            approval_id: row.text_optional("approval_id")?,
            reason: row.text("reason")?,
            started_by: row.text_optional("started_by")?,
            started_at: row.int_optional("started_at")?,
            done_at: row.int_optional("done_at")?,
        })
    }
}

/// The columns that make a [`Planned`].
macro_rules! planned_columns {
    () => {
        "act_id, incident_id, parameters, state, row_count, total_yen, digest, planned_by, \
         planned_at, approval_id, reason, started_by, started_at, done_at"
    };
}

/// The act with this id.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn find(registry: &Db, act_id: &str) -> Result<Planned> {
    let query = sql(concat!("SELECT ", planned_columns!(), " FROM incident_act WHERE act_id = $1"));
    Planned::read(&registry.optional(query.bind(act_id)).await?.ok_or(Code::NotFound)?)
}

pub(super) async fn find_in(tx: &mut Tx, act_id: &str) -> Result<Planned> {
    let query = sql(concat!("SELECT ", planned_columns!(), " FROM incident_act WHERE act_id = $1"));
    Planned::read(&tx.optional(query.bind(act_id)).await?.ok_or(Code::NotFound)?)
}

/// The acts of an incident, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of(registry: &Db, incident_id: &str) -> Result<Vec<Planned>> {
    let query = sql(concat!(
        "SELECT ",
        planned_columns!(),
        " FROM incident_act WHERE incident_id = $1 ORDER BY planned_at DESC, act_id"
    ));
    registry.all(query.bind(incident_id)).await?.iter().map(Planned::read).collect()
}

/// The acts that are being carried out.
pub(super) async fn running(registry: &Db) -> Result<Vec<Planned>> {
    let query = sql(concat!(
        "SELECT ",
        planned_columns!(),
        " FROM incident_act WHERE state = 'running' ORDER BY started_at, act_id"
    ));
    registry.all(query).await?.iter().map(Planned::read).collect()
}

/// One row of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActRow {
    /// `cus_…`, `mer_…`, `pay_…` or a door.
    pub subject: String,
    /// Yen as planned.
    pub yen: i64,
    /// `waiting` or `done`.
    pub state: String,
    /// What came of it; of one that waits, `paying` from when its money may have moved.
    pub outcome: String,
    /// Yen that moved.
    pub moved: i64,
}

/// Rows of an act, those that wait first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn rows(registry: &Db, act_id: &str, limit: i64) -> Result<Vec<ActRow>> {
    let mut rows = waiting(registry, act_id, "", limit).await?;
    let left = limit - i64::try_from(rows.len()).unwrap_or(limit);
    if left > 0 {
        let query = sql("SELECT subject, yen, state, outcome, moved_yen FROM incident_act_row
             WHERE act_id = $1 AND state = 'done' ORDER BY subject LIMIT $2");
        rows.extend(read_rows(&registry.all(query.bind(act_id).bind(left)).await?)?);
    }
    Ok(rows)
}

fn read_rows(rows: &[Row]) -> Result<Vec<ActRow>> {
    let read = |row: &Row| {
        Ok(ActRow {
            subject: row.text("subject")?,
            yen: row.int("yen")?,
            state: row.text("state")?,
            outcome: row.text("outcome")?,
            moved: row.int("moved_yen")?,
        })
    };
    Ok(rows.iter().map(read).collect::<omamori_db::Result<_>>()?)
}

/// Rows of an act that wait and are to be looked at, after a subject.
pub(super) async fn due(
    registry: &Db,
    act_id: &str,
    (after, now): (&str, Micros),
    limit: i64,
) -> Result<Vec<ActRow>> {
    let query = sql("SELECT subject, yen, state, outcome, moved_yen FROM incident_act_row
         WHERE act_id = $1 AND state = 'waiting' AND subject > $2 AND due_at <= $3
         ORDER BY subject LIMIT $4");
    let query = query.bind(act_id).bind(after).bind(now).bind(limit);
    read_rows(&registry.all(query).await?)
}

/// Rows of an act that wait, after a subject.
async fn waiting(registry: &Db, act_id: &str, after: &str, limit: i64) -> Result<Vec<ActRow>> {
    let query = sql("SELECT subject, yen, state, outcome, moved_yen FROM incident_act_row
         WHERE act_id = $1 AND state = 'waiting' AND subject > $2 ORDER BY subject LIMIT $3");
    read_rows(&registry.all(query.bind(act_id).bind(after).bind(limit)).await?)
}

/// How far an act is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows that are done.
    pub done: i64,
    /// Yen that moved.
    pub moved: i64,
}

/// How far an act is.
///
/// # Errors
/// A fault if the registry fails.
pub async fn progress(registry: &Db, act_id: &str) -> Result<Progress> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS done,
             CAST(COALESCE(SUM(moved_yen), 0) AS BIGINT) AS moved FROM incident_act_row
         WHERE act_id = $1 AND state = 'done'");
    let row = registry.one(query.bind(act_id)).await?;
    Ok(Progress { done: row.int("done")?, moved: row.int("moved")? })
}

/// How far the acts of an incident are, by act.
///
/// # Errors
/// A fault if the registry fails.
pub async fn progress_of_all(
    registry: &Db,
    incident_id: &str,
) -> Result<HashMap<String, Progress>> {
    let query = sql("SELECT r.act_id, CAST(COUNT(*) AS BIGINT) AS done,
             CAST(COALESCE(SUM(r.moved_yen), 0) AS BIGINT) AS moved FROM incident_act_row r
         JOIN incident_act a ON a.act_id = r.act_id
         WHERE a.incident_id = $1 AND r.state = 'done' GROUP BY r.act_id");
    let mut progress = HashMap::new();
    for row in registry.all(query.bind(incident_id)).await? {
        let one = Progress { done: row.int("done")?, moved: row.int("moved")? };
        progress.insert(row.text("act_id")?, one);
    }
    Ok(progress)
}

impl Parameters {
    /// Checks what goes together.
    ///
    /// # Errors
    /// A field that does not fit the act.
    pub fn check(&self) -> Result<()> {
        let needs_letter = self.kind == ActKind::Notify;
        if needs_letter != self.letter.is_some() {
            return Err(Error::field("letter", if needs_letter { "missing" } else { "unknown" }));
        }
        let takes_subjects = matches!(
            self.kind,
            ActKind::HoldPayouts | ActKind::HoldSales | ActKind::ReleaseSales | ActKind::CloseDoors
        );
        if !takes_subjects && !self.subjects.is_empty() || self.subjects.len() > 100 {
            return Err(Error::field("subjects", "unknown"));
        }
        if self.kind == ActKind::CloseDoors && self.subjects.is_empty() {
            return Err(Error::field("subjects", "missing"));
        }
        if self.kind != ActKind::CloseDoors && !(self.scope.is_empty() && self.scope_of.is_empty())
        {
            return Err(Error::field("scope", "unknown"));
        }
        // What a receiver did is for a case of their own: here they are stopped, and started again.
        let fits = match self.on {
            On::Confirmed => true,
            On::All => self.kind != ActKind::Compensate,
            On::Receivers => {
                matches!(self.kind, ActKind::Freeze | ActKind::Unfreeze | ActKind::SignOut)
            }
        };
        if !fits {
            return Err(Error::field("on", "malformed"));
        }
        Ok(())
    }
}
