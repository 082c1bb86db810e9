//! The journal: one append-only table, on SQLite or PostgreSQL.
//!
//! Three calls carry the engine: append an entry after the one that is expected to be the last
//! ([`Journal::append`]), read from a sequence number, and tell the head. Not here: what an entry
//! means, and whether the chain of hashes holds.

mod stored;

use std::time::Duration;

use omamori_db::{Db, Error, Query, Step, sql};

pub use stored::{BrokenEntry, StoredEntry};

use crate::{EncodedEntry, Hash, Position};

/// The schema of the journal.
const STEPS: &[Step] = &[Step {
    version: 1,
    name: "journal",
    text: include_str!("../../../migrations/journal/0001_journal.sql"),
}];

/// How often an append is tried before its outcome is called unknown.
const APPEND_TRIES_MAX: u32 = 6;
const APPEND_PAUSE_FIRST: Duration = Duration::from_millis(10);

/// Entries of a page go up to about this many bytes, so that large ones do not pile up in memory.
const PAGE_BYTES_MAX: u64 = 16 << 20;

/// The journal of one ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    db: Db,
    keeps_nothing: bool,
}

/// What became of an append.
#[derive(Debug)]
pub enum Append {
    /// The entry is durable, at its place.
    Done,
    /// Another entry stands there, or the one that must stand before does not: somebody else
    /// wrote, or the journal is not the one that the entry was made for.
    Conflict,
    /// The engine gave no answer, and could not be asked afterwards. The entry may be there, may
    /// come to be there, or not. Nothing can stand in its place by mistake: whoever appends next
    /// names the entry that must be the last.
    Unknown(Error),
}

impl Journal {
    /// The journal in `db`, whose schema is brought up to date.
    ///
    /// # Errors
    /// [`Error::Migration`], [`Error::Engine`].
    pub async fn open(db: Db) -> Result<Self, Error> {
        db.migrate("journal", STEPS).await?;
        Ok(Self { db, keeps_nothing: false })
    }

    /// The same journal, to read from; what is appended is answered and not kept.
    pub(crate) fn keeping_nothing(self) -> Self {
        Self { keeps_nothing: true, ..self }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Whether one node owns the journal, so that nobody else can append to it.
    pub(crate) fn is_embedded(&self) -> bool {
        self.db.is_embedded()
    }

    /// Appends `entry`, made to follow `base`, if `base` is the last entry.
    ///
    /// The check and the insert are one statement, in a transaction of its own: the entry before
    /// must be there with its hash, and the primary key lets only one entry follow it. It is
    /// equal to moving a head row from `seq - 1` to `seq` and then inserting, with one page less
    /// to write and one round trip instead of four.
    ///
    /// If an answer is lost, the append is looked up and tried again with the same bytes, which
    /// cannot write them twice.
    pub async fn append(&self, base: &Position, entry: &EncodedEntry) -> Append {
        if self.keeps_nothing {
            return Append::Done;
        }
        let mut pause = APPEND_PAUSE_FIRST;
        for attempt in 1.. {
            let error = match self.db.execute(insert(base, entry)).await {
                Ok(1) => return Append::Done,
                Ok(_) | Err(Error::UniqueViolation) if attempt == 1 => return Append::Conflict,
                // Our own entry, of a try before, may be what stands there.
                Ok(_) | Err(Error::UniqueViolation) => match self.stands(entry).await {
                    Ok(true) => return Append::Done,
                    Ok(false) => return Append::Conflict,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if attempt == APPEND_TRIES_MAX {
                return Append::Unknown(error);
            }
            let seq = entry.position.seq;
            tracing::warn!(seq, attempt, %error, source = ?error, "append not answered");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        unreachable!("the last attempt returns")
    }

    /// Whether exactly this entry stands at its place.
    async fn stands(&self, entry: &EncodedEntry) -> Result<bool, Error> {
        Ok(self.hash_of(entry.position.seq).await? == Some(entry.position.hash))
    }

    /// Where the journal was with entry `seq`, as its row tells it; the default for 0.
    ///
    /// # Errors
    /// [`Error::RowNotFound`], [`Error::Engine`], [`Error::Corrupt`].
    pub(crate) async fn position_of(&self, seq: u64) -> Result<Position, Error> {
        if seq == 0 {
            return Ok(Position::default());
        }
        let query = sql("SELECT last_timestamp, hash FROM journal WHERE seq = $1");
        let row = self.db.one(query.bind(seq.cast_signed())).await?;
        Ok(Position { seq, timestamp: row.int(0)?.cast_unsigned(), hash: row.array(1)? })
    }

    /// The hash of an entry, as its row tells it.
    ///
    /// # Errors
    /// [`Error::Engine`], [`Error::Corrupt`].
    pub(crate) async fn hash_of(&self, seq: u64) -> Result<Option<Hash>, Error> {
        let query = sql("SELECT hash FROM journal WHERE seq = $1").bind(seq.cast_signed());
        self.db.optional(query).await?.map(|row| row.array(0)).transpose()
    }

    /// Where the journal ends, as the last row tells it.
    ///
    /// # Errors
    /// [`Error::Engine`], [`Error::Corrupt`].
    pub async fn head(&self) -> Result<Position, Error> {
        let query = sql("SELECT seq, last_timestamp, hash FROM journal ORDER BY seq DESC LIMIT 1");
        let Some(row) = self.db.optional(query).await? else { return Ok(Position::default()) };
        Ok(Position {
            seq: row.int(0)?.cast_unsigned(),
            timestamp: row.int(1)?.cast_unsigned(),
            hash: row.array(2)?,
        })
    }

    /// The entries from `seq` on, at most `entry_count_max`, fewer if they are large. Empty only
    /// if there are none.
    ///
    /// # Errors
    /// [`Error::Engine`], [`Error::Corrupt`].
    pub async fn read_from(
        &self,
        seq: u64,
        entry_count_max: usize,
    ) -> Result<Vec<StoredEntry>, Error> {
        let first = self.read_page(seq, 1).await?;
        let Some(size) = first.first().map(|entry| entry.body.len() as u64) else {
            return Ok(first);
        };
        let fitting = (PAGE_BYTES_MAX / size.max(1)).clamp(1, entry_count_max as u64);
        if fitting == 1 { Ok(first) } else { self.read_page(seq, fitting).await }
    }

    async fn read_page(&self, seq: u64, entry_count: u64) -> Result<Vec<StoredEntry>, Error> {
        let query = sql("SELECT seq, first_timestamp, last_timestamp, previous_hash, hash, body \
             FROM journal WHERE seq >= $1 ORDER BY seq LIMIT $2")
        .bind(seq.cast_signed())
        .bind(entry_count.cast_signed());
        self.db.all(query).await?.iter().map(StoredEntry::of_row).collect()
    }

    /// The first entry that holds a fact at or after `timestamp`, or the number after the last
    /// entry. Found by bisection: time rises with `seq`, so no index is needed.
    ///
    /// # Errors
    /// [`Error::Engine`], [`Error::Corrupt`].
    pub async fn seq_at(&self, timestamp: u64) -> Result<u64, Error> {
        let mut low = 1;
        let mut high = self.head().await?.seq + 1;
        while low < high {
            let middle = low + (high - low) / 2;
            let query = sql("SELECT last_timestamp FROM journal WHERE seq = $1");
            let row = self.db.one(query.bind(middle.cast_signed())).await?;
            if row.int(0)?.cast_unsigned() < timestamp {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

fn insert(base: &Position, entry: &EncodedEntry) -> Query {
    sql("INSERT INTO journal (seq, first_timestamp, last_timestamp, previous_hash, hash, body) \
         SELECT $1, $2, $3, $4, $5, $6 \
         WHERE CAST($1 AS BIGINT) = 1 OR EXISTS (SELECT 1 FROM journal WHERE seq = $1 - 1 AND hash = $4)")
    .bind(entry.position.seq.cast_signed())
    .bind(first_timestamp(entry).cast_signed())
    .bind(entry.position.timestamp.cast_signed())
    .bind(base.hash)
    .bind(entry.position.hash)
    .bind(entry.bytes.as_slice())
}

/// The timestamp of the first fact, from the header of the entry.
fn first_timestamp(entry: &EncodedEntry) -> u64 {
    let bytes = entry.bytes[16..].first_chunk();
    let Some(bytes) = bytes else { panic!("an encoded entry has a header") };
    u64::from_le_bytes(*bytes)
}
