//! Opening a case.

use omamori_db::{Tx, sql};
use serde_json::Value;

use super::kind::CaseKind;
use crate::app::App;
use crate::id::{self, Kind};
use crate::notify::{Notice, tell};
use crate::web::error::Result;

/// Who opens a case.
#[derive(Clone, Copy, Debug)]
pub enum Opener<'a> {
    /// The customer, `cus_…`.
    Customer(&'a str),
    /// A rule, by its id.
    Rule(&'a str),
    /// One of the staff, `stf_…`: within a transaction that ends in the audit log.
    Staff(&'a str),
    /// A part of the service, by its name: `chargeback`.
    Machine(&'a str),
}

impl<'a> Opener<'a> {
    const fn columns(self) -> (&'static str, &'a str) {
        match self {
            Self::Customer(id) => ("customer", id),
            Self::Rule(id) => ("rule", id),
            Self::Staff(id) => ("staff", id),
            Self::Machine(name) => ("machine", name),
        }
    }
}

/// What is to be looked into.
#[derive(Clone, Debug)]
pub struct NewCase<'a> {
    /// What kind of thing.
    pub kind: CaseKind,
    /// What makes it one: the same kind and key are the same case, for ever. A payment's id, the
    /// id of a chargeback, customer and reason of a flag …
    pub key: &'a str,
    /// Whom it is about, `cus_…`.
    pub customer_id: Option<&'a str>,
    /// Where, `sto_…`.
    pub store_id: Option<&'a str>,
    /// Public ids of what it is about: `pay_…`, `top_…`, `snd_…`.
    pub subjects: &'a [String],
    /// Yen in question.
    pub amount: Option<i64>,
    /// The gate's decision, `dec_…`: what back-tests label.
    pub decision_id: Option<&'a str>,
    /// Who opens it.
    pub opener: Opener<'a>,
    /// What is to be seen now: [`super::evidence::snapshot`], or a few facts. No secret.
    pub evidence: &'a Value,
}

/// The id that a kind and a key have.
#[must_use]
pub fn case_id(kind: CaseKind, key: &str) -> String {
    Kind::Case.text(id::derive("case", &[kind.as_str().as_bytes(), key.as_bytes()]))
}

/// Opens a case in a transaction of the caller's, and gives its id and whether it is new. A
/// customer who may see it is told.
///
/// # Errors
/// A fault if the registry fails.
pub async fn open(app: &App, tx: &mut Tx, new: &NewCase<'_>) -> Result<(String, bool)> {
    let (case_id, now) = (case_id(new.kind, new.key), app.clock.now());
    let (opener, opened_by) = new.opener.columns();
    let insert = sql("INSERT INTO case_file (case_id, kind, customer_id, store_id, amount_yen,
             decision_id, opener, opened_by, opened_at, due_at, evidence, state, state_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', $9)
         ON CONFLICT (case_id) DO NOTHING");
    let insert = insert.bind(&case_id).bind(new.kind.as_str()).bind(new.customer_id);
    let insert = insert.bind(new.store_id).bind(new.amount).bind(new.decision_id);
    let insert = insert.bind(opener).bind(opened_by).bind(now);
    let due_at = now + app.config.cases.time_for(new.kind);
    if tx.execute(insert.bind(due_at).bind(new.evidence.to_string())).await? != 1 {
        return Ok((case_id, false));
    }
    for subject_id in new.subjects {
        let insert = sql("INSERT INTO case_subject (subject_id, case_id) VALUES ($1, $2)
             ON CONFLICT (subject_id, case_id) DO NOTHING");
        tx.execute(insert.bind(subject_id).bind(&case_id)).await?;
    }
    if let (CaseKind::Dispute, Some(customer_id)) = (new.kind, new.customer_id) {
        tell(app, tx, customer_id, &Notice::CaseOpened {}).await?;
    }
    tracing::info!(case_id, kind = new.kind.as_str(), "a case was opened");
    Ok((case_id, true))
}
