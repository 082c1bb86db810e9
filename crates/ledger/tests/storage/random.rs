//! The core's random requests, sent through the engine in groups of random size, with restarts:
//! the same answers as the model, the same balances, and books that verify.

use std::time::Duration;

use futures_util::future::join_all;
use omamori_ledger::{Ledger, NoCompanion, Options, Submission, Transfer};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::place::{Clock, Place};
use crate::core::random::{Both, Step, step};

const SECOND: u64 = 1_000_000_000;
const ACCOUNTS: u128 = 7;

#[derive(Clone, Debug)]
struct Group {
    batch_requests_max: usize,
    steps: Vec<Step>,
}

fn group() -> impl Strategy<Value = Group> {
    (1_usize..5, vec(step(), 1..12))
        .prop_map(|(batch_requests_max, steps)| Group { batch_requests_max, steps })
}

/// A ledger that forgets and takes snapshots all the time.
async fn open(place: &Place, clock: &Clock, batch_requests_max: usize) -> Ledger<NoCompanion> {
    let options = place.options(clock).await;
    let options = Options {
        batch_requests_max,
        recent_transfers_max: 3,
        unviewed_transfers_max: 100_000,
        snapshot_facts_min: 10,
        ..options
    };
    place.ledger_with(options, NoCompanion).await
}

/// Runs groups of steps, each group on a ledger that is opened anew.
async fn run(place: Place, groups: Vec<Group>) {
    let clock = Clock::at(SECOND);
    let mut both = Both::default();
    let opening = [Both::opening()];
    let mut steps_of_first = Some((SECOND, opening.to_vec()));
    for group in groups {
        let ledger = open(&place, &clock, group.batch_requests_max).await;
        if let Some((timestamp, requests)) = steps_of_first.take() {
            commit(&ledger, &mut both, timestamp, &requests, 1).await;
        }
        for step in &group.steps {
            let timestamp = both.world.state.position().timestamp + step.elapsed;
            clock.set(timestamp);
            let requests = both.requests(step);
            if requests.is_empty() {
                // Whether the writer's own timer notices the new time first makes no difference.
                ledger.tick().await;
                both.commit(timestamp, &[]);
                continue;
            }
            commit(&ledger, &mut both, timestamp, &requests, group.batch_requests_max).await;
        }
        compare(&ledger, &both).await;
        ledger.close().await;
    }
}

/// Sends the requests at once. The one thread runs the writer only after all of them are queued,
/// so the batches are known.
async fn commit(
    ledger: &Ledger<NoCompanion>,
    both: &mut Both,
    timestamp: u64,
    requests: &[omamori_ledger::Request],
    batch_requests_max: usize,
) {
    let commits =
        requests.iter().map(|request| ledger.commit(Submission::unchecked(request.clone())));
    let replies: Vec<_> =
        join_all(commits).await.into_iter().map(|reply| reply.expect("an answer")).collect();
    let mut expected = Vec::new();
    for batch in requests.chunks(batch_requests_max) {
        let last = both.world.state.position().timestamp;
        expected.extend(both.commit(timestamp.max(last + 1), batch));
    }
    assert_eq!(replies, expected);
    assert_eq!(ledger.position(), *both.world.state.position());
}

async fn compare(ledger: &Ledger<NoCompanion>, both: &Both) {
    for (id, account) in both.model.accounts() {
        assert_eq!(ledger.account(id), Some(account));
    }
    for (id, stored) in both.model.transfers() {
        let found = ledger.transfer(*id).await.expect("a look-up");
        assert_eq!(found.as_ref(), Some(stored));
    }
    for account_id in 1..=ACCOUNTS {
        let touches = |transfer: &Transfer| {
            [transfer.debit_account_id, transfer.credit_account_id].contains(&account_id)
        };
        let stored = both.model.transfers().values().map(|stored| stored.transfer);
        let mut expected: Vec<Transfer> = stored.filter(touches).collect();
        expected.sort_unstable_by_key(|transfer| std::cmp::Reverse(transfer.timestamp));
        let statement = ledger.statement(account_id, None, 1000).await.expect("a statement");
        assert_eq!(statement, expected);
    }
    assert!(ledger.views_reach(ledger.position().seq).await);
    let report = ledger.verify().await.expect("the stores answer");
    assert!(report.is_clean(), "{:#?}", report.problems);
    assert_eq!(report.viewed_transfer_count, both.model.transfers().len() as u64);
    assert_eq!(report.live_account_count, both.model.accounts().len() as u64);
}

fn on(cases: u32, place: impl AsyncFn() -> Place) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&vec(group(), 1..4), |groups| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(async { run(place().await, groups).await });
        runtime.shutdown_timeout(Duration::from_secs(10));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn the_engine_answers_as_the_model_does_on_sqlite() {
    on(16, async || Place::sqlite());
}

#[test]
fn the_engine_answers_as_the_model_does_on_postgres() {
    on(8, Place::postgres);
}
