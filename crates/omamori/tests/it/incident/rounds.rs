//! What is found after a compensation is made good by a further one of the same incident: the
//! difference, and nobody is paid twice for one transfer.

use std::sync::atomic::{AtomicUsize, Ordering};

use omamori::gate::chart::AccountCode;
use omamori::incident::act;
use omamori::incident::run::{work_due, work_until};
use omamori::value::legs::operator_id;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{HAD, World, rows, stolen, world};
use crate::support::app::TestApp;
use crate::support::desk::Person;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    what_is_found_later_is_made_good_by_a_second_act,
    plans_that_overlap_pay_each_transfer_once,
    what_was_made_good_is_not_cleared_afterwards,
);
on_several_nodes!(plans_started_at_once_pay_each_transfer_once);

fn compensate() -> Value {
    json!({ "kind": "compensate", "on": "confirmed" })
}

async fn confirm(app: &TestApp, world: &World, victims: &[usize]) {
    let ids: Vec<_> = victims.iter().map(|number| &world.victims[*number].customer_id).collect();
    let said = json!({ "customers": ids, "state": "confirmed", "reason": "本人に確認" });
    world.fraud.post(app, &world.path("review"), &said).await.ok();
}

/// The thieves come once more, and somebody counts.
async fn stolen_again(app: &TestApp, world: &World, victim: usize, yen: i64) {
    let code = world.victims[victim].code(app.now());
    world.register.sell(app, &format!("late-{victim}"), &code, yen).await.ok();
    world.counted(app).await;
}

async fn moved(app: &TestApp, act_id: &str) -> i64 {
    act::progress(&app.app.stores.registry, act_id).await.unwrap().moved
}

fn lost(app: &TestApp) -> u64 {
    app.app.gate.account(operator_id(AccountCode::IncidentLoss)).unwrap().debits_posted
}

async fn what_is_found_later_is_made_good_by_a_second_act(app: &mut TestApp) {
    let world = world(app, 4).await;
    world.count(app, &world.conditions()).await;
    confirm(app, &world, &[0, 1]).await;
    let (first, _) = world.agreed(app, &compensate()).await;
    work_due(&app.app).await.unwrap();
    assert_eq!(moved(app, &first).await, stolen(0) + stolen(1));

    stolen_again(app, &world, 0, 700).await;
    confirm(app, &world, &[2, 3]).await;
    let (second, plan) = world.agreed(app, &compensate()).await;
    let difference = 700 + stolen(2) + stolen(3);
    assert_eq!((&plan["rows"], &plan["yen"]), (&json!(3), &json!(difference)));
    // Killed between two rows, and between the ledger and a row.
    let done = AtomicUsize::new(0);
    let stop = || done.fetch_add(1, Ordering::SeqCst) == 2;
    assert_eq!(work_until(&app.app, stop).await.unwrap(), 2);
    app.restart().await;
    let lost_rows = sql("UPDATE incident_act_row SET state = 'waiting', outcome = '',
             done_at = NULL, moved_yen = CAST(0 AS BIGINT) WHERE act_id = $1 AND state = 'done'");
    app.app.stores.registry.execute(lost_rows.bind(&second)).await.unwrap();
    assert_eq!(work_due(&app.app).await.unwrap(), 3);
    assert_eq!(moved(app, &second).await, difference);
    for (number, victim) in world.victims.iter().enumerate() {
        assert_eq!(victim.balance(app), HAD, "victim {number}: whole, and not twice");
    }
    let all: i64 = (0..4).map(stolen).sum::<i64>() + 700;
    assert_eq!(lost(app), all.unsigned_abs());
    let history = world.victims[0].get(app, "/api/wallet/v1/history").await.ok();
    let made_good = history["entries"].as_array().unwrap().iter();
    let made_good = made_good.filter(|entry| entry["kind"] == "compensation").count();
    assert_eq!(made_good, 2, "each round is a line of its own");
    let nothing = world.fraud.post(app, &world.path("acts"), &compensate()).await;
    nothing.refused(Code::IncidentEmpty);
}

/// Attack: a plan, a further loss, a plan of both; both are agreed on and started.
async fn plans_that_overlap_pay_each_transfer_once(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    let narrow = world.planned(app, &compensate()).await;
    stolen_again(app, &world, 0, 700).await;
    let wide = world.planned(app, &compensate()).await;
    world.start(app, &narrow).await;
    world.start(app, &wide).await;
    work_due(&app.app).await.unwrap();
    assert_eq!(moved(app, &narrow).await, stolen(0) + stolen(1));
    assert_eq!(moved(app, &wide).await, 700, "the difference, though more was agreed on");
    for victim in &world.victims {
        assert_eq!(victim.balance(app), HAD);
    }
    assert_eq!(rows(app, "notice", "incident_compensated").await, 3);
}

/// The same, started at once, and worked on by two nodes.
async fn plans_started_at_once_pay_each_transfer_once(app: &mut TestApp) {
    let world = world(app, 3).await;
    world.confirmed(app).await;
    let mut paths = Vec::new();
    for late in 0..3 {
        let act_id = world.planned(app, &compensate()).await;
        paths.push(world.approved(app, &act_id).await);
        stolen_again(app, &world, late, 700).await;
    }
    let starts = paths.into_iter().map(|path| {
        let (staff_id, token) = (world.fraud.staff_id.clone(), world.fraud.token.clone());
        let (fraud, node) = (Person { staff_id, token }, (*app).clone());
        async move { fraud.post(&node, &path, &Value::Null).await }
    });
    for answer in at_once(starts).await {
        answer.ok();
    }
    let last = world.planned(app, &compensate()).await;
    world.start(app, &last).await;
    let other = app.another_node().await;
    let nodes = [app.app.clone(), other.app.clone(), app.app.clone(), other.app.clone()];
    at_once(nodes.into_iter().map(|app| async move { work_due(&app).await.unwrap() })).await;
    app.app.gate.catch_up().await.unwrap();
    for victim in &world.victims {
        assert_eq!(victim.balance(app), HAD);
    }
    let all: i64 = (0..3).map(stolen).sum::<i64>() + 3 * 700;
    assert_eq!(lost(app), all.unsigned_abs());
    other.app.close().await;
}

/// Attack: a transfer is made good, cleared, disputed again, and made good once more.
async fn what_was_made_good_is_not_cleared_afterwards(app: &mut TestApp) {
    let world = world(app, 1).await;
    world.confirmed(app).await;
    world.agreed(app, &compensate()).await;
    work_due(&app.app).await.unwrap();
    let page = world.fraud.get(app, &format!("/console/incidents/{}", world.incident)).await;
    let (_, rest) = page.text().split_once("data-move=\"").unwrap();
    let transfer = rest[..32].to_owned();
    for state in ["cleared", "disputed"] {
        let path = world.path(&format!("moves/{transfer}/{state}"));
        let said = json!({ "reason": "本人の取引だった" });
        world.fraud.post(app, &path, &said).await.refused(Code::IncidentPaid);
    }
    // Nor is it forgotten by a count that does not find it any more.
    let cleared = json!({ "customers": [world.victims[0].customer_id], "state": "suspected",
        "reason": "見直し" });
    world.fraud.post(app, &world.path("review"), &cleared).await.ok();
    world.count(app, "amount_min:900000").await;
    world.confirmed(app).await;
    let again = world.fraud.post(app, &world.path("acts"), &compensate()).await;
    again.refused(Code::IncidentEmpty);
    assert_eq!(world.victims[0].balance(app), HAD);
}
