//! Reading the log: for the console's page, a customer's timeline, and the export.

use omamori_db::{Db, sql};

pub use super::chain::Stored;
use super::chain::entry_columns;
use crate::web::error::Result;

/// Which entries. Empty texts mean all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this person.
    pub actor: String,
    /// Of this kind.
    pub act: String,
    /// About this.
    pub subject: String,
    /// Older than this entry.
    pub before: Option<i64>,
}

/// The newest entries of a filter.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(registry: &Db, filter: &Filter, limit: i64) -> Result<Vec<Stored>> {
    let query = sql(concat!(
        "SELECT ",
        entry_columns!(),
        " FROM audit_entry WHERE seq < $1 AND ($2 = '' OR actor = $2) AND ($3 = '' OR act = $3)
         AND ($4 = '' OR subject = $4) ORDER BY seq DESC LIMIT $5"
    ));
    let query = query.bind(filter.before.unwrap_or(i64::MAX)).bind(&filter.actor);
    let rows = registry.all(query.bind(&filter.act).bind(&filter.subject).bind(limit)).await?;
    Ok(rows.iter().map(Stored::read).collect::<omamori_db::Result<_>>()?)
}

/// A page of entries after one, the oldest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn after(registry: &Db, seq: i64, limit: i64) -> Result<Vec<Stored>> {
    let query = sql(concat!(
        "SELECT ",
        entry_columns!(),
        " FROM audit_entry WHERE seq > $1 ORDER BY seq LIMIT $2"
    ));
    let rows = registry.all(query.bind(seq).bind(limit)).await?;
    Ok(rows.iter().map(Stored::read).collect::<omamori_db::Result<_>>()?)
}

/// The acts that the log has, for a choice.
///
/// # Errors
/// A fault if the registry fails.
pub async fn acts(registry: &Db) -> Result<Vec<String>> {
    let rows = registry.all(sql("SELECT DISTINCT act FROM audit_entry ORDER BY act")).await?;
    Ok(rows.iter().map(|row| row.text("act")).collect::<omamori_db::Result<_>>()?)
}

/// The newest entries about one subject.
///
/// # Errors
/// A fault if the registry fails.
pub async fn about(registry: &Db, subject: &str, limit: i64) -> Result<Vec<Stored>> {
    let query = sql(concat!(
        "SELECT ",
        entry_columns!(),
        " FROM audit_entry WHERE subject = $1 ORDER BY seq DESC LIMIT $2"
    ));
    let rows = registry.all(query.bind(subject).bind(limit)).await?;
    Ok(rows.iter().map(Stored::read).collect::<omamori_db::Result<_>>()?)
}
