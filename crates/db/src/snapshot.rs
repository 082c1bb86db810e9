//! Several stores as they were at one instant, for a backup.

use std::ops::ControlFlow;

use futures_util::TryStreamExt;
use sqlx::{Postgres, SqlSafeStr, Sqlite, Transaction};

use crate::{Db, Query, Result, Row, sql};

/// Read transactions that all see the same instant.
///
/// What they show is what a power cut at that instant would have left, in all stores at once:
/// - PostgreSQL: the stores share a database, so one `REPEATABLE READ` transaction shows them all;
/// - SQLite: the write lock of every file is taken, so that no write is under way; then each file's
///   read transaction begins, and the locks are given back. Writers wait for milliseconds.
pub struct Snapshot {
    readings: Vec<Reading>,
}

enum Reading {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Snapshot {
    /// Begins to read `stores`: all on SQLite, or all on one PostgreSQL database. On SQLite, locks
    /// are taken in the order of the list.
    ///
    /// # Errors
    /// [`crate::Error::Engine`], also if a writer holds a file for more than ten seconds.
    pub async fn of(stores: &[&Db]) -> Result<Self> {
        let mut locks = Vec::new();
        for store in stores {
            if let Db::Sqlite { writer, .. } = store {
                locks.push(writer.begin_with("BEGIN IMMEDIATE".into_sql_str()).await?);
            }
        }
        let mut snapshot = Self { readings: Vec::new() };
        for (number, store) in stores.iter().enumerate() {
            match store {
                Db::Sqlite { readers, .. } => {
                    snapshot.readings.push(Reading::Sqlite(readers.begin().await?));
                    // A transaction of SQLite begins with its first read.
                    let look = "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM sqlite_master";
                    snapshot.one(number, sql(look)).await?;
                }
                Db::Postgres(pool) if number == 0 => {
                    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".into_sql_str();
                    snapshot.readings.push(Reading::Postgres(pool.begin_with(begin).await?));
                    // As on SQLite, the first statement fixes what is seen.
                    snapshot.one(0, sql("SELECT CAST(1 AS BIGINT) AS n")).await?;
                }
                Db::Postgres(_) => {}
            }
        }
        for lock in locks {
            lock.rollback().await?;
        }
        Ok(snapshot)
    }

    /// The first row of a read of store `number`, if there is one.
    ///
    /// # Errors
    /// [`crate::Error::Engine`].
    pub async fn optional(&mut self, number: usize, query: Query) -> Result<Option<Row>> {
        let mut found = None;
        self.each(number, query, |row| {
            found = Some(row);
            Ok::<_, crate::Error>(ControlFlow::Break(()))
        })
        .await?;
        Ok(found)
    }

    /// The first row, which must be there.
    ///
    /// # Errors
    /// [`crate::Error::RowNotFound`], [`crate::Error::Engine`].
    pub async fn one(&mut self, number: usize, query: Query) -> Result<Row> {
        self.optional(number, query).await?.ok_or(crate::Error::RowNotFound)
    }

    /// All rows of a short read.
    ///
    /// # Errors
    /// [`crate::Error::Engine`].
    pub async fn all(&mut self, number: usize, query: Query) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.each(number, query, |row| {
            rows.push(row);
            Ok::<_, crate::Error>(ControlFlow::Continue(()))
        })
        .await?;
        Ok(rows)
    }

    /// Gives each row of a read to `take`, one after the other, while the engine reads on.
    ///
    /// # Errors
    /// [`crate::Error::Engine`], or what `take` returns.
    pub async fn each<E: From<crate::Error>>(
        &mut self,
        number: usize,
        query: Query,
        mut take: impl FnMut(Row) -> std::result::Result<ControlFlow<()>, E>,
    ) -> std::result::Result<(), E> {
        // On PostgreSQL one transaction reads all stores.
        let last = self.readings.len() - 1;
        match &mut self.readings[number.min(last)] {
            Reading::Sqlite(tx) => {
                let mut rows = query.sqlite()?.fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(crate::Error::from)? {
                    if take(Row::Sqlite(row))?.is_break() {
                        break;
                    }
                }
            }
            Reading::Postgres(tx) => {
                let mut rows = query.postgres()?.fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(crate::Error::from)? {
                    if take(Row::Postgres(row))?.is_break() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}
