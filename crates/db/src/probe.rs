//! Looking at a store from outside: does it answer, how busy is it, how far is its schema.

use crate::{Db, Result, sql, sql_built};

/// Connections of a store's pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Open ones.
    pub open: u32,
    /// Of these, those that nobody uses.
    pub idle: u32,
    /// At most so many.
    pub max: u32,
}

impl Db {
    /// Asks the engine for an answer, and for nothing else.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn ping(&self) -> Result<()> {
        self.one(sql("SELECT CAST(1 AS BIGINT) AS answer")).await.map(drop)
    }

    /// How its connections are used now.
    #[must_use]
    pub fn pool(&self) -> PoolUse {
        let idle = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        match self {
            Self::Sqlite { readers, writer } => PoolUse {
                open: readers.size() + writer.size(),
                idle: idle(readers.num_idle() + writer.num_idle()),
                max: readers.options().get_max_connections()
                    + writer.options().get_max_connections(),
            },
            Self::Postgres(pool) => PoolUse {
                open: pool.size(),
                idle: idle(pool.num_idle()),
                max: pool.options().get_max_connections(),
            },
        }
    }

    /// The newest step of a store's schema that was applied; an error if there is none.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn schema_version(&self, store: &'static str) -> Result<i64> {
        let query = format!("SELECT CAST(MAX(version) AS BIGINT) AS v FROM schema_steps_{store}");
        self.one(sql_built(query)).await?.int("v")
    }

    /// The steps of a store's schema that were applied, rising.
    ///
    /// # Errors
    /// [`crate::Error`], also if there is no such schema.
    pub async fn schema_steps(&self, store: &'static str) -> Result<Vec<i64>> {
        let query = format!(
            "SELECT CAST(version AS BIGINT) AS v FROM schema_steps_{store} ORDER BY version"
        );
        self.all(sql_built(query)).await?.iter().map(|row| row.int("v")).collect()
    }

    /// What the engine's own clock shows, in microseconds UTC, where it is another machine's. Only
    /// for comparing clocks: nothing is decided by it.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn engine_clock(&self) -> Result<Option<i64>> {
        if self.is_embedded() {
            return Ok(None);
        }
        let now = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now";
        self.one(sql(now)).await?.int("now").map(Some)
    }
}
