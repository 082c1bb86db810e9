//! The binary form of entries: what is written is read again, and nothing else is.

use omamori_ledger::{
    Account, AccountFlags, DecodeError, Entry, Fact, FoldError, Request, State, Transfer,
    TransferFlags,
};
use proptest::prelude::*;

use super::world::World;

const HEADER_SIZE: usize = 64;
const HASH_SIZE: usize = 32;

/// Three entries with facts of every kind.
fn journal() -> Vec<Vec<u8>> {
    let account = |id: u128| Account { id, ledger: 392, code: 2, ..Account::default() };
    let transfer = |id: u128, flags| Transfer {
        id,
        debit_account_id: 0x0102,
        credit_account_id: 0x0304,
        amount: 1_000,
        ledger: 392,
        code: 3,
        flags,
        ..Transfer::default()
    };
    let mut first = account(0x0102);
    first.user_data_128 = 0x1112;
    first.user_data_64 = 0x21;
    first.user_data_32 = 0x31;
    let mut second = account(0x0304);
    second.flags = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
    let mut timed = transfer(0x0a, TransferFlags::PENDING);
    timed.timeout = 1;
    let mut post = Transfer { id: 0x0c, pending_id: 0x0b, amount: 400, ..Transfer::default() };
    post.flags = TransferFlags::POST_PENDING_TRANSFER;

    let mut world = World::default();
    let accounts = Request { accounts: vec![first, second], ..Request::default() };
    let pending = transfer(0x0b, TransferFlags::PENDING);
    let transfers = Request { transfers: vec![timed, pending], ..Request::default() };
    let second_phase = Request { transfers: vec![post], ..Request::default() };
    world.commit(1_000, &[accounts]);
    world.commit(2_000, &[transfers]);
    world.commit(2_000_000_000, &[second_phase]);
    world.entries
}

#[test]
fn an_entry_is_the_bytes_that_the_description_says() {
    let entries = journal();
    let mut expected = Vec::new();
    expected.extend(b"OMAMORI\x01");
    expected.extend(3_u64.to_le_bytes());
    expected.extend(2_000_000_000_u64.to_le_bytes());
    expected.extend(2_u32.to_le_bytes());
    expected.extend((17_u32 + 113).to_le_bytes());
    expected.extend(&entries[1][entries[1].len() - HASH_SIZE..]);
    // The expiry of transfer 0x0a.
    expected.push(3);
    expected.extend(0x0a_u128.to_le_bytes());
    // The post of transfer 0x0b, with what it left out.
    expected.push(2);
    for id in [0x0c_u128, 0x0102, 0x0304] {
        expected.extend(id.to_le_bytes());
    }
    expected.extend(400_u64.to_le_bytes());
    expected.extend(0x0b_u128.to_le_bytes());
    expected.extend([0; 16 + 8 + 4 + 4]);
    expected.extend(392_u32.to_le_bytes());
    expected.extend(3_u16.to_le_bytes());
    expected.extend(4_u16.to_le_bytes());
    assert_eq!(entries[2][..entries[2].len() - HASH_SIZE], expected);
    assert_eq!(entries[2].len(), HEADER_SIZE + 17 + 113 + HASH_SIZE);
    assert_eq!(entries[0].len(), HEADER_SIZE + 2 * 53 + HASH_SIZE);
    assert_eq!(entries[0][32..64], [0; HASH_SIZE]);
}

#[test]
fn every_flipped_bit_is_noticed() {
    for bytes in journal() {
        Entry::decode(&bytes).expect("untouched, it is an entry");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = Entry::decode(&flipped).expect_err("a bit was flipped");
            assert!(offset(&error) <= bytes.len(), "{error}");
        }
    }
}

#[test]
fn every_missing_and_every_further_byte_is_noticed() {
    for bytes in journal() {
        for size in 0..bytes.len() {
            Entry::decode(&bytes[..size]).expect_err("bytes are missing");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        let too_long = DecodeError::TooLong { offset: bytes.len() };
        assert_eq!(Entry::decode(&longer), Err(too_long));
    }
}

#[test]
fn a_forged_entry_with_a_right_hash_is_still_read_strictly() {
    let bytes = &journal()[2];
    let account = &journal()[0];
    let value = |offset, field| DecodeError::Value { offset, field };
    let cases: [(&[u8], usize, &[u8], DecodeError); 10] = [
        (bytes, 8, &[0; 8], value(8, "seq")),
        (bytes, 16, &[0; 8], value(16, "timestamp_first or fact_count")),
        (bytes, 16, &[0xff; 8], value(16, "timestamp_first or fact_count")),
        (bytes, 24, &[0; 4], value(16, "timestamp_first or fact_count")),
        (bytes, 64, &[4], DecodeError::Tag { offset: 64, tag: 4 }),
        (bytes, 65, &[0; 16], value(65, "pending_id")),
        (bytes, 81 + 112, &[1], value(81 + 111, "transfer flags")),
        (bytes, 81 + 111, &[12], value(81 + 111, "transfer flags")),
        (bytes, 81 + 57, &[0; 16], value(81 + 111, "transfer flags")),
        (account, 64 + 51, &[8], value(64 + 51, "account flags")),
    ];
    for (bytes, offset, patch, expected) in cases {
        let mut forged = bytes.to_vec();
        forged[offset..offset + patch.len()].copy_from_slice(patch);
        seal(&mut forged);
        assert_eq!(Entry::decode(&forged), Err(expected), "at {offset}");
    }
    // One fact more, or one less, than there are.
    let mut forged = bytes.clone();
    forged[24] = 3;
    seal(&mut forged);
    let hash_offset = forged.len() - HASH_SIZE;
    assert_eq!(Entry::decode(&forged), Err(DecodeError::TooShort { offset: hash_offset }));
    forged[24] = 1;
    seal(&mut forged);
    assert_eq!(Entry::decode(&forged), Err(DecodeError::TooLong { offset: 64 + 17 }));
}

#[test]
fn entries_fold_only_in_their_order_and_on_their_own_history() {
    let entries: Vec<_> =
        journal().iter().map(|bytes| Entry::decode(bytes).expect("an entry")).collect();
    let folded = |entries: &[Entry]| {
        let mut state = State::new();
        entries.iter().try_for_each(|entry| state.fold(entry))
    };
    assert_eq!(folded(&entries), Ok(()));
    let sequence = FoldError::Sequence { expected: 1, found: 2 };
    assert_eq!(folded(&entries[1..]), Err(sequence));
    let mut other = entries.clone();
    other[1].previous_hash[0] ^= 1;
    assert_eq!(folded(&other), Err(FoldError::PreviousHash { seq: 2 }));

    let follows =
        |facts| Entry { seq: 2, previous_hash: entries[0].hash, facts, hash: [0; HASH_SIZE] };
    let refused = |facts| folded(&[entries[0].clone(), follows(facts)]);
    let (accounts, transfers) = (&entries[0].facts, &entries[1].facts);
    assert_eq!(refused(vec![accounts[1]]), Err(FoldError::Timestamp { last: 1_001, found: 1_001 }));
    assert_eq!(
        refused(vec![transfers[1], transfers[0]]),
        Err(FoldError::Timestamp { last: 2_001, found: 2_000 })
    );
    let Fact::TransferCreated(mut transfer) = transfers[0] else {
        panic!("the second entry begins with a transfer")
    };
    let fact = Fact::TransferCreated;
    let later = Transfer { timestamp: 2_001, ..transfer };
    assert_eq!(
        refused(vec![fact(transfer), fact(later)]),
        Err(FoldError::Repeated { timestamp: 2_001, id: 0x0a })
    );
    transfer.credit_account_id = transfer.debit_account_id;
    assert_eq!(refused(vec![fact(transfer)]), Err(FoldError::Accounts { timestamp: 2_000 }));
    transfer.credit_account_id = 9;
    assert_eq!(refused(vec![fact(transfer)]), Err(FoldError::Accounts { timestamp: 2_000 }));
    assert_eq!(
        refused(entries[2].facts.clone()),
        Err(FoldError::NotOpen { timestamp: 2_000_000_000, pending_id: 0x0a })
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        header in any::<bool>(),
    ) {
        let mut bytes = bytes;
        if header && bytes.len() > HEADER_SIZE + HASH_SIZE {
            let body_size = (bytes.len() - HEADER_SIZE - HASH_SIZE) as u32;
            bytes[..8].copy_from_slice(b"OMAMORI\x01");
            bytes[23] &= 0x7f;
            bytes[25..28].fill(0);
            bytes[28..32].copy_from_slice(&body_size.to_le_bytes());
            seal(&mut bytes);
        }
        let _ = Entry::decode(&bytes);
    }
}

/// Writes the right hash at the end.
fn seal(bytes: &mut [u8]) {
    use sha2::{Digest, Sha256};
    let (content, hash) = bytes.split_at_mut(bytes.len() - HASH_SIZE);
    hash.copy_from_slice(&Sha256::digest(content));
}

fn offset(error: &DecodeError) -> usize {
    match *error {
        DecodeError::TooShort { offset }
        | DecodeError::TooLong { offset }
        | DecodeError::Magic { offset }
        | DecodeError::Hash { offset }
        | DecodeError::Value { offset, .. }
        | DecodeError::Tag { offset, .. } => offset,
    }
}

#[test]
fn the_example_of_the_description_is_what_the_ledger_writes() {
    let account = |id| Account { id, ledger: 392, code: 1, ..Account::default() };
    let mut limited = account(2);
    limited.flags = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
    let transfer = Transfer {
        id: 3,
        debit_account_id: 1,
        credit_account_id: 2,
        amount: 1_000,
        ledger: 392,
        code: 7,
        ..Transfer::default()
    };
    let mut world = World::default();
    let request = Request { accounts: vec![account(1), limited], transfers: vec![transfer] };
    world.commit(1_775_001_600_000_000_000, &[request]);
    let lines = world.entries[0]
        .chunks(16)
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "));
    let written = lines.collect::<Vec<_>>().join("\n");
    let page = include_str!("../../../../docs/ledger-format.md");
    let (_, rest) = page.split_once("```hex\n").expect("an example");
    let (example, _) = rest.split_once("\n```").expect("its end");
    assert_eq!(example, written);
}
