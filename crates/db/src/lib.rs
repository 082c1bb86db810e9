//! One small door to two SQL engines.
//!
//! Here: [`Db`] (SQLite or PostgreSQL, chosen by the address at run time), [`sql`] statements with
//! typed values, rows, write transactions, and migrations written once for both engines.
//! Not here: any table, any business rule, any clock.
//!
//! Rules for authors of SQL text (each one measured on both engines):
//! - one text for both engines, `$1` placeholders, only `i64`, text, bytes and bool are bound;
//! - aggregates and literals are cast: `CAST(COALESCE(SUM(x), 0) AS BIGINT)`;
//! - no `FOR UPDATE`: the guard stands in `WHERE` and the caller looks at the affected rows;
//! - constraint names are never read; `lower(x) LIKE lower($1)`; no engine clock (time is `$n`);
//! - instants are `BIGINT` microseconds UTC, ids `TEXT` or 16 bytes, JSON is `TEXT`.

mod error;
mod migrate;
mod open;
mod probe;
mod query;
mod row;
mod snapshot;
mod tables;

pub use error::Error;
pub use migrate::Step;
pub use open::{Db, Durability};
pub use probe::PoolUse;
pub use query::{Query, Tx, Value, sql, sql_built, sql_rows};
pub use row::{Column, Row};
pub use snapshot::Snapshot;
pub use tables::Form;

/// The result of a database call.
pub type Result<T> = std::result::Result<T, Error>;
