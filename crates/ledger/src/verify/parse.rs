//! Reading an entry by the offsets of `docs/ledger-format.md`, going on after a fault where that
//! is possible.

use crate::{Account, AccountFlags, Fact, Hash, Transfer, TransferFlags};

pub(super) const HASH_SIZE: usize = 32;
const HEADER_SIZE: usize = 64;
const ACCOUNT_SIZE: usize = 52;
const TRANSFER_SIZE: usize = 112;
const EXPIRY_SIZE: usize = 16;
const TIMESTAMP_MAX: u64 = (1 << 63) - 1;

/// What was read of an entry.
#[derive(Default)]
pub(super) struct Parsed {
    pub(super) seq: u64,
    pub(super) timestamp_first: u64,
    pub(super) previous_hash: Hash,
    /// Each with its offset in the entry.
    pub(super) facts: Vec<(usize, Fact)>,
    /// Where, and what is wrong there.
    pub(super) faults: Vec<(String, String)>,
}

impl Parsed {
    pub(super) fn timestamp_last(&self) -> u64 {
        self.timestamp_first.saturating_add(self.facts.len() as u64).saturating_sub(1)
    }

    fn fault(&mut self, offset: usize, what: &str) {
        self.faults.push((format!("byte {offset}"), what.to_owned()));
    }
}

/// The number of `N` bytes at `offset`; bytes that are not there count as zero.
fn bytes<const N: usize>(from: &[u8], offset: usize) -> [u8; N] {
    let mut array = [0; N];
    let there = from.get(offset..).unwrap_or_default();
    let size = there.len().min(N);
    array[..size].copy_from_slice(&there[..size]);
    array
}

fn u16_at(from: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(bytes(from, offset))
}

fn u32_at(from: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(bytes(from, offset))
}

fn u64_at(from: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(bytes(from, offset))
}

fn u128_at(from: &[u8], offset: usize) -> u128 {
    u128::from_le_bytes(bytes(from, offset))
}

pub(super) fn entry(body: &[u8]) -> Parsed {
    let mut parsed = Parsed {
        seq: u64_at(body, 8),
        timestamp_first: u64_at(body, 16),
        previous_hash: bytes(body, 32),
        ..Parsed::default()
    };
    if &bytes::<8>(body, 0) != b"OMAMORI\x01" {
        parsed.fault(0, "the magic is not that of an entry of version 1");
    }
    let fact_count = u32_at(body, 24);
    let facts_end = HEADER_SIZE.saturating_add(u32_at(body, 28) as usize);
    if facts_end.saturating_add(HASH_SIZE) != body.len() {
        parsed.fault(28, "body_size does not fit the size of the entry");
    }
    let facts = body.get(..body.len().saturating_sub(HASH_SIZE)).unwrap_or_default();
    let mut offset = HEADER_SIZE;
    while offset < facts.len() {
        let timestamp = parsed.timestamp_first.saturating_add(parsed.facts.len() as u64);
        let record = &facts[offset + 1..];
        let (size, fact) = match facts[offset] {
            1 => (ACCOUNT_SIZE, Fact::AccountCreated(account(record, timestamp))),
            2 => (TRANSFER_SIZE, Fact::TransferCreated(transfer(record, timestamp))),
            3 => {
                let pending_id = u128_at(record, 0);
                (EXPIRY_SIZE, Fact::PendingTransferExpired { pending_id, timestamp })
            }
            tag => {
                parsed.fault(offset, &format!("no fact has tag {tag}"));
                break;
            }
        };
        if record.len() < size {
            parsed.fault(offset, "the entry ends within this fact");
            break;
        }
        parsed.facts.push((offset, fact));
        offset += 1 + size;
    }
    if parsed.facts.len() != fact_count as usize || fact_count == 0 {
        parsed.fault(24, "fact_count is not the number of facts");
    }
    if parsed.timestamp_first == 0 || parsed.timestamp_last() > TIMESTAMP_MAX {
        parsed.fault(16, "timestamp_first is out of its range");
    }
    parsed
}

fn account(record: &[u8], timestamp: u64) -> Account {
    Account {
        id: u128_at(record, 0),
        user_data_128: u128_at(record, 16),
        user_data_64: u64_at(record, 32),
        user_data_32: u32_at(record, 40),
        ledger: u32_at(record, 44),
        code: u16_at(record, 48),
        flags: AccountFlags::from_bits(u16_at(record, 50)),
        timestamp,
        ..Account::default()
    }
}

fn transfer(record: &[u8], timestamp: u64) -> Transfer {
    Transfer {
        id: u128_at(record, 0),
        debit_account_id: u128_at(record, 16),
        credit_account_id: u128_at(record, 32),
        amount: u64_at(record, 48),
        pending_id: u128_at(record, 56),
        user_data_128: u128_at(record, 72),
        user_data_64: u64_at(record, 88),
        user_data_32: u32_at(record, 96),
        timeout: u32_at(record, 100),
        ledger: u32_at(record, 104),
        code: u16_at(record, 108),
        flags: TransferFlags::from_bits(u16_at(record, 110)),
        timestamp,
    }
}
