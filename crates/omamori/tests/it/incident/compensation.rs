//! Losses are made good: killed in the middle and gone on, on two nodes, where an account is
//! closed. Each victim is whole to the yen, none twice, and the books balance (the end of every
//! test).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use omamori::gate::chart::AccountCode;
use omamori::incident::act;
use omamori::incident::run::{work_due, work_until};
use omamori::value::legs::operator_id;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{HAD, World, rows, stolen, world};
use crate::support::app::{Node, TestApp};
use crate::support::{at_once, on_both_engines, on_several_nodes, wait_until};

on_both_engines!(
    a_compensation_that_is_killed_goes_on_and_pays_each_once,
    a_task_that_is_aborted_leaves_nobody_out,
    a_closed_account_is_on_the_list_for_the_bank,
    a_second_plan_pays_nobody_twice,
    a_loss_in_two_incidents_is_made_good_once,
    what_a_store_gave_back_since_is_no_loss,
);
on_several_nodes!(two_nodes_at_once_pay_each_once);

fn compensate() -> Value {
    json!({ "kind": "compensate", "on": "confirmed" })
}

fn total(victims: usize) -> i64 {
    (0..victims).map(stolen).sum()
}

/// Everybody has what they had before the thieves came; and was told, and written down, once.
async fn assert_whole(node: &Node, world: &World) {
    for (number, victim) in world.victims.iter().enumerate() {
        assert_eq!(victim.balance(node), HAD, "victim {number}");
    }
    let count = i64::try_from(world.victims.len()).unwrap();
    assert_eq!(rows(node, "notice", "incident_compensated").await, count);
    assert_eq!(rows(node, "audit_entry", "incident_compensated").await, count);
    let loss = node.app.gate.account(operator_id(AccountCode::IncidentLoss)).unwrap();
    assert_eq!(loss.debits_posted, total(world.victims.len()).unsigned_abs());
    assert_eq!(loss.credits_posted, 0);
}

async fn a_compensation_that_is_killed_goes_on_and_pays_each_once(app: &mut TestApp) {
    let world = world(app, 6).await;
    world.confirmed(app).await;
    let (act_id, plan) = world.agreed(app, &compensate()).await;
    assert_eq!((&plan["rows"], &plan["yen"]), (&json!(6), &json!(total(6))));
    // After three rows the process is gone.
    let done = AtomicUsize::new(0);
    let stop = || done.fetch_add(1, Ordering::SeqCst) == 3;
    assert_eq!(work_until(&app.app, stop).await.unwrap(), 3);
    let whole = world.victims.iter().filter(|one| one.balance(app) == HAD).count();
    assert_eq!(whole, 3, "in the middle");
    app.restart().await;
    // And between the ledger and the row: the value has moved, and nobody has written it down.
    let lost = sql("UPDATE incident_act_row SET state = 'waiting', outcome = '', done_at = NULL,
             moved_yen = CAST(0 AS BIGINT)
         WHERE act_id = $1 AND subject = (SELECT MIN(subject) FROM incident_act_row
             WHERE act_id = $1 AND state = 'done')");
    app.app.stores.registry.execute(lost.bind(&act_id)).await.unwrap();
    assert_eq!(work_due(&app.app).await.unwrap(), 4);
    for (number, victim) in world.victims.iter().enumerate() {
        assert_eq!(victim.balance(app), HAD, "victim {number}: whole, and not twice");
    }
    let loss = app.app.gate.account(operator_id(AccountCode::IncidentLoss)).unwrap();
    assert_eq!(loss.debits_posted, total(6).unsigned_abs());
    let rows = act::rows(&app.app.stores.registry, &act_id, 10).await.unwrap();
    assert!(rows.iter().all(|row| row.outcome == "done" && row.moved == row.yen), "{rows:?}");
    let progress = act::progress(&app.app.stores.registry, &act_id).await.unwrap();
    assert_eq!((progress.done, progress.moved), (6, total(6)));
    let history = world.victims[0].get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"][0]["kind"], "compensation");
    assert_eq!(history["entries"][0]["amount"], stolen(0));
    app.restart_without_views().await;
    assert_eq!(work_due(&app.app).await.unwrap(), 0);
}

async fn a_task_that_is_aborted_leaves_nobody_out(app: &mut TestApp) {
    let world = world(app, 6).await;
    world.confirmed(app).await;
    world.agreed(app, &compensate()).await;
    let worker = app.app.clone();
    let task = tokio::spawn(async move { work_due(&worker).await.map(drop) });
    wait_until(|| world.victims.iter().any(|one| one.balance(app) == HAD)).await;
    task.abort();
    let _ = task.await;
    app.restart().await;
    work_due(&app.app).await.unwrap();
    assert_whole(app, &world).await;
}

async fn two_nodes_at_once_pay_each_once(app: &mut TestApp) {
    let world = world(app, 6).await;
    world.confirmed(app).await;
    world.agreed(app, &compensate()).await;
    let other = app.another_node().await;
    let nodes: Vec<Arc<_>> = (0..4)
        .map(|number| if number % 2 == 0 { app.app.clone() } else { other.app.clone() })
        .collect();
    let done = at_once(nodes.into_iter().map(|app| async move { work_due(&app).await.unwrap() }));
    assert!(done.await.into_iter().sum::<usize>() >= 6);
    app.app.gate.catch_up().await.unwrap();
    assert_whole(app, &world).await;
    other.app.close().await;
}

async fn a_closed_account_is_on_the_list_for_the_bank(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    let gone = &world.victims[1].customer_id;
    let close = sql("UPDATE customer SET status = 'closed' WHERE customer_id = $1");
    app.app.stores.registry.execute(close.bind(gone)).await.unwrap();
    let (act_id, _) = world.agreed(app, &compensate()).await;
    work_due(&app.app).await.unwrap();
    assert_eq!(world.victims[0].balance(app), HAD);
    let owed = app.app.gate.account(operator_id(AccountCode::IncidentPayable)).unwrap();
    assert_eq!(owed.credits_posted, stolen(1).unsigned_abs());
    let path = format!("/api/admin/v1/incident-acts/{act_id}/csv");
    let csv = world.second.get(app, &path).await;
    let line = format!("{gone},{0},done,payout,{0}", stolen(1));
    assert!(csv.text().contains(&line), "{line}: {}", csv.text());
    assert_eq!(rows(app, "audit_entry", "incident_export").await, 1);
}

/// Attack: the same loss is planned twice before either is carried out, and once more after it.
async fn a_second_plan_pays_nobody_twice(app: &mut TestApp) {
    let world = world(app, 3).await;
    world.confirmed(app).await;
    let first = world.planned(app, &compensate()).await;
    let second = world.planned(app, &compensate()).await;
    world.start(app, &first).await;
    world.start(app, &second).await;
    work_due(&app.app).await.unwrap();
    let mut moved = Vec::new();
    for act_id in [first, second] {
        assert_eq!(act::find(&app.app.stores.registry, &act_id).await.unwrap().state, "done");
        moved.push(act::progress(&app.app.stores.registry, &act_id).await.unwrap().moved);
    }
    moved.sort_unstable();
    assert_eq!(moved, [0, total(3)], "one of them moved all, the other found nothing");
    assert_eq!(rows(app, "notice", "incident_compensated").await, 3);
    for victim in &world.victims {
        assert_eq!(victim.balance(app), HAD);
    }
    let again = world.fraud.post(app, &world.path("acts"), &compensate()).await;
    again.refused(omamori::web::codes::Code::IncidentEmpty);
    // Nor under another count, after a note, with a bigger loss in the lists.
    world.counted(app).await;
    let again = world.fraud.post(app, &world.path("acts"), &compensate()).await;
    again.refused(omamori::web::codes::Code::IncidentEmpty);
}

/// Attack: the same payments are in two incidents, and both are agreed on before either pays.
async fn a_loss_in_two_incidents_is_made_good_once(app: &mut TestApp) {
    let mut world = world(app, 3).await;
    let mut plans = Vec::new();
    for title in ["電子タバコの大量購入", "同じ被害の別の届出"] {
        world.incident = super::opened(app, &world.fraud, title).await;
        world.confirmed(app).await;
        let plan = world.fraud.post(app, &world.path("acts"), &compensate()).await.ok();
        assert_eq!(plan["yen"], total(3));
        plans.push(plan["act_id"].as_str().unwrap().to_owned());
    }
    let mut moved = Vec::new();
    for act_id in &plans {
        world.start(app, act_id).await;
    }
    work_due(&app.app).await.unwrap();
    for act_id in &plans {
        moved.push(act::progress(&app.app.stores.registry, act_id).await.unwrap().moved);
    }
    assert_eq!(moved, [total(3), 0], "who started first");
    for victim in &world.victims {
        assert_eq!(victim.balance(app), HAD);
    }
    assert_eq!(rows(app, "notice", "incident_compensated").await, 3);
    let nothing = world.fraud.post(app, &world.path("acts"), &compensate()).await;
    nothing.refused(omamori::web::codes::Code::IncidentEmpty);
}

/// Goal: between what two people agreed on and the run, a store refunds one victim whole and one
/// in part: everybody has what they had, and no more.
async fn what_a_store_gave_back_since_is_no_loss(app: &mut TestApp) {
    let world = world(app, 3).await;
    world.confirmed(app).await;
    let (act_id, _) = world.agreed(app, &compensate()).await;
    world.register.refund(app, "r-0", "theft-0", stolen(0)).await.ok();
    world.register.refund(app, "r-1", "theft-1", 1_000).await.ok();
    work_due(&app.app).await.unwrap();
    for victim in &world.victims {
        assert_eq!(victim.balance(app), HAD);
    }
    let progress = act::progress(&app.app.stores.registry, &act_id).await.unwrap();
    assert_eq!((progress.done, progress.moved), (3, total(3) - stolen(0) - 1_000));
    let rows = act::rows(&app.app.stores.registry, &act_id, 10).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.outcome == "nothing").count(), 1);
}
