//! Reading entries, strictly: every byte has one meaning, and nothing may follow.

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Entry, HASH_SIZE, HEADER_SIZE, Hash, MAGIC, TIMESTAMP_MAX, tag};
use crate::{Account, AccountFlags, Fact, Transfer, TransferFlags};

/// Why bytes are not an entry. `offset` counts bytes from the entry's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end before the entry does.
    #[error("byte {offset}: the entry ends too early")]
    TooShort {
        /// Where more bytes were wanted.
        offset: usize,
    },
    /// The bytes go on after the entry.
    #[error("byte {offset}: bytes follow the entry")]
    TooLong {
        /// The first byte too many.
        offset: usize,
    },
    /// Not an entry, or of another version of the format.
    #[error("byte {offset}: not an entry of version 1")]
    Magic {
        /// The first byte of the magic.
        offset: usize,
    },
    /// The bytes are not those that were written.
    #[error("byte {offset}: the hash is not that of the bytes before it")]
    Hash {
        /// The first byte of the hash.
        offset: usize,
    },
    /// A number that no entry has there.
    #[error("byte {offset}: {field} is out of its range")]
    Value {
        /// The first byte of the number.
        offset: usize,
        /// What the number is.
        field: &'static str,
    },
    /// No fact has this tag.
    #[error("byte {offset}: no fact has tag {tag}")]
    Tag {
        /// The tag's byte.
        offset: usize,
        /// The tag.
        tag: u8,
    },
}

/// Takes numbers off the front of the bytes.
struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let array = rest.first_chunk().ok_or(DecodeError::TooShort { offset: self.bytes.len() })?;
        self.offset += N;
        Ok(*array)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    fn u128(&mut self) -> Result<u128, DecodeError> {
        self.array().map(u128::from_le_bytes)
    }

    /// The error of the number that ends here and is `size` bytes long.
    fn value_error(&self, size: usize, field: &'static str) -> DecodeError {
        DecodeError::Value { offset: self.offset - size, field }
    }

    /// An id: neither 0 nor `u128::MAX`.
    fn id(&mut self, field: &'static str) -> Result<u128, DecodeError> {
        let id = self.u128()?;
        if id == 0 || id == u128::MAX { Err(self.value_error(16, field)) } else { Ok(id) }
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Entry, DecodeError> {
    let mut reader = Reader { bytes, offset: 0 };
    if reader.array()? != MAGIC {
        return Err(DecodeError::Magic { offset: 0 });
    }
    let seq = reader.u64()?;
    if seq == 0 {
        return Err(reader.value_error(8, "seq"));
    }
    let timestamp_first = reader.u64()?;
    let fact_count = reader.u32()?;
    if timestamp_first == 0
        || fact_count == 0
        || timestamp_first.saturating_add(u64::from(fact_count) - 1) > TIMESTAMP_MAX
    {
        return Err(reader.value_error(12, "timestamp_first or fact_count"));
    }
    let body_size = reader.u32()? as usize;
    let previous_hash = reader.array()?;
    debug_assert_eq!(reader.offset, HEADER_SIZE);

    let hash_offset = HEADER_SIZE + body_size;
    let hash = checked_hash(bytes, hash_offset)?;
    let mut reader = Reader { bytes: &bytes[..hash_offset], offset: HEADER_SIZE };
    let facts = (0..u64::from(fact_count))
        .map(|index| fact(&mut reader, timestamp_first + index))
        .collect::<Result<_, _>>()?;
    if reader.offset != hash_offset {
        return Err(DecodeError::TooLong { offset: reader.offset });
    }
    Ok(Entry { seq, previous_hash, facts, hash })
}

/// The hash that ends the entry, if it is that of the bytes before it.
fn checked_hash(bytes: &[u8], hash_offset: usize) -> Result<Hash, DecodeError> {
    let mut reader = Reader { bytes, offset: hash_offset };
    let hash = reader.array::<HASH_SIZE>()?;
    if reader.offset != bytes.len() {
        return Err(DecodeError::TooLong { offset: reader.offset });
    }
    let expected: Hash = Sha256::digest(&bytes[..hash_offset]).into();
    if hash == expected { Ok(hash) } else { Err(DecodeError::Hash { offset: hash_offset }) }
}

fn fact(reader: &mut Reader<'_>, timestamp: u64) -> Result<Fact, DecodeError> {
    let offset = reader.offset;
    match reader.u8()? {
        tag::ACCOUNT_CREATED => account(reader, timestamp).map(Fact::AccountCreated),
        tag::TRANSFER_CREATED => transfer(reader, timestamp).map(Fact::TransferCreated),
        tag::PENDING_TRANSFER_EXPIRED => {
            Ok(Fact::PendingTransferExpired { pending_id: reader.id("pending_id")?, timestamp })
        }
        tag => Err(DecodeError::Tag { offset, tag }),
    }
}

fn account(reader: &mut Reader<'_>, timestamp: u64) -> Result<Account, DecodeError> {
    let account = Account {
        id: reader.id("account id")?,
        user_data_128: reader.u128()?,
        user_data_64: reader.u64()?,
        user_data_32: reader.u32()?,
        ledger: reader.u32()?,
        code: reader.u16()?,
        flags: AccountFlags::from_bits(reader.u16()?),
        timestamp,
        ..Account::default()
    };
    if account.flags.has_reserved() {
        return Err(reader.value_error(2, "account flags"));
    }
    Ok(account)
}

fn transfer(reader: &mut Reader<'_>, timestamp: u64) -> Result<Transfer, DecodeError> {
    let transfer = Transfer {
        id: reader.id("transfer id")?,
        debit_account_id: reader.id("debit_account_id")?,
        credit_account_id: reader.id("credit_account_id")?,
        amount: reader.u64()?,
        pending_id: reader.u128()?,
        user_data_128: reader.u128()?,
        user_data_64: reader.u64()?,
        user_data_32: reader.u32()?,
        timeout: reader.u32()?,
        ledger: reader.u32()?,
        code: reader.u16()?,
        flags: TransferFlags::from_bits(reader.u16()?),
        timestamp,
    };
    let flags = transfer.flags;
    let resolving = transfer.is_resolving();
    if flags.has_reserved()
        || flags.contains(TransferFlags::RESOLVING)
        || (resolving && flags.intersects(TransferFlags::FIRST_PHASE))
        || resolving == (transfer.pending_id == 0)
    {
        return Err(reader.value_error(2, "transfer flags"));
    }
    let latest_timeout = TIMESTAMP_MAX - timestamp;
    if transfer.timeout_nanoseconds() > latest_timeout
        || (transfer.timeout != 0 && !transfer.is_pending())
    {
        return Err(reader.value_error(12, "timeout"));
    }
    Ok(transfer)
}
