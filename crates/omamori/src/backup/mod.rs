//! A copy of all that is not derived, taken while the service runs, and stores made from it.
//!
//! # What a copy is
//! Journal, registry and evidence as they were at *one* instant ([`omamori_db::Snapshot`]): what a
//! power cut at that instant would have left, which every start of the service knows how to go on
//! from. Copies one after the other would not do: with the journal first, the registry speaks of
//! value that is not there (a card that was charged, a notice that was sent); with the journal
//! last, there is value of customers who are not there. Views are not copied: they are made again.
//!
//! # What it is made of
//! One file a table, one line of JSON a row, the same for both engines, so that a service moves
//! from SQLite to PostgreSQL this way; `manifest.json` with the hash of each file and the heads of
//! the journal and the audit log; `manifest.seal`, an HMAC of the manifest with a key that is
//! derived from the master key. Whoever changes a file, or makes the manifest anew, is found out.
//! The master key is not in it. Secrets are sealed in it as they are in the stores; names and
//! numbers of customers are not: a copy is as confidential as the stores are.

mod manifest;
mod restore;
mod rows;
mod take;

pub use manifest::{Head, Manifest};
pub use restore::restore;
pub use take::take;

use std::path::PathBuf;

use omamori_db::Db;

use crate::db::Stores;

/// The stores that are copied, by name, in the order in which their write locks are taken.
const STORES: [&str; 3] = ["registry", "evidence", "journal"];

/// The schemas in the stores, by store: the name of each and the table that keeps its steps.
const SCHEMAS: [(&str, &str); 4] = [
    ("registry", "registry"),
    ("registry", "ledger_follower"),
    ("evidence", "evidence"),
    ("journal", "journal"),
];

/// Followers of the journal that write views: where they stand is made again with the views.
pub const FOLLOWERS_OF_VIEWS: [&str; 4] =
    ["history_lines", "ledger_views", "points_due", "sales_days"];

/// The store of a name of [`STORES`].
fn store<'a>(stores: &'a Stores, name: &str) -> &'a Db {
    match name {
        "registry" => &stores.registry,
        "evidence" => &stores.evidence,
        _ => &stores.journal,
    }
}

/// Why a backup was not taken or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Of the engine.
    #[error("a store failed")]
    Store(#[from] omamori_db::Error),
    /// A file or folder cannot be made, read or written.
    #[error("{path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is something already where it would go.
    #[error("{0} is not empty")]
    NotEmpty(String),
    /// It ended before its manifest was written, or the folder is not a backup.
    #[error("{0} holds no whole backup: it has no manifest.json with manifest.seal")]
    NoManifest(PathBuf),
    /// The manifest is not what this installation wrote.
    #[error("the manifest was changed, or made with another master key")]
    Seal,
    /// The manifest cannot be read, or it is of another format.
    #[error("the manifest is not one of this version: {0}")]
    Manifest(String),
    /// A file is not what the manifest says.
    #[error("{0} is not the file that was written: its content differs")]
    Changed(String),
    /// A row cannot be read, or a table is not what the schema says.
    #[error("{table}: {what}")]
    Table {
        /// Which.
        table: String,
        /// Why.
        what: String,
    },
    /// A step of a schema that this program does not know.
    #[error("the backup is of a newer version: step {step} of {schema} is not known here")]
    Newer {
        /// Which schema.
        schema: String,
        /// Which step.
        step: i64,
    },
    /// What was restored is not what was copied.
    #[error("what was restored does not verify: {0}")]
    Verify(String),
}

/// The result of this module's functions.
pub type Result<T> = std::result::Result<T, BackupError>;

fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.into();
    move |source| BackupError::File { path, source }
}
