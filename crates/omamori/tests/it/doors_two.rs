//! Doors that take two people, where the operator wants it: one alone opens nothing again.

use axum::http::StatusCode;
use omamori::console::access::Role;
use omamori::control::Door;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    one_alone_closes_and_two_open_again,
    closing_for_many_takes_two_where_it_is_set,
    without_the_setting_one_does_both,
);

fn because() -> Value {
    json!({ "reason": "攻撃の停止" })
}

/// The only thing that is closed.
async fn closed(app: &TestApp, fraud: &Person, door: &str) -> String {
    let path = format!("/doors/{door}/close");
    let done = fraud.post(app, &path, &because()).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text());
    let [closure] = &app.app.gate.controls().closed(app.now())[..] else { panic!("one is closed") };
    closure.control_id.clone()
}

/// Another one agrees. How, with a passkey, has tests of its own (`console/tests/approvals.rs`).
/// Gives who.
async fn agreed(app: &TestApp, approval: &str) -> String {
    let second = Person::new(&app.app, Role::Admin).await;
    let given = sql("UPDATE approval SET state = 'given', decided_by = $1
         WHERE approval_id = $2 AND state = 'open'");
    let given = given.bind(&second.staff_id).bind(approval);
    assert_eq!(app.app.stores.registry.execute(given).await.unwrap(), 1);
    second.staff_id.clone()
}

/// Attack: an insider opens what colleagues closed against a thief who pays them.
async fn one_alone_closes_and_two_open_again(app: &mut TestApp) {
    app.restart_with(|config| config.desk.doors_two_people = vec!["payment".to_owned()]).await;
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 1_000).await;
    let control = closed(app, &fraud, "payment").await;
    let code = customer.code(app.now());
    register.sell(app, "s-1", &code, 100).await.refused(Code::FunctionClosed);

    let open = format!("/controls/{control}/open");
    let asked = fraud.post(app, &open, &because()).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    let carry_out = format!("/approvals/{approval}/carry-out");
    fraud.post(app, &carry_out, &json!({})).await.refused(Code::ApprovalClosed);
    let give = json!({ "verdict": "give" });
    let own = fraud.post(app, &format!("/approvals/{approval}/options"), &give).await;
    own.refused(Code::SecondPersonNeeded);
    register.sell(app, "s-1", &code, 100).await.refused(Code::FunctionClosed);
    let page = fraud.get(app, "/console/approvals").await;
    assert!(page.text().contains("/console/doors") && page.text().contains("再開する"));

    // Whoever agreed must still be one who may, when it is carried out.
    let second = agreed(app, approval).await;
    let role = sql("UPDATE staff SET role = $1 WHERE staff_id = $2");
    let registry = &app.app.stores.registry;
    registry.execute(role.clone().bind("viewer").bind(&second)).await.unwrap();
    fraud.post(app, &carry_out, &json!({})).await.refused(Code::ApprovalClosed);
    registry.execute(role.bind("admin").bind(&second)).await.unwrap();
    fraud.post(app, &carry_out, &json!({})).await.ok();
    register.sell(app, "s-1", &code, 100).await.ok();
    fraud.post(app, &open, &because()).await.refused(Code::NotFound);
    let written = sql("SELECT act, subject FROM audit_entry WHERE act = 'door_open'");
    let written = app.app.stores.registry.all(written).await.unwrap();
    assert_eq!((written.len(), written[0].text("subject").unwrap()), (1, control));

    // A door that is not on the list.
    let control = closed(app, &fraud, "signup").await;
    let done = fraud.post(app, &format!("/controls/{control}/open"), &because()).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT);
}

/// Attack: an insider stops the service for everybody, or for 99 of 100. One store is closed by one
/// person all the same.
async fn closing_for_many_takes_two_where_it_is_set(app: &mut TestApp) {
    app.restart_with(|config| {
        config.desk.doors_two_people_to_close = vec!["payment".to_owned()];
    })
    .await;
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let register = Register::new(&app.app).await;
    let mut approvals = Vec::new();
    for (scope, subject) in [("all", ""), ("percent", "99"), ("country", "JP"), ("asn", "64500")] {
        let body = json!({ "reason": "保守", "scope": scope, "subject": subject, "hours": "2" });
        let asked = fraud.post(app, "/doors/payment/close", &body).await.ok();
        approvals.push(asked["approval_id"].as_str().unwrap().to_owned());
    }
    assert!(app.app.gate.controls().closed(app.now()).is_empty());
    let path = format!("/stores/{}/doors/payment/close", register.store_id);
    let one_store = fraud.post(app, &path, &because()).await;
    assert_eq!(one_store.status, StatusCode::NO_CONTENT);
    agreed(app, &approvals[0]).await;
    let carry_out = format!("/approvals/{}/carry-out", approvals[0]);
    fraud.post(app, &carry_out, &json!({})).await.ok();
    let closed = app.app.gate.controls().closed(app.now());
    let all = closed.iter().find(|closure| closure.scope.columns().0 == "all").unwrap();
    assert_eq!((all.door, &*all.reason, closed.len()), (Door::Payment, "保守", 2));
    assert!(all.ends_at.is_some(), "opens by itself as it was asked for");
}

/// Goal: out of the box an emergency is one person's, and so is its end.
async fn without_the_setting_one_does_both(app: &mut TestApp) {
    let fraud = Person::new(&app.app, Role::Fraud).await;
    for door in Door::ALL {
        let control = closed(app, &fraud, door.as_str()).await;
        let done = fraud.post(app, &format!("/controls/{control}/open"), &because()).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", door.as_str());
    }
    let wrong = "[desk]\ndoors_two_people = [\"paymnet\"]\n";
    let config: omamori::config::Config = toml::from_str(wrong).unwrap();
    assert!(config.check().unwrap_err().to_string().contains("paymnet"));
}
