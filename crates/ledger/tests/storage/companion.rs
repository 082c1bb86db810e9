//! The companion sees everything earlier, whoever wrote it, so its limits are exact.

use std::collections::HashMap;

use omamori_ledger::{
    ChainCheck, CommitError, Companion, Fact, Ledger, Options, Request, State, Submission,
};

use super::place::{Clock, Place, on_both_engines};
use super::shop::{STORE, balance, codes, commit, customer, error_name, opening, sale};

const DAY_NANOS: u64 = 24 * 3600 * 1_000_000_000;

/// Each customer may spend so many yen within a day.
#[derive(Default)]
struct DailyLimit {
    spent: HashMap<u128, Vec<(u64, u64)>>,
    /// Requests that were asked about, and facts that were seen.
    facts_seen: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct OverLimit {
    left: u64,
}

impl DailyLimit {
    fn spent(&self, customer: u128, now: u64) -> u64 {
        let spent = self.spent.get(&customer).map(Vec::as_slice).unwrap_or_default();
        spent.iter().filter(|(at, _)| at + DAY_NANOS > now).map(|(_, amount)| amount).sum()
    }
}

impl Companion for DailyLimit {
    type Admission = u64;
    type Refusal = OverLimit;

    fn admit(
        &self,
        _: &State,
        request: &Request,
        limit: &u64,
        timestamp: u64,
    ) -> Result<(), OverLimit> {
        let asked = &request.transfers[0];
        let left = limit.saturating_sub(self.spent(asked.debit_account_id, timestamp));
        if asked.amount <= left { Ok(()) } else { Err(OverLimit { left }) }
    }

    fn observe(&mut self, facts: &[Fact]) {
        self.facts_seen += facts.len();
        for fact in facts {
            if let Fact::TransferCreated(transfer) = fact
                && transfer.pending_id != 0
            {
                let spent = self.spent.entry(transfer.debit_account_id).or_default();
                spent.push((transfer.timestamp, transfer.amount));
            }
        }
    }

    fn history_nanos(&self) -> u64 {
        DAY_NANOS
    }
}

fn limited(number: u128, amount: u64, limit: u64) -> Submission<u64> {
    let request = sale(number, customer(0), amount);
    Submission { request, serial_key: Some(customer(0)), admission: Some(limit) }
}

on_both_engines!(
    a_limit_is_exact_under_sixteen_concurrent_sales,
    a_limit_is_exact_across_two_nodes,
    a_companion_sees_its_history_again_after_a_restart,
    requests_of_one_key_keep_their_order,
);

/// Sends sales of 300 against a limit of 1,000 from 16 tasks, over these ledgers in turn.
async fn sixteen_sales(ledgers: &[Ledger<DailyLimit>]) -> (usize, Vec<u64>) {
    let asked: Vec<_> = (0..16)
        .map(|number: u128| {
            let ledger = ledgers[number as usize % ledgers.len()].clone();
            tokio::spawn(async move { ledger.commit(limited(number, 300, 1_000)).await })
        })
        .collect();
    let (mut done, mut left) = (0, Vec::new());
    for asked in asked {
        match asked.await.expect("the task ends") {
            Ok(_) => done += 1,
            Err(CommitError::Refused(refusal)) => left.push(refusal.left),
            Err(error) => panic!("{}", error_name(&error)),
        }
    }
    (done, left)
}

async fn a_limit_is_exact_under_sixteen_concurrent_sales(place: Place) {
    let options = place.options(&Clock::new()).await;
    let ledger = place.ledger_with(options, DailyLimit::default()).await;
    commit(&ledger, opening(1, 100_000)).await;
    let (done, left) = sixteen_sales(std::slice::from_ref(&ledger)).await;
    assert_eq!((done, left), (3, vec![100; 13]));
    assert_eq!(balance(&ledger, STORE), 900);
    ledger.close().await;
}

async fn a_limit_is_exact_across_two_nodes(place: Place) {
    let clock = Clock::new();
    let first = place.ledger_with(place.options(&clock).await, DailyLimit::default()).await;
    let second = place.ledger_with(place.options(&clock).await, DailyLimit::default()).await;
    commit(&first, opening(1, 100_000)).await;
    let (done, left) = sixteen_sales(&[first.clone(), second.clone()]).await;
    assert_eq!((done, left), (3, vec![100; 13]));
    for ledger in [first, second] {
        // An answer, even a refusal, is that of the newest state.
        let answer = ledger.commit(limited(99, 101, 1_000)).await;
        assert!(matches!(answer, Err(CommitError::Refused(OverLimit { left: 100 }))));
        assert_eq!(balance(&ledger, STORE), 900);
        ledger.close().await;
    }
}

async fn a_companion_sees_its_history_again_after_a_restart(place: Place) {
    let clock = Clock::new();
    for chain_check in [ChainCheck::Read, ChainCheck::Whole] {
        let options = place.options(&clock).await;
        let options = Options { snapshot_facts_min: 1, chain_check, ..options };
        let ledger = place.ledger_with(options.clone(), DailyLimit::default()).await;
        commit(&ledger, opening(1, 100_000)).await;
        ledger.commit(limited(1, 600, 1_000)).await.map(drop).unwrap_or_default();
        clock.advance_seconds(3600);
        ledger.commit(limited(2, 300, 1_000)).await.map(drop).unwrap_or_default();
        ledger.close().await;

        let ledger = place.ledger_with(options.clone(), DailyLimit::default()).await;
        let spent = ledger.companion(|limit| limit.spent(customer(0), clock.now()));
        assert_eq!(spent, 900);
        clock.advance_seconds(23 * 3600 + 1);
        let spent = ledger.companion(|limit| limit.spent(customer(0), clock.now()));
        assert_eq!(spent, 300);
        ledger.close().await;

        // What is older than the history need not be seen again, and is not without cause.
        clock.advance_seconds(3600);
        let ledger = place.ledger_with(options, DailyLimit::default()).await;
        let seen = ledger.companion(|limit| limit.facts_seen);
        assert_eq!(seen, 0);
        clock.set(Clock::new().now());
        ledger.close().await;
    }
}

async fn requests_of_one_key_keep_their_order(place: Place) {
    let options = place.options(&Clock::new()).await;
    let options = Options { batch_requests_max: 4, ..options };
    let ledger = place.ledger_with(options, DailyLimit::default()).await;
    commit(&ledger, opening(2, 100_000)).await;
    let submissions = (0..12).map(|number: u128| Submission {
        request: sale(number, customer(number % 2), 100),
        serial_key: Some(number % 2),
        admission: None,
    });
    let replies = futures_util::future::join_all(submissions.map(|it| ledger.commit(it))).await;
    let mut times = [Vec::new(), Vec::new()];
    for (number, reply) in replies.into_iter().enumerate() {
        let Ok(reply) = reply else { panic!("no reply") };
        assert!(codes(&reply).iter().all(|code| code.is_ok_or_exists()));
        times[number % 2].push(reply.transfers[0].timestamp);
    }
    assert!(times.iter().all(|times| times.is_sorted()), "{times:?}");
    ledger.close().await;
}
