//! Each yen is made good once, and taken once: whatever a store gives back, a card's holder has
//! charged back and an act of an incident moves, in whatever order or at once.

use std::pin::Pin;
use std::sync::Arc;

use omamori::clock::MINUTE;
use omamori::coupon::Gift;
use omamori::gate::chart::{
    AccountCode, LEDGER_JPY, TransferCode, card_accounts, card_clearing_id, card_loss_id,
};
use omamori::gate::{Act, Question};
use omamori::id::derive;
use omamori::incident::{act as acts, work_due};
use omamori::value::legs::operator_id;
use omamori::web::codes::Code;
use omamori_db::sql;
use omamori_ledger::{Account, Request, Transfer};
use serde_json::{Value, json};

use super::{HAD, World, stolen, world};
use crate::cardtopup::world::{World as Cards, deliver, work};
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines, on_several_nodes};
use crate::value::{begin, coupon};

on_both_engines!(
    a_chargeback_after_a_take_back_leaves_the_customers_own,
    a_chargeback_takes_what_is_left_of_its_top_up,
    a_second_chargeback_of_a_top_up_takes_nothing_more,
    what_was_charged_back_before_there_were_places_counts,
    a_take_back_after_a_chargeback_makes_its_loss_good_first,
    a_refund_after_a_compensation_goes_to_who_paid_it,
    of_a_refund_in_part_the_operator_gets_what_it_paid,
    free_value_that_was_made_good_is_not_given_again,
    what_the_card_gave_back_is_not_made_good_again,
    what_was_settled_with_a_chargeback_is_not_taken_from_the_victim,
    a_loss_that_grew_since_it_was_planned_is_planned_again,
    a_loss_that_the_card_made_good_is_the_operators_for_good,
    a_chargeback_and_a_take_back_at_once_take_each_yen_once,
    refunds_and_compensations_at_once_leave_nobody_more,
);
on_several_nodes!(refunds_on_one_node_and_compensations_on_another);

/// A card that is charged back some time later.
pub const CHARGED_BACK: &str = "4000000000000259";
/// What the customer had, and what was charged to the card.
pub const OWN: i64 = 5_000;
pub const CHARGED: i64 = 10_000;

pub fn net(account: Option<Account>) -> i64 {
    account.map_or(0, |one| {
        i64::try_from(one.credits_posted).unwrap() - i64::try_from(one.debits_posted).unwrap()
    })
}

pub fn stands(node: &Node, code: AccountCode) -> i64 {
    net(node.app.gate.account(operator_id(code)))
}

pub fn card_loss(node: &Node) -> i64 {
    -net(node.app.gate.account(card_loss_id()))
}

pub fn act(kind: &str) -> Value {
    json!({ "kind": kind, "on": "confirmed" })
}

/// Somebody with ¥5,000 of their own, to whose wallet a thief charged ¥10,000.
pub async fn carded(app: &mut TestApp) -> (World, Cards) {
    carded_with(app, CHARGED_BACK).await
}

/// The same with another card.
pub async fn carded_with(app: &mut TestApp, number: &str) -> (World, Cards) {
    let mut cards = Cards::new(app).await;
    let shop = Register::new(&app.app).await;
    cards.customer.load(app, &shop, OWN).await;
    let card = cards.card(app, number).await;
    assert_eq!(cards.top_up(app, &card, CHARGED).await["status"], "credited");
    (world(app, 0).await, cards)
}

/// The thief pays so much.
pub async fn spent(app: &TestApp, world: &World, cards: &Cards, yen: i64) {
    world.register.sell(app, "theft", &cards.customer.code(app.now()), yen).await.ok();
}

/// Counts what a card paid in and what was paid in the thieves' store, and confirms whose it was.
pub async fn found(app: &TestApp, world: &World) {
    let of = format!("{}\nact:topup_card verdict:allow", world.conditions());
    world.count(app, &of).await;
    let all = json!({ "state": "confirmed", "reason": "盗難カード" });
    world.fraud.post(app, &world.path("review"), &all).await.ok();
}

pub async fn charged_back(app: &TestApp, cards: &Cards) {
    app.clock.advance(2 * MINUTE);
    let messages = cards.sandbox.take_messages();
    for message in &messages {
        deliver(app, message).await;
    }
    work(app).await;
}

/// The gateway tells of a chargeback of so much of the only top-up.
pub async fn disputed(app: &TestApp, dispute_id: &str, yen: i64) {
    let told = sql("INSERT INTO card_dispute (dispute_id, topup_id, amount, reason, state,
             attempts, next_at, created_at)
         SELECT $1, topup_id, $2, 'fraudulent', 'told', CAST(0 AS BIGINT), $3, $3
         FROM card_topup");
    let told = told.bind(dispute_id).bind(yen).bind(app.now());
    app.app.stores.registry.execute(told).await.unwrap();
    work(app).await;
}

/// What the chargeback took out of the wallet and of incident returns, and what it cost.
pub async fn parts(app: &TestApp) -> (i64, i64, i64) {
    let query = sql("SELECT taken, returned, lost FROM card_dispute
         WHERE state = 'reversed' ORDER BY created_at DESC");
    let row = app.app.stores.registry.all(query).await.unwrap().remove(0);
    let part = |column| row.int(column).unwrap();
    (part("taken"), part("returned"), part("lost"))
}

/// Bug: the incident takes the stolen ¥10,000 back, then the card's holder has them charged back:
/// the wallet paid a second time, out of what was its customer's own.
async fn a_chargeback_after_a_take_back_leaves_the_customers_own(app: &mut TestApp) {
    let (world, cards) = carded(app).await;
    found(app, &world).await;
    world.agreed(app, &act("reverse")).await;
    work_due(&app.app).await.unwrap();
    assert_eq!(stands(app, AccountCode::IncidentReturned), CHARGED);
    charged_back(app, &cards).await;
    assert_eq!(cards.balance(app), OWN);
    assert_eq!(parts(app).await, (0, CHARGED, 0));
    assert_eq!((stands(app, AccountCode::IncidentReturned), card_loss(app)), (0, 0));
    app.restart_without_views().await;
    work(app).await;
    assert_eq!(cards.balance(app), OWN);
}

/// Goal: the act found ¥3,000 of the ¥10,000; the chargeback gets these, and of the wallet no
/// more than the ¥7,000 that are left of its top-up.
async fn a_chargeback_takes_what_is_left_of_its_top_up(app: &mut TestApp) {
    let (world, cards) = carded(app).await;
    spent(app, &world, &cards, 12_000).await;
    found(app, &world).await;
    world.agreed(app, &act("reverse")).await;
    work_due(&app.app).await.unwrap();
    assert_eq!((cards.balance(app), stands(app, AccountCode::IncidentReturned)), (0, 3_000));
    let shop = Register::new(&app.app).await;
    cards.customer.load(app, &shop, 9_000).await;
    charged_back(app, &cards).await;
    assert_eq!(parts(app).await, (7_000, 3_000, 0));
    assert_eq!((cards.balance(app), stands(app, AccountCode::IncidentReturned)), (2_000, 0));
}

/// Attack: the gateway tells of the same payment under another name.
async fn a_second_chargeback_of_a_top_up_takes_nothing_more(app: &mut TestApp) {
    let (_, cards) = carded(app).await;
    charged_back(app, &cards).await;
    assert_eq!((cards.balance(app), parts(app).await), (OWN, (CHARGED, 0, 0)));
    app.clock.advance(MINUTE);
    disputed(app, "dp_again", CHARGED).await;
    assert_eq!((cards.balance(app), parts(app).await), (OWN, (0, 0, CHARGED)));
}

/// Goal: chargebacks of an earlier version took no place in the ledger: what they took and lost
/// counts all the same, and one that had done half is ended.
async fn what_was_charged_back_before_there_were_places_counts(app: &mut TestApp) {
    let (_, cards) = carded_with(app, "4242424242424242").await;
    let old = sql("INSERT INTO card_dispute (dispute_id, topup_id, amount, reason, state, taken,
             lost, attempts, created_at, done_at)
         SELECT 'dp_old', topup_id, CAST(5000 AS BIGINT), 'fraudulent', 'reversed',
             CAST(4000 AS BIGINT), CAST(1000 AS BIGINT), CAST(1 AS BIGINT), $1, $1
         FROM card_topup");
    app.app.stores.registry.execute(old.bind(app.now())).await.unwrap();
    let half = Transfer {
        id: derive("card-chargeback", &[b"dp_half"]),
        debit_account_id: cards.customer.wallet_account,
        credit_account_id: card_clearing_id(),
        amount: 2_000,
        ledger: LEDGER_JPY,
        code: TransferCode::CardChargeback.number(),
        ..Transfer::default()
    };
    let request = Request { accounts: card_accounts().to_vec(), transfers: vec![half] };
    let question = Question::plain(Act::CardChargeback, &());
    app.app.gate.once(question, request, |_| false).await.unwrap().unwrap();
    disputed(app, "dp_half", 3_000).await;
    assert_eq!((cards.balance(app), card_loss(app)), (OWN + CHARGED - 2_000, 1_000));
    app.clock.advance(MINUTE);
    disputed(app, "dp_new", CHARGED).await;
    assert_eq!(parts(app).await, (CHARGED - 8_000, 0, 8_000));
    assert_eq!(cards.balance(app), OWN + CHARGED - 4_000);
}

/// Goal: what is there again after a chargeback found too little is the operator's, who paid.
async fn a_take_back_after_a_chargeback_makes_its_loss_good_first(app: &mut TestApp) {
    let (world, cards) = carded(app).await;
    spent(app, &world, &cards, 12_000).await;
    found(app, &world).await;
    charged_back(app, &cards).await;
    assert_eq!(parts(app).await, (3_000, 0, 7_000));
    world.register.refund(app, "r-1", "theft", 4_000).await.ok();
    let (_, plan) = world.agreed(app, &act("reverse")).await;
    assert_eq!(plan["yen"], 4_000);
    work_due(&app.app).await.unwrap();
    assert_eq!((cards.balance(app), card_loss(app)), (0, 3_000));
    assert_eq!(stands(app, AccountCode::IncidentReturned), 0, "nobody is owed it");
}

/// Bug: a loss was made good, then the store gave it back: the customer had both.
async fn a_refund_after_a_compensation_goes_to_who_paid_it(app: &mut TestApp) {
    let world = world(app, 3).await;
    world.confirmed(app).await;
    world.agreed(app, &act("compensate")).await;
    work_due(&app.app).await.unwrap();
    assert_eq!(stands(app, AccountCode::IncidentLoss), -(stolen(0) + stolen(1) + stolen(2)));
    let register = &world.register;
    for _ in 0..2 {
        let whole = register.refund(app, "r-0", "theft-0", stolen(0)).await.ok();
        assert_eq!(whole["refund"]["amount"], stolen(0));
        assert_eq!(whole["payment"]["status"], "refunded");
    }
    for (id, yen) in [("r-1a", 1_000), ("r-1b", stolen(1) - 1_000)] {
        register.refund(app, id, "theft-1", yen).await.ok();
    }
    register.refund(app, "r-1c", "theft-1", 1).await.refused(Code::RefundExceedsPayment);
    let canceled = register.cancel(app, "theft-2").await.ok();
    assert_eq!(canceled["payment"]["status"], "canceled");
    for victim in &world.victims {
        assert_eq!(victim.balance(app), HAD);
        assert_eq!(
            app.app.gate.used(victim.wallet_account, omamori::gate::windows::Class::Payment).in_24h,
            0
        );
    }
    assert_eq!(stands(app, AccountCode::IncidentLoss), 0);
    let history = world.victims[0].get(app, "/api/wallet/v1/history").await.ok();
    let lines: Vec<_> = history["entries"].as_array().unwrap().iter().take(3).collect();
    let lines: Vec<_> = lines.iter().map(|one| (&one["kind"], &one["amount"])).collect();
    let line = |kind: &str, yen: i64| (json!(kind), json!(yen));
    let expected = [
        line("compensation_back", -stolen(0)),
        line("refund", stolen(0)),
        line("compensation", stolen(0)),
    ];
    assert_eq!(lines, expected.iter().map(|(kind, yen)| (kind, yen)).collect::<Vec<_>>());
    app.restart_without_views().await;
    register.refund(app, "r-0", "theft-0", stolen(0)).await.ok();
    assert_eq!(world.victims[0].balance(app), HAD);
}

/// Goal: ¥1,000 came back before the loss was made good; of what comes after it the operator gets
/// what it paid, to the yen.
async fn of_a_refund_in_part_the_operator_gets_what_it_paid(app: &mut TestApp) {
    let world = world(app, 1).await;
    let victim = &world.victims[0];
    world.confirmed(app).await;
    world.register.refund(app, "r-1", "theft-0", 1_000).await.ok();
    world.agreed(app, &act("compensate")).await;
    work_due(&app.app).await.unwrap();
    assert_eq!(stands(app, AccountCode::IncidentLoss), -(stolen(0) - 1_000));
    for (number, yen) in [500, 1, stolen(0) - 1_501].into_iter().enumerate() {
        world.register.refund(app, &format!("r-2-{number}"), "theft-0", yen).await.ok();
        assert_eq!(victim.balance(app), HAD);
    }
    assert_eq!(stands(app, AccountCode::IncidentLoss), 0);
}

/// Goal: a payment of free and paid value was made good in paid value: what a store gives back of
/// either is the operator's.
async fn free_value_that_was_made_good_is_not_given_again(app: &mut TestApp) {
    let world = world(app, 0).await;
    let (victim, shop) = (Customer::new(&app.app).await, Register::new(&app.app).await);
    let campaign = begin(app, None, coupon(Gift::FreeValue { yen: 300 }, 1_000)).await;
    victim.set_coupon(app, &campaign).await;
    victim.load(app, &shop, 1_000).await;
    world.register.sell(app, "theft", &victim.code(app.now()), 500).await.ok();
    app.clock.advance(MINUTE);
    world.confirmed(app).await;
    let (_, plan) = world.agreed(app, &act("compensate")).await;
    assert_eq!(plan["yen"], 500);
    work_due(&app.app).await.unwrap();
    for number in 0..5 {
        world.register.refund(app, &format!("r-{number}"), "theft", 100).await.ok();
        let held = victim.holdings(app).await;
        assert_eq!((&held["balance_free"], &held["balance_paid"]), (&json!(0), &json!(1_300)));
    }
    let back = stands(app, AccountCode::IncidentLoss) + stands(app, AccountCode::FreeFunding);
    assert_eq!(back, 0, "¥200 of what was made good and ¥300 of the gift");
}

/// Bug: the chargeback had given the card's holder what the thief spent, and the incident made the
/// same yen good in the wallet.
async fn what_the_card_gave_back_is_not_made_good_again(app: &mut TestApp) {
    let (world, cards) = carded(app).await;
    spent(app, &world, &cards, 12_000).await;
    found(app, &world).await;
    // Planned before, carried out after it.
    let (_, plan) = world.agreed(app, &act("compensate")).await;
    assert_eq!(plan["yen"], 12_000);
    charged_back(app, &cards).await;
    assert_eq!(parts(app).await, (3_000, 0, 7_000));
    work_due(&app.app).await.unwrap();
    assert_eq!((cards.balance(app), stands(app, AccountCode::IncidentLoss)), (OWN, -OWN));
    // The store gives all back: ¥12,000 that the operator paid, by card or by wallet.
    world.register.refund(app, "r-1", "theft", 12_000).await.ok();
    assert_eq!(cards.balance(app), OWN);
    assert_eq!(stands(app, AccountCode::IncidentLoss) - card_loss(app), 0);
}

/// Bug: the compensation was ¥7,000 less for the chargeback that the operator bore; then a
/// take-back or another chargeback of the same top-up took what was made good.
async fn what_was_settled_with_a_chargeback_is_not_taken_from_the_victim(app: &mut TestApp) {
    let (world, cards) = carded(app).await;
    spent(app, &world, &cards, 12_000).await;
    found(app, &world).await;
    charged_back(app, &cards).await;
    assert_eq!(parts(app).await, (3_000, 0, 7_000));
    let (_, plan) = world.agreed(app, &act("compensate")).await;
    assert_eq!(plan["yen"], OWN);
    work_due(&app.app).await.unwrap();
    assert_eq!((cards.balance(app), card_loss(app)), (OWN, 7_000));
    let back = world.fraud.post(app, &world.path("acts"), &act("reverse")).await;
    back.refused(Code::IncidentEmpty);
    app.clock.advance(MINUTE);
    disputed(app, "dp_again", CHARGED).await;
    assert_eq!((cards.balance(app), parts(app).await), (OWN, (0, 0, CHARGED)));
}

/// Bug: planned when a chargeback had cost the operator ¥7,000, carried out when a take-back had
/// made ¥4,000 of them good: it paid what was planned, and the rest could never be paid.
async fn a_loss_that_grew_since_it_was_planned_is_planned_again(app: &mut TestApp) {
    let (world, cards) = carded(app).await;
    let shop = Register::new(&app.app).await;
    cards.customer.load(app, &shop, 4_000).await;
    shop.sell(app, "own", &cards.customer.code(app.now()), 4_000).await.ok();
    spent(app, &world, &cards, 12_000).await;
    found(app, &world).await;
    charged_back(app, &cards).await;
    assert_eq!(parts(app).await, (3_000, 0, 7_000));
    let (late, plan) = world.agreed(app, &act("compensate")).await;
    assert_eq!(plan["yen"], OWN);
    // The other act is the first to be carried out.
    waits(app, &late, app.now() + 10 * MINUTE).await;
    shop.refund(app, "r-own", "own", 4_000).await.ok();
    world.agreed(app, &act("reverse")).await;
    work_due(&app.app).await.unwrap();
    assert_eq!((cards.balance(app), card_loss(app)), (0, 3_000));
    waits(app, &late, app.now()).await;
    work_due(&app.app).await.unwrap();
    let rows = acts::rows(&app.app.stores.registry, &late, 10).await.unwrap();
    assert_eq!((&*rows[0].state, &*rows[0].outcome, rows[0].moved), ("done", "plan_again", 0));
    assert_eq!(stands(app, AccountCode::IncidentLoss), 0);
    let (_, plan) = world.agreed(app, &act("compensate")).await;
    assert_eq!(plan["yen"], OWN + 4_000);
    work_due(&app.app).await.unwrap();
    assert_eq!(cards.balance(app), OWN + 4_000);
}

/// Lets the rows of an act wait until an instant.
async fn waits(app: &TestApp, act_id: &str, until: i64) {
    let update = sql("UPDATE incident_act_row SET due_at = $1 WHERE act_id = $2");
    app.app.stores.registry.execute(update.bind(until).bind(act_id)).await.unwrap();
}

/// Goal: all that was lost came from the card, whose holder has it back: nothing is made good, and
/// what a store gives back later is the operator's.
async fn a_loss_that_the_card_made_good_is_the_operators_for_good(app: &mut TestApp) {
    let mut cards = Cards::new(app).await;
    let card = cards.card(app, CHARGED_BACK).await;
    cards.top_up(app, &card, CHARGED).await;
    let world = world(app, 0).await;
    spent(app, &world, &cards, CHARGED).await;
    found(app, &world).await;
    world.agreed(app, &act("compensate")).await;
    charged_back(app, &cards).await;
    assert_eq!(card_loss(app), CHARGED);
    assert_eq!(work_due(&app.app).await.unwrap(), 1);
    let row = sql("SELECT outcome, moved_yen FROM incident_act_row");
    let row = app.app.stores.registry.one(row).await.unwrap();
    assert_eq!(
        (row.text("outcome").unwrap().as_str(), row.int("moved_yen").unwrap()),
        ("nothing", 0)
    );
    // Killed before the row was marked: the same once more.
    let lost = sql("UPDATE incident_act_row SET state = 'waiting', outcome = 'paying'");
    app.app.stores.registry.execute(lost).await.unwrap();
    let running = sql("UPDATE incident_act SET state = 'running'");
    app.app.stores.registry.execute(running).await.unwrap();
    app.restart().await;
    work_due(&app.app).await.unwrap();
    world.register.refund(app, "r-1", "theft", CHARGED).await.ok();
    assert_eq!(cards.balance(app), 0);
    assert_eq!(stands(app, AccountCode::IncidentLoss), card_loss(app));
}

type Doing = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Attack: the chargeback and the act look at the same ¥10,000 in the same moment.
async fn a_chargeback_and_a_take_back_at_once_take_each_yen_once(app: &mut TestApp) {
    let (world, cards) = carded(app).await;
    found(app, &world).await;
    world.agreed(app, &act("reverse")).await;
    app.clock.advance(2 * MINUTE);
    let messages = cards.sandbox.take_messages();
    for message in &messages {
        deliver(app, message).await;
    }
    let (one, other) = ((*app).clone(), (*app).clone());
    let taken: Doing = Box::pin(async move { work(&one).await });
    let back: Doing = Box::pin(async move { work_due(&other.app).await.map(drop).unwrap() });
    at_once([taken, back]).await;
    assert_eq!(cards.balance(app), OWN, "the customer's own");
    assert_eq!((stands(app, AccountCode::IncidentReturned), card_loss(app)), (0, 0));
    let (taken, returned, lost) = parts(app).await;
    assert_eq!((taken + returned, lost), (CHARGED, 0));
}

/// Stores give back, in two parts, what the worker makes good at the same time.
async fn at_once_on(app: &TestApp, stores: Node, workers: [Node; 2]) {
    let world = Arc::new(world(app, 8).await);
    world.confirmed(app).await;
    world.agreed(app, &act("compensate")).await;
    let mut doing: Vec<Doing> = Vec::new();
    for number in 0..8 {
        let (world, node) = (world.clone(), stores.clone());
        doing.push(Box::pin(async move {
            let (payment, first) = (format!("theft-{number}"), 1_000);
            for (part, yen) in [("a", first), ("b", stolen(number) - first)] {
                let id = format!("r-{number}-{part}");
                world.register.refund(&node, &id, &payment, yen).await.ok();
            }
        }));
    }
    for node in workers {
        doing.insert(0, Box::pin(async move { work_due(&node.app).await.map(drop).unwrap() }));
    }
    at_once(doing).await;
    work_due(&app.app).await.unwrap();
    app.app.gate.catch_up().await.unwrap();
    for (number, victim) in world.victims.iter().enumerate() {
        assert_eq!(victim.balance(app), HAD, "victim {number}");
    }
    assert_eq!(stands(app, AccountCode::IncidentLoss), 0, "all of it came back");
}

async fn refunds_and_compensations_at_once_leave_nobody_more(app: &mut TestApp) {
    let node = || (*app).clone();
    at_once_on(app, node(), [node(), node()]).await;
}

async fn refunds_on_one_node_and_compensations_on_another(app: &mut TestApp) {
    let (stores, other) = (app.another_node().await, app.another_node().await);
    at_once_on(app, stores.clone(), [(*app).clone(), other.clone()]).await;
    for node in [stores, other] {
        node.app.close().await;
    }
}
