//! Entries of the journal: their binary form and the hash chain. `docs/ledger-format.md`
//! describes both for readers in other languages.

mod decode;
mod encode;

pub use decode::DecodeError;
pub(crate) use encode::encode;

use crate::Fact;

/// SHA-256 of an entry.
pub type Hash = [u8; 32];

/// The first eight bytes of an entry: a name and the version of the format.
const MAGIC: [u8; 8] = *b"OMAMORI\x01";
const HEADER_SIZE: usize = 64;
const HASH_SIZE: usize = 32;

/// The last timestamp that an entry may hold, as in TigerBeetle: timestamps fit in 63 bits.
pub(crate) const TIMESTAMP_MAX: u64 = i64::MAX as u64;

/// The tag byte before a fact.
mod tag {
    pub(super) const ACCOUNT_CREATED: u8 = 1;
    pub(super) const TRANSFER_CREATED: u8 = 2;
    pub(super) const PENDING_TRANSFER_EXPIRED: u8 = 3;
}

/// Up to where a journal goes. The default is that of an empty journal, all zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Number of the last entry; the first is 1.
    pub seq: u64,
    /// Timestamp of the last fact, in nanoseconds since 1970.
    pub timestamp: u64,
    /// Hash of the last entry, which the next one carries.
    pub hash: Hash,
}

/// One entry of the journal: the facts of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of the entry; the first is 1.
    pub seq: u64,
    /// Hash of the entry before; of the first, all zero.
    pub previous_hash: Hash,
    /// What happened, at least one fact, with timestamps rising by one nanosecond.
    pub facts: Vec<Fact>,
    /// SHA-256 of all the bytes before it.
    pub hash: Hash,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEntry {
    /// The bytes that the journal keeps; the last 32 are the hash.
    pub bytes: Vec<u8>,
    /// Where the journal is with this entry.
    pub position: Position,
}

impl Entry {
    /// Reads an entry and checks its own hash; whether it follows another is for
    /// [`crate::State::fold`] to see.
    ///
    /// # Errors
    /// See [`DecodeError`]; each tells the offset of the byte where reading failed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::decode(bytes)
    }

    /// Where the journal is with this entry.
    #[must_use]
    pub fn position(&self) -> Position {
        let timestamp = self.facts.last().map_or(0, Fact::timestamp);
        Position { seq: self.seq, timestamp, hash: self.hash }
    }
}
