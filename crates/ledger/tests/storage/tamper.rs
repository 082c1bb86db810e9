//! A journal that somebody changed: the start and the verification both name the entry.

use omamori_db::{Db, sql};
use omamori_ledger::{Ledger, NoCompanion, Options, delete_views, verify};

use super::place::{Clock, Place, on_both_engines};
use super::shop::{commit, customer, opening, sale};

on_both_engines!(
    a_changed_byte_is_found_wherever_it_is,
    a_changed_column_is_found,
    a_missing_entry_is_found,
    a_whole_entry_made_anew_is_found,
    views_of_another_journal_are_refused,
);

const ENTRIES: i64 = 6;

/// A journal of a few entries, with a snapshot in the middle, and closed.
async fn journal_of(place: &Place, clock: &Clock) -> Db {
    let options = place.options(clock).await;
    let options = Options { snapshot_facts_min: 3, ..options };
    let ledger = place.ledger_with(options.clone(), NoCompanion).await;
    commit(&ledger, opening(1, 100_000)).await;
    for number in 0..ENTRIES as u128 - 1 {
        commit(&ledger, sale(number, customer(0), 10)).await;
        assert!(ledger.views_reach(ledger.position().seq - 1).await);
    }
    ledger.close().await;
    let report = verify(&options.journal, &options.views).await.expect("the stores answer");
    assert!(report.is_clean() && report.snapshot_account_count == 3, "{report:#?}");
    options.journal
}

/// The start must refuse with a message that names the entry, and `verify` must name it too.
async fn assert_found(place: &Place, clock: &Clock, seq: u64, what: &str) {
    let options = place.options(clock).await;
    let report = verify(&options.journal, &options.views).await.expect("the stores answer");
    let named = report.problems.iter().any(|problem| problem.seq == seq);
    assert!(named, "{what} of entry {seq}: verify says {:?}", report.problems);
    match Ledger::open(options, NoCompanion).await {
        Ok(_) => panic!("{what} of entry {seq}: the ledger opened"),
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains(&format!("entry {seq}")), "{what} of entry {seq}: {said}");
        }
    }
}

async fn body_of(journal: &Db, seq: i64) -> Vec<u8> {
    let row = journal.one(sql("SELECT body FROM journal WHERE seq = $1").bind(seq)).await;
    row.and_then(|row| row.bytes(0)).expect("the entry")
}

async fn set_body(journal: &Db, seq: i64, body: &[u8]) {
    let query = sql("UPDATE journal SET body = $1 WHERE seq = $2").bind(body).bind(seq);
    assert_eq!(journal.execute(query).await.expect("an update"), 1);
}

async fn a_changed_byte_is_found_wherever_it_is(place: Place) {
    let clock = Clock::new();
    let journal = journal_of(&place, &clock).await;
    for seq in [1, 2, ENTRIES] {
        let body = body_of(&journal, seq).await;
        // Each field of the header, some facts, and the hash: ends and middles.
        let last = body.len() - 1;
        for offset in [0, 7, 8, 16, 24, 28, 32, 63, 64, 65, 100, last / 2, last - 31, last] {
            let mut changed = body.clone();
            changed[offset] ^= 0x10;
            set_body(&journal, seq, &changed).await;
            assert_found(&place, &clock, seq.cast_unsigned(), &format!("byte {offset}")).await;
        }
        set_body(&journal, seq, &body[..last]).await;
        assert_found(&place, &clock, seq.cast_unsigned(), "a cut").await;
        set_body(&journal, seq, &body).await;
    }
    place.ledger(&clock).await.close().await;
}

async fn a_changed_column_is_found(place: Place) {
    let clock = Clock::new();
    let journal = journal_of(&place, &clock).await;
    for (change, back) in [
        (
            "UPDATE journal SET first_timestamp = first_timestamp + 1 WHERE seq = 3",
            "UPDATE journal SET first_timestamp = first_timestamp - 1 WHERE seq = 3",
        ),
        (
            "UPDATE journal SET last_timestamp = last_timestamp + 1 WHERE seq = 3",
            "UPDATE journal SET last_timestamp = last_timestamp - 1 WHERE seq = 3",
        ),
        (
            "UPDATE journal SET previous_hash = hash WHERE seq = 3",
            "UPDATE journal SET previous_hash = \
             (SELECT hash FROM journal WHERE seq = 2) WHERE seq = 3",
        ),
    ] {
        assert_eq!(journal.execute(sql(change)).await.expect("an update"), 1);
        assert_found(&place, &clock, 3, change).await;
        assert_eq!(journal.execute(sql(back)).await.expect("an update"), 1);
    }
    place.ledger(&clock).await.close().await;
}

async fn a_missing_entry_is_found(place: Place) {
    let clock = Clock::new();
    let journal = journal_of(&place, &clock).await;
    journal.execute(sql("DELETE FROM journal WHERE seq = 2")).await.expect("a delete");
    let options = place.options(&clock).await;
    let report = verify(&options.journal, &options.views).await.expect("the stores answer");
    assert!(report.problems.iter().any(|problem| problem.what.contains("2 to 2")), "{report:#?}");
    let error = Ledger::open(options, NoCompanion).await.err().expect("no ledger");
    assert!(error.to_string().contains("entry 2"), "{error}");
}

async fn a_whole_entry_made_anew_is_found(place: Place) {
    use sha2::{Digest, Sha256};
    let clock = Clock::new();
    let journal = journal_of(&place, &clock).await;
    let mut body = body_of(&journal, 3).await;
    let end = body.len() - 32;
    // The amount of the first transfer, with a new hash over all of it, in the column too.
    body[64 + 1 + 48] ^= 1;
    let hash: [u8; 32] = Sha256::digest(&body[..end]).into();
    body[end..].copy_from_slice(&hash);
    set_body(&journal, 3, &body).await;
    let query = sql("UPDATE journal SET hash = $1 WHERE seq = 3").bind(hash);
    journal.execute(query).await.expect("an update");
    assert_found(&place, &clock, 4, "the link").await;
}

async fn views_of_another_journal_are_refused(place: Place) {
    let clock = Clock::new();
    let journal = journal_of(&place, &clock).await;
    let delete = sql("DELETE FROM journal WHERE seq > 3");
    journal.execute(delete).await.expect("a delete");
    let options = place.options(&clock).await;
    let error = Ledger::open(options.clone(), NoCompanion).await.err().expect("no ledger");
    assert!(error.to_string().contains("delete the views"), "{error}");
    let report = verify(&options.journal, &options.views).await.expect("the stores answer");
    assert!(!report.is_clean());
    delete_views(&options.views).await.expect("the views go");
    let ledger = place.ledger(&clock).await;
    assert_eq!(ledger.position().seq, 3);
    ledger.close().await;
    let report = verify(&options.journal, &options.views).await.expect("the stores answer");
    assert!(report.is_clean(), "{:#?}", report.problems);
    assert_eq!(report.viewed_transfer_count, report.transfer_count);
}
