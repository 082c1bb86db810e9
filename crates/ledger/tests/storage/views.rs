//! The views: deleted and made again, snapshots against a full fold, followers of one's own.

use std::sync::Arc;

use omamori_db::{Error, Step, Tx, sql, sql_rows};
use omamori_ledger::{
    Account, Entry, Fact, Follower, Ledger, NoCompanion, Options, Transfer, TransferFlags, verify,
};

use super::place::{Clock, Place, on_both_engines};
use super::shop::{STORE, commit, customer, opening, sale};

on_both_engines!(
    views_that_were_deleted_come_back_the_same,
    a_snapshot_and_the_tail_make_what_the_whole_journal_makes,
    a_view_that_somebody_changed_is_found,
    a_follower_applies_every_entry_once,
    rows_that_are_refused_take_their_transaction_with_them,
);

/// Some of everything: sales, an open pending transfer, an expired one, a voided one, many
/// accounts, so that there are several blocks.
async fn history(ledger: &Ledger<NoCompanion>, clock: &Clock) {
    commit(ledger, opening(1_500, 10_000)).await;
    for number in 0..30 {
        commit(ledger, sale(number, customer(number * 49), 100)).await;
        assert!(ledger.views_reach(ledger.position().seq).await);
    }
    for number in 30..34_u128 {
        let mut hold = sale(number, customer(number), 100);
        hold.transfers.truncate(1);
        hold.transfers[0].flags = TransferFlags::PENDING | TransferFlags::CLOSING_DEBIT;
        hold.transfers[0].timeout = if number % 2 == 0 { 10 } else { 0 };
        commit(ledger, hold.clone()).await;
        if number == 33 {
            let pending_id = hold.transfers[0].id;
            hold.transfers[0] = Transfer {
                id: pending_id + 1,
                pending_id,
                flags: TransferFlags::VOID_PENDING_TRANSFER,
                ..Transfer::default()
            };
            commit(ledger, hold).await;
        }
    }
    clock.advance_seconds(11);
    ledger.tick().await;
    for number in 40..45 {
        commit(ledger, sale(number, customer(number), 7)).await;
    }
}

fn accounts(ledger: &Ledger<NoCompanion>) -> Vec<Account> {
    let ids = [1, STORE].into_iter().chain((0..1_500).map(customer));
    ids.map(|id| ledger.account(id).expect("the account")).collect()
}

async fn statements(ledger: &Ledger<NoCompanion>) -> Vec<Vec<Transfer>> {
    let mut statements = Vec::new();
    for id in [STORE, customer(0), customer(33), customer(41)] {
        statements.push(ledger.statement(id, None, 1_000).await.expect("a statement"));
    }
    statements
}

async fn open(
    place: &Place,
    clock: &Clock,
    snapshot_facts_min: u64,
) -> (Options, Ledger<NoCompanion>) {
    let options = Options { snapshot_facts_min, ..place.options(clock).await };
    let ledger = place.ledger_with(options.clone(), NoCompanion).await;
    (options, ledger)
}

async fn views_that_were_deleted_come_back_the_same(place: Place) {
    let clock = Clock::new();
    let (options, ledger) = open(&place, &clock, 20).await;
    history(&ledger, &clock).await;
    let before = (accounts(&ledger), statements(&ledger).await);
    ledger.close().await;
    options.views.close().await;
    options.journal.close().await;

    place.delete_views().await;
    let (options, ledger) = open(&place, &clock, 20).await;
    assert!(ledger.views_reach(ledger.position().seq).await);
    assert_eq!((accounts(&ledger), statements(&ledger).await), before);
    ledger.close().await;
    let report = verify(&options.journal, &options.views).await.expect("the stores answer");
    assert!(report.is_clean(), "{:#?}", report.problems);
    assert_eq!(report.viewed_transfer_count, report.transfer_count);
}

async fn a_snapshot_and_the_tail_make_what_the_whole_journal_makes(place: Place) {
    let clock = Clock::new();
    let (options, ledger) = open(&place, &clock, 20).await;
    history(&ledger, &clock).await;
    ledger.close().await;
    let report = verify(&options.journal, &options.views).await.expect("the stores answer");
    assert!(report.is_clean(), "{:#?}", report.problems);
    assert_eq!(report.snapshot_account_count, 1_502);
    options.views.close().await;
    options.journal.close().await;

    let (options, from_snapshot) = open(&place, &clock, 20).await;
    let first = (accounts(&from_snapshot), from_snapshot.memory_use().state.pending_count);
    let in_memory = from_snapshot.memory_use().state.transfer_count;
    from_snapshot.close().await;
    options.views.close().await;
    place.delete_views().await;
    let (_, from_all) = open(&place, &clock, u64::MAX).await;
    let second = (accounts(&from_all), from_all.memory_use().state.pending_count);
    assert_eq!(first, second);
    assert!(in_memory < from_all.memory_use().state.transfer_count, "there was a snapshot");
    from_all.close().await;
}

async fn a_view_that_somebody_changed_is_found(place: Place) {
    let clock = Clock::new();
    let (options, ledger) = open(&place, &clock, 20).await;
    history(&ledger, &clock).await;
    ledger.close().await;
    let problems = async || {
        let report = verify(&options.journal, &options.views).await.expect("the stores answer");
        report.problems
    };
    assert_eq!(problems().await, []);
    let views = &options.views;
    let one = "WHERE timestamp = (SELECT MAX(timestamp) FROM transfer)";
    for (change, back) in [
        (
            format!("UPDATE transfer SET amount = amount + 1 {one}"),
            format!("UPDATE transfer SET amount = amount - 1 {one}"),
        ),
        (
            format!("UPDATE transfer SET pending_status = 3 {one}"),
            format!("UPDATE transfer SET pending_status = 0 {one}"),
        ),
        (
            format!("UPDATE transfer SET timestamp = timestamp + 1 {one}"),
            format!("UPDATE transfer SET timestamp = timestamp - 1 {one}"),
        ),
    ] {
        views.execute_raw(change.clone()).await.expect("an update");
        assert_ne!(problems().await, [], "{change}");
        views.execute_raw(back).await.expect("an update");
        assert_eq!(problems().await, []);
    }
    let block = sql("SELECT body FROM account_block WHERE number = $1");
    let row = views.one(block.bind(1_i64)).await.expect("a block");
    let mut body = row.bytes(0).expect("a block");
    body[92 + 40] ^= 1;
    let update = sql("UPDATE account_block SET body = $1 WHERE number = $2");
    views.execute(update.bind(body).bind(1_i64)).await.expect("an update");
    assert_ne!(problems().await, []);
    let opened = Ledger::open(options.clone(), NoCompanion).await;
    assert!(opened.err().expect("no ledger").to_string().contains("delete the views"));
}

/// Counts sales, in a table of its own.
struct SaleCount;

const SALE_COUNT: &[Step] = &[Step {
    version: 1,
    name: "sale_count",
    text:
        "CREATE TABLE sale_count (only_row {bigint} PRIMARY KEY, sales {bigint} NOT NULL) {strict};
           INSERT INTO sale_count VALUES (1, 0);",
}];

impl Follower for SaleCount {
    fn name(&self) -> &'static str {
        "sale_count"
    }

    async fn apply(&mut self, tx: &mut Tx, entries: &[Arc<Entry>]) -> Result<(), Error> {
        let posts = |fact: &&Fact| matches!(fact, Fact::TransferCreated(t) if t.pending_id != 0);
        let facts = entries.iter().flat_map(|entry| &entry.facts);
        let sales = facts.filter(posts).count() as i64;
        tx.execute(sql("UPDATE sale_count SET sales = sales + $1").bind(sales)).await.map(drop)
    }
}

async fn a_follower_applies_every_entry_once(place: Place) {
    let clock = Clock::new();
    for round in 1..=3 {
        let (options, ledger) = open(&place, &clock, 20).await;
        options.views.migrate("sale_count", SALE_COUNT).await.expect("a table");
        commit(&ledger, opening(10, 1_000)).await;
        let following = ledger.follow(options.views.clone(), SaleCount).await.expect("a follower");
        // The same follower of another node: one of them applies an entry, never both.
        let other = ledger.follow(options.views.clone(), SaleCount).await.expect("a follower");
        for number in 0..10 {
            commit(&ledger, sale(round * 100 + number, customer(number), 10)).await;
        }
        let seq = ledger.position().seq;
        assert!(following.reach(seq).await);
        assert!(other.reach(seq).await);
        let row = options.views.one(sql("SELECT sales FROM sale_count")).await.expect("a row");
        assert_eq!(row.int(0).expect("a count"), round as i64 * 10);
        ledger.close().await;
    }
}

async fn rows_that_are_refused_take_their_transaction_with_them(place: Place) {
    let db = place.views().await;
    let steps = &[Step {
        version: 1,
        name: "pair",
        text: "CREATE TABLE pair (a {bigint} PRIMARY KEY, b {bigint} NOT NULL) {strict};",
    }];
    db.migrate("pair", steps).await.expect("a table");
    let rows = |keys: [i64; 3]| {
        let mut rows = sql_rows("INSERT INTO pair (a, b)", 2);
        for key in keys {
            rows.push(key);
            rows.push(7_i64);
        }
        rows
    };
    let count = async || {
        let count = db.one(sql("SELECT CAST(COUNT(*) AS BIGINT) FROM pair")).await;
        count.and_then(|row| row.int(0)).expect("a count")
    };
    let mut tx = db.begin().await.expect("a transaction");
    assert_eq!(tx.execute(rows([1, 2, 3])).await.expect("rows"), 3);
    assert!(matches!(tx.execute(rows([4, 1, 5])).await, Err(Error::UniqueViolation)));
    let after = "INSERT INTO pair (a, b) VALUES (9, 9)";
    assert!(tx.execute(sql(after)).await.is_err());
    assert_eq!(count().await, 0);
    drop(tx);
    assert!(matches!(db.execute(rows([6, 7, 6])).await, Err(Error::UniqueViolation)));
    assert_eq!(count().await, 0);
    let mut tx = db.begin().await.expect("a transaction");
    tx.execute(rows([1, 2, 3])).await.expect("rows");
    tx.commit().await.expect("a commit");
    assert_eq!(count().await, 3);
}
