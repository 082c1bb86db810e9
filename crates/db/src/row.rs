use std::fmt::Display;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Decode, Row as _, Type};

use crate::{Error, Result};

/// A column of a result: by name, or by position from 0 where speed counts.
pub trait Column: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> + Display + Copy {}
impl<T: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> + Display + Copy> Column for T {}

/// One row of a result.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// A `BIGINT`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the column is missing, NULL or of another type.
    pub fn int(&self, column: impl Column) -> Result<i64> {
        self.get(column)
    }

    /// A `BIGINT` or NULL.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the column is missing or of another type.
    pub fn int_optional(&self, column: impl Column) -> Result<Option<i64>> {
        self.get(column)
    }

    /// A `TEXT`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the column is missing, NULL or of another type.
    pub fn text(&self, column: impl Column) -> Result<String> {
        self.get(column)
    }

    /// A `TEXT` or NULL.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the column is missing or of another type.
    pub fn text_optional(&self, column: impl Column) -> Result<Option<String>> {
        self.get(column)
    }

    /// Bytes.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the column is missing, NULL or of another type.
    pub fn bytes(&self, column: impl Column) -> Result<Vec<u8>> {
        self.get(column)
    }

    /// Bytes or NULL.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the column is missing or of another type.
    pub fn bytes_optional(&self, column: impl Column) -> Result<Option<Vec<u8>>> {
        self.get(column)
    }

    /// Exactly `N` bytes, such as an id of 16 or a hash of 32.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the column is missing, of another type or of another length.
    pub fn array<const N: usize>(&self, column: impl Column) -> Result<[u8; N]> {
        let bytes = self.bytes(column)?;
        bytes.try_into().map_err(|_| Error::Corrupt { column: column.to_string() })
    }

    /// A boolean.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the column is missing, NULL or of another type.
    pub fn bool(&self, column: impl Column) -> Result<bool> {
        self.get(column)
    }

    fn get<T, C>(&self, column: C) -> Result<T>
    where
        T: for<'r> Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite>,
        T: for<'r> Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>,
        C: Column,
    {
        let value = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        value.map_err(|_| Error::Corrupt { column: column.to_string() })
    }
}
