//! The cohort: each customer once, the same figure again, and who joins it.

use omamori::clock::{HOUR, MINUTE};
use omamori::console::access::Role;
use omamori::gate::{Act, Question};
use omamori::incident::counting;
use omamori::web::codes::Code;
use serde_json::{Value, json};

use super::{HAD, opened, rows, stolen, world};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;

on_both_engines!(
    a_customer_is_counted_once_however_many_ways_lead_to_them,
    a_count_again_gives_the_same_after_new_traffic,
    networks_find_who_signed_in_from_there,
    what_staff_did_is_found_by_who_did_it,
    questions_that_cannot_be_asked_are_refused,
    a_victim_is_in_the_lists_once,
    a_claim_joins_the_review,
    what_is_confirmed_labels_its_decisions,
    a_transfer_that_was_the_customers_own_is_no_loss,
    a_card_is_a_way_in,
);

fn loss(victims: usize) -> i64 {
    (0..victims).map(stolen).sum()
}

async fn a_customer_is_counted_once_however_many_ways_lead_to_them(app: &mut TestApp) {
    let world = world(app, 3).await;
    let first = &world.victims[0];
    let many = format!(
        "{}\ncustomer:{}\n{}\n{} verdict:allow\namount_min:1000 store:{}",
        world.conditions(),
        first.customer_id,
        first.device_id,
        world.register.store_id,
        world.register.store_id,
    );
    let counted = world.count(app, &many).await;
    let figures = &counted["figures"];
    assert_eq!((&figures["customers"], &figures["with_loss"]), (&json!(3), &json!(3)));
    // The first customer's own top-up matches too: it came in, and is no loss.
    assert_eq!(figures["loss"], loss(3), "{figures}");
    assert_eq!(figures["came"], HAD);
    assert_eq!(figures["stores"][0]["store_id"], world.register.store_id.as_str());
    assert_eq!(figures["stores"][0]["customers"], 3);
    assert_eq!(figures["ways_out"][0]["way"], "payment");
}

async fn a_count_again_gives_the_same_after_new_traffic(app: &mut TestApp) {
    let world = world(app, 3).await;
    let counted = world.count(app, &world.conditions()).await;
    let (number, then) = (counted["number"].as_i64().unwrap(), counted["figures"].clone());
    assert_eq!((&then["customers"], &then["loss"]), (&json!(3), &json!(loss(3))));

    // Ordinary traffic at the same store, and a refund of a disputed payment.
    app.clock.advance(MINUTE);
    let other = Customer::new(&app.app).await;
    other.load(app, &world.register, 2_000).await;
    world.register.sell(app, "s-9", &other.code(app.now()), 700).await.ok();
    world.register.refund(app, "r-1", "theft-0", 1_000).await.ok();

    let again = world.path(&format!("counts/{number}/again"));
    let same = async |app: &TestApp| {
        let person = Person::new(&app.app, Role::Finance).await;
        assert_eq!(person.post(app, &again, &json!({})).await.status, 202);
        assert_eq!(counting::work_due(&app.app).await.unwrap(), 1);
        let job = counting::newest(&app.app.stores.registry, &world.incident).await.unwrap();
        let job = job.filter(|job| job.is_again && job.number == number).unwrap();
        job.same.unwrap()
    };
    assert!(same(app).await);
    let now = world.counted(app).await;
    assert_eq!(now["figures"]["customers"], 4, "now it is more");
    assert_eq!(now["figures"]["loss"], loss(3) - 1_000 + 700);
    // From views that were made anew, on a process with another number, on a later day.
    app.restart_without_views().await;
    app.clock.advance(30 * 24 * HOUR);
    assert!(same(app).await);
    let page = Person::new(&app.app, Role::Finance).await;
    let page = page.get(app, &format!("/console/incidents/{}", world.incident)).await;
    assert!(page.text().contains("data-counted-again"));
}

async fn networks_find_who_signed_in_from_there(app: &mut TestApp) {
    let world = world(app, 2).await;
    let (victim, other) = (&world.victims[0].customer_id, &world.victims[1].customer_id);
    for (customer, ip) in [(victim, "203.0.113.9"), (victim, "203.0.113.7"), (other, "192.0.2.1")] {
        let detail = json!({ "ip": ip });
        let question =
            Question { customer: Some(customer), ..Question::plain(Act::SignIn, &detail) };
        let _recorded = app.app.gate.decide(question, Ok(())).await.unwrap();
    }
    let counted = world.count(app, "network:203.0.113.0/24 act:sign_in").await;
    assert_eq!(counted["figures"]["customers"], 1);
    let counted = world.count(app, "203.0.113.0/24\n192.0.2.1").await;
    assert_eq!(counted["figures"]["customers"], 2);
    let page = world.fraud.get(app, &format!("/console/incidents/{}", world.incident)).await;
    assert!(page.text().contains(victim.as_str()) && page.text().contains("203.0.113.0/24"));
}

/// Goal: one of the operator's people who took part leaves a trail: whom they did something to, and
/// all that moved from then on.
async fn what_staff_did_is_found_by_who_did_it(app: &mut TestApp) {
    let world = world(app, 2).await;
    let insider = Person::new(&app.app, Role::Support).await;
    let victim = &world.victims[1];
    let unmask = json!({ "contact": "phone", "reason": "折り返し" });
    insider.post(app, &format!("/customers/{}/unmask", victim.customer_id), &unmask).await.ok();
    app.clock.advance(MINUTE);
    world.register.sell(app, "later", &victim.code(app.now()), 500).await.ok();
    let question = json!({ "from": app.now() - HOUR, "money": "after",
        "conditions": format!("staff:{}", insider.staff_id) });
    world.fraud.post(app, &world.path("cohort"), &question).await.ok();
    let counted = world.counted(app).await;
    let figures = &counted["figures"];
    assert_eq!((&figures["customers"], &figures["loss"]), (&json!(1), &json!(500)));
}

async fn questions_that_cannot_be_asked_are_refused(app: &mut TestApp) {
    let world = world(app, 1).await;
    let now = app.now();
    let ask = |from: i64, until: Value, conditions: &str| {
        json!({ "from": from, "until": until,
        "money": "matched", "conditions": conditions })
    };
    for wrong in [
        ask(now - HOUR, Value::Null, ""),
        ask(now - HOUR, Value::Null, "device:x"),
        ask(now - HOUR, Value::Null, "' OR 1=1 --"),
        ask(now - HOUR, Value::Null, "network:0.0.0.0/0"),
        ask(now - HOUR, Value::Null, "act:a b:c"),
        ask(now - HOUR, Value::Null, "amount_min:-1"),
        ask(now - HOUR, json!(now - 2 * HOUR), "JP"),
        ask(0, Value::Null, "JP"),
        ask(now, json!(now + 100 * 24 * HOUR), "JP"),
        ask(now - HOUR, Value::Null, &"JP\n".repeat(51)),
    ] {
        let answer = world.fraud.post(app, &world.path("cohort"), &wrong).await;
        answer.refused(Code::InvalidRequest);
    }
    let fresh = opened(app, &world.fraud, "別件").await;
    let count = format!("/incidents/{fresh}/count");
    world.fraud.post(app, &count, &json!({})).await.refused(Code::NotFound);
    for wrong in ["/incidents/inc_x/count", "/incidents/inc_x/acts"] {
        let body = if wrong.ends_with("acts") {
            json!({ "kind": "freeze", "on": "all" })
        } else {
            json!({})
        };
        world.fraud.post(app, wrong, &body).await.refused(Code::NotFound);
    }
}

/// Attack: the same victim is brought in again, by hand, by count and by claim, to be paid twice.
async fn a_victim_is_in_the_lists_once(app: &mut TestApp) {
    let world = world(app, 2).await;
    let victim = &world.victims[0].customer_id;
    let add = json!({ "customer_id": victim, "reason": "電話で連絡" });
    world.fraud.post(app, &world.path("members"), &add).await;
    world.fraud.post(app, &world.path("members"), &add).await.refused(Code::IncidentMember);
    let unknown = json!({ "customer_id": "cus_x", "reason": "x" });
    world.fraud.post(app, &world.path("members"), &unknown).await.refused(Code::NotFound);
    world.confirmed(app).await;
    world.counted(app).await;
    world.fraud.post(app, &world.path("members"), &add).await.refused(Code::IncidentMember);
    let page = world.fraud.get(app, &format!("/console/incidents/{}", world.incident)).await;
    let shown = page.text().matches(&format!("data-member=\"{victim}\"")).count();
    assert_eq!(shown, 1);
    // Nobody reviews who is not there.
    let review = json!({ "customers": ["cus_x"], "state": "confirmed", "reason": "x" });
    world.fraud.post(app, &world.path("review"), &review).await.refused(Code::NotFound);
    let review = json!({ "customers": [victim], "state": "paid", "reason": "x" });
    world.fraud.post(app, &world.path("review"), &review).await.refused(Code::InvalidRequest);
}

async fn a_claim_joins_the_review(app: &mut TestApp) {
    let world = world(app, 2).await;
    let victim = &world.victims[1];
    let nothing = victim.get(app, "/affected").await;
    assert!(!nothing.text().contains("data-standing"), "nothing is published");
    let history = victim.get(app, "/api/wallet/v1/history").await.ok();
    let entry = history["entries"][0]["id"].as_str().unwrap();
    for _ in 0..2 {
        victim.post(app, "/disputes", &json!({ "entry_id": entry })).await.ok();
    }
    let page = world.fraud.get(app, &format!("/console/incidents/{}", world.incident)).await;
    let row = format!("data-member=\"{}\"", victim.customer_id);
    assert_eq!(page.text().matches(&row).count(), 1);
    assert!(page.text().contains("申告"));
    assert!(victim.get(app, "/affected").await.text().contains("data-standing=\"looking\""));
    // The count finds the same payment: it is disputed once.
    world.confirmed(app).await;
    let page = world.fraud.get(app, &format!("/console/incidents/{}", world.incident)).await;
    let total = omamori::web::filters::yen_text(loss(2));
    assert!(page.text().contains(&format!("data-figure=\"loss\">{total}")), "{total}");
}

async fn what_is_confirmed_labels_its_decisions(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    assert_eq!(rows(app, "risk_label", "stolen_account").await, 2);
    let cleared = json!({ "customers": [world.victims[0].customer_id], "state": "cleared",
        "reason": "本人の買い物" });
    world.fraud.post(app, &world.path("review"), &cleared).await.ok();
    // A fraud that was found is not taken back by another word of the same kind.
    let page = world.fraud.get(app, &format!("/console/incidents/{}", world.incident)).await;
    assert!(page.text().contains("本人の買い物"));
    let figure = omamori::web::filters::yen_text(stolen(1));
    assert!(page.text().contains(&format!("data-figure=\"loss\">{figure}")));
}

/// Goal: of a victim's payments some were their own; what is made good is the rest, and a count
/// does not bring the others back.
async fn a_transfer_that_was_the_customers_own_is_no_loss(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    let page = async || {
        let page = world.fraud.get(app, &format!("/console/incidents/{}", world.incident)).await;
        page.text().to_owned()
    };
    let text = page().await;
    let own = text.split("data-move=\"").nth(1).unwrap()[..32].to_owned();
    let path = |state: &str| world.path(&format!("moves/{own}/{state}"));
    let reason = json!({ "reason": "本人が認めた" });
    assert_eq!(world.fraud.post(app, &path("cleared"), &reason).await.status, 204);
    world.fraud.post(app, &path("x"), &reason).await.refused(Code::NotFound);
    let finance = Person::new(&app.app, Role::Finance).await;
    finance.post(app, &path("cleared"), &reason).await.refused(Code::Forbidden);
    world.fraud.post(app, &path("cleared"), &json!({ "reason": "" })).await.error();
    let other = world.path("moves/00/cleared");
    world.fraud.post(app, &other, &reason).await.refused(Code::NotFound);
    world.counted(app).await;
    let plan = json!({ "kind": "compensate", "on": "confirmed" });
    let planned = world.fraud.post(app, &world.path("acts"), &plan).await.ok();
    assert_eq!(planned["rows"], 1);
    assert!([stolen(0), stolen(1)].contains(&planned["yen"].as_i64().unwrap()), "{planned}");
    assert_eq!(world.fraud.post(app, &path("disputed"), &reason).await.status, 204);
    let planned = world.fraud.post(app, &world.path("acts"), &plan).await.ok();
    assert_eq!((&planned["rows"], &planned["yen"]), (&json!(2), &json!(loss(2))));
}

/// Goal: what a card paid in is found by who asked for it, though its credit is decided later.
async fn a_card_is_a_way_in(app: &mut TestApp) {
    let mut cards = crate::cardtopup::world::World::new(app).await;
    let card = cards.card(app, "4000000000000259").await;
    assert_eq!(cards.top_up(app, &card, 10_000).await["status"], "credited");
    let world = world(app, 1).await;
    let counted = world.count(app, "act:topup_card verdict:allow").await;
    let figures = &counted["figures"];
    assert_eq!((&figures["customers"], &figures["came"]), (&json!(1), &json!(10_000)));
    assert_eq!(figures["ways_in"][0]["way"], "topup_card");
}
