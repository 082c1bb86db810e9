//! What is not a loss, or not yet: what still waits, what members sent each other, what nobody has
//! looked at, whom staff cleared since. Nobody is paid for it.

use omamori::clock::{DAY, HOUR, MINUTE};
use omamori::gate::chart::AccountCode;
use omamori::incident::{act, cohort, work_due};
use omamori::value::legs::operator_id;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{HAD, World, opened, rows, stolen, world};
use crate::send::{id, rich, to_phone};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::passkey::Person;

on_both_engines!(
    what_waits_to_be_taken_is_not_lost_yet,
    what_was_taken_while_a_row_waited_is_made_good,
    who_is_cleared_after_the_dry_run_is_paid_nothing,
    who_is_cleared_after_the_dry_run_is_let_be,
    money_that_began_to_move_is_not_stopped_half_way,
    what_went_through_two_wallets_is_lost_once,
    a_confirmed_victims_claim_is_reviewed_before_it_counts,
    a_claim_long_after_an_incident_is_none_of_it,
);

fn compensate() -> Value {
    json!({ "kind": "compensate", "on": "confirmed" })
}

fn by_link(yen: i64) -> Value {
    json!({ "client_send_id": "thief-1", "amount": yen, "to": { "kind": "link" } })
}

fn lost(app: &TestApp) -> u64 {
    let account = app.app.gate.account(operator_id(AccountCode::IncidentLoss));
    account.map_or(0, |account| account.debits_posted)
}

async fn outcomes(app: &TestApp, act_id: &str) -> Vec<(String, String, i64)> {
    let rows = act::rows(&app.app.stores.registry, act_id, 100).await.unwrap();
    rows.into_iter().map(|row| (row.subject, row.outcome, row.moved)).collect()
}

async fn say(app: &TestApp, world: &World, customer: &str, state: &str) {
    let said = json!({ "customers": [customer], "state": state, "reason": "本人と話した" });
    world.fraud.post(app, &world.path("review"), &said).await.ok();
}

async fn confirm_all(app: &TestApp, world: &World) {
    let all = json!({ "state": "confirmed", "reason": "本人に確認" });
    world.fraud.post(app, &world.path("review"), &all).await.ok();
}

/// A thief sends ¥3,000 of ¥10,000 by link; it is counted and confirmed while it waits.
async fn sent_by_link(app: &TestApp) -> (World, Person, Value) {
    let world = world(app, 0).await;
    let mut victim = rich(app, 10_000).await;
    let made = victim.send(app, &by_link(3_000)).await.ok();
    app.clock.advance(MINUTE);
    world.count(app, &format!("customer:{} act:send", victim.customer.customer_id)).await;
    confirm_all(app, &world).await;
    (world, victim, made)
}

/// Attack: the thief sends by link, and nobody takes it. The account is stopped, so nobody can; the
/// loss is made good; and then the send comes back by itself.
async fn what_waits_to_be_taken_is_not_lost_yet(app: &mut TestApp) {
    let (world, victim, _) = sent_by_link(app).await;
    world.agreed(app, &json!({ "kind": "freeze", "on": "confirmed" })).await;
    work_due(&app.app).await.unwrap();
    let (act_id, plan) = world.agreed(app, &compensate()).await;
    assert_eq!(plan["yen"], 3_000, "so much at most");
    assert_eq!(work_due(&app.app).await.unwrap(), 0, "the row waits");
    assert_eq!((victim.customer.balance(app), lost(app)), (7_000, 0));
    assert_eq!(act::find(&app.app.stores.registry, &act_id).await.unwrap().state, "running");
    app.clock.advance(49 * HOUR);
    assert_eq!(work_due(&app.app).await.unwrap(), 1);
    assert_eq!(outcomes(app, &act_id).await[0].1, "nothing");
    // Any commit lets the ledger look at its clock.
    Customer::new(&app.app).await.load(app, &world.register, 1_000).await;
    assert_eq!((victim.customer.balance(app), lost(app)), (10_000, 0), "what the victim had");
    assert_eq!(act::find(&app.app.stores.registry, &act_id).await.unwrap().state, "done");
}

/// Goal: the same, but the thief takes it: then it is lost, and made good.
async fn what_was_taken_while_a_row_waited_is_made_good(app: &mut TestApp) {
    let (world, victim, made) = sent_by_link(app).await;
    let (act_id, _) = world.agreed(app, &compensate()).await;
    assert_eq!(work_due(&app.app).await.unwrap(), 0);
    let link = &made["send"]["link"];
    let (_, token) = link["address"].as_str().unwrap().split_once("#link=").unwrap();
    let secrets = json!({ "token": token, "passcode": link["passcode"] });
    let thief = Person::new(&app.app).await;
    thief.post(app, "/send-links/take", &secrets).await.ok();
    app.clock.advance(10 * MINUTE);
    assert_eq!(work_due(&app.app).await.unwrap(), 1);
    assert_eq!(outcomes(app, &act_id).await[0].2, 3_000);
    assert_eq!((victim.customer.balance(app), lost(app)), (10_000, 3_000));
}

/// Accident: between the dry run and the run, one of three turns out to have done it themselves:
/// nothing is paid to them. It was a mistake: a further act makes their loss good.
async fn who_is_cleared_after_the_dry_run_is_paid_nothing(app: &mut TestApp) {
    let world = world(app, 3).await;
    world.confirmed(app).await;
    let (act_id, plan) = world.agreed(app, &compensate()).await;
    assert_eq!(plan["rows"], 3);
    let first = &world.victims[0];
    say(app, &world, &first.customer_id, "cleared").await;
    assert_eq!(work_due(&app.app).await.unwrap(), 3);
    assert_eq!(first.balance(app), HAD - stolen(0));
    let all = outcomes(app, &act_id).await;
    let cleared = (first.customer_id.clone(), "cleared".to_owned(), 0);
    assert!(all.contains(&cleared), "{all:?}");
    assert_eq!(rows(app, "notice", "incident_compensated").await, 2);
    say(app, &world, &first.customer_id, "confirmed").await;
    let (_, plan) = world.agreed(app, &compensate()).await;
    assert_eq!((&plan["rows"], &plan["yen"]), (&json!(1), &json!(stolen(0))));
    work_due(&app.app).await.unwrap();
    for victim in &world.victims {
        assert_eq!(victim.balance(app), HAD);
    }
    assert_eq!(lost(app), (0..3).map(stolen).sum::<i64>().unsigned_abs());
}

/// Accident: the same with acts that move no money, or take it away; who is cleared while stopped
/// is started again with the others.
async fn who_is_cleared_after_the_dry_run_is_let_be(app: &mut TestApp) {
    let world = world(app, 2).await;
    let asked = world.victims.iter().map(|one| format!("customer:{}", one.customer_id));
    world.count(app, &asked.collect::<Vec<_>>().join("\n")).await;
    confirm_all(app, &world).await;
    let first = &world.victims[0];
    let mut acts = Vec::new();
    for parameters in [
        json!({ "kind": "freeze", "on": "confirmed" }),
        json!({ "kind": "sign_out", "on": "all" }),
        json!({ "kind": "notify", "on": "all", "letter": "affected" }),
        json!({ "kind": "hold_sales", "on": "confirmed" }),
        json!({ "kind": "reverse", "on": "confirmed" }),
    ] {
        let (act_id, plan) = world.agreed(app, &parameters).await;
        assert_eq!(plan["rows"], 2, "{parameters}");
        acts.push(act_id);
    }
    say(app, &world, &first.customer_id, "cleared").await;
    work_due(&app.app).await.unwrap();
    for act_id in &acts {
        let all = outcomes(app, act_id).await;
        let of = |word: &str| all.iter().filter(|(_, outcome, _)| outcome == word).count();
        assert_eq!((of("cleared"), of("done")), (1, 1), "{all:?}");
    }
    assert_eq!(rows(app, "customer", "frozen").await, 1);
    assert_eq!(rows(app, "notice", "incident_affected").await, 1);
    assert_eq!((first.balance(app), world.victims[1].balance(app)), (HAD - stolen(0), 0));
    // The other is cleared too, after somebody has planned to start them again.
    let (act_id, _) = world.agreed(app, &json!({ "kind": "unfreeze", "on": "confirmed" })).await;
    say(app, &world, &world.victims[1].customer_id, "cleared").await;
    work_due(&app.app).await.unwrap();
    assert_eq!(outcomes(app, &act_id).await[0].1, "done");
    assert_eq!(rows(app, "customer", "frozen").await, 0);
}

/// Accident: killed after a row was marked, before and after its transfer; then the members are
/// cleared. It was decided: each is paid, once, and what is written down is what moved.
async fn money_that_began_to_move_is_not_stopped_half_way(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    let (act_id, _) = world.agreed(app, &compensate()).await;
    let registry = &app.app.stores.registry;
    let began = sql("UPDATE incident_act_row SET outcome = 'paying' WHERE act_id = $1");
    registry.execute(began.bind(&act_id)).await.unwrap();
    let waits = sql("UPDATE incident_act_row SET due_at = $1 WHERE act_id = $2 AND subject = $3");
    let second = &world.victims[1].customer_id;
    let later = waits.bind(app.now() + HOUR).bind(&act_id).bind(second);
    registry.execute(later).await.unwrap();
    assert_eq!(work_due(&app.app).await.unwrap(), 1);
    let forgotten = sql("UPDATE incident_act_row SET state = 'waiting', outcome = 'paying',
             due_at = CAST(0 AS BIGINT), done_at = NULL, moved_yen = CAST(0 AS BIGINT)
         WHERE act_id = $1");
    registry.execute(forgotten.bind(&act_id)).await.unwrap();
    for victim in &world.victims {
        say(app, &world, &victim.customer_id, "cleared").await;
    }
    app.restart().await;
    assert_eq!(work_due(&app.app).await.unwrap(), 2);
    let all = outcomes(app, &act_id).await;
    assert!(all.iter().all(|(_, outcome, moved)| outcome == "done" && *moved > 0), "{all:?}");
    assert_eq!(lost(app), (stolen(0) + stolen(1)).unsigned_abs());
}

/// Attack: the thief holds two accounts. ¥10,000 go from the first to the second, and from there
/// to a store, with ¥2,000 that the second had: ¥12,000 are lost, and not ¥22,000.
async fn what_went_through_two_wallets_is_lost_once(app: &mut TestApp) {
    let world = world(app, 0).await;
    let (mut first, second) = (rich(app, 10_000).await, rich(app, 2_000).await);
    let sent = id(&first.send(app, &to_phone("chain", 10_000, &second.phone())).await);
    second.act(app, &sent, "take").await.ok();
    app.clock.advance(MINUTE);
    let code = second.customer.code(app.now());
    world.register.sell(app, "theft", &code, 12_000).await.ok();
    app.clock.advance(MINUTE);
    // Only the send and the payment are found: what the second received is no record that matches.
    let counted = world.count(app, "act:send\nact:payment").await;
    let figures = &counted["figures"];
    assert_eq!((&figures["customers"], &figures["loss"]), (&json!(2), &json!(12_000)));
    assert_eq!(figures["stores"][0]["yen"], 12_000, "of the store's sales all are disputed");
    let registry = &app.app.stores.registry;
    let extents = cohort::extents(registry).await.unwrap();
    assert_eq!(extents[&world.incident], (2, 12_000));
    let page = cohort::members_after(registry, &world.incident, "", 10).await.unwrap();
    let losses = page.iter().map(|(member, loss)| (member.customer_id.as_str(), *loss));
    let mut losses: Vec<_> =
        losses.map(|(id, loss)| (id == first.customer.customer_id, loss)).collect();
    losses.sort_unstable();
    assert_eq!(losses, [(false, 2_000), (true, 10_000)]);
    confirm_all(app, &world).await;
    // All of the receipt has left again: nothing of it is to be taken back.
    let reverse = json!({ "kind": "reverse", "on": "all" });
    world.fraud.post(app, &world.path("acts"), &reverse).await.refused(Code::IncidentEmpty);
    let (_, plan) = world.agreed(app, &compensate()).await;
    assert_eq!((&plan["rows"], &plan["yen"]), (&json!(2), &json!(12_000)));
    // A store gives ¥1,000 back: that is of what the second had themselves.
    world.register.refund(app, "r-1", "theft", 1_000).await.ok();
    work_due(&app.app).await.unwrap();
    assert_eq!((first.customer.balance(app), second.customer.balance(app)), (10_000, 2_000));
    assert_eq!(lost(app), 11_000);
}

/// Attack: a victim whose loss was confirmed claims payments of their own, one after the other:
/// nobody looks at them, and the next act pays.
async fn a_confirmed_victims_claim_is_reviewed_before_it_counts(app: &mut TestApp) {
    let world = world(app, 1).await;
    world.confirmed(app).await;
    let victim = &world.victims[0];
    world.register.sell(app, "own", &victim.code(app.now()), 700).await.ok();
    let history = victim.get(app, "/api/wallet/v1/history").await.ok();
    let entry = history["entries"][0]["id"].as_str().unwrap();
    victim.post(app, "/disputes", &json!({ "entry_id": entry })).await.ok();
    let (_, plan) = world.agreed(app, &compensate()).await;
    assert_eq!((&plan["rows"], &plan["yen"]), (&json!(1), &json!(stolen(0))));
    work_due(&app.app).await.unwrap();
    assert_eq!(victim.balance(app), HAD - 700);
    // Somebody says once more that the victim is one: that is no word about the claim.
    say(app, &world, &victim.customer_id, "confirmed").await;
    world.fraud.post(app, &world.path("acts"), &compensate()).await.refused(Code::IncidentEmpty);
    let path = format!("/console/incidents/{}", world.incident);
    let page = world.fraud.get(app, &path).await;
    assert_eq!(page.text().matches("data-move-state=\"claimed\"").count(), 1);
    assert!(page.text().contains("申告・未確認"));
    let mut english = world.fraud.request("GET", &path, &Value::Null);
    english.headers_mut().insert("accept-language", "en".parse().unwrap());
    let english = app.call(english).await;
    assert!(english.text().contains("Claimed, not reviewed"));
    // Staff look, and accept it.
    let (_, rest) = page.text().split_once("data-move=\"").unwrap();
    let accept = world.path(&format!("moves/{}/disputed", &rest[..32]));
    let said = json!({ "reason": "本人と防犯カメラで確認" });
    assert_eq!(world.fraud.post(app, &accept, &said).await.status, 204);
    let (_, plan) = world.agreed(app, &compensate()).await;
    assert_eq!((&plan["rows"], &plan["yen"]), (&json!(1), &json!(700)));
}

/// Goal: an incident that nobody closed does not gather every later claim.
async fn a_claim_long_after_an_incident_is_none_of_it(app: &mut TestApp) {
    let mut world = world(app, 1).await;
    let old = std::mem::take(&mut world.incident);
    let ago = sql("UPDATE incident SET first_event_at = $1 WHERE incident_id = $2");
    let ago = ago.bind(app.now() - 93 * DAY).bind(&old);
    app.app.stores.registry.execute(ago).await.unwrap();
    world.incident = opened(app, &world.fraud, "新しい被害").await;
    let victim = &world.victims[0];
    let history = victim.get(app, "/api/wallet/v1/history").await.ok();
    let entry = history["entries"][0]["id"].as_str().unwrap();
    victim.post(app, "/disputes", &json!({ "entry_id": entry })).await.ok();
    let registry = &app.app.stores.registry;
    assert!(cohort::members(registry, &old).await.unwrap().is_empty());
    assert_eq!(cohort::members(registry, &world.incident).await.unwrap().len(), 1);
}
