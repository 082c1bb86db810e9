/// What can go wrong between us and an engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique key stands already in the table. The caller decides what that means.
    #[error("a row with this key exists already")]
    UniqueViolation,
    /// A query that must find exactly one row found none.
    #[error("no such row")]
    RowNotFound,
    /// The address does not name an engine we know.
    #[error("a database address starts with sqlite: or postgres://")]
    UnknownEngine,
    /// A stored value does not have the type or form that the reader expects.
    #[error("column {column} holds an unexpected value")]
    Corrupt {
        /// The column, as named or numbered in the query.
        column: String,
    },
    /// Everything else: connection lost, disk full, locked too long, wrong SQL.
    #[error("database engine")]
    Engine(#[source] sqlx::Error),
    /// A migration failed or a migration that was applied before has changed since.
    #[error("schema migration")]
    Migration(#[source] sqlx::migrate::MigrateError),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::RowNotFound => Self::RowNotFound,
            sqlx::Error::Database(ref inner) if inner.is_unique_violation() => {
                Self::UniqueViolation
            }
            other => Self::Engine(other),
        }
    }
}
