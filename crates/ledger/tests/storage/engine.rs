//! The engine from the outside: commits, reads, and what a restart finds.

use omamori_ledger::CreateTransferResult as Code;

use super::place::{Clock, Place, on_both_engines};
use super::shop::{STORE, balance, codes, commit, customer, opening, sale};

on_both_engines!(a_sale_is_there_after_a_restart);

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
