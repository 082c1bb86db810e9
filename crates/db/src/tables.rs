//! What tables a store has, as its engine tells it. For backups: nothing else asks.

use crate::{Db, Query, Result, sql};

/// The form of a column: all that a schema of ours knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `BIGINT`.
    Int,
    /// `TEXT`.
    Text,
    /// Bytes.
    Bytes,
}

impl Form {
    /// From the engine's name of a type.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "INTEGER" | "bigint" => Some(Self::Int),
            "TEXT" | "text" => Some(Self::Text),
            "BLOB" | "bytea" => Some(Self::Bytes),
            _ => None,
        }
    }
}

impl Db {
    /// The statement that lists the tables: `name`.
    #[must_use]
    pub fn tables_query(&self) -> Query {
        if self.is_embedded() {
            sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                 ORDER BY name")
        } else {
            sql("SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables \
                 WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' \
                 ORDER BY table_name")
        }
    }

    /// The statement that lists the columns of a table in their order: `name` and `form`, which
    /// [`Form::of`] understands.
    #[must_use]
    pub fn columns_query(&self, table: &str) -> Query {
        let query = if self.is_embedded() {
            sql("SELECT name, type AS form FROM pragma_table_info($1) ORDER BY cid")
        } else {
            sql("SELECT CAST(column_name AS TEXT) AS name, CAST(data_type AS TEXT) AS form \
                 FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = $1 \
                 ORDER BY ordinal_position")
        };
        query.bind(table)
    }

    /// Which table names which other by a foreign key: rows of the second must be there before
    /// those of the first.
    ///
    /// # Errors
    /// [`crate::Error::Engine`].
    pub async fn references(&self) -> Result<Vec<(String, String)>> {
        let query = if self.is_embedded() {
            sql("SELECT m.name AS tab, f.\"table\" AS other FROM sqlite_master m \
                 JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'")
        } else {
            sql("SELECT CAST(t.relname AS TEXT) AS tab, CAST(o.relname AS TEXT) AS other \
                 FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid \
                 JOIN pg_class o ON o.oid = c.confrelid \
                 JOIN pg_namespace n ON n.oid = t.relnamespace \
                 WHERE c.contype = 'f' AND n.nspname = current_schema()")
        };
        let rows = self.all(query).await?;
        rows.iter().map(|row| Ok((row.text("tab")?, row.text("other")?))).collect()
    }
}
