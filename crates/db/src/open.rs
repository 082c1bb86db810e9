use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::{Error, Result};

/// Readers beside the one writer of a SQLite file.
const SQLITE_READERS: u32 = 4;
/// Connections of one node to PostgreSQL, for one store.
const POSTGRES_CONNECTIONS: u32 = 8;

/// How hard a commit is pressed onto the disk before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every commit survives a power cut (`synchronous=FULL`). For journal, registry, evidence.
    Full,
    /// A power cut may lose the last commits, never corrupt (`synchronous=NORMAL`). For views,
    /// which are rebuilt from the journal anyway.
    Rebuildable,
}

/// A store on one of the two engines. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// One file. All writes go through one connection, so writers queue here instead of
    /// colliding in the file.
    Sqlite {
        /// Several read-only connections.
        readers: SqlitePool,
        /// The one write connection.
        writer: SqlitePool,
    },
    /// A PostgreSQL database, shared by any number of nodes.
    Postgres(PgPool),
}

impl Db {
    /// Opens `sqlite:PATH` (the file is made if it is missing) or `postgres://…`.
    ///
    /// # Errors
    /// [`Error::UnknownEngine`] for another scheme, [`Error::Engine`] if it cannot be reached.
    pub async fn open(address: &str, durability: Durability) -> Result<Self> {
        if let Some(path) = address.strip_prefix("sqlite:") {
            Self::open_sqlite(Path::new(path), durability).await
        } else if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            Self::open_postgres(address).await
        } else {
            Err(Error::UnknownEngine)
        }
    }

    async fn open_sqlite(path: &Path, durability: Durability) -> Result<Self> {
        // Pages of the log before it is copied into the file. Views rewrite the same pages again
        // and again: a longer log (64 MiB) copies each of them less often.
        let (synchronous, log_pages) = match durability {
            Durability::Full => (SqliteSynchronous::Full, "1000"),
            Durability::Rebuildable => (SqliteSynchronous::Normal, "16384"),
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .pragma("cache_size", "-65536")
            // What a statement of many rows needs to undo itself stays out of temporary files.
            .pragma("temp_store", "MEMORY")
            .pragma("wal_autocheckpoint", log_pages)
            .statement_cache_capacity(256);
        // The writer first: it makes the file and sets WAL, which readers cannot. A connection to
        // a file does not go stale, so none is tested before its use.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        Ok(Self::Sqlite { readers, writer })
    }

    async fn open_postgres(address: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(address)?.application_name("omamori");
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        Ok(Self::Postgres(pool))
    }

    /// True for SQLite: one node owns the file.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// Closes all connections; open ones finish first.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
