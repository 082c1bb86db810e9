//! Crashes: whatever was answered is there afterwards, and nothing is there twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use omamori_db::sql;
use omamori_ledger::{
    Append, Applying, CreateTransferResult as Code, Journal, NoCompanion, OlderTransfers, State,
    Submission,
};
use parking_lot::Mutex;

use super::place::{Clock, Place, on_both_engines};
use super::shop::{STORE, balance, codes, commit, customer, opening, sale};

on_both_engines!(
    an_entry_that_was_appended_but_not_merged_counts,
    a_ledger_that_is_torn_down_at_any_moment_keeps_what_it_answered,
);

/// An append whose answer is lost is looked up, not repeated blindly and not given up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_lose_nothing_and_double_nothing() {
    let place = Place::postgres_database().await;
    let clock = Clock::new();
    let options = place.options(&clock).await;
    let killer = place.views().await;
    let ledger = place.ledger_with(options, NoCompanion).await;
    commit(&ledger, opening(4, 1_000_000)).await;
    let (answered, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let selling: Vec<_> = (0..4_u128)
        .map(|caller| {
            let (ledger, answered) = (ledger.clone(), answered.clone());
            tokio::spawn(async move {
                for number in (0..40).map(|n| 4 * n + caller) {
                    let request = sale(number, customer(caller), 1);
                    let answer = ledger.commit(Submission::unchecked(request)).await;
                    answered.send((number, answer.is_ok())).expect("somebody listens");
                }
            })
        })
        .collect();
    drop(answered);
    let mut done = Vec::new();
    let (mut count, mut kill_count) = (0, 0);
    while let Some((number, is_ok)) = answers.recv().await {
        done.extend(is_ok.then_some(number));
        count += 1;
        if count % 3 == 0 {
            let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                        WHERE query LIKE 'INSERT INTO journal%' AND datname = current_database()";
            kill_count += killer.all(sql(kill)).await.expect("the killer works").len();
        }
    }
    for selling in selling {
        selling.await.expect("the caller ends");
    }
    assert!(kill_count > 0);
    assert!(done.len() > 40, "{} of {count} were answered", done.len());
    for number in &done {
        let reply = commit(&ledger, sale(*number, customer(number % 4), 1)).await;
        assert_eq!(codes(&reply), [Code::Exists, Code::LinkedEventFailed], "sale {number}");
    }
    assert!(ledger.views_reach(ledger.position().seq).await);
    let report = ledger.verify().await.expect("the stores answer");
    assert!(report.is_clean(), "{:#?}", report.problems);
    assert!(balance(&ledger, STORE) >= done.len() as u64);
    ledger.close().await;
}

async fn an_entry_that_was_appended_but_not_merged_counts(place: Place) {
    let clock = Clock::new();
    let ledger = place.ledger(&clock).await;
    commit(&ledger, opening(1, 1_000)).await;
    ledger.close().await;

    // What the writer does up to the moment between append and merge.
    let journal = Journal::open(place.journal().await).await.expect("the journal");
    let mut state = State::new();
    for stored in journal.read_from(1, 10).await.expect("entries") {
        let entry = stored.decode_after(state.position()).expect("an entry");
        state.fold(&entry).expect("it folds");
    }
    let older = OlderTransfers::default();
    let mut applying = Applying::new(&state, &older, clock.now() + 1000);
    let reply = applying.request(&sale(1, customer(0), 400));
    assert_eq!(codes(&reply), [Code::Ok, Code::Ok]);
    let delta = applying.finish();
    let done = journal.append(state.position(), &delta.encode()).await;
    assert!(matches!(done, Append::Done), "{done:?}");

    let ledger = place.ledger(&clock).await;
    assert_eq!(balance(&ledger, customer(0)), 600);
    let retry = commit(&ledger, sale(1, customer(0), 400)).await;
    assert_eq!(codes(&retry), [Code::Exists, Code::LinkedEventFailed]);
    assert_eq!(balance(&ledger, STORE), 400);
    ledger.close().await;
}

async fn a_ledger_that_is_torn_down_at_any_moment_keeps_what_it_answered(place: Place) {
    let place = Arc::new(place);
    let clock = Clock::new();
    let next_sale = Arc::new(AtomicU64::new(0));
    let answered = Arc::new(Mutex::new(Vec::<u128>::new()));
    for round in 0..8_usize {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.enable_all().worker_threads(2).build().expect("a runtime");
        let (enough, until) = std::sync::mpsc::channel();
        runtime.spawn({
            let (place, clock) = (Arc::clone(&place), clock.clone());
            let (next_sale, answered) = (Arc::clone(&next_sale), Arc::clone(&answered));
            async move {
                let ledger = place.ledger(&clock).await;
                commit(&ledger, opening(4, 1_000_000)).await;
                for _ in 0..8 {
                    let (ledger, enough) = (ledger.clone(), enough.clone());
                    let (next_sale, answered) = (Arc::clone(&next_sale), Arc::clone(&answered));
                    tokio::spawn(async move {
                        loop {
                            let number = u128::from(next_sale.fetch_add(1, Ordering::Relaxed));
                            commit(&ledger, sale(number, customer(number % 4), 1)).await;
                            answered.lock().push(number);
                            if enough.send(()).is_err() {
                                break;
                            }
                        }
                    });
                }
            }
        });
        let torn_down = tokio::task::spawn_blocking(move || {
            let wanted = 20 + round * 7;
            assert_eq!(until.iter().take(wanted).count(), wanted);
            runtime.shutdown_background();
        });
        torn_down.await.expect("sales went on until the end");
    }

    let ledger = place.ledger(&clock).await;
    let answered = answered.lock().clone();
    assert!(answered.len() > 8 * 20);
    for number in &answered {
        let reply = commit(&ledger, sale(*number, customer(number % 4), 1)).await;
        assert_eq!(codes(&reply), [Code::Exists, Code::LinkedEventFailed], "sale {number}");
    }
    let report = ledger.verify().await.expect("the stores answer");
    assert!(report.is_clean(), "{:#?}", report.problems);
    let spent: u64 = (0..4).map(|n| 1_000_000 - balance(&ledger, customer(n))).sum();
    assert_eq!(spent, balance(&ledger, STORE));
    assert!(spent >= answered.len() as u64);
    ledger.close().await;
}
