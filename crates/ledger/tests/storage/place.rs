//! Where a test keeps its journal and its views: files of its own, or schemas of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use omamori_db::{Db, Durability};
use omamori_ledger::{Companion, Ledger, NoCompanion, Options};

/// Runs each test on both engines.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::storage::place::Place::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::storage::place::Place::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

/// Where a test keeps its stores.
pub enum Place {
    /// A folder that is deleted at the end.
    Sqlite(tempfile::TempDir),
    /// The prefix of schemas in the test cluster, which is thrown away as a whole.
    Postgres {
        /// Address of the cluster.
        address: String,
        /// What the names of the schemas begin with.
        prefix: String,
    },
}

impl Place {
    /// A new folder.
    pub fn sqlite() -> Self {
        log_to_the_test();
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder"))
    }

    /// New schemas.
    pub async fn postgres() -> Self {
        log_to_the_test();
        static NEXT: AtomicU64 = AtomicU64::new(0);
        #[expect(clippy::disallowed_methods, reason = "tests have no settings file")]
        let address = std::env::var("OMAMORI_TEST_POSTGRES").expect(
            "OMAMORI_TEST_POSTGRES must name a PostgreSQL to test on: \
             run eval \"$(tools/postgres start)\" first, or use ./test",
        );
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("ledger_{}_{number}", std::process::id());
        let place = Self::Postgres { address, prefix };
        place.make_schemas(&["journal", "views"]).await;
        place
    }

    /// Schemas in a new database of its own, for a test that disturbs the whole database.
    pub async fn postgres_database() -> Self {
        let Self::Postgres { address, prefix } = Self::postgres().await else {
            unreachable!("it is PostgreSQL")
        };
        let db = Db::open(&address, Durability::Full).await.expect("the test cluster answers");
        for text in
            [format!("DROP DATABASE IF EXISTS {prefix}"), format!("CREATE DATABASE {prefix}")]
        {
            db.execute_raw(text).await.expect("a database of its own");
        }
        db.close().await;
        let (server, _) = address.rsplit_once('/').expect("the address names a database");
        let place = Self::Postgres { address: format!("{server}/{prefix}"), prefix };
        place.make_schemas(&["journal", "views"]).await;
        place
    }

    async fn make_schemas(&self, stores: &[&str]) {
        let Self::Postgres { address, prefix } = self else { return };
        let db = Db::open(address, Durability::Full).await.expect("the test cluster answers");
        for store in stores {
            let schema = format!("{prefix}_{store}");
            let text = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
            db.execute_raw(text).await.expect("a schema of its own");
        }
        db.close().await;
    }

    /// Opens a store.
    pub async fn open(&self, store: &str, durability: Durability) -> Db {
        let address = match self {
            Self::Sqlite(folder) => {
                format!("sqlite:{}", folder.path().join(format!("{store}.sqlite")).display())
            }
            Self::Postgres { address, prefix } => {
                format!("{address}?options=-c%20search_path%3D{prefix}_{store}")
            }
        };
        Db::open(&address, durability).await.expect("the store opens")
    }

    /// Opens the journal.
    pub async fn journal(&self) -> Db {
        self.open("journal", Durability::Full).await
    }

    /// Opens the views.
    pub async fn views(&self) -> Db {
        self.open("views", Durability::Rebuildable).await
    }

    /// Deletes the views; nobody may have them open.
    pub async fn delete_views(&self) {
        match self {
            Self::Sqlite(folder) => {
                for suffix in ["", "-wal", "-shm"] {
                    let path = folder.path().join(format!("views.sqlite{suffix}"));
                    if path.exists() {
                        std::fs::remove_file(path).expect("the file can be deleted");
                    }
                }
            }
            Self::Postgres { .. } => self.make_schemas(&["views"]).await,
        }
    }

    /// Options for this place, with a clock.
    pub async fn options(&self, clock: &Clock) -> Options {
        Options::new(self.journal().await, self.views().await, clock.now_nanos())
    }

    /// Opens a ledger without a companion.
    pub async fn ledger(&self, clock: &Clock) -> Ledger<NoCompanion> {
        self.ledger_with(self.options(clock).await, NoCompanion).await
    }

    /// Opens a ledger.
    pub async fn ledger_with<C: Companion>(&self, options: Options, companion: C) -> Ledger<C> {
        Ledger::open(options, companion).await.expect("the ledger opens")
    }
}

/// A test that fails shows what the ledger logged.
fn log_to_the_test() {
    let log = tracing_subscriber::fmt().with_test_writer().with_max_level(tracing::Level::WARN);
    // Another test of the process was first.
    let _set_already = log.try_init();
}

/// A clock that moves only when it is told to.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// A clock at some instant of 2027.
    pub fn new() -> Self {
        Self::at(1_800_000_000_000_000_000)
    }

    /// A clock at an instant, in nanoseconds since 1970.
    pub fn at(nanos: u64) -> Self {
        Self(Arc::new(AtomicU64::new(nanos)))
    }

    /// Sets it.
    pub fn set(&self, nanos: u64) {
        self.0.store(nanos, Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn advance_seconds(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1_000_000_000, Ordering::SeqCst);
    }

    /// What time it is.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// The clock as the ledger wants it.
    pub fn now_nanos(&self) -> Arc<dyn Fn() -> u64 + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}
