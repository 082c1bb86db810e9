//! Writing entries.

use sha2::{Digest, Sha256};

use super::{EncodedEntry, HASH_SIZE, HEADER_SIZE, Hash, MAGIC, Position, tag};
use crate::{Account, Fact, Transfer};

/// No fact is longer than this, tag included.
const FACT_SIZE_MAX: usize = 113;

/// Encodes `facts`, whose timestamps rise by one from the first, as the entry after `base`.
pub(crate) fn encode(base: &Position, facts: &[Fact]) -> EncodedEntry {
    let (Some(first), Some(last)) = (facts.first(), facts.last()) else {
        panic!("an entry holds at least one fact");
    };
    assert_eq!(
        last.timestamp() - first.timestamp() + 1,
        facts.len() as u64,
        "timestamps rise by 1"
    );
    let seq = base.seq + 1;

    let mut out = Vec::with_capacity(HEADER_SIZE + facts.len() * FACT_SIZE_MAX + HASH_SIZE);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&first.timestamp().to_le_bytes());
    out.extend_from_slice(&size_field(facts.len()));
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&base.hash);
    debug_assert_eq!(out.len(), HEADER_SIZE);
    for fact in facts {
        put_fact(&mut out, fact);
    }
    let body_size = size_field(out.len() - HEADER_SIZE);
    out[28..32].copy_from_slice(&body_size);

    let hash: Hash = Sha256::digest(&out).into();
    out.extend_from_slice(&hash);
    EncodedEntry { bytes: out, position: Position { seq, timestamp: last.timestamp(), hash } }
}

fn size_field(size: usize) -> [u8; 4] {
    let Ok(size) = u32::try_from(size) else { panic!("an entry of {size} bytes or facts") };
    size.to_le_bytes()
}

fn put_fact(out: &mut Vec<u8>, fact: &Fact) {
    match fact {
        Fact::AccountCreated(account) => {
            out.push(tag::ACCOUNT_CREATED);
            put_account(out, account);
        }
        Fact::TransferCreated(transfer) => {
            out.push(tag::TRANSFER_CREATED);
            put_transfer(out, transfer);
        }
        Fact::PendingTransferExpired { pending_id, .. } => {
            out.push(tag::PENDING_TRANSFER_EXPIRED);
            out.extend_from_slice(&pending_id.to_le_bytes());
        }
    }
}

fn put_account(out: &mut Vec<u8>, account: &Account) {
    out.extend_from_slice(&account.id.to_le_bytes());
    out.extend_from_slice(&account.user_data_128.to_le_bytes());
    out.extend_from_slice(&account.user_data_64.to_le_bytes());
    out.extend_from_slice(&account.user_data_32.to_le_bytes());
    out.extend_from_slice(&account.ledger.to_le_bytes());
    out.extend_from_slice(&account.code.to_le_bytes());
    out.extend_from_slice(&account.flags.bits().to_le_bytes());
}

fn put_transfer(out: &mut Vec<u8>, transfer: &Transfer) {
    out.extend_from_slice(&transfer.id.to_le_bytes());
    out.extend_from_slice(&transfer.debit_account_id.to_le_bytes());
    out.extend_from_slice(&transfer.credit_account_id.to_le_bytes());
    out.extend_from_slice(&transfer.amount.to_le_bytes());
    out.extend_from_slice(&transfer.pending_id.to_le_bytes());
    out.extend_from_slice(&transfer.user_data_128.to_le_bytes());
    out.extend_from_slice(&transfer.user_data_64.to_le_bytes());
    out.extend_from_slice(&transfer.user_data_32.to_le_bytes());
    out.extend_from_slice(&transfer.timeout.to_le_bytes());
    out.extend_from_slice(&transfer.ledger.to_le_bytes());
    out.extend_from_slice(&transfer.code.to_le_bytes());
    out.extend_from_slice(&transfer.flags.bits().to_le_bytes());
}
