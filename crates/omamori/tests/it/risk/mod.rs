//! Risk rules in the gate: what they look at, what they stop, and what they must never stop.

mod days;
mod desk;
mod publish;
pub mod rules;

use omamori::clock::{DAY, MINUTE, SECOND};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::cardtopup::world::{World, submit};
use crate::support::app::{Node, TestApp};
use crate::support::confirm::Passkey;
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{on_both_engines, on_several_nodes};
use rules::{publish, rule};

on_both_engines!(
    the_july_2019_chain_is_stopped_at_each_step,
    ordinary_customers_meet_no_rule,
    a_restart_rebuilds_the_windows,
    a_payment_waits_for_the_customer_and_then_goes_through,
    a_confirmation_is_the_customers_own_and_can_be_declined,
    a_decision_record_says_what_was_seen_and_which_rules_hit,
    a_cancel_and_a_release_are_never_stopped,
    a_rule_that_fails_stops_money_that_leaves,
    a_first_step_by_a_stranger_counts_for_nothing,
);
on_several_nodes!(nodes_share_their_windows, rules_are_in_force_on_every_node);

const PLAIN: &str = "4242424242424242";
const CHALLENGE: &str = "4000000000003220";

/// With the starter rules, and a card limit that lets a burst begin.
async fn guarded(app: &mut TestApp) -> World {
    app.restart_with(|config| {
        config.starter_rules = true;
        config.limits.topup_card_24h = 100_000;
    })
    .await;
    assert_eq!(app.app.gate.risk().in_force().version, 1);
    World::new(app).await
}

/// The newest record of a customer's act.
async fn record(node: &Node, customer: &Customer, act: &str) -> Value {
    let found = node.app.gate.evidence_of(&customer.customer_id, i64::MAX).await.unwrap();
    let mut records = found.records.into_iter().map(|(_, record)| record);
    records.find(|record| record["act"] == act).unwrap()
}

fn hits(record: &Value) -> Vec<String> {
    let hits = record["risk"]["hits"].as_array().cloned().unwrap_or_default();
    hits.iter().map(|hit| hit["rule"].as_str().unwrap().to_owned()).collect()
}

/// Goal: card top-ups in a burst, then cartons in a store: held at the third, held at the till.
async fn the_july_2019_chain_is_stopped_at_each_step(app: &mut TestApp) {
    let mut world = guarded(app).await;
    let register = Register::new(&app.app).await;
    let card = world.card(app, PLAIN).await;
    for _ in 0..2 {
        let topup = world.top_up(app, &card, 15_000).await;
        world.look(app, &topup).await;
    }
    assert_eq!(world.balance(app), 30_000);
    world.ask(app, &card, 15_000).await.refused(Code::HeldForReview);
    let held = record(app, &world.customer, "topup_card").await;
    assert_eq!((&held["verdict"], &held["reason"]), (&json!("refuse"), &json!("held_for_review")));
    assert!(hits(&held).contains(&"topup-card-burst".to_owned()), "{held}");
    assert_eq!(held["risk"]["signals"]["topup.card_count_10m"], 2);
    let code = world.customer.code(app.now());
    register.sell(app, "cartons", &code, 25_000).await.refused(Code::PaymentHeld);
    let held = record(app, &world.customer, "payment").await;
    assert_eq!((hits(&held), &held["verdict"]), (vec!["load-and-run".to_owned()], &json!("hold")));
    assert_eq!(world.balance(app), 5_000, "set aside until staff have looked");
    register.payment(app, "cartons").await.refused(Code::PaymentHeld);
    let lunch = world.customer.code(app.now());
    register.sell(app, "lunch", &lunch, 850).await.ok();
}

/// Goal: a morning of cash, coffee, a refund and a friend: no rule hits, not even in shadow.
async fn ordinary_customers_meet_no_rule(app: &mut TestApp) {
    app.restart_with(|config| config.starter_rules = true).await;
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, 30_000).await;
    for (id, amount) in [("a", 480), ("b", 1_200), ("c", 21_000)] {
        register.sell(app, id, &customer.code(app.now()), amount).await.ok();
        app.clock.advance(30 * MINUTE);
    }
    register.refund(app, "r", "b", 1_200).await.ok();
    let found = app.app.gate.evidence_of(&customer.customer_id, i64::MAX).await.unwrap();
    assert!(found.records.len() >= 4);
    for (_, record) in found.records {
        assert!(hits(&record).is_empty() && record["risk"]["v"] == 1, "{record}");
    }
}

/// Goal: what was counted before a restart counts after it.
async fn a_restart_rebuilds_the_windows(app: &mut TestApp) {
    let mut world = guarded(app).await;
    let card = world.card(app, PLAIN).await;
    for _ in 0..2 {
        world.top_up(app, &card, 5_000).await;
    }
    app.restart().await;
    world.ask(app, &card, 5_000).await.refused(Code::HeldForReview);
    app.clock.advance(11 * MINUTE);
    world.ask(app, &card, 5_000).await.ok();
}

/// Goal: step-up at a register: refused with what to do, told to the phone, confirmed there, and
/// then good for a while, this store and this amount.
async fn a_payment_waits_for_the_customer_and_then_goes_through(app: &mut TestApp) {
    publish(&app.app, &rule("large", "\"payment\"", "act.amount >= 5000", "\"step_up\"")).await;
    let register = Register::new(&app.app).await;
    let sister = Register::of_merchant(&app.app, &register.merchant_id).await;
    let mut customer = Customer::new(&app.app).await;
    let passkey = Passkey::of(&app.app, &customer).await;
    customer.load(app, &register, 49_000).await;
    register.sell(app, "small", &customer.code(app.now()), 4_999).await.ok();
    let required = Code::ConfirmationRequired;
    for _ in 0..2 {
        let code = customer.code(app.now());
        register.sell(app, "s-1", &code, 6_000).await.refused(required);
    }
    let waiting = customer.get(app, "/api/wallet/v1/confirmations").await.ok();
    let [one] = &waiting["confirmations"].as_array().unwrap()[..] else { panic!("{waiting}") };
    assert_eq!((&one["store_name"], &one["amount"]), (&json!("新宿本店"), &json!(6_000)));
    let told = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice WHERE kind = 'confirm_asked'");
    assert_eq!(app.app.stores.registry.one(told).await.unwrap().int("n").unwrap(), 1);
    let path = format!("/confirmations/{}", one["confirmation_id"].as_str().unwrap());
    customer.confirmed(app, &passkey, &path, None).await.ok();
    let code = customer.code(app.now());
    sister.sell(app, "s-9", &code, 6_000).await.refused(required);
    register.sell(app, "s-2", &code, 6_001).await.refused(required);
    register.sell(app, "s-1", &code, 6_000).await.ok();
    app.clock.advance(6 * MINUTE);
    register.sell(app, "s-3", &customer.code(app.now()), 6_000).await.refused(required);
}

/// Goal: nobody answers for another, nobody answers twice, and no is no.
async fn a_confirmation_is_the_customers_own_and_can_be_declined(app: &mut TestApp) {
    publish(&app.app, &rule("all", "\"payment\"", "act.amount > 0", "\"step_up\"")).await;
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    let thief = Customer::new(&app.app).await;
    let thiefs = Passkey::of(&app.app, &thief).await;
    customer.load(app, &register, 9_000).await;
    let required = Code::ConfirmationRequired;
    register.sell(app, "s-1", &customer.code(app.now()), 100).await.refused(required);
    let waiting = customer.get(app, "/api/wallet/v1/confirmations").await.ok();
    let id = waiting["confirmations"][0]["confirmation_id"].as_str().unwrap().to_owned();
    let path = format!("/confirmations/{id}");
    let none = thief.get(app, "/api/wallet/v1/confirmations").await.ok();
    assert_eq!(none["confirmations"], json!([]));
    let options = thief.post(app, &format!("{path}/options"), &json!({})).await;
    options.refused(Code::NotFound);
    thief.post(app, &format!("{path}/decline"), &json!({})).await.refused(Code::NotFound);
    // With a challenge for something else of their own: the answer is bound to another act.
    let own = thief.post(app, "/account/export/options", &json!({})).await;
    if own.status.is_success() {
        let proof = json!({ "passkey": thiefs.get(&own.json()) });
        let body = json!({ "request": {}, "proof": proof });
        thief.post(app, &path, &body).await.refused(Code::NotFound);
    }
    let declined = customer.post(app, &format!("{path}/decline"), &json!({})).await;
    assert_eq!(declined.status.as_u16(), 204);
    customer.post(app, &format!("{path}/options"), &json!({})).await.refused(Code::NotFound);
    register.sell(app, "s-1", &customer.code(app.now()), 100).await.refused(required);
}

/// Goal: the evidence explains a verdict by itself: version, signals, rules; and no rule is told
/// to the register or the customer.
async fn a_decision_record_says_what_was_seen_and_which_rules_hit(app: &mut TestApp) {
    let shadow = rule("watch", "\"payment\"", "act.amount >= 1", "\"refuse\"");
    let shadow = shadow.replace("mode = \"live\"", "mode = \"shadow\"");
    let points = rule("points", "\"payment\"", "sale.most_pieces >= 3", "{ score = 40 }");
    let text =
        format!("{shadow}{points}{}", rule("no", "\"payment\"", "risk.score >= 40", "\"refuse\""));
    let version = publish(&app.app, &text).await;
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, 9_000).await;
    register.sell(app, "s-0", &customer.code(app.now()), 300).await.ok();
    app.clock.advance(SECOND);
    let sale = json!({ "merchant_payment_id": "s-1", "code": customer.code(app.now()),
        "amount": 900, "items": [{ "name": "加熱式たばこ", "quantity": 3, "unit_price": 300 }] });
    let answer = register.post(app, "/payments", &sale).await;
    let told = answer.refused(Code::RiskRefused).to_string();
    assert!(!told.contains("points") && !told.contains("watch") && !told.contains("score"));
    let record = record(app, &customer, "payment").await;
    let risk = &record["risk"];
    assert_eq!((&risk["v"], &risk["score"]), (&json!(version), &json!(40)));
    assert_eq!((&risk["effect"], &risk["outcome"]), (&json!("refuse"), &json!("refused")));
    let mut names = hits(&record);
    names.sort();
    assert_eq!(names, ["no", "points", "watch"]);
    for (signal, value) in [
        ("act.amount", 900),
        ("sale.most_pieces", 3),
        ("spend.yen_1h", 300),
        ("account.age_minutes", 2 * 24 * 60),
        ("act.hour", 12),
        ("balance.after", 7_800),
    ] {
        assert_eq!(risk["signals"][signal], value, "{signal} in {risk}");
    }
    assert!(risk["signals"]["spend.stores_1h"] == 1 && risk["signals"]["ip.country"].is_null());
    assert!(risk["signals"].as_object().unwrap().values().all(|value| !value.is_f64()));
}

/// Goal: rules that refuse everything leave a till able to undo, and a card's money on its way
/// back.
async fn a_cancel_and_a_release_are_never_stopped(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let register = Register::new(&app.app).await;
    let card = world.card(app, CHALLENGE).await;
    world.customer.load(app, &register, 9_000).await;
    register.sell(app, "s-1", &world.customer.code(app.now()), 100).await.ok();
    let topup = world.top_up(app, &card, 5_000).await;
    let acts: Vec<_> =
        omamori::risk::Act::ALL.iter().map(|act| format!("\"{}\"", act.as_str())).collect();
    publish(&app.app, &rule("no", &acts.join(", "), "true", "\"refuse\"")).await;
    register.cancel(app, "s-1").await.ok();
    register.cancel(app, "never-seen").await.ok();
    submit(topup["url"].as_str().unwrap(), "answer=wrong").await;
    assert_eq!(world.look(app, &topup).await["status"], "refused");
    register
        .sell(app, "s-2", &world.customer.code(app.now()), 100)
        .await
        .refused(Code::RiskRefused);
    world.ask(app, &card, 1_000).await.refused(Code::RiskRefused);
}

/// Goal: a division by zero in a rule refuses where value leaves, and only tells where it comes.
async fn a_rule_that_fails_stops_money_that_leaves(app: &mut TestApp) {
    let when = "act.amount / (act.amount - 1000) > 0";
    publish(&app.app, &rule("ratio", "\"payment\", \"topup_cash\"", when, "\"alert\"")).await;
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    register.top_up(app, "t-1", &customer.code(app.now()), 1_000).await.ok();
    register.top_up(app, "t-2", &customer.code(app.now()), 9_000).await.ok();
    register.sell(app, "s-1", &customer.code(app.now()), 1_000).await.refused(Code::RiskRefused);
    register.sell(app, "s-1", &customer.code(app.now()), 1_001).await.ok();
}

/// Goal: who knows a number can begin a recovery or a move in its holder's name; that must not
/// bring the holder's account under suspicion.
async fn a_first_step_by_a_stranger_counts_for_nothing(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    let before = app.app.gate.risk().counters();
    let facts = omamori::risk::Facts::step("192.0.2.1".parse().unwrap());
    let question = omamori::gate::Question {
        customer: Some(&customer.customer_id),
        facts,
        ..omamori::gate::Question::plain(omamori::gate::Act::DeviceMove, &())
    };
    let _cleared = app.app.gate.decide(question, Ok(())).await.unwrap();
    assert_eq!(app.app.gate.risk().counters(), before);
    customer.load(app, &register, 1_000).await;
    register.sell(app, "s-1", &customer.code(app.now()), 100).await.ok();
    let record = record(app, &customer, "payment").await;
    assert!(record["risk"]["signals"]["since.factor_change_minutes"].is_null());
}

/// Goal: a burst spread over two nodes is one burst, on both.
async fn nodes_share_their_windows(app: &mut TestApp) {
    let mut world = guarded(app).await;
    let other = app.another_node().await;
    let card = world.card(app, PLAIN).await;
    world.top_up(app, &card, 5_000).await;
    wait_until(|| other.app.gate.risk().counters() == app.app.gate.risk().counters()).await;
    app.clock.advance(SECOND);
    world.top_up(&other, &card, 5_000).await;
    let seen_by_both = || async {
        let record = record(app, &world.customer, "topup_card").await;
        record["risk"]["signals"]["topup.card_count_10m"].clone()
    };
    assert_eq!(seen_by_both().await, json!(1), "the second node counts what the first decided");
    world.ask(&other, &card, 5_000).await.refused(Code::HeldForReview);
    app.app.gate.catch_up().await.unwrap();
    other.app.close().await;
}

/// Goal: a version published on one node is asked on all, within a second; so is the way back.
async fn rules_are_in_force_on_every_node(app: &mut TestApp) {
    let other = app.another_node().await;
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, 9_000).await;
    let none = publish(&app.app, "").await;
    let all = publish(&app.app, &rule("all", "\"payment\"", "true", "\"refuse\"")).await;
    wait_until(|| other.app.gate.risk().in_force().version == all).await;
    let code = customer.code(app.now());
    register.sell(&other, "s-1", &code, 100).await.refused(Code::RiskRefused);
    let mut tx = app.app.stores.registry.begin().await.unwrap();
    let published = omamori::risk::rules::publish_in(&app.app, &mut tx, none, "stf_1").await;
    assert_eq!(published.unwrap(), all);
    tx.commit().await.unwrap();
    wait_until(|| other.app.gate.risk().in_force().version == none).await;
    app.clock.advance(DAY);
    register.sell(&other, "s-1", &customer.code(app.now()), 100).await.ok();
    app.app.gate.catch_up().await.unwrap();
    other.app.close().await;
}

async fn wait_until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.unwrap();
}
