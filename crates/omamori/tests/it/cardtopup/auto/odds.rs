//! Auto top-up where something goes wrong: the bank, the gateway, the process, many at once.

use std::sync::Arc;

use omamori::clock::{MINUTE, SECOND};
use omamori_db::sql;
use serde_json::{Value, json};

use super::super::world::{deliver_all, submit, work};
use super::super::{DECLINED, LATE, NO_ANSWER, PLAIN, TWICE};
use super::{Auto, followed, orders};
use crate::support::app::TestApp;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    a_bank_that_wants_its_holder_pauses_it,
    a_card_that_keeps_saying_no_pauses_it,
    an_answer_that_never_comes_credits_once,
    a_late_answer_and_one_told_twice_credit_once,
    a_gateway_that_is_down_charges_nothing_and_pauses_nothing,
    sixteen_payments_at_once_start_one_top_up,
    sixteen_workers_at_once_start_one_top_up,
    a_process_that_dies_starts_it_once,
    a_lost_position_starts_nothing_again,
);
on_several_nodes!(several_nodes_start_one_top_up);

const ALWAYS_ASKS: &str = "4000002760003184";

/// Goal: `authentication_required` is final for this consent: paused at once, told, not tried on.
async fn a_bank_that_wants_its_holder_pauses_it(app: &mut TestApp) {
    let mut auto = Auto::new(app, ALWAYS_ASKS).await;
    auto.sell_and_work(app, 2_500).await;
    assert_eq!(auto.figures(app), (2_500, (0, 0)));
    let shown = auto.shown(app).await;
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("paused"), &json!("authentication_failed"))
    );
    assert_eq!(
        (auto.told(app, "refused").await, auto.told(app, "auto_topup_paused").await),
        (1, 1)
    );
    auto.sell_and_work(app, 100).await;
    assert_eq!((auto.told(app, "auto_topup").await, orders(app).await), (1, 0));
    // With its holder there the card pays, and what was reserved is free again.
    let topup = auto.world.top_up(app, &auto.card.clone(), 30_000).await;
    submit(topup["url"].as_str().unwrap(), "answer=right").await;
    assert_eq!(auto.world.look(app, &topup).await["status"], "credited");
    // Set again, it works again.
    auto.set(app).await;
    assert_eq!(auto.shown(app).await["reason"], Value::Null);
}

async fn a_card_that_keeps_saying_no_pauses_it(app: &mut TestApp) {
    let mut auto = Auto::new(app, DECLINED).await;
    for failures in 1..=4 {
        auto.sell_and_work(app, if failures == 1 { 2_500 } else { 100 }).await;
        assert_eq!(auto.told(app, "auto_topup").await, failures.min(3));
    }
    let shown = auto.shown(app).await;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("paused"), &json!("declined")));
    assert_eq!(auto.told(app, "auto_topup_paused").await, 1);
    assert_eq!(auto.figures(app), (2_200, (0, 0)));
}

/// The card is charged, the answer is lost, and nobody is there to ask again.
async fn an_answer_that_never_comes_credits_once(app: &mut TestApp) {
    let mut auto = Auto::new(app, NO_ANSWER).await;
    auto.sell(app, 2_500).await;
    work(app).await;
    deliver_all(&auto.world, app).await; // the gateway's message and its answer, both late
    auto.world.sandbox.set_down(true);
    app.clock.advance(2 * MINUTE);
    work(app).await;
    auto.world.sandbox.set_down(false);
    auto.sell(app, 100).await;
    for _ in 0..3 {
        app.clock.advance(11 * MINUTE);
        work(app).await;
    }
    assert_eq!(auto.figures(app), (7_400, (5_000, 0)));
    assert_eq!(auto.told(app, "credited").await, 1);
}

async fn a_late_answer_and_one_told_twice_credit_once(app: &mut TestApp) {
    let mut auto = Auto::new(app, LATE).await;
    auto.sell_and_work(app, 2_500).await;
    assert_eq!(auto.figures(app), (2_500, (0, 0)));
    // One that is under way is one: the next payment starts none beside it.
    auto.sell_and_work(app, 1_000).await;
    app.clock.advance(MINUTE);
    work(app).await;
    deliver_all(&auto.world, app).await;
    assert_eq!(auto.figures(app), (6_500, (5_000, 0)));
    assert_eq!(auto.told(app, "credited").await, 1);
    auto.card = auto.world.card(app, TWICE).await;
    auto.set(app).await;
    auto.sell_and_work(app, 4_000).await;
    assert!(deliver_all(&auto.world, app).await >= 2);
    work(app).await;
    assert_eq!(auto.figures(app), (7_500, (10_000, 0)));
    assert_eq!(auto.told(app, "credited").await, 2);
}

async fn a_gateway_that_is_down_charges_nothing_and_pauses_nothing(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    auto.world.sandbox.set_down(true);
    for tries in 1..=4 {
        auto.sell_and_work(app, if tries == 1 { 2_500 } else { 100 }).await;
        assert_eq!(auto.told(app, "refused").await, tries);
    }
    assert_eq!(auto.shown(app).await["state"], "on", "that is not the card's doing");
    let asked = auto.ask(app, 5_000, 5_000, 30_000).await.ok();
    assert_eq!(asked["consent"]["reason"], "unreachable");
    auto.world.sandbox.set_down(false);
    auto.sell_and_work(app, 100).await;
    assert_eq!(auto.figures(app), (7_100, (5_000, 0)));
}

async fn sixteen_payments_at_once_start_one_top_up(app: &mut TestApp) {
    let auto = Auto::new(app, PLAIN).await;
    app.clock.advance(90 * SECOND);
    let codes: Vec<_> = (0..12).map(|_| auto.world.customer.code(app.now())).collect();
    at_once(codes.into_iter().map(|code| {
        let (node, register) = ((*app).clone(), auto.register.clone());
        async move { register.sell(&node, &code[15..], &code, 400).await.ok() }
    }))
    .await;
    followed(app).await;
    at_once((0..4).map(|_| {
        let node = (*app).clone();
        async move { work(&node).await }
    }))
    .await;
    assert_eq!(auto.figures(app), (5_200, (5_000, 0)));
    assert_eq!(auto.told(app, "credited").await, 1);
}

async fn sixteen_workers_at_once_start_one_top_up(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    auto.sell(app, 2_500).await;
    at_once((0..16).map(|_| {
        let node = (*app).clone();
        async move { work(&node).await }
    }))
    .await;
    assert_eq!(auto.figures(app), (7_500, (5_000, 0)));
    assert_eq!(orders(app).await, 0);
}

/// Goal: after the order, after its claim, after the charge: each death ends in one top-up.
async fn a_process_that_dies_starts_it_once(app: &mut TestApp) {
    let mut auto = Auto::new(app, PLAIN).await;
    auto.sell(app, 2_500).await;
    app.restart_without_views().await;
    assert_eq!(orders(app).await, 1);
    // One that claimed the order and died.
    let claim = sql("UPDATE auto_order SET next_at = $1").bind(app.now() + MINUTE);
    app.app.stores.registry.execute(claim).await.unwrap();
    work(app).await;
    assert_eq!(auto.figures(app), (2_500, (0, 0)));
    app.clock.advance(MINUTE);
    let order = sql("SELECT customer_id, trigger_id FROM auto_order");
    let order = app.app.stores.registry.one(order).await.unwrap();
    work(app).await;
    assert_eq!(auto.figures(app), (7_500, (5_000, 0)));
    // One that started it and died before it said so.
    let again = sql("INSERT INTO auto_order (customer_id, trigger_id, next_at, created_at) \
                     VALUES ($1, $2, $3, $3)");
    let again = again.bind(order.text("customer_id").unwrap());
    let again = again.bind(order.bytes("trigger_id").unwrap()).bind(app.now());
    app.app.stores.registry.execute(again).await.unwrap();
    let low = sql("UPDATE auto_topup SET threshold = CAST(50000 AS BIGINT)");
    app.app.stores.registry.execute(low).await.unwrap();
    work(app).await;
    assert_eq!((auto.figures(app), orders(app).await), ((7_500, (5_000, 0)), 0));
}

async fn a_lost_position_starts_nothing_again(app: &mut TestApp) {
    let mut auto = Auto::new(app, DECLINED).await;
    auto.sell_and_work(app, 2_500).await;
    let forget = sql("DELETE FROM ledger_follower WHERE name = 'auto_topups'");
    app.app.stores.registry.execute(forget).await.unwrap();
    app.restart().await;
    followed(app).await;
    work(app).await;
    assert_eq!(auto.told(app, "auto_topup").await, 1);
    assert_eq!(auto.figures(app), (2_500, (0, 0)));
}

/// Goal: sales on three nodes, workers on three nodes: one top-up.
async fn several_nodes_start_one_top_up(app: &mut TestApp) {
    let auto = Arc::new(Auto::new(app, PLAIN).await);
    app.clock.advance(90 * SECOND);
    let nodes = [(*app).clone(), app.another_node().await, app.another_node().await];
    let codes: Vec<_> = (0..12).map(|_| auto.world.customer.code(app.now())).collect();
    at_once(codes.into_iter().zip(nodes.iter().cycle().cloned()).map(|(code, node)| {
        let register = auto.register.clone();
        async move { register.sell(&node, &code[15..], &code, 400).await.ok() }
    }))
    .await;
    followed(app).await;
    at_once(nodes.iter().cloned().map(|node| async move { work(&node).await })).await;
    app.app.gate.catch_up().await.unwrap();
    assert_eq!(auto.figures(app), (5_200, (5_000, 0)));
    assert_eq!(auto.told(app, "credited").await, 1);
    for node in &nodes[1..] {
        node.app.close().await;
    }
}
