//! The engine from the outside: commits, reads, bounds, and what a restart finds.

use omamori_ledger::{
    CommitError, CreateTransferResult as Code, Fact, Ledger, NoCompanion, Options, PendingStatus,
    Reply, Request, Submission, TransferFlags,
};

use super::place::{Clock, Place, on_both_engines};
use super::shop::{
    OPERATOR, STORE, balance, codes, commit, customer, error_name, opening, sale, transfer,
};

on_both_engines!(
    a_sale_is_there_after_a_restart,
    a_retry_is_known_after_its_transfer_left_memory,
    a_pending_transfer_expires_without_traffic,
    one_request_that_fails_harms_no_other,
    a_full_queue_is_busy,
    a_store_that_does_not_answer_leaves_no_trace,
    a_subscription_gives_every_entry_once_and_in_order,
    a_statement_shows_what_was_just_answered,
    a_closed_ledger_answers_what_waits_and_takes_no_more,
);

async fn a_sale_is_there_after_a_restart(place: Place) {
    let clock = Clock::new();
    let ledger = place.ledger(&clock).await;
    commit(&ledger, opening(3, 5_000)).await;
    let reply = commit(&ledger, sale(1, customer(0), 700)).await;
    assert_eq!(codes(&reply), [Code::Ok, Code::Ok]);
    let reply = commit(&ledger, sale(2, customer(0), 5_000)).await;
    assert_eq!(codes(&reply), [Code::ExceedsCredits, Code::LinkedEventFailed]);
    assert_eq!(balance(&ledger, customer(0)), 4_300);
    let statement = ledger.statement(customer(0), None, 10).await.expect("a statement");
    assert_eq!(statement.len(), 3);
    let position = ledger.position();
    ledger.close().await;

    let ledger = place.ledger(&clock).await;
    assert_eq!(ledger.position(), position);
    assert_eq!(balance(&ledger, customer(0)), 4_300);
    assert_eq!(balance(&ledger, STORE), 700);
    assert_eq!(ledger.statement(customer(0), None, 10).await.expect("a statement"), statement);
    let reply = commit(&ledger, sale(1, customer(0), 700)).await;
    assert_eq!(codes(&reply), [Code::Exists, Code::LinkedEventFailed]);
    ledger.close().await;
}

async fn a_retry_is_known_after_its_transfer_left_memory(place: Place) {
    let clock = Clock::new();
    let options = place.options(&clock).await;
    let options = Options { recent_transfers_max: 0, snapshot_facts_min: 1, ..options };
    let ledger = place.ledger_with(options.clone(), NoCompanion).await;
    commit(&ledger, opening(2, 5_000)).await;
    let first = commit(&ledger, transfer_request(77, 100)).await;
    for number in 0..3000 {
        assert!(ledger.views_reach(ledger.position().seq).await);
        if number > 1 && ledger.memory_use().state.old_id_count > 0 {
            break;
        }
        commit(&ledger, many_transfers(number)).await;
    }
    let memory = ledger.memory_use().state;
    assert!(memory.old_id_count > 0 && memory.transfer_count < 3000, "{memory:?}");
    assert_known(&ledger, &first).await;
    ledger.close().await;
    let ledger = place.ledger_with(options, NoCompanion).await;
    assert!(ledger.memory_use().state.old_id_count > 0);
    assert_known(&ledger, &first).await;
    ledger.close().await;
}

/// Transfer 77 of 100 yen is known, with its first answer.
async fn assert_known(ledger: &Ledger<NoCompanion>, first: &Reply) {
    let answer = commit(ledger, transfer_request(77, 100)).await;
    assert_eq!(codes(&answer), [Code::Exists]);
    assert_eq!(answer.transfers[0].timestamp, first.transfers[0].timestamp);
    let answer = commit(ledger, transfer_request(77, 101)).await;
    assert_eq!(codes(&answer), [Code::ExistsWithDifferentAmount]);
    let found = ledger.transfer(77).await.expect("a look-up").expect("the transfer");
    assert_eq!(found.transfer.amount, 100);
    assert_eq!(ledger.transfer(78).await.expect("a look-up"), None);
}

fn transfer_request(id: u128, amount: u64) -> Request {
    let transfers = vec![transfer(id, OPERATOR, customer(0), amount)];
    Request { accounts: Vec::new(), transfers }
}

/// A thousand transfers, so that memory has something to forget.
fn many_transfers(number: u128) -> Request {
    let ids = (2_000_000 + number * 1000..).take(1000);
    let transfers = ids.map(|id| transfer(id, OPERATOR, customer(1), 1)).collect();
    Request { accounts: Vec::new(), transfers }
}

async fn a_pending_transfer_expires_without_traffic(place: Place) {
    let clock = Clock::new();
    let ledger = place.ledger(&clock).await;
    commit(&ledger, opening(1, 1_000)).await;
    let mut hold = sale(1, customer(0), 600);
    hold.transfers.truncate(1);
    hold.transfers[0].flags = TransferFlags::PENDING;
    let id = hold.transfers[0].id;
    commit(&ledger, hold.clone()).await;
    let reserved = |ledger: &Ledger<NoCompanion>| {
        ledger.account(customer(0)).expect("the customer").debits_pending
    };
    assert_eq!(reserved(&ledger), 600);
    clock.advance_seconds(59);
    ledger.tick().await;
    assert_eq!(reserved(&ledger), 600);

    let mut entries = ledger.subscribe();
    // It was made a few nanoseconds after the clock's time, because timestamps rise.
    clock.advance_seconds(2);
    ledger.tick().await;
    assert_eq!(reserved(&ledger), 0);
    let entry = entries.next().await.expect("an entry").expect("an entry");
    let [Fact::PendingTransferExpired { pending_id, .. }] = entry.facts[..] else {
        panic!("one expiry: {:?}", entry.facts);
    };
    assert_eq!(pending_id, id);
    let stored = ledger.transfer(id).await.expect("a look-up").expect("the transfer");
    assert_eq!(stored.pending_status, PendingStatus::Expired);

    // The writer's own timer does the same; nobody sends anything.
    hold.transfers[0].id += 100;
    commit(&ledger, hold).await;
    assert_eq!(reserved(&ledger), 600);
    let mut entries = ledger.subscribe();
    clock.advance_seconds(61);
    entries.next().await.expect("an entry").expect("an entry");
    assert_eq!(reserved(&ledger), 0);
    ledger.close().await;
}

async fn one_request_that_fails_harms_no_other(place: Place) {
    let ledger = place.ledger(&Clock::new()).await;
    commit(&ledger, opening(40, 1_000)).await;
    let asked: Vec<_> = (0..40)
        .map(|number| {
            let (ledger, amount) = (ledger.clone(), if number % 2 == 0 { 400 } else { 1_001 });
            tokio::spawn(
                async move { commit(&ledger, sale(number, customer(number), amount)).await },
            )
        })
        .collect();
    for (number, asked) in (0_u128..).zip(asked) {
        let reply = asked.await.expect("a reply");
        let fits = number % 2 == 0;
        let expected = if fits {
            [Code::Ok, Code::Ok]
        } else {
            [Code::ExceedsCredits, Code::LinkedEventFailed]
        };
        assert_eq!(codes(&reply), expected);
        assert_eq!(balance(&ledger, customer(number)), if fits { 600 } else { 1_000 });
    }
    assert_eq!(balance(&ledger, STORE), 20 * 400);
    ledger.close().await;
}

async fn a_full_queue_is_busy(place: Place) {
    let options = place.options(&Clock::new()).await;
    let options = Options { queue_requests_max: 2, batch_requests_max: 1, ..options };
    let ledger = place.ledger_with(options, NoCompanion).await;
    commit(&ledger, opening(1, 100_000)).await;
    let asked: Vec<_> = (0..200)
        .map(|number| {
            let ledger = ledger.clone();
            let request = sale(number, customer(0), 1);
            tokio::spawn(async move { ledger.commit(Submission::unchecked(request)).await })
        })
        .collect();
    let (mut done, mut busy) = (0, 0);
    for asked in asked {
        match asked.await.expect("the task ends") {
            Ok(reply) => {
                assert_eq!(codes(&reply), [Code::Ok, Code::Ok]);
                done += 1;
            }
            Err(CommitError::Busy) => busy += 1,
            Err(error) => panic!("{}", error_name(&error)),
        }
    }
    assert!(done > 0 && busy > 0, "{done} done, {busy} busy");
    assert_eq!(balance(&ledger, STORE), done);
    ledger.close().await;
}

async fn a_store_that_does_not_answer_leaves_no_trace(place: Place) {
    let options = place.options(&Clock::new()).await;
    let journal = options.journal.clone();
    let ledger = place.ledger_with(options, NoCompanion).await;
    commit(&ledger, opening(1, 1_000)).await;
    let position = ledger.position();
    journal.close().await;
    let answer = ledger.commit(Submission::unchecked(sale(1, customer(0), 400))).await;
    let Err(CommitError::Unknown(_)) = answer else { panic!("{answer:?}") };
    assert_eq!(ledger.position(), position);
    assert_eq!(balance(&ledger, customer(0)), 1_000);
    assert_eq!(ledger.transfer(sale(1, 1, 1).transfers[0].id).await.expect("a look-up"), None);
    ledger.close().await;
}

async fn a_subscription_gives_every_entry_once_and_in_order(place: Place) {
    let ledger = place.ledger(&Clock::new()).await;
    let mut from_start = ledger.subscribe();
    commit(&ledger, opening(1, 1_000_000)).await;
    // More facts than stay at hand, so the late reader has to read the journal.
    for number in 0..14 {
        let ids = (3_000_000 + number * 10_000..).take(10_000);
        let transfers = ids.map(|id| transfer(id, OPERATOR, customer(0), 1)).collect();
        commit(&ledger, Request { accounts: Vec::new(), transfers }).await;
    }
    let last = ledger.position();
    let mut seqs = Vec::new();
    while from_start.position().seq < last.seq {
        seqs.push(from_start.next().await.expect("an entry").expect("an entry").seq);
    }
    assert_eq!(seqs, (1..=last.seq).collect::<Vec<_>>());
    assert_eq!(*from_start.position(), last);
    let many = ledger.subscribe_from(Default::default()).next_many(1_000_000).await;
    assert_eq!(many.expect("entries").len() as u64, last.seq);

    commit(&ledger, sale(1, customer(0), 5)).await;
    let entry = from_start.next().await.expect("an entry").expect("an entry");
    assert_eq!(entry.seq, last.seq + 1);
    ledger.close().await;
    assert!(from_start.next().await.expect("an end").is_none());
}

async fn a_statement_shows_what_was_just_answered(place: Place) {
    let ledger = place.ledger(&Clock::new()).await;
    commit(&ledger, opening(2, 10_000)).await;
    let mut ids = vec![1_000_000];
    for number in 0..6 {
        let request = sale(number, customer(0), 10);
        ids.extend(request.transfers.iter().map(|transfer| transfer.id));
        commit(&ledger, request).await;
        if number == 3 {
            assert!(ledger.views_reach(ledger.position().seq).await);
        }
        let statement = ledger.statement(customer(0), None, 100).await.expect("a statement");
        let found: Vec<u128> = statement.iter().rev().map(|transfer| transfer.id).collect();
        assert_eq!(found, ids);
    }
    let newest = ledger.statement(customer(0), None, 4).await.expect("a statement");
    let before = newest.last().map(|transfer| transfer.timestamp);
    let older = ledger.statement(customer(0), before, 100).await.expect("a statement");
    let all: Vec<u128> = newest.iter().chain(&older).rev().map(|transfer| transfer.id).collect();
    assert_eq!(all, ids);
    assert!(ledger.statement(customer(9), None, 9).await.expect("a statement").is_empty());
    ledger.close().await;
}

async fn a_closed_ledger_answers_what_waits_and_takes_no_more(place: Place) {
    let ledger = place.ledger(&Clock::new()).await;
    commit(&ledger, opening(1, 10_000)).await;
    let asked: Vec<_> = (0..20)
        .map(|number| {
            let ledger = ledger.clone();
            let request = sale(number, customer(0), 1);
            tokio::spawn(async move { ledger.commit(Submission::unchecked(request)).await })
        })
        .collect();
    ledger.close().await;
    let mut done = 0;
    for asked in asked {
        match asked.await.expect("the task ends") {
            Ok(_) => done += 1,
            Err(CommitError::Stopped) => {}
            Err(error) => panic!("{}", error_name(&error)),
        }
    }
    let answer = ledger.commit(Submission::unchecked(sale(50, customer(0), 1))).await;
    assert!(matches!(answer, Err(CommitError::Stopped)));
    assert_eq!(balance(&ledger, STORE), done);
    assert_eq!(ledger.views_position(), ledger.position());
}
