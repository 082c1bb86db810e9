//! What rules would have done: labels, back-tests, the test bench; and cases of what they held.

use omamori::case::{self, CaseKind, NewCase, Opener};
use omamori::clock::{DAY, SECOND};
use omamori::console::access::Role;
use omamori::risk::backtest::{Period, run};
use omamori::risk::label;
use omamori::risk::rules::check;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use super::rules::{publish, rule};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    a_back_test_counts_against_labels_beside_the_live_set,
    what_a_rule_holds_becomes_one_case_a_day,
    a_decided_case_labels_its_payments_unless_staff_said_otherwise,
);

/// Goal: caught yen and bothered customers to the yen and the head, in the run, at the desk and
/// on the bench.
async fn a_back_test_counts_against_labels_beside_the_live_set(app: &mut TestApp) {
    publish(&app.app, &rule("huge", "\"payment\"", "act.amount >= 50000", "\"hold\"")).await;
    let register = Register::new(&app.app).await;
    let (victim, honest) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    for customer in [&victim, &honest] {
        customer.load(app, &register, 20_000).await;
    }
    let mut ids = Vec::new();
    for (id, customer, amount) in
        [("s-1", &victim, 6_000), ("s-2", &victim, 300), ("s-3", &honest, 7_000)]
    {
        app.clock.advance(SECOND);
        let sold = register.sell(app, id, &customer.code(app.now()), amount).await.ok();
        ids.push(sold["payment"]["payment_id"].as_str().unwrap().to_owned());
    }
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let viewer = Person::new(&app.app, Role::Viewer).await;
    let label = json!({ "decision": ids[0], "kind": "stolen_account" });
    viewer.post(app, "/rules/labels", &label).await.refused(Code::Forbidden);
    let set = fraud.post(app, "/rules/labels", &label).await;
    assert_eq!(set.status.as_u16(), 204, "{}", set.text());
    let none = json!({ "decision": "pay_00000000000000000000000001", "kind": "other" });
    fraud.post(app, "/rules/labels", &none).await.refused(Code::NotFound);

    let text = rule("large", "\"payment\"", "act.amount >= 5000", "\"hold\"");
    let (tested, live) = (check(&text).unwrap(), app.app.gate.risk().in_force());
    let period = Period { from: app.now() - DAY, to: app.now() + 1 };
    let stores = &app.app.stores;
    let found = run(stores, period, (&tested, &live.set), u64::MAX, |_| ()).await.unwrap();
    assert!(found.complete && found.labelled == 1);
    let total = &found.tested.total;
    assert_eq!((total.hits, total.frauds, total.caught_yen, total.bothered), (2, 1, 6_000, 1));
    assert_eq!(found.live.total.hits, 0);
    let kind = &found.tested.kinds["stolen_account"];
    assert_eq!((kind.acts, kind.stopped, kind.yen), (1, 1, 6_000));
    let bars = found.bars();
    assert_eq!((bars[0].rule.as_str(), bars[1].rule.as_str()), ("", "large"));
    assert_eq!((bars[1].caught_width, bars[1].live_caught_width), (200, 0));
    let few = run(stores, period, (&tested, &live.set), 2, |_| ()).await.unwrap();
    assert!(!few.complete && few.tested.acts == 2);

    let draft = json!({ "rules": text });
    assert_eq!(fraud.post(app, "/rules/draft", &draft).await.status.as_u16(), 204);
    let page = fraud.get(app, "/console/rules/backtest?from=2026-04-01&to=2026-04-01").await;
    assert!(page.status.is_success() && page.text().contains("¥6,000"), "{}", page.text());
    let bench = fraud.get(app, &format!("/console/rules/edit?decision={}", ids[2])).await;
    let now = bench.text().split("data-bench-now").nth(1).unwrap().split("</dd>").next().unwrap();
    assert!(now.contains("large"), "{now}");
    let wrong = fraud.get(app, "/console/rules/backtest?from=2026-04-02&to=2026-04-01").await;
    assert_eq!(wrong.status.as_u16(), 400);
}

/// Goal: staff see what was held, once, with the evidence; the customer's retries add no pile.
async fn what_a_rule_holds_becomes_one_case_a_day(app: &mut TestApp) {
    publish(&app.app, &rule("large", "\"topup_cash\"", "act.amount >= 5000", "\"hold\"")).await;
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    for id in ["t-1", "t-2"] {
        let code = customer.code(app.now());
        register.top_up(app, id, &code, 6_000).await.refused(Code::HeldForReview);
    }
    let query = || sql("SELECT customer_id, amount_yen, opened_by, evidence FROM case_file");
    let look = async {
        loop {
            let rows = app.app.stores.registry.all(query()).await.unwrap();
            if !rows.is_empty() {
                return rows;
            }
            tokio::task::yield_now().await;
        }
    };
    let rows = tokio::time::timeout(std::time::Duration::from_secs(30), look).await.unwrap();
    let [case] = &rows[..] else { panic!("{} cases", rows.len()) };
    assert_eq!(case.text("customer_id").unwrap(), customer.customer_id);
    assert_eq!(
        (case.int("amount_yen").unwrap(), case.text("opened_by").unwrap()),
        (6_000, "large".to_owned())
    );
    assert!(case.text("evidence").unwrap().contains("\"act.amount\":6000"));
}

/// Opens a case about payments, takes it and decides it.
async fn decided(app: &TestApp, fraud: &Person, kind: CaseKind, ids: &[String], outcome: &str) {
    let mut tx = app.app.stores.registry.begin().await.unwrap();
    let new = NewCase {
        kind,
        key: &ids.concat(),
        customer_id: None,
        store_id: None,
        subjects: ids,
        amount: None,
        decision_id: None,
        opener: Opener::Rule("r-1"),
        evidence: &json!({}),
    };
    let (id, _) = case::open(&app.app, &mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    fraud.post(app, &format!("/cases/{id}/take"), &json!({})).await;
    let because = json!({ "reason": "端末が別", "message": "" });
    let decided = fraud.post(app, &format!("/cases/{id}/decide/{outcome}"), &because).await;
    assert_eq!(decided.status.as_u16(), 204, "{}", decided.text());
}

/// Goal: what staff find in a dispute is what back-tests count, without anybody typing it again;
/// what one of them said by hand stands; a fraud is not taken back by another case.
async fn a_decided_case_labels_its_payments_unless_staff_said_otherwise(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, 9_000).await;
    let mut ids = Vec::new();
    for id in ["s-1", "s-2", "s-3"] {
        app.clock.advance(SECOND);
        let sold = register.sell(app, id, &customer.code(app.now()), 300).await.ok();
        ids.push(sold["payment"]["payment_id"].as_str().unwrap().to_owned());
    }
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let by_hand = json!({ "decision": ids[2], "kind": "honest" });
    assert_eq!(fraud.post(app, "/rules/labels", &by_hand).await.status.as_u16(), 204);
    let labels = async || {
        let newest = label::newest(&app.app.stores.registry, 9).await.unwrap();
        let said = |label: label::Label| format!("{} by {}", label.kind, label.source);
        newest.into_iter().rev().map(said).collect::<Vec<_>>()
    };
    decided(app, &fraud, CaseKind::Dispute, &ids[1..], "accepted").await;
    assert_eq!(labels().await, ["stolen_account by dispute", "honest by staff"]);
    decided(app, &fraud, CaseKind::Alert, &ids[..2], "harmless").await;
    let three = ["honest by dispute", "stolen_account by dispute", "honest by staff"];
    assert_eq!(labels().await, three);
    let page = fraud.get(app, "/console/rules/labels").await;
    assert!(page.text().contains("アカウントの乗っ取り") && page.text().contains("cse_"));

    let period = Period { from: app.now() - DAY, to: app.now() + 1 };
    let tested = check(&rule("all", "\"payment\"", "true", "\"hold\"")).unwrap();
    let live = app.app.gate.risk().in_force();
    let found = run(&app.app.stores, period, (&tested, &live.set), u64::MAX, |_| ()).await.unwrap();
    assert_eq!((found.labelled, found.tested.kinds["stolen_account"].yen), (1, 300));
}
