//! Every scenario of the drill, small, against services on ports: none gets a yen.

use std::collections::BTreeSet;
use std::path::Path;

use omamori::cli::drill::july;
use omamori::cli::drill::stage::Service;
use omamori::config::Store;
use omamori_drill::scenario::{FILES, Outcome, Scenario, Verdict, all, markdown};

use crate::support::place::Place;

/// Services at one time. Scenarios share them, one after the other: each has people of its own.
const SERVICES: usize = 3;

async fn outcomes(store: Store, folder: &Path, scenarios: Vec<Scenario>) -> Vec<Outcome> {
    let mut service = Service::start(store, folder).await.unwrap();
    let mut outcomes = Vec::with_capacity(scenarios.len());
    for scenario in scenarios {
        outcomes.push(service.attack(&scenario).await.unwrap());
    }
    service.end().await.unwrap();
    outcomes
}

fn named(names: &[&str]) -> Vec<Scenario> {
    let chosen: Vec<_> =
        all().unwrap().into_iter().filter(|one| names.contains(&&*one.name)).collect();
    assert_eq!(chosen.len(), names.len());
    chosen
}

fn assert_held(outcomes: &[Outcome]) {
    let not_held: BTreeSet<_> = outcomes
        .iter()
        .filter(|outcome| outcome.verdict != Verdict::Held || outcome.entered > 0)
        .map(|outcome| outcome.name.as_str())
        .collect();
    assert!(not_held.is_empty(), "{not_held:?}\n{}", markdown(outcomes));
    assert!(outcomes.iter().all(|outcome| (outcome.yen_lost, outcome.yen_topped_up) == (0, 0)));
}

/// Goal: nobody enters an account, takes a yen or does what must not be; each attack gets as far as
/// the control that is meant to stop it, and every refusal is one that the scenario knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_scenario_gets_a_yen() {
    let all = all().unwrap();
    assert!(all.len() >= 40, "{} scenarios", all.len());
    // A log that somebody tampered with stays so: each of those has a service to itself.
    let tampers = |one: &Scenario| one.steps.iter().any(|step| step.act == "tamper_with_audit");
    let (alone, shared): (Vec<_>, Vec<_>) = all.iter().cloned().partition(tampers);
    let mut parts: Vec<_> = alone.into_iter().map(|one| vec![one]).collect();
    parts.extend(shared.chunks(shared.len().div_ceil(SERVICES)).map(<[_]>::to_vec));
    let mut running = tokio::task::JoinSet::new();
    for part in parts {
        running.spawn(async move {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::Sqlite { folder: folder.path().to_owned() };
            outcomes(store, folder.path(), part).await
        });
    }
    let ended: Vec<_> = running.join_all().await.into_iter().flatten().collect();
    assert_eq!(ended.len(), all.len());
    assert_held(&ended);
    assert_times_are_told(&ended);
}

/// When the first alert came, when the door was closed, and whom it bothered: measured for the
/// chain of July 2019, and in the report.
fn assert_times_are_told(ended: &[Outcome]) {
    let chain = ended.iter().find(|outcome| outcome.name == "july-2019-chain").unwrap();
    let (alert, door) = (chain.alert_seconds.unwrap(), chain.door_seconds.unwrap());
    // Two bystanders and six victims; the one whose codes were guessed has to wait.
    assert!(alert <= door && chain.customers == 8, "{chain:?}");
    let told = serde_json::to_value(ended).unwrap();
    let again: Vec<Outcome> = serde_json::from_value(told).unwrap();
    assert_eq!(markdown(&again), markdown(ended));
    let line = format!("| {alert:.1} s | {door:.1} s | {} of 8 | held |", chain.bothered);
    assert!(markdown(ended).contains(&line), "{line}");
}

/// Goal: the same on PostgreSQL, for the races, which its locks decide; and a scenario whose attack
/// does not reach its control does not pass for one that was withstood.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_get_no_yen_on_postgres() {
    let mut scenarios = named(&[
        "race-on-balance",
        "race-on-coupon",
        "race-on-limits",
        "code-replay-two-stores",
        "take-at-once",
    ]);
    let (_, late_sale) = FILES.iter().find(|(name, _)| *name == "late-sale").unwrap();
    let idle = late_sale.replace("refusals = [", "refusals = [\"never_said\", ");
    scenarios.push(Scenario::parse(&idle).unwrap());
    let (place, folder) = (Place::postgres().await, tempfile::tempdir().unwrap());
    let mut ended = outcomes(place.store(), folder.path(), scenarios).await;
    place.discard().await;
    let idle = ended.pop().unwrap();
    assert_eq!((idle.verdict, &*idle.missed), (Verdict::Missed, &["never_said".to_owned()][..]));
    assert_held(&ended);
}

/// Goal: the attack of July 2019 on a crowd with ordinary traffic: no account is entered or spent
/// from, no yen is lost, an alert comes within a minute, and customers go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn july_2019_gets_no_yen_of_a_crowd() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::Sqlite { folder: folder.path().to_owned() };
    let figures = july::attack(store, folder.path(), 300).await.unwrap();
    assert_eq!((figures.customers, figures.leaked, figures.pairs), (300, 3, 150));
    assert!(!figures.is_baseline);
    // The robbers of right pairs got as far as the second proof, and no further.
    assert_eq!(figures.robbers_refused.get("second phone: proof_failed"), Some(&3), "{figures:?}");
    july::judge(&figures).unwrap();
    assert!(figures.alerts.contains("attack_wave"), "{figures:?}");
}
