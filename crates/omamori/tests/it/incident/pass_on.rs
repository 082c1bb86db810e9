//! What was taken back of top-ups by card goes to the cards: once, whatever the gateway says or
//! does not say, and never beside a chargeback that gets the same yen.

use omamori::clock::{HOUR, MINUTE};
use omamori::gate::chart::{AccountCode, card_clearing_id};
use omamori::incident::{act as acts, work_due};
use omamori::reconcile::{self, Period};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::World;
use super::once::{
    CHARGED, CHARGED_BACK, OWN, act, card_loss, carded_with, charged_back, disputed, found, net,
    parts, stands,
};
use crate::cardtopup::world::{World as Cards, deliver, work};
use crate::support::app::TestApp;
use crate::support::on_both_engines;

on_both_engines!(
    what_was_taken_back_goes_to_the_card_once,
    an_answer_that_never_came_is_asked_for_again,
    what_cannot_be_looked_at_is_not_refunded_again,
    a_gateway_that_is_away_is_asked_about_one_row_at_a_time,
    a_charge_that_is_charged_back_is_not_refunded_too,
    a_chargeback_of_what_was_returned_leaves_the_customers_own,
    a_chargeback_while_the_gateway_was_asked_costs_nobody,
);

/// A card whose holder notices nothing.
const PLAIN: &str = "4242424242424242";

/// The stolen ¥10,000, taken back and in incident returns.
async fn taken_back(app: &mut TestApp, number: &str) -> (World, Cards) {
    let (world, cards) = carded_with(app, number).await;
    found(app, &world).await;
    world.agreed(app, &act("reverse")).await;
    work_due(&app.app).await.unwrap();
    assert_eq!((cards.balance(app), stands(app, AccountCode::IncidentReturned)), (OWN, CHARGED));
    (world, cards)
}

/// What became of the only row of an act.
async fn outcome(app: &TestApp, act_id: &str) -> (String, String, i64) {
    let row = acts::rows(&app.app.stores.registry, act_id, 10).await.unwrap().remove(0);
    (row.state, row.outcome, row.moved)
}

fn done() -> (String, String, i64) {
    ("done".to_owned(), "done".to_owned(), CHARGED)
}

/// As if the process was killed before the row was marked.
async fn forget(app: &TestApp, act_id: &str) {
    let row = sql("UPDATE incident_act_row SET state = 'waiting', outcome = 'paying'
         WHERE act_id = $1");
    app.app.stores.registry.execute(row.bind(act_id)).await.unwrap();
    let running = sql("UPDATE incident_act SET state = 'running' WHERE act_id = $1");
    app.app.stores.registry.execute(running.bind(act_id)).await.unwrap();
}

async fn what_was_taken_back_goes_to_the_card_once(app: &mut TestApp) {
    let (world, cards) = taken_back(app, PLAIN).await;
    let (act_id, plan) = world.agreed(app, &act("pass_on")).await;
    assert_eq!((&plan["rows"], &plan["yen"]), (&json!(1), &json!(CHARGED)));
    for _ in 0..2 {
        work_due(&app.app).await.unwrap();
        assert_eq!(outcome(app, &act_id).await, done());
        assert_eq!(cards.sandbox.taken(), (CHARGED, CHARGED));
        forget(app, &act_id).await;
        app.restart().await;
        // By then the gateway has forgotten the key of the request.
        app.clock.advance(25 * HOUR);
        cards.sandbox.forget_keys();
    }
    work_due(&app.app).await.unwrap();
    assert_eq!(cards.sandbox.taken(), (CHARGED, CHARGED));
    assert_eq!((cards.balance(app), stands(app, AccountCode::IncidentReturned)), (OWN, 0));
    assert_eq!((net(app.app.gate.account(card_clearing_id())), card_loss(app)), (0, 0));
}

/// Goal: the gateway is away: nobody knows, the row waits; nothing is planned a second time.
async fn an_answer_that_never_came_is_asked_for_again(app: &mut TestApp) {
    let (mut world, cards) = taken_back(app, PLAIN).await;
    let (act_id, _) = world.agreed(app, &act("pass_on")).await;
    cards.sandbox.set_down(true);
    work_due(&app.app).await.unwrap();
    assert_eq!(outcome(app, &act_id).await.0, "waiting");
    assert_eq!((cards.sandbox.taken().1, stands(app, AccountCode::IncidentReturned)), (0, 0));
    let again = world.fraud.post(app, &world.path("acts"), &act("pass_on")).await;
    again.refused(Code::IncidentEmpty);
    cards.sandbox.set_down(false);
    app.clock.advance(6 * MINUTE);
    work_due(&app.app).await.unwrap();
    assert_eq!(outcome(app, &act_id).await, done());
    assert_eq!(cards.sandbox.taken(), (CHARGED, CHARGED));
    world.signed_in(app).await;
    let again = world.fraud.post(app, &world.path("acts"), &act("pass_on")).await;
    again.refused(Code::IncidentEmpty);
    // The gateway's report has the charge and the refund, and so have we.
    let today = omamori::web::filters::japan(app.now()).date();
    let period = Period { from: today, until: today };
    let sides = reconcile::card::sides(&app.app, period).await.unwrap();
    let sum = |lines: &[reconcile::compare::Line]| lines.iter().map(|one| one.yen).sum::<i64>();
    assert_eq!((sum(&sides.ours), sum(&sides.theirs)), (0, 0));
}

/// Bug: a gateway that hung took its ten seconds for each row, and a freeze waited for all of them.
async fn a_gateway_that_is_away_is_asked_about_one_row_at_a_time(app: &mut TestApp) {
    let mut cards = Cards::new(app).await;
    let card = cards.card(app, PLAIN).await;
    for yen in [3_000, 2_000] {
        assert_eq!(cards.top_up(app, &card, yen).await["status"], "credited");
    }
    let world = super::world(app, 0).await;
    found(app, &world).await;
    world.agreed(app, &act("reverse")).await;
    work_due(&app.app).await.unwrap();
    assert_eq!(stands(app, AccountCode::IncidentReturned), 5_000);
    let (_, plan) = world.agreed(app, &act("pass_on")).await;
    assert_eq!(plan["rows"], 2);
    cards.sandbox.set_down(true);
    for asked in 1..=2 {
        work_due(&app.app).await.unwrap();
        assert_eq!(stands(app, AccountCode::IncidentReturned) > 0, asked == 1);
    }
    cards.sandbox.set_down(false);
    app.clock.advance(6 * MINUTE);
    assert_eq!(work_due(&app.app).await.unwrap(), 2);
    assert_eq!(cards.sandbox.taken(), (5_000, 5_000));
}

/// Bug: the refund was made, its answer was lost, and the key may not read refunds any more: that
/// was taken for a refusal, the yen lay in incident returns again, and a second act refunded them.
async fn what_cannot_be_looked_at_is_not_refunded_again(app: &mut TestApp) {
    let (mut world, cards) = taken_back(app, PLAIN).await;
    let (act_id, _) = world.agreed(app, &act("pass_on")).await;
    work_due(&app.app).await.unwrap();
    forget(app, &act_id).await;
    cards.sandbox.set_hides_refunds(true);
    cards.sandbox.forget_keys();
    work_due(&app.app).await.unwrap();
    assert_eq!(outcome(app, &act_id).await.0, "waiting");
    assert_eq!(stands(app, AccountCode::IncidentReturned), 0);
    let again = world.fraud.post(app, &world.path("acts"), &act("pass_on")).await;
    again.refused(Code::IncidentEmpty);
    cards.sandbox.set_hides_refunds(false);
    app.clock.advance(6 * MINUTE);
    work_due(&app.app).await.unwrap();
    assert_eq!(outcome(app, &act_id).await, done());
    assert_eq!(cards.sandbox.taken(), (CHARGED, CHARGED));
    world.signed_in(app).await;
    let again = world.fraud.post(app, &world.path("acts"), &act("pass_on")).await;
    again.refused(Code::IncidentEmpty);
}

/// Attack: the holder has it charged back, and before we hear of it we refund it too.
async fn a_charge_that_is_charged_back_is_not_refunded_too(app: &mut TestApp) {
    let (world, cards) = taken_back(app, CHARGED_BACK).await;
    let (act_id, _) = world.agreed(app, &act("pass_on")).await;
    app.clock.advance(2 * MINUTE);
    let messages = cards.sandbox.take_messages();
    for _ in 0..2 {
        work_due(&app.app).await.unwrap();
        assert_eq!(outcome(app, &act_id).await.1, "refused");
        assert_eq!(stands(app, AccountCode::IncidentReturned), CHARGED, "it lies there again");
        forget(app, &act_id).await;
    }
    for message in &messages {
        deliver(app, message).await;
    }
    work(app).await;
    assert_eq!((cards.balance(app), parts(app).await), (OWN, (0, CHARGED, 0)));
    assert_eq!((stands(app, AccountCode::IncidentReturned), cards.sandbox.taken().1), (0, 0));
    // The last look: what it was refused once stays refused.
    work_due(&app.app).await.unwrap();
    assert_eq!(outcome(app, &act_id).await.1, "refused");
    assert_eq!(cards.sandbox.taken().1, 0);
}

/// Goal: both came: the operator has to show the refund to the card's bank; the customer loses
/// nothing.
async fn a_chargeback_of_what_was_returned_leaves_the_customers_own(app: &mut TestApp) {
    let (world, cards) = taken_back(app, PLAIN).await;
    let (act_id, _) = world.agreed(app, &act("pass_on")).await;
    work_due(&app.app).await.unwrap();
    assert_eq!(outcome(app, &act_id).await, done());
    disputed(app, "dp_late", CHARGED).await;
    assert_eq!((cards.balance(app), parts(app).await), (OWN, (0, 0, CHARGED)));
    assert_eq!(card_loss(app), CHARGED);
    let path = format!("/api/admin/v1/incidents/{}", world.incident);
    let body: Value = world.fraud.get(app, &path).await.ok();
    assert!(body.to_string().contains("pass_on"), "{body}");
}

/// Bug: the yen were on their way to the card, so the chargeback that came then cost the operator;
/// the gateway refused, and they lay in incident returns for ever, while their victim was
/// compensated so much less.
async fn a_chargeback_while_the_gateway_was_asked_costs_nobody(app: &mut TestApp) {
    let (world, cards) = taken_back(app, CHARGED_BACK).await;
    let (act_id, _) = world.agreed(app, &act("pass_on")).await;
    cards.sandbox.set_down(true);
    work_due(&app.app).await.unwrap();
    assert_eq!(outcome(app, &act_id).await.0, "waiting");
    charged_back(app, &cards).await;
    assert_eq!((parts(app).await, card_loss(app)), ((0, 0, CHARGED), CHARGED));
    cards.sandbox.set_down(false);
    app.clock.advance(6 * MINUTE);
    for _ in 0..2 {
        work_due(&app.app).await.unwrap();
        assert_eq!(outcome(app, &act_id).await.1, "refused");
        assert_eq!((card_loss(app), stands(app, AccountCode::IncidentReturned)), (0, 0));
        assert_eq!((cards.balance(app), cards.sandbox.taken().1), (OWN, 0));
        forget(app, &act_id).await;
        app.restart_without_views().await;
    }
    // Nothing counts as given to the card's holder at the operator's cost.
    disputed(app, "dp_again", 1).await;
    assert_eq!((parts(app).await, card_loss(app)), ((0, 0, 1), 1));
}
