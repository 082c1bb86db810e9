//! Reading a case.

use omamori_db::{Db, Query, Row, Tx, sql};

use super::kind::CaseKind;
use super::state::State;
use crate::clock::Micros;
use crate::web::error::Result;

/// The columns that make a [`Case`].
macro_rules! case_columns {
    () => {
        "case_id, kind, customer_id, store_id, amount_yen, decision_id, opener, opened_by, \
         opened_at, due_at, state, state_by, state_at, outcome"
    };
}
pub(super) use case_columns;

/// A case, without its evidence.
#[derive(Clone, Debug)]
pub struct Case {
    /// `cse_…`.
    pub case_id: String,
    /// What it is about.
    pub kind: CaseKind,
    /// Whom it is about, `cus_…`.
    pub customer_id: Option<String>,
    /// Where it happened, `sto_…`.
    pub store_id: Option<String>,
    /// Yen that are in question.
    pub amount: Option<i64>,
    /// The gate's decision that it is about, `dec_…`.
    pub decision_id: Option<String>,
    /// `customer`, `rule`, `staff` or `machine`.
    pub opener: String,
    /// Their id.
    pub opened_by: String,
    /// When.
    pub opened_at: Micros,
    /// When it should be decided.
    pub due_at: Micros,
    /// Where it stands.
    pub state: State,
}

impl Case {
    pub(super) fn read(row: &Row) -> omamori_db::Result<Self> {
        let kind = CaseKind::parse(&row.text("kind")?);
        Ok(Self {
            case_id: row.text("case_id")?,
            kind: kind.ok_or_else(|| omamori_db::Error::Corrupt { column: "kind".to_owned() })?,
            customer_id: row.text_optional("customer_id")?,
            store_id: row.text_optional("store_id")?,
            amount: row.int_optional("amount_yen")?,
            decision_id: row.text_optional("decision_id")?,
            opener: row.text("opener")?,
            opened_by: row.text("opened_by")?,
            opened_at: row.int("opened_at")?,
            due_at: row.int("due_at")?,
            state: State::read(row)?,
        })
    }

    /// Whether it should have been decided by now. While the customer is asked, the clock stands.
    #[must_use]
    pub fn is_overdue(&self, now: Micros) -> bool {
        matches!(self.state, State::Open | State::Taken { .. }) && self.due_at < now
    }
}

fn by_id(case_id: &str) -> Query {
    let query = concat!("SELECT ", case_columns!(), " FROM case_file WHERE case_id = $1");
    sql(query).bind(case_id)
}

/// A case, if there is one with this id.
///
/// # Errors
/// A fault if the registry fails.
pub async fn find(registry: &Db, case_id: &str) -> Result<Option<Case>> {
    let row = registry.optional(by_id(case_id)).await?;
    Ok(row.as_ref().map(Case::read).transpose()?)
}

pub(super) async fn find_in(tx: &mut Tx, case_id: &str) -> Result<Option<Case>> {
    let row = tx.optional(by_id(case_id)).await?;
    Ok(row.as_ref().map(Case::read).transpose()?)
}

/// What a case is about, by public ids.
///
/// # Errors
/// A fault if the registry fails.
pub async fn subjects(registry: &Db, case_id: &str) -> Result<Vec<String>> {
    let query = sql("SELECT subject_id FROM case_subject WHERE case_id = $1 ORDER BY subject_id");
    let rows = registry.all(query.bind(case_id)).await?;
    Ok(rows.iter().map(|row| row.text("subject_id")).collect::<omamori_db::Result<_>>()?)
}
