//! What is taken back is what came in and is not taken back yet, once; and what is closed or held
//! for an incident stays so.

use omamori::audit::Actor;
use omamori::clock::{HOUR, MINUTE};
use omamori::control::{self, Closing, Door, Scope};
use omamori::gate::chart::AccountCode;
use omamori::incident::{act, work_due};
use omamori::settlement::payout;
use omamori::value::legs::operator_id;
use omamori::web::codes::Code;
use serde_json::{Value, json};

use super::{World, opened, world};
use crate::cardtopup::world::{World as Cards, deliver, work};
use crate::settlement::payouts::{PAY_ON, two_shops};
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    a_chargeback_before_the_run_leaves_the_customers_own,
    a_top_up_in_two_incidents_is_taken_back_once,
    a_top_up_that_was_canceled_is_not_taken_back,
    a_door_that_opens_by_itself_is_closed_for_good,
    a_file_with_a_held_payout_is_not_given_out,
);

/// A card that is charged back some time later.
const CHARGED_BACK: &str = "4000000000000259";

fn reverse() -> Value {
    json!({ "kind": "reverse", "on": "confirmed" })
}

fn taken_back(app: &TestApp) -> u64 {
    let account = app.app.gate.account(operator_id(AccountCode::IncidentReturned));
    account.map_or(0, |account| account.credits_posted)
}

/// Counts what a card paid in, and confirms who it was.
async fn found(app: &TestApp, world: &World, conditions: &str) {
    world.count(app, conditions).await;
    let all = json!({ "state": "confirmed", "reason": "盗難カード" });
    world.fraud.post(app, &world.path("review"), &all).await.ok();
}

/// Somebody with ¥5,000 of their own, and ¥10,000 of a stolen card.
async fn carded(app: &mut TestApp) -> (World, Cards) {
    let mut cards = Cards::new(app).await;
    let shop = Register::new(&app.app).await;
    cards.customer.load(app, &shop, 5_000).await;
    let card = cards.card(app, CHARGED_BACK).await;
    assert_eq!(cards.top_up(app, &card, 10_000).await["status"], "credited");
    (world(app, 0).await, cards)
}

/// Accident: the card's holder has the top-up charged back after two people agreed to take it
/// back: what is left is the customer's own.
async fn a_chargeback_before_the_run_leaves_the_customers_own(app: &mut TestApp) {
    let (world, cards) = carded(app).await;
    found(app, &world, "act:topup_card verdict:allow").await;
    let (act_id, plan) = world.agreed(app, &reverse()).await;
    assert_eq!(plan["yen"], 10_000);
    app.clock.advance(2 * MINUTE);
    for message in &cards.sandbox.take_messages() {
        deliver(app, message).await;
    }
    work(app).await;
    assert_eq!(cards.balance(app), 5_000);
    work_due(&app.app).await.unwrap();
    assert_eq!((cards.balance(app), taken_back(app)), (5_000, 0));
    let rows = act::rows(&app.app.stores.registry, &act_id, 10).await.unwrap();
    assert_eq!((rows[0].outcome.as_str(), rows[0].moved), ("nothing", 0));
    let again = world.fraud.post(app, &world.path("acts"), &reverse()).await;
    again.refused(Code::IncidentEmpty);
}

/// Attack: the same top-up is in two incidents, and both are agreed on before either runs.
async fn a_top_up_in_two_incidents_is_taken_back_once(app: &mut TestApp) {
    let (mut world, cards) = carded(app).await;
    let shop = Register::new(&app.app).await;
    cards.customer.load(app, &shop, 8_000).await;
    let mut acts = Vec::new();
    for title in ["盗難カード", "同じカードの別の届出"] {
        world.incident = opened(app, &world.fraud, title).await;
        found(app, &world, "act:topup_card verdict:allow").await;
        let act_id = world.planned(app, &reverse()).await;
        acts.push(act_id);
    }
    for act_id in &acts {
        world.start(app, act_id).await;
    }
    work_due(&app.app).await.unwrap();
    assert_eq!((cards.balance(app), taken_back(app)), (13_000, 10_000), "their own is left");
    let mut moved = Vec::new();
    for act_id in &acts {
        moved.push(act::progress(&app.app.stores.registry, act_id).await.unwrap().moved);
    }
    assert_eq!(moved, [10_000, 0], "who started first");
}

/// Accident: a register takes a cash top-up back itself.
async fn a_top_up_that_was_canceled_is_not_taken_back(app: &mut TestApp) {
    let world = world(app, 1).await;
    let victim = &world.victims[0];
    let till = Register::new(&app.app).await;
    till.top_up(app, "t-1", &victim.code(app.now()), 4_000).await.ok();
    app.clock.advance(MINUTE);
    let before = victim.balance(app);
    let of = format!("store:{} act:topup_cash", till.store_id);
    found(app, &world, &of).await;
    let (_, plan) = world.agreed(app, &reverse()).await;
    assert_eq!(plan["yen"], 4_000);
    till.cancel_top_up(app, "t-1").await.ok();
    work_due(&app.app).await.unwrap();
    assert_eq!((victim.balance(app), taken_back(app)), (before - 4_000, 0));
}

fn closing(world: &World, ends_at: Option<i64>) -> Closing {
    Closing {
        door: Door::Payouts,
        scope: Scope::Merchant(world.register.merchant_id.clone()),
        reason: "点検".to_owned(),
        notice_ja: String::new(),
        notice_en: String::new(),
        ends_at,
    }
}

/// Attack: the merchant's payouts happen to be closed for an hour; the incident's hold takes that
/// for its own, and an hour later the merchant is paid.
async fn a_door_that_opens_by_itself_is_closed_for_good(app: &mut TestApp) {
    let world = world(app, 1).await;
    world.confirmed(app).await;
    let ends = closing(&world, Some(app.now() + HOUR));
    control::close(&app.app, &Actor::machine(), "山田", ends).await.unwrap();
    let hold = json!({ "kind": "hold_payouts", "on": "all" });
    let (act_id, _) = world.agreed(app, &hold).await;
    work_due(&app.app).await.unwrap();
    let rows = act::rows(&app.app.stores.registry, &act_id, 10).await.unwrap();
    assert_eq!(rows[0].outcome, "done");
    app.clock.advance(2 * HOUR);
    let closed = app.app.gate.controls().closed(app.now());
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].scope, Scope::Merchant(world.register.merchant_id.clone()));
}

/// Attack: the file for the bank was made a moment before the hold. Nobody takes it to the bank as
/// long as it pays who is held; a file without them is given out.
async fn a_file_with_a_held_payout_is_not_given_out(app: &mut TestApp) {
    let shops = two_shops(app).await;
    let actor = Actor::machine();
    let file = payout::make_file(&app.app, &actor, PAY_ON, "振込").await.unwrap().file.unwrap();
    let mut world = world(app, 0).await;
    world.register = Register::new(&app.app).await;
    let elsewhere = control::close(&app.app, &actor, "山田", closing(&world, None)).await.unwrap();
    payout::contents(&app.app, &actor, &file.file_id).await.unwrap();
    control::open(&app.app, &actor, "山田", &elsewhere, "済").await.unwrap();
    let held =
        Closing { scope: Scope::Merchant(shops[0].0.merchant_id.clone()), ..closing(&world, None) };
    let control_id = control::close(&app.app, &actor, "山田", held).await.unwrap();
    let refused = payout::contents(&app.app, &actor, &file.file_id).await.unwrap_err();
    assert_eq!(refused.code(), Code::FunctionClosed);
    // What is with the bank already is marked all the same: the books say what is so.
    payout::sent(&app.app, &actor, &file.file_id, "振込済み").await.unwrap();
    control::open(&app.app, &actor, "鈴木", &control_id, "問題なし").await.unwrap();
    payout::contents(&app.app, &actor, &file.file_id).await.unwrap();
}
