//! Several nodes on one journal: one global order, nothing twice, nothing lost.

use std::collections::BTreeSet;

use omamori_ledger::{CommitError, CreateTransferResult as Code, Ledger, NoCompanion, Submission};

use super::place::{Clock, Place, on_both_engines};
use super::shop::{STORE, balance, codes, commit, customer, error_name, opening, sale};

on_both_engines!(
    two_nodes_make_one_order,
    the_same_sale_on_two_nodes_happens_once,
    an_idle_node_learns_what_the_other_wrote,
);

const SALES: u128 = 120;

async fn two(place: &Place, clock: &Clock) -> [Ledger<NoCompanion>; 2] {
    [place.ledger(clock).await, place.ledger(clock).await]
}

async fn two_nodes_make_one_order(place: Place) {
    let clock = Clock::new();
    let nodes = two(&place, &clock).await;
    commit(&nodes[0], opening(4, 1_000_000)).await;
    let asked: Vec<_> = (0..SALES)
        .map(|number| {
            let node = nodes[number as usize % 2].clone();
            let request = sale(number, customer(number % 4), 10);
            tokio::spawn(async move { node.commit(Submission::unchecked(request)).await })
        })
        .collect();
    let mut timestamps = BTreeSet::new();
    let mut done = 0;
    for asked in asked {
        match asked.await.expect("the task ends") {
            Ok(reply) => {
                assert_eq!(codes(&reply), [Code::Ok, Code::Ok]);
                timestamps.extend(reply.transfers.iter().map(|outcome| outcome.timestamp));
                done += 1;
            }
            Err(CommitError::Busy) => {}
            Err(error) => panic!("{}", error_name(&error)),
        }
    }
    assert_eq!(timestamps.len(), 2 * done, "no timestamp was given twice");
    settle(&nodes).await;
    assert_eq!(nodes[0].position(), nodes[1].position());
    for node in &nodes {
        assert_eq!(balance(node, STORE), 10 * done as u64);
    }
    assert!(nodes[0].views_reach(nodes[0].position().seq).await);
    let report = nodes[0].verify().await.expect("the stores answer");
    assert!(report.is_clean(), "{:#?}", report.problems);
    assert_eq!(report.transfer_count, 4 + 2 * done as u64);
    assert_eq!(report.viewed_transfer_count, report.transfer_count);
    for node in nodes {
        node.close().await;
    }
}

/// A refusal is the answer of the newest state: asking for one brings a node up to date.
async fn settle(nodes: &[Ledger<NoCompanion>]) {
    for node in nodes {
        let reply = commit(node, sale(9_999, customer(0), 100_000_000)).await;
        assert_eq!(codes(&reply), [Code::ExceedsCredits, Code::LinkedEventFailed]);
    }
}

async fn the_same_sale_on_two_nodes_happens_once(place: Place) {
    let clock = Clock::new();
    let nodes = two(&place, &clock).await;
    commit(&nodes[0], opening(1, 1_000)).await;
    let asked: Vec<_> = (0..16_usize)
        .map(|caller| {
            let node = nodes[caller % 2].clone();
            tokio::spawn(async move { commit(&node, sale(1, customer(0), 100)).await })
        })
        .collect();
    let mut first_answers = 0;
    for asked in asked {
        match codes(&asked.await.expect("a reply"))[..] {
            [Code::Ok, Code::Ok] => first_answers += 1,
            [Code::Exists, Code::LinkedEventFailed] => {}
            ref other => panic!("{other:?}"),
        }
    }
    assert_eq!(first_answers, 1);
    settle(&nodes).await;
    for node in nodes {
        assert_eq!(balance(&node, STORE), 100);
        node.close().await;
    }
}

async fn an_idle_node_learns_what_the_other_wrote(place: Place) {
    let clock = Clock::new();
    let nodes = two(&place, &clock).await;
    if matches!(place, Place::Sqlite(_)) {
        // A file has one owner, so nobody polls; a request still sees the newest state.
        commit(&nodes[0], opening(1, 1_000)).await;
        settle(&nodes).await;
    } else {
        let mut entries = nodes[1].subscribe();
        commit(&nodes[0], opening(1, 1_000)).await;
        entries.next().await.expect("an entry").expect("an entry");
    }
    assert_eq!(balance(&nodes[1], customer(0)), 1_000);
    for node in nodes {
        node.close().await;
    }
}
