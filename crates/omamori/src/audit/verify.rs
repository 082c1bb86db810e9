//! Reads the log from its first entry and says what is not as it was written.

use std::fmt;

use omamori_db::{Db, sql};

use super::chain::{START, Stored, entry_columns, hex};
use super::checkpoint::Checkpoint;
use super::witness::against_decisions;
use crate::clock::Micros;
use crate::db::Stores;
use crate::gate::seal::SealKey;
use crate::web::error::Result;

/// Entries of one read.
const PAGE: i64 = 1_000;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// These entries are not there.
    Missing {
        /// The first.
        from: i64,
        /// The last.
        to: i64,
    },
    /// A column was changed, or the entry stood in another place.
    Changed(i64),
    /// The entry is sound by itself but does not follow the one before it.
    Unlinked(i64),
    /// Entries were cut off at the end: the log was this long.
    CutOff {
        /// The newest entry that is there.
        last: i64,
        /// How long the log was.
        was: i64,
    },
    /// The entry is not the one that a checkpoint signed.
    NotAsSigned(i64),
    /// The sealed decision that the entry names is not of this act, person and time, or is gone.
    NotAsDecided(i64),
    /// The entry is not the one that a later decision, or this process, saw there.
    NotAsWitnessed(i64),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { from, to } if from == to => write!(f, "entry {from} is missing"),
            Self::Missing { from, to } => write!(f, "entries {from} to {to} are missing"),
            Self::Changed(seq) => write!(f, "entry {seq} was changed or moved"),
            Self::Unlinked(seq) => write!(f, "entry {seq} does not follow the entry before it"),
            Self::CutOff { last, was } => {
                write!(f, "the log ends at entry {last}; it had {was} entries")
            }
            Self::NotAsSigned(seq) => {
                write!(f, "entry {seq} is not the one that the checkpoint signed")
            }
            Self::NotAsDecided(seq) => write!(f, "entry {seq} is not what its decision allowed"),
            Self::NotAsWitnessed(seq) => {
                write!(f, "entry {seq} is not the one that was there when staff acted next")
            }
        }
    }
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Entries that are there.
    pub entries: i64,
    /// The hash of the newest, hexadecimal.
    pub hash: String,
    /// What is wrong, in order.
    pub problems: Vec<Problem>,
}

/// Verifies the chain, that it holds what the checkpoints signed, and what sealed decisions say of
/// it.
///
/// # Errors
/// A fault if a store fails.
pub async fn verify_all(
    stores: &Stores,
    key: &SealKey,
    checkpoints: &[Checkpoint],
    now: Micros,
) -> Result<Report> {
    let mut report = verify(&stores.registry, checkpoints).await?;
    let (_, problems) = against_decisions(stores, key, None, now).await?;
    report.problems.extend(problems);
    Ok(report)
}

/// Verifies the whole chain, and that it holds what the checkpoints signed.
///
/// # Errors
/// A fault if the registry fails.
pub async fn verify(registry: &Db, checkpoints: &[Checkpoint]) -> Result<Report> {
    let (mut entries, mut last, mut hash) = (0, 0, START);
    let mut problems = Vec::new();
    loop {
        let page = sql(concat!(
            "SELECT ",
            entry_columns!(),
            " FROM audit_entry WHERE seq > $1 ORDER BY seq LIMIT $2"
        ));
        let rows = registry.all(page.bind(last).bind(PAGE)).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let entry = Stored::read(&row)?;
            check(&entry, last, hash, &mut problems);
            if checkpoints.iter().any(|c| c.seq == entry.seq && c.hash != hex(&entry.hash)) {
                problems.push(Problem::NotAsSigned(entry.seq));
            }
            (entries, last, hash) = (entries + 1, entry.seq, entry.hash);
        }
    }
    let head = sql("SELECT seq FROM audit_head WHERE name = 'audit'");
    let head = registry.optional(head).await?.map(|row| row.int("seq")).transpose()?;
    let signed = checkpoints.iter().map(|checkpoint| checkpoint.seq).max();
    let was = head.unwrap_or_default().max(signed.unwrap_or_default());
    if was > last {
        problems.push(Problem::CutOff { last, was });
    }
    Ok(Report { entries, hash: hex(&hash), problems })
}

fn check(entry: &Stored, last: i64, hash: [u8; 32], problems: &mut Vec<Problem>) {
    if entry.seq > last + 1 {
        problems.push(Problem::Missing { from: last + 1, to: entry.seq - 1 });
    } else if entry.previous_hash != hash && entry.digest() == entry.hash {
        problems.push(Problem::Unlinked(entry.seq));
    }
    if entry.digest() != entry.hash {
        problems.push(Problem::Changed(entry.seq));
    }
}
