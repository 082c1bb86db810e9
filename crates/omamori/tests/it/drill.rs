//! Every scenario of the drill, small, against a service on a port: none gets a yen.

use std::collections::BTreeSet;

use omamori::cli::drill::stage::attack;
use omamori::config::Store;
use omamori_drill::scenario::{Outcome, Scenario, Verdict, all, markdown};

use crate::support::place::Place;

/// At one time: each has a service of its own.
const AT_ONCE: usize = 3;

async fn outcome(scenario: Scenario) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::Sqlite { folder: folder.path().to_owned() };
    attack(store, folder.path(), &scenario).await.unwrap()
}

/// Goal: nobody enters an account, takes a yen or does what must not be; and every refusal is one
/// that the scenario knows, so that none was withstood by accident.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_scenario_gets_a_yen() {
    let mut waiting = all().unwrap();
    assert!(waiting.len() >= 40, "{} scenarios", waiting.len());
    let mut outcomes = Vec::new();
    let mut running = tokio::task::JoinSet::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(scenario) = waiting.pop()
        {
            running.spawn(outcome(scenario));
        }
        let Some(ended) = running.join_next().await else { break };
        outcomes.push(ended.unwrap());
    }
    let not_held: BTreeSet<_> = outcomes
        .iter()
        .filter(|outcome| outcome.verdict != Verdict::Held || outcome.entered > 0)
        .map(|outcome| outcome.name.as_str())
        .collect();
    assert!(not_held.is_empty(), "{not_held:?}\n{}", markdown(&outcomes));
    assert!(outcomes.iter().all(|outcome| (outcome.yen_lost, outcome.yen_topped_up) == (0, 0)));
}

/// Goal: the same on PostgreSQL, for the races, which its locks decide.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_get_no_yen_on_postgres() {
    for name in ["race-on-balance", "code-replay-two-stores"] {
        let scenario = all().unwrap().into_iter().find(|one| one.name == name).unwrap();
        let (place, folder) = (Place::postgres().await, tempfile::tempdir().unwrap());
        let outcome = attack(place.store(), folder.path(), &scenario).await.unwrap();
        let verdict = outcome.verdict;
        assert_eq!(verdict, Verdict::Held, "{}", markdown(&[outcome]));
        place.discard().await;
    }
}
