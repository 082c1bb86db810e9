use sqlx::pool::PoolConnection;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{
    Acquire, Arguments, AssertSqlSafe, Executor, Postgres, SqlSafeStr, SqlStr, Sqlite, Transaction,
};

use crate::{Db, Error, Result, Row};

/// A value that both engines store alike. Nothing else can be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `BIGINT`, or its NULL.
    Int(Option<i64>),
    /// `TEXT`, or its NULL.
    Text(Option<String>),
    /// Bytes, or their NULL.
    Bytes(Option<Vec<u8>>),
    /// Boolean.
    Bool(bool),
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $to:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($v: $from) -> Self { $to }
        }
    )*};
}

value_from! {
    i64 => |v| Self::Int(Some(v));
    i32 => |v| Self::Int(Some(v.into()));
    u32 => |v| Self::Int(Some(v.into()));
    u16 => |v| Self::Int(Some(v.into()));
    Option<i64> => |v| Self::Int(v);
    String => |v| Self::Text(Some(v));
    &str => |v| Self::Text(Some(v.to_owned()));
    &String => |v| Self::Text(Some(v.clone()));
    Option<String> => |v| Self::Text(v);
    Option<&str> => |v| Self::Text(v.map(str::to_owned));
    Vec<u8> => |v| Self::Bytes(Some(v));
    &[u8] => |v| Self::Bytes(Some(v.to_vec()));
    Option<Vec<u8>> => |v| Self::Bytes(v);
    bool => |v| Self::Bool(v);
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

/// A statement with its values.
#[derive(Clone, Debug)]
pub struct Query {
    text: Text,
    values: Vec<Value>,
}

/// The text of a statement, as far as it is the same for both engines.
#[derive(Clone, Debug)]
enum Text {
    Whole(SqlStr),
    /// An `INSERT` of as many rows as values are bound.
    Rows {
        /// `INSERT INTO t (a, b)`.
        head: &'static str,
        column_count: usize,
        /// `ON CONFLICT …`, or nothing.
        tail: &'static str,
        /// SQLite only: rows before a refused one stay.
        or_fail: bool,
    },
}

/// A statement whose text stands in the source: the ordinary way.
#[must_use]
pub fn sql(text: &'static str) -> Query {
    Query { text: Text::Whole(text.into_sql_str()), values: Vec::new() }
}

/// A statement whose text was put together from fragments of the source, such as a multi-row
/// `VALUES`. Never put data into the text: bind it. Review every use.
#[must_use]
pub fn sql_built(text: String) -> Query {
    Query { text: Text::Whole(AssertSqlSafe(text).into_sql_str()), values: Vec::new() }
}

/// An insert of many rows at once: `head` is `INSERT INTO t (a, b)`, and each `column_count`
/// values that are pushed make one row. At most 32,766 values. If it fails in a transaction, that
/// is dead.
///
/// The placeholders are each engine's own, because SQLite looks up numbered ones one after the
/// other: with thousands of them that took fifty times as long as the insert itself.
#[must_use]
pub fn sql_rows(head: &'static str, column_count: usize) -> Query {
    let text = Text::Rows { head, column_count, tail: "", or_fail: false };
    Query { text, values: Vec::new() }
}

impl Query {
    /// What stands after the rows of [`sql_rows`]: `ON CONFLICT (a) DO UPDATE SET …`. No two of the
    /// rows may then be about the same one.
    #[must_use]
    pub fn ending(mut self, ending: &'static str) -> Self {
        let Text::Rows { tail, .. } = &mut self.text else { panic!("it has no rows: {ending}") };
        *tail = ending;
        self
    }

    /// Binds the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds the next placeholder of a statement that is being filled in a loop.
    pub fn push(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
    }

    /// Whether it inserts many rows.
    fn has_rows(&self) -> bool {
        matches!(self.text, Text::Rows { .. })
    }

    /// The same insert, for a transaction that is given up if it fails.
    ///
    /// SQLite copies every page that an insert of many rows touches, to undo the statement alone
    /// if a row is refused: a third of the time. Where all is undone anyway, it need not.
    fn all_or_dead(mut self) -> Self {
        if let Text::Rows { or_fail, .. } = &mut self.text {
            *or_fail = true;
        }
        self
    }

    pub(crate) fn sqlite(self) -> Result<sqlx::query::Query<'static, Sqlite, SqliteArguments>> {
        let text = self.text.render(self.values.len(), |out, _| out.push('?'));
        let mut arguments = SqliteArguments::default();
        for value in self.values {
            match value {
                Value::Int(v) => arguments.add(v),
                Value::Text(v) => arguments.add(v),
                Value::Bytes(v) => arguments.add(v),
                Value::Bool(v) => arguments.add(v),
            }
            .map_err(|e| Error::Engine(sqlx::Error::Encode(e)))?;
        }
        Ok(sqlx::query_with(text, arguments))
    }

    pub(crate) fn postgres(self) -> Result<sqlx::query::Query<'static, Postgres, PgArguments>> {
        let text = self.text.render(self.values.len(), |out, number| {
            out.push('$');
            out.push_str(&number.to_string());
        });
        let mut arguments = PgArguments::default();
        for value in self.values {
            match value {
                Value::Int(v) => arguments.add(v),
                Value::Text(v) => arguments.add(v),
                Value::Bytes(v) => arguments.add(v),
                Value::Bool(v) => arguments.add(v),
            }
            .map_err(|e| Error::Engine(sqlx::Error::Encode(e)))?;
        }
        Ok(sqlx::query_with(text, arguments))
    }
}

impl Text {
    /// The whole text; `place` writes the placeholder with a number.
    fn render(self, value_count: usize, place: impl Fn(&mut String, usize)) -> SqlStr {
        let (head, column_count, tail, or_fail) = match self {
            Self::Whole(text) => return text,
            Self::Rows { head, column_count, tail, or_fail } => (head, column_count, tail, or_fail),
        };
        assert!(value_count > 0 && value_count.is_multiple_of(column_count), "rows are whole");
        let Some(into_table) = head.strip_prefix("INSERT INTO ") else {
            panic!("rows are inserted: {head}");
        };
        let mut text = String::with_capacity(64 + head.len() + value_count * 8);
        text.push_str(if or_fail { "INSERT OR FAIL INTO " } else { "INSERT INTO " });
        text.push_str(into_table);
        text.push_str(" VALUES ");
        for number in 1..=value_count {
            text.push(if number % column_count == 1 % column_count { '(' } else { ',' });
            place(&mut text, number);
            if number.is_multiple_of(column_count) {
                text.push_str(if number == value_count { ")" } else { "), " });
            }
        }
        if !tail.is_empty() {
            text.push(' ');
            text.push_str(tail);
        }
        AssertSqlSafe(text).into_sql_str()
    }
}

impl Db {
    /// All rows of a read.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub async fn all(&self, query: Query) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite { readers, .. } => {
                Ok(query.sqlite()?.fetch_all(readers).await?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(pool) => Ok(query
                .postgres()?
                .fetch_all(pool)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect()),
        }
    }

    /// The first row of a read, if there is one.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub async fn optional(&self, query: Query) -> Result<Option<Row>> {
        match self {
            Self::Sqlite { readers, .. } => {
                Ok(query.sqlite()?.fetch_optional(readers).await?.map(Row::Sqlite))
            }
            Self::Postgres(pool) => {
                Ok(query.postgres()?.fetch_optional(pool).await?.map(Row::Postgres))
            }
        }
    }

    /// The first row of a read that must find one.
    ///
    /// # Errors
    /// [`Error::RowNotFound`], [`Error::Engine`].
    pub async fn one(&self, query: Query) -> Result<Row> {
        self.optional(query).await?.ok_or(Error::RowNotFound)
    }

    /// One write in a transaction of its own. Returns the number of affected rows.
    ///
    /// # Errors
    /// [`Error::UniqueViolation`], [`Error::Engine`].
    pub async fn execute(&self, query: Query) -> Result<u64> {
        match self {
            Self::Sqlite { writer, .. } => {
                Ok(query.sqlite()?.execute(writer).await?.rows_affected())
            }
            Self::Postgres(pool) => Ok(query.postgres()?.execute(pool).await?.rows_affected()),
        }
    }

    /// Prepares a statement without running it. For the test that prepares every statement.
    ///
    /// # Errors
    /// [`Error::Engine`] if the engine does not accept the text.
    pub async fn prepare(&self, text: String) -> Result<()> {
        let text = AssertSqlSafe(text).into_sql_str();
        match self {
            Self::Sqlite { writer, .. } => writer.acquire().await?.prepare(text).await.map(drop)?,
            Self::Postgres(pool) => pool.acquire().await?.prepare(text).await.map(drop)?,
        }
        Ok(())
    }

    /// Begins a write transaction (`BEGIN IMMEDIATE` on SQLite). Dropped without
    /// [`Tx::commit`], it is rolled back. Hold none across an unrelated await.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub async fn begin(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { writer, .. } => {
                Ok(Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE".into_sql_str()).await?))
            }
            Self::Postgres(pool) => Ok(Tx::Postgres(pool.begin().await?)),
        }
    }

    /// Runs a statement on a connection of its own, outside any transaction and unprepared:
    /// `CREATE SCHEMA`, `PRAGMA`, `VACUUM INTO`.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub async fn execute_raw(&self, text: String) -> Result<()> {
        let text = AssertSqlSafe(text);
        match self {
            Self::Sqlite { writer, .. } => {
                let mut connection: PoolConnection<Sqlite> = writer.acquire().await?;
                sqlx::raw_sql(text).execute(connection.acquire().await?).await?;
            }
            Self::Postgres(pool) => {
                let mut connection: PoolConnection<Postgres> = pool.acquire().await?;
                sqlx::raw_sql(text).execute(connection.acquire().await?).await?;
            }
        }
        Ok(())
    }
}

/// An open write transaction.
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
    /// On SQLite, after a failed insert of many rows: all of it is rolled back.
    Dead,
}

/// What every use of a dead transaction says.
fn dead() -> Error {
    Error::Engine(sqlx::Error::Protocol("the transaction failed before".to_owned()))
}

impl Tx {
    /// All rows, seen from inside the transaction.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub async fn all(&mut self, query: Query) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(tx) => Ok(query
                .sqlite()?
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(Row::Sqlite)
                .collect()),
            Self::Postgres(tx) => Ok(query
                .postgres()?
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect()),
            Self::Dead => Err(dead()),
        }
    }

    /// The first row, seen from inside the transaction.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub async fn optional(&mut self, query: Query) -> Result<Option<Row>> {
        match self {
            Self::Sqlite(tx) => {
                Ok(query.sqlite()?.fetch_optional(&mut **tx).await?.map(Row::Sqlite))
            }
            Self::Postgres(tx) => {
                Ok(query.postgres()?.fetch_optional(&mut **tx).await?.map(Row::Postgres))
            }
            Self::Dead => Err(dead()),
        }
    }

    /// The first row, which must be there.
    ///
    /// # Errors
    /// [`Error::RowNotFound`], [`Error::Engine`].
    pub async fn one(&mut self, query: Query) -> Result<Row> {
        self.optional(query).await?.ok_or(Error::RowNotFound)
    }

    /// One write. Returns the number of affected rows.
    ///
    /// # Errors
    /// [`Error::UniqueViolation`] (on PostgreSQL, and after [`sql_rows`] on SQLite too, the
    /// transaction is then dead), [`Error::Engine`].
    pub async fn execute(&mut self, query: Query) -> Result<u64> {
        match self {
            Self::Sqlite(tx) => {
                let has_rows = query.has_rows();
                let outcome = query.all_or_dead().sqlite()?.execute(&mut **tx).await;
                if has_rows && outcome.is_err() {
                    *self = Self::Dead;
                }
                Ok(outcome?.rows_affected())
            }
            Self::Postgres(tx) => Ok(query.postgres()?.execute(&mut **tx).await?.rows_affected()),
            Self::Dead => Err(dead()),
        }
    }

    /// Makes all of it durable.
    ///
    /// # Errors
    /// [`Error::Engine`]: the outcome is unknown, the caller must look.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
            Self::Dead => return Err(dead()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{SqlSafeStr, Text};

    #[test]
    fn rows_are_rendered_with_the_placeholders_of_the_engine() {
        let ending = |column_count, tail| Text::Rows {
            head: "INSERT INTO t (a, b)",
            column_count,
            tail,
            or_fail: false,
        };
        let rows = |column_count| ending(column_count, "");
        let numbered = |out: &mut String, n: usize| out.push_str(&format!("${n}"));
        let text = rows(2).render(4, numbered);
        assert_eq!(text.as_str(), "INSERT INTO t (a, b) VALUES ($1,$2), ($3,$4)");
        let text = rows(1).render(2, |out, _| out.push('?'));
        assert_eq!(text.as_str(), "INSERT INTO t (a, b) VALUES (?), (?)");
        let text = ending(2, "ON CONFLICT DO NOTHING").render(2, numbered);
        assert_eq!(text.as_str(), "INSERT INTO t (a, b) VALUES ($1,$2) ON CONFLICT DO NOTHING");
        let text = Text::Whole("SELECT 1".into_sql_str()).render(0, numbered);
        assert_eq!(text.as_str(), "SELECT 1");
    }
}
