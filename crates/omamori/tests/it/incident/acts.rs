//! Acts on a cohort: what the dry run lists is what is done, once.

use omamori::gate::chart::AccountCode;
use omamori::incident::{act, work_due};
use omamori::value::legs::operator_id;
use omamori::web::codes::Code;
use serde_json::json;

use super::{HAD, rows, stolen, world};
use crate::support::app::TestApp;
use crate::support::on_both_engines;

on_both_engines!(
    accounts_are_stopped_and_started,
    sessions_end_and_phones_are_unbound,
    factors_are_forgotten,
    members_are_told_once,
    doors_are_closed_and_payouts_held,
    unspent_value_is_taken_back,
);

/// What was done is what the plan listed, row by row, and doing it again does nothing.
async fn does(app: &TestApp, world: &super::World, parameters: &serde_json::Value) -> i64 {
    let before = act::of(&app.app.stores.registry, &world.incident).await.unwrap().len();
    let (act_id, plan) = world.agreed(app, parameters).await;
    let registry = &app.app.stores.registry;
    let listed = act::rows(registry, &act_id, 1_000).await.unwrap();
    assert!(listed.iter().all(|row| row.state == "waiting"), "nothing is done by a plan");
    let done = work_due(&app.app).await.unwrap();
    assert_eq!(done, listed.len());
    let after = act::rows(registry, &act_id, 1_000).await.unwrap();
    let subjects = |rows: &[act::ActRow]| -> Vec<(String, i64)> {
        rows.iter().map(|row| (row.subject.clone(), row.yen)).collect()
    };
    assert_eq!(subjects(&after), subjects(&listed));
    assert!(after.iter().all(|row| row.state == "done" && row.moved == row.yen), "{after:?}");
    assert_eq!(plan["rows"].as_u64().unwrap() as usize, after.len());
    assert_eq!(act::find(registry, &act_id).await.unwrap().state, "done");
    assert_eq!(work_due(&app.app).await.unwrap(), 0);
    assert_eq!(act::of(registry, &world.incident).await.unwrap().len(), before + 1);
    plan["rows"].as_i64().unwrap()
}

async fn accounts_are_stopped_and_started(app: &mut TestApp) {
    let world = world(app, 3).await;
    world.confirmed(app).await;
    assert_eq!(does(app, &world, &json!({ "kind": "freeze", "on": "confirmed" })).await, 3);
    assert_eq!(rows(app, "customer", "frozen").await, 3);
    let code = world.victims[0].code(app.now());
    let sale = world.register.sell(app, "after", &code, 100).await;
    sale.refused(Code::AccountFrozen);
    assert_eq!(does(app, &world, &json!({ "kind": "unfreeze", "on": "confirmed" })).await, 3);
    assert_eq!(rows(app, "customer", "frozen").await, 0);
    assert_eq!(rows(app, "audit_entry", "staff_freeze").await, 3);
    let nobody = json!({ "kind": "unfreeze", "on": "confirmed" });
    world.fraud.post(app, &world.path("acts"), &nobody).await.refused(Code::IncidentEmpty);
}

async fn sessions_end_and_phones_are_unbound(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    does(app, &world, &json!({ "kind": "sign_out", "on": "all" })).await;
    assert_eq!(rows(app, "session", "passkey").await, 0);
    assert_eq!(rows(app, "device", "active").await, 0);
    let victim = &world.victims[0];
    assert_ne!(victim.get(app, "/history").await.status, 200);
    let sale = world.register.sell(app, "after", &victim.code(app.now()), 100).await;
    assert!(sale.status.is_client_error(), "a code of an unbound phone: {}", sale.text());
    assert_eq!(rows(app, "notice", "phones_unbound").await, 2);
}

async fn factors_are_forgotten(app: &mut TestApp) {
    let world = world(app, 1).await;
    world.confirmed(app).await;
    let person = crate::support::passkey::Person::new(&app.app).await;
    let add = json!({ "customer_id": person.customer.customer_id, "reason": "同じ手口" });
    world.fraud.post(app, &world.path("members"), &add).await;
    assert_eq!(does(app, &world, &json!({ "kind": "require_factors", "on": "all" })).await, 2);
    let left = omamori_db::sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM passkey");
    assert_eq!(app.app.stores.registry.one(left).await.unwrap().int("n").unwrap(), 0);
    assert_eq!(rows(app, "notice", "factors_forgotten").await, 2);
}

async fn members_are_told_once(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    let notify = json!({ "kind": "notify", "on": "confirmed", "letter": "affected" });
    does(app, &world, &notify).await;
    assert_eq!(rows(app, "notice", "incident_affected").await, 2);
    let page = world.victims[1].get(app, "/affected").await;
    assert!(page.text().contains("data-standing=\"affected\""));
    let lost = omamori::web::filters::yen_text(-stolen(1));
    assert!(page.text().contains(&lost), "{lost}");
    assert!(!page.text().contains("cus_") && !page.text().contains("電子タバコ"));
}

async fn doors_are_closed_and_payouts_held(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    let doors = json!({ "kind": "close_doors", "on": "all", "subjects": ["payment", "send"],
        "scope": "", "scope_of": "" });
    assert_eq!(does(app, &world, &doors).await, 2);
    let hold = json!({ "kind": "hold_payouts", "on": "all" });
    assert_eq!(does(app, &world, &hold).await, 1);
    let closed = app.app.gate.controls().closed(app.now());
    let held = closed.iter().any(|one| {
        one.scope == omamori::control::Scope::Merchant(world.register.merchant_id.clone())
    });
    assert!(held && closed.len() == 3, "{closed:?}");
    // Another plan of the same closes nothing twice.
    let (act_id, _) = world.agreed(app, &hold).await;
    work_due(&app.app).await.unwrap();
    let rows = act::rows(&app.app.stores.registry, &act_id, 10).await.unwrap();
    assert_eq!(rows[0].outcome, "already");
    assert_eq!(app.app.gate.controls().closed(app.now()).len(), 3);
    let page = world.fraud.get(app, &format!("/console/incidents/{}", world.incident)).await;
    assert!(page.text().contains("機能を停止"), "the log has the doors");
}

/// What was topped up and not spent goes back to the operator; nobody's balance falls below zero.
async fn unspent_value_is_taken_back(app: &mut TestApp) {
    let world = world(app, 2).await;
    let question = world.victims.iter().map(|one| format!("customer:{}", one.customer_id));
    world.count(app, &question.collect::<Vec<_>>().join("\n")).await;
    let all = json!({ "state": "confirmed", "reason": "確認" });
    world.fraud.post(app, &world.path("review"), &all).await.ok();
    does(app, &world, &json!({ "kind": "reverse", "on": "confirmed" })).await;
    for victim in &world.victims {
        assert_eq!(victim.balance(app), 0);
    }
    let held = app.app.gate.account(operator_id(AccountCode::IncidentReturned)).unwrap();
    let left: i64 = (0..2).map(|number| HAD - stolen(number)).sum();
    assert_eq!(held.credits_posted, left.unsigned_abs());
    let history = world.victims[0].get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"][0]["kind"], "reversal");
}
