//! Where a test keeps its stores: a folder of its own, or a schema of its own.

use std::sync::atomic::{AtomicU64, Ordering};

use omamori::config::Store;
use omamori::secret::Secret;
use omamori_db::{Db, Durability};
use tempfile::TempDir;

/// Where a test keeps its stores.
pub enum Place {
    /// A folder that is deleted at the end.
    Sqlite(TempDir),
    /// A schema that is dropped at the end.
    Postgres {
        /// Address of the test cluster.
        cluster: String,
        /// The schema's name.
        schema: String,
    },
}

/// The address of the cluster that `tools/postgres` starts.
pub fn postgres_cluster() -> String {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings file")]
    let address = std::env::var("OMAMORI_TEST_POSTGRES");
    address.unwrap_or_else(|_| {
        panic!(
            "OMAMORI_TEST_POSTGRES must name a PostgreSQL to test on: \
             eval \"$(tools/postgres start)\" sets it, and ./test does it by itself"
        )
    })
}

impl Place {
    /// A new folder.
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// A new schema.
    pub async fn postgres() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let schema = format!("it_{}_{number}", std::process::id());
        let place = Self::Postgres { cluster: postgres_cluster(), schema };
        place.in_cluster("DROP SCHEMA IF EXISTS {} CASCADE; CREATE SCHEMA {}").await;
        place
    }

    /// As the settings name it.
    pub fn store(&self) -> Store {
        match self {
            Self::Sqlite(folder) => Store::Sqlite { folder: folder.path().to_owned() },
            Self::Postgres { cluster, schema } => {
                let address = format!("{cluster}?options=-c%20search_path%3D{schema}");
                Store::Postgres { address: Secret::new(address) }
            }
        }
    }

    /// Deletes the views; nobody may have them open.
    pub async fn delete_views(&self) {
        match self {
            Self::Sqlite(folder) => {
                for suffix in ["", "-wal", "-shm"] {
                    let file = folder.path().join(format!("views.sqlite{suffix}"));
                    if file.exists() {
                        std::fs::remove_file(file).unwrap();
                    }
                }
            }
            Self::Postgres { .. } => {
                self.in_cluster(
                    "DROP TABLE {}.transfer, {}.snapshot, {}.account_block, {}.pending_block, \
                     {}.id_block, {}.history_line, {}.ledger_follower, \
                     {}.schema_steps_ledger_views, {}.schema_steps_ledger_follower, \
                     {}.schema_steps_history_views",
                )
                .await;
            }
        }
    }

    /// Deletes everything.
    pub async fn discard(self) {
        self.in_cluster("DROP SCHEMA {} CASCADE").await;
    }

    /// Runs a statement in the cluster with the schema's name for `{}`.
    async fn in_cluster(&self, text: &str) {
        let Self::Postgres { cluster, schema } = self else { return };
        let db = Db::open(cluster, Durability::Full).await.unwrap();
        db.execute_raw(text.replace("{}", schema)).await.unwrap();
        db.close().await;
    }
}
