//! Campaigns of the operator that take two people.

use omamori::console::access::Role;
use omamori::coupon::manage;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::budget_left;
use crate::support::app::TestApp;
use crate::support::desk::Person;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    one_person_promises_so_much_a_day_and_two_promise_more,
    two_requests_at_once_are_counted_together,
    points_have_no_budget_and_take_two,
);

const PATH: &str = "/campaigns";

fn campaign(key: &str, budget: i64) -> Value {
    json!({ "key": key, "reason": "夏の販促", "starts_on": "2026-04-01", "ends_on": "2026-04-30",
        "terms": { "name": "50円引き", "budget": budget,
            "gift": { "kind": "amount_off", "yen": 50 } } })
}

/// Another one agrees. How, with a passkey, has tests of its own (`console/tests/approvals.rs`).
async fn agreed(app: &TestApp, approval: &str) {
    let second = Person::new(&app.app, Role::Finance).await;
    let given = sql("UPDATE approval SET state = 'given', decided_by = $1
         WHERE approval_id = $2 AND state = 'open'");
    let given = given.bind(&second.staff_id).bind(approval);
    assert_eq!(app.app.stores.registry.execute(given).await.unwrap(), 1);
}

async fn campaigns(app: &TestApp) -> Vec<String> {
    let query = sql("SELECT campaign_id FROM campaign ORDER BY created_at");
    let rows = app.app.stores.registry.all(query).await.unwrap();
    rows.iter().map(|row| row.text("campaign_id").unwrap()).collect()
}

/// Attack: one person of finance gives ¥100,000,000 away, at once or in parts.
async fn one_person_promises_so_much_a_day_and_two_promise_more(app: &mut TestApp) {
    let finance = Person::new(&app.app, Role::Finance).await;
    let all = finance.post(app, PATH, &campaign("a-1", 100_000_000)).await.ok();
    let approval = all["approval_id"].as_str().unwrap().to_owned();
    assert!(campaigns(app).await.is_empty() && all["campaign_id"].is_null());
    let page = finance.get(app, "/console/approvals").await;
    assert!(page.text().contains("¥100,000,000") && page.text().contains("キャンペーンの開始"));

    let give = json!({ "verdict": "give" });
    let own = finance.post(app, &format!("/approvals/{approval}/options"), &give).await;
    own.refused(Code::SecondPersonNeeded);
    let carry_out = format!("/approvals/{approval}/carry-out");
    finance.post(app, &carry_out, &json!({})).await.refused(Code::ApprovalClosed);
    agreed(app, &approval).await;
    // Who does not know what became of it asks again.
    for _ in 0..2 {
        finance.post(app, &carry_out, &json!({})).await.ok();
        let ids = campaigns(app).await;
        let begun = manage::find(&app.app, &ids[0]).await.unwrap().unwrap();
        assert_eq!((ids.len(), budget_left(app, &begun)), (1, 100_000_000));
    }
    let other = Person::new(&app.app, Role::Finance).await;
    other.post(app, &carry_out, &json!({})).await.refused(Code::ApprovalClosed);

    // What two agreed to is not counted as this one's.
    for (key, budget) in [("a-2", 600_000), ("a-3", 400_000)] {
        let begun = finance.post(app, PATH, &campaign(key, budget)).await.ok();
        assert!(begun["campaign_id"].is_string());
    }
    let more = finance.post(app, PATH, &campaign("a-4", 50)).await.ok();
    assert!(more["approval_id"].is_string(), "the day's sum counts");
    assert_eq!(campaigns(app).await.len(), 3);
}

/// Attack: many requests in the same moment.
async fn two_requests_at_once_are_counted_together(app: &mut TestApp) {
    let finance = std::sync::Arc::new(Person::new(&app.app, Role::Finance).await);
    let node = (**app).clone();
    let answers = at_once((0..4).map(|number| {
        let (finance, node, key) = (finance.clone(), node.clone(), format!("a-{number}"));
        async move { finance.post(&node, PATH, &campaign(&key, 600_000)).await }
    }))
    .await;
    let begun = answers.into_iter().filter(|answer| answer.ok()["campaign_id"].is_string()).count();
    assert_eq!((begun, campaigns(app).await.len()), (1, 1));
}

/// Attack: points are given in tens of times, with no budget that could be passed.
async fn points_have_no_budget_and_take_two(app: &mut TestApp) {
    let finance = Person::new(&app.app, Role::Finance).await;
    let mut body = campaign("a-1", 0);
    body["terms"]["gift"] = json!({ "kind": "points_factor", "factor": 5 });
    let asked = finance.post(app, PATH, &body).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    agreed(app, approval).await;
    finance.post(app, &format!("/approvals/{approval}/carry-out"), &json!({})).await.ok();
    assert_eq!(campaigns(app).await.len(), 1);
    let page = finance.get(app, "/console/approvals").await;
    assert!(page.text().contains("予算なし"));
}
