//! What decided cases say about past decisions of the gate: the labels of back-tests.

use omamori_db::{Db, sql};

use super::kind::Outcome;
use crate::clock::Micros;
use crate::web::error::Result;

/// A decision of the gate that somebody has looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// `dec_…`.
    pub decision_id: String,
    /// `cus_…`.
    pub customer_id: Option<String>,
    /// Yen that were in question.
    pub amount: Option<i64>,
    /// Whether it was fraud; otherwise it was as it should be.
    pub is_fraud: bool,
}

/// The labels of cases that were decided in a period, in the order of deciding.
///
/// # Errors
/// A fault if the registry fails or a row is not as it was written.
pub async fn labels(registry: &Db, since: Micros, until: Micros) -> Result<Vec<Label>> {
    let query = sql("SELECT decision_id, customer_id, amount_yen, outcome FROM case_file
         WHERE state = 'decided' AND state_at >= $1 AND state_at < $2
           AND decision_id IS NOT NULL ORDER BY state_at, case_id");
    let mut labels = Vec::new();
    for row in registry.all(query.bind(since).bind(until)).await? {
        let outcome = Outcome::parse(&row.text_optional("outcome")?.unwrap_or_default());
        let Some(outcome) = outcome else { continue };
        labels.push(Label {
            decision_id: row.text("decision_id")?,
            customer_id: row.text_optional("customer_id")?,
            amount: row.int_optional("amount_yen")?,
            is_fraud: outcome.is_fraud(),
        });
    }
    Ok(labels)
}
