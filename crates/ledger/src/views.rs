//! The views: what the journal holds, arranged for questions, in tables that can be deleted.
//!
//! Here: every transfer by time, by id and by account; the snapshot from which a ledger starts;
//! the helper by which anybody follows the journal into tables of their own ([`Follower`]).
//! Not here: any decision. Nothing of the views is believed that contradicts the journal.
//!
//! # What must always hold
//! - The rows are those of the journal up to the position, which moves in the same transaction.
//! - A snapshot is whole: blocks, open pending transfers and ids of one entry, in one transaction.

mod changes;
mod follow;
mod packed;
mod rows;
mod snapshot;
mod tail;
mod viewer;

use omamori_db::{Db, Error, Step, sql, sql_built};

pub(crate) use follow::follow;
pub use follow::{Follower, Following};
pub(crate) use snapshot::{ACCOUNT_BLOCKS_PER_PAGE, Snapshot};
pub(crate) use tail::Tail;
pub(crate) use viewer::Viewer;

use crate::{Position, StoredTransfer, Transfer};
pub(crate) use rows::stored_transfer;
use rows::{COLUMNS, id_bytes};

const STEPS: &[Step] = &[Step {
    version: 1,
    name: "views",
    text: include_str!("../../../migrations/ledger_views/0001_views.sql"),
}];

/// Under which the position of the views is kept.
const FOLLOWER_NAME: &str = "ledger_views";
/// Ids looked up by one statement.
const IDS_PER_STATEMENT: usize = 256;

/// Deletes the views of a closed ledger, which makes them again from the journal when it opens.
/// Where the views have a file of their own, deleting the file does the same.
///
/// # Errors
/// [`Error::Engine`].
pub async fn delete_views(db: &Db) -> Result<(), Error> {
    follow::migrate(db).await?;
    let mut tx = db.begin().await?;
    for statement in [
        "DELETE FROM ledger_follower WHERE name = 'ledger_views'",
        "DROP TABLE IF EXISTS transfer",
        "DROP TABLE IF EXISTS snapshot",
        "DROP TABLE IF EXISTS account_block",
        "DROP TABLE IF EXISTS pending_block",
        "DROP TABLE IF EXISTS id_block",
        "DROP TABLE IF EXISTS schema_steps_ledger_views",
    ] {
        tx.execute(sql(statement)).await?;
    }
    tx.commit().await
}

/// Makes the table in which followers keep their positions, for a store that is filled from
/// elsewhere before any follower was there.
///
/// # Errors
/// [`Error::Migration`].
pub async fn prepare_followers(db: &Db) -> Result<(), Error> {
    follow::migrate(db).await
}

/// The views of one ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Views {
    pub(crate) db: Db,
}

impl Views {
    /// The views in `db`, whose schema is brought up to date.
    pub(crate) async fn open(db: Db) -> Result<Self, Error> {
        db.migrate("ledger_views", STEPS).await?;
        follow::migrate(&db).await?;
        Ok(Self { db })
    }

    /// Up to which entry the rows are there.
    pub(crate) async fn position(&self) -> Result<Position, Error> {
        follow::load_position(&self.db, FOLLOWER_NAME).await
    }

    /// The transfers with these ids, those that are there, in no order.
    pub(crate) async fn transfers_by_id(&self, ids: &[u128]) -> Result<Vec<StoredTransfer>, Error> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let places: Vec<_> = (1..=ids.len()).map(|n| format!("${n}")).collect();
            let mut query = sql_built(format!(
                "SELECT {COLUMNS} FROM transfer WHERE id IN ({})",
                places.join(", ")
            ));
            for id in ids {
                query.push(id_bytes(*id));
            }
            for row in self.db.all(query).await? {
                found.push(stored_transfer(&row)?);
            }
        }
        Ok(found)
    }

    /// The transfers of an account before a time, newest first, at most `limit`.
    pub(crate) async fn statement(
        &self,
        account_id: u128,
        before_timestamp: u64,
        limit: usize,
    ) -> Result<Vec<Transfer>, Error> {
        let before = i64::try_from(before_timestamp).unwrap_or(i64::MAX);
        let limit_bound = i64::try_from(limit).unwrap_or(i64::MAX);
        let sides = [
            sql("SELECT timestamp, id, debit_account_id, credit_account_id, amount, pending_id, \
                 user_data_128, user_data_64, user_data_32, timeout, ledger, code, flags, \
                 pending_status FROM transfer \
                 WHERE debit_account_id = $1 AND timestamp < $2 ORDER BY timestamp DESC LIMIT $3"),
            sql("SELECT timestamp, id, debit_account_id, credit_account_id, amount, pending_id, \
                 user_data_128, user_data_64, user_data_32, timeout, ledger, code, flags, \
                 pending_status FROM transfer \
                 WHERE credit_account_id = $1 AND timestamp < $2 ORDER BY timestamp DESC LIMIT $3"),
        ];
        let mut transfers = Vec::new();
        for side in sides {
            let query = side.bind(id_bytes(account_id)).bind(before).bind(limit_bound);
            for row in self.db.all(query).await? {
                transfers.push(stored_transfer(&row)?.transfer);
            }
        }
        transfers.sort_unstable_by_key(|transfer| std::cmp::Reverse(transfer.timestamp));
        transfers.truncate(limit);
        Ok(transfers)
    }
}
