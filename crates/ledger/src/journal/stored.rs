//! A row of the journal, and whether it is what was written.

use omamori_db::{Error, Row};

use crate::{DecodeError, Entry, Hash, Position};

/// One row of the journal as the engine returned it: nothing in it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Number of the entry.
    pub seq: u64,
    /// Timestamp of the first fact, nanoseconds since 1970.
    pub first_timestamp: u64,
    /// Timestamp of the last fact, nanoseconds since 1970.
    pub last_timestamp: u64,
    /// Hash of the entry before.
    pub previous_hash: Vec<u8>,
    /// Hash of the entry.
    pub hash: Vec<u8>,
    /// The encoded entry.
    pub body: Vec<u8>,
}

/// How an entry of the journal is not what was written. Every message names the entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenEntry {
    /// An entry is missing: the next row has another number.
    #[error("entry {expected} of the journal is missing: entry {found} follows")]
    Missing {
        /// The number that must come.
        expected: u64,
        /// The number of the row that came.
        found: u64,
    },
    /// An entry that was there is gone.
    #[error("entry {seq} of the journal was there and is gone")]
    Lost {
        /// The entry.
        seq: u64,
    },
    /// The body is not an entry.
    #[error("entry {seq} of the journal is broken: {error}")]
    Body {
        /// The entry.
        seq: u64,
        /// What is wrong in its body, and at which byte.
        error: DecodeError,
    },
    /// A column beside the body does not say what the body says.
    #[error("entry {seq} of the journal is broken: column {column} is not what the body says")]
    Column {
        /// The entry.
        seq: u64,
        /// The column.
        column: &'static str,
    },
    /// The entry does not carry the hash of the one before.
    #[error("entry {seq} of the journal does not carry the hash of the entry before it")]
    Chain {
        /// The entry.
        seq: u64,
    },
    /// The entry begins before the one before it ends.
    #[error("entry {seq} of the journal goes back in time")]
    Time {
        /// The entry.
        seq: u64,
    },
}

impl StoredEntry {
    pub(crate) fn of_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            seq: row.int(0)?.cast_unsigned(),
            first_timestamp: row.int(1)?.cast_unsigned(),
            last_timestamp: row.int(2)?.cast_unsigned(),
            previous_hash: row.bytes(3)?,
            hash: row.bytes(4)?,
            body: row.bytes(5)?,
        })
    }

    /// Reads the entry that must follow `base`, and checks all that can be told without folding:
    /// its number, its hash, the chain, the rise of time, and the columns beside the body.
    ///
    /// # Errors
    /// See [`BrokenEntry`].
    pub fn decode_after(&self, base: &Position) -> Result<Entry, BrokenEntry> {
        let seq = base.seq + 1;
        if self.seq != seq {
            return Err(BrokenEntry::Missing { expected: seq, found: self.seq });
        }
        let entry = Entry::decode(&self.body).map_err(|error| BrokenEntry::Body { seq, error })?;
        let first_timestamp = entry.facts.first().map_or(0, crate::Fact::timestamp);
        let columns = [
            ("seq", entry.seq == self.seq),
            ("first_timestamp", first_timestamp == self.first_timestamp),
            ("last_timestamp", entry.position().timestamp == self.last_timestamp),
            ("previous_hash", entry.previous_hash.as_slice() == self.previous_hash),
            ("hash", entry.hash.as_slice() == self.hash),
        ];
        if let Some((column, _)) = columns.into_iter().find(|(_, agrees)| !agrees) {
            return Err(BrokenEntry::Column { seq, column });
        }
        if entry.previous_hash != base.hash {
            return Err(BrokenEntry::Chain { seq });
        }
        if first_timestamp <= base.timestamp {
            return Err(BrokenEntry::Time { seq });
        }
        Ok(entry)
    }

    /// The hash, if the row has one of the right length.
    #[must_use]
    pub fn hash(&self) -> Option<Hash> {
        self.hash.as_slice().try_into().ok()
    }
}
