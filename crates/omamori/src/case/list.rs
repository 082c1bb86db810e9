//! The queue, and the cases of a customer.

use std::collections::HashSet;

use omamori_db::{Db, sql, sql_built};

use super::row::{Case, case_columns};
use crate::clock::Micros;
use crate::web::error::Result;

/// Which undecided cases. Empty texts mean all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this kind.
    pub kind: String,
    /// In this state.
    pub state: String,
    /// In the hands of this one.
    pub by: String,
    /// Only those that should have been decided before this instant.
    pub overdue_at: Option<Micros>,
}

/// Undecided cases, the one that is due first before the others, after a place in this order.
///
/// # Errors
/// A fault if the registry fails.
pub async fn waiting(
    registry: &Db,
    filter: &Filter,
    after: (Micros, &str),
    limit: i64,
) -> Result<Vec<Case>> {
    let query = sql(concat!(
        "SELECT ",
        case_columns!(),
        " FROM case_file WHERE state <> 'decided'
           AND (due_at > $1 OR (due_at = $1 AND case_id > $2))
           AND ($3 = '' OR kind = $3) AND ($4 = '' OR state = $4) AND ($5 = '' OR state_by = $5)
           AND ($6 = CAST(0 AS BIGINT) OR (due_at < $6 AND state <> 'waiting'))
         ORDER BY due_at, case_id LIMIT $7"
    ));
    let query = query.bind(after.0).bind(after.1).bind(&filter.kind).bind(&filter.state);
    let query = query.bind(&filter.by).bind(filter.overdue_at.unwrap_or(0)).bind(limit);
    read(&registry.all(query).await?)
}

/// Decided cases, the newest decision first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn decided(registry: &Db, filter: &Filter, limit: i64) -> Result<Vec<Case>> {
    let query = sql(concat!(
        "SELECT ",
        case_columns!(),
        " FROM case_file WHERE state = 'decided' AND ($1 = '' OR kind = $1)
           AND ($2 = '' OR state_by = $2) ORDER BY state_at DESC, case_id DESC LIMIT $3"
    ));
    read(&registry.all(query.bind(&filter.kind).bind(&filter.by).bind(limit)).await?)
}

/// How many are undecided, and how many of them should have been decided by now.
///
/// # Errors
/// A fault if the registry fails.
pub async fn counts(registry: &Db, now: Micros) -> Result<(i64, i64)> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS undecided,
            CAST(COALESCE(SUM(CASE WHEN due_at < $1 AND state <> 'waiting' THEN 1 ELSE 0 END), 0)
                 AS BIGINT) AS overdue
         FROM case_file WHERE state <> 'decided'");
    let row = registry.one(query.bind(now)).await?;
    Ok((row.int("undecided")?, row.int("overdue")?))
}

/// The cases of a customer, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of_customer(registry: &Db, customer_id: &str, limit: i64) -> Result<Vec<Case>> {
    let query = sql(concat!(
        "SELECT ",
        case_columns!(),
        " FROM case_file WHERE customer_id = $1 ORDER BY opened_at DESC, case_id DESC LIMIT $2"
    ));
    read(&registry.all(query.bind(customer_id).bind(limit)).await?)
}

/// Whether staff look into a customer: a case about them is open, they are in an open incident and
/// not cleared, or a hold stands.
///
/// # Errors
/// A fault if the registry fails.
pub async fn is_looked_into(registry: &Db, customer_id: &str, now: Micros) -> Result<bool> {
    let query = sql("SELECT customer_id FROM case_file
         WHERE customer_id = $1 AND state <> 'decided'
         UNION ALL SELECT m.customer_id FROM incident_member m
         JOIN incident i ON i.incident_id = m.incident_id
         WHERE m.customer_id = $1 AND m.state <> 'cleared' AND i.closed_at IS NULL
         UNION ALL SELECT customer_id FROM customer_hold
         WHERE customer_id = $1 AND held_until > $2 AND released_at IS NULL
         LIMIT CAST(1 AS BIGINT)");
    Ok(registry.optional(query.bind(customer_id).bind(now)).await?.is_some())
}

/// The same of many: those of them into whom staff look. One query.
///
/// # Errors
/// A fault if the registry fails.
pub async fn looked_into(
    registry: &Db,
    customers: &[String],
    now: Micros,
) -> Result<HashSet<String>> {
    if customers.is_empty() {
        return Ok(HashSet::new());
    }
    let marks: Vec<_> = (2..=customers.len() + 1).map(|place| format!("${place}")).collect();
    let marks = marks.join(", ");
    let mut query = sql_built(format!(
        "SELECT customer_id FROM case_file
         WHERE customer_id IN ({marks}) AND state <> 'decided'
         UNION SELECT m.customer_id FROM incident_member m
         JOIN incident i ON i.incident_id = m.incident_id
         WHERE m.customer_id IN ({marks}) AND m.state <> 'cleared' AND i.closed_at IS NULL
         UNION SELECT customer_id FROM customer_hold
         WHERE customer_id IN ({marks}) AND held_until > $1 AND released_at IS NULL"
    ));
    query.push(now);
    for customer_id in customers {
        query.push(customer_id.as_str());
    }
    let rows = registry.all(query).await?;
    Ok(rows.iter().map(|row| row.text("customer_id")).collect::<omamori_db::Result<_>>()?)
}

/// How many disputes of a customer are not decided.
///
/// # Errors
/// A fault if the registry fails.
pub async fn undecided_disputes(registry: &Db, customer_id: &str) -> Result<usize> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM case_file
         WHERE customer_id = $1 AND kind = 'dispute' AND state <> 'decided'");
    let count = registry.one(query.bind(customer_id)).await?.int("n")?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The cases that belong to a case.
///
/// # Errors
/// A fault if the registry fails.
pub async fn linked(registry: &Db, case_id: &str) -> Result<Vec<Case>> {
    let query = sql(concat!(
        "SELECT ",
        case_columns!(),
        " FROM case_file WHERE case_id IN (SELECT other_id FROM case_link WHERE case_id = $1)
           OR case_id IN (SELECT case_id FROM case_link WHERE other_id = $1)
         ORDER BY opened_at DESC LIMIT 100"
    ));
    read(&registry.all(query.bind(case_id)).await?)
}

fn read(rows: &[omamori_db::Row]) -> Result<Vec<Case>> {
    Ok(rows.iter().map(Case::read).collect::<omamori_db::Result<_>>()?)
}
