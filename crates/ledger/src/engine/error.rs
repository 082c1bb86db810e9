//! What can go wrong, seen from outside.

use std::sync::Arc;

use omamori_db::Error as DbError;
use thiserror::Error;

use crate::{BrokenEntry, FoldError, SnapshotError};

/// Why a commit has no [`crate::Reply`]. `R` is the companion's refusal.
#[derive(Clone, Debug, Error)]
pub enum CommitError<R> {
    /// The companion did not admit the request. Nothing happened.
    #[error("not admitted")]
    Refused(R),
    /// Too many requests wait, or the views are too far behind. Nothing happened; try later.
    #[error("too many requests wait")]
    Busy,
    /// A store did not answer before anything was appended. Nothing happened.
    #[error("a store does not answer")]
    Unavailable(#[source] Arc<DbError>),
    /// The ledger was closed, or stopped because it found itself wrong; the log says why. Nothing
    /// happened if it was closed; if it stopped, the outcome is unknown.
    #[error("the ledger has stopped")]
    Stopped,
    /// The journal did not answer: the request may have happened, or may still. Send it again
    /// with the same ids.
    #[error("the outcome is unknown")]
    Unknown(#[source] Arc<DbError>),
}

/// Why the journal cannot be followed.
#[derive(Clone, Debug, Error)]
pub enum JournalError {
    /// A store does not answer, or holds a value of another type.
    #[error("a store of the ledger")]
    Store(#[source] Arc<DbError>),
    /// An entry of the journal is not what was written.
    #[error(transparent)]
    Broken(#[from] BrokenEntry),
    /// An entry of the journal cannot follow the ones before it.
    #[error("entry {seq} of the journal cannot follow the ones before it")]
    Fold {
        /// The entry.
        seq: u64,
        /// Why.
        #[source]
        error: FoldError,
    },
    /// The journal does not go on from an entry that was appended to it.
    #[error("entry {seq} is no longer the journal's")]
    Replaced {
        /// The entry.
        seq: u64,
    },
}

impl From<DbError> for JournalError {
    fn from(error: DbError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Why a ledger does not open. No variant leaves anything changed but views that catch up.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The journal or the views cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The views are those of another journal, or of one that went further than this one does.
    #[error("the views were made from another journal (entry {seq}); delete the views")]
    OtherJournal {
        /// Up to where the views go.
        seq: u64,
    },
    /// The views hold a snapshot that is not a state.
    #[error("the snapshot of the views is broken; delete the views")]
    Snapshot(#[source] SnapshotError),
    /// The snapshot of the views has another number of accounts than it says.
    #[error("the snapshot of the views lacks accounts; delete the views")]
    SnapshotCount,
}

impl From<DbError> for OpenError {
    fn from(error: DbError) -> Self {
        Self::Journal(error.into())
    }
}
