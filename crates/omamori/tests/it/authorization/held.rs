//! Payments that wait for staff: nothing is paid before a yes, and everything is back after a no.

use axum::http::StatusCode;
use omamori::case::{CaseKind, case_id, list};
use omamori::clock::MINUTE;
use omamori::console::access::Role;
use omamori::web::codes::Code;
use serde_json::{Value, json};

use crate::risk::rules::{publish, rule};
use crate::support::app::{Node, TestApp};
use crate::support::at_once;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::value::owed;

on_both_engines!(
    staff_release_a_payment_and_it_is_paid_once,
    staff_refuse_a_payment_and_everything_is_back,
    nobody_in_time_is_a_no,
    a_register_that_gives_up_is_not_overruled,
    only_who_may_decide_releases,
);

/// A customer with ¥10,000 whose payment `p-1` of ¥6,000 is held; the code it was asked with.
async fn held(app: &TestApp) -> (Register, Customer, String) {
    publish(&app.app, &rule("large", "\"payment\"", "act.amount >= 5000", "\"hold\"")).await;
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    let code = customer.code(app.now());
    register.sell(app, "p-1", &code, 6_000).await.refused(Code::PaymentHeld);
    (register, customer, code)
}

/// The case of the customer's held payment.
async fn case_of(app: &TestApp, customer: &Customer) -> String {
    let page = customer.get(app, "/api/wallet/v1/me").await.ok();
    let id = page["reservations"][0]["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("aut_"), "{page}");
    case_id(CaseKind::HeldPayment, &id)
}

async fn taken(app: &TestApp, customer: &Customer) -> (Person, String) {
    let (fraud, case) = (Person::new(&app.app, Role::Fraud).await, case_of(app, customer).await);
    let took = fraud.post(app, &format!("/cases/{case}/take"), &json!({})).await;
    assert_eq!(took.status, StatusCode::NO_CONTENT);
    (fraud, case)
}

fn because() -> Value {
    json!({ "reason": "本人に確認", "message": "" })
}

/// Goal: asked again it still waits, another amount or another code is not the same sale; sixteen
/// presses of *release* pay once; then the register's own retry is answered with the payment.
async fn staff_release_a_payment_and_it_is_paid_once(app: &mut TestApp) {
    let (register, customer, code) = held(app).await;
    for _ in 0..2 {
        register.sell(app, "p-1", &code, 6_000).await.refused(Code::PaymentHeld);
    }
    register.sell(app, "p-1", &code, 6_001).await.refused(Code::PaymentIdReused);
    assert_eq!((customer.balance(app), owed(app, &register).await), (4_000, 0));
    let registry = &app.app.stores.registry;
    assert_eq!(list::counts(registry, app.now()).await.unwrap().0, 1, "one case");
    let (fraud, case) = taken(app, &customer).await;
    let (fraud, node) = (std::sync::Arc::new(fraud), Node::new(app.app.clone()));
    let path = format!("/cases/{case}/decide/released");
    at_once((0..16).map(|_| {
        let (fraud, node, path) = (fraud.clone(), node.clone(), path.clone());
        async move { fraud.post(&node, &path, &because()).await }
    }))
    .await;
    assert_eq!((customer.balance(app), owed(app, &register).await), (4_000, 6_000));
    app.clock.advance(3 * MINUTE);
    let paid = register.sell(app, "p-1", &code, 6_000).await.ok();
    assert_eq!(paid["payment"]["status"], "captured");
    assert_eq!(register.payment(app, "p-1").await.ok()["payment"], paid["payment"]);
    register.sell(app, "p-1", &code, 5_999).await.refused(Code::PaymentIdReused);
    register.refund(app, "r-1", "p-1", 6_000).await.ok();
    assert_eq!((customer.balance(app), owed(app, &register).await), (10_000, 0));
}

async fn staff_refuse_a_payment_and_everything_is_back(app: &mut TestApp) {
    let (register, customer, code) = held(app).await;
    let (fraud, case) = taken(app, &customer).await;
    let refused = fraud.post(app, &format!("/cases/{case}/decide/refused"), &because()).await;
    assert_eq!(refused.status, StatusCode::NO_CONTENT);
    fraud.post(app, &format!("/cases/{case}/decide/released"), &because()).await;
    assert_eq!((customer.balance(app), owed(app, &register).await), (10_000, 0));
    register.sell(app, "p-1", &code, 6_000).await.refused(Code::PaymentRefused);
    register.payment(app, "p-1").await.refused(Code::PaymentRefused);
}

async fn nobody_in_time_is_a_no(app: &mut TestApp) {
    let (register, customer, code) = held(app).await;
    let case = case_of(app, &customer).await;
    let minutes = i64::from(app.app.config.authorization.hold_minutes);
    app.clock.advance((minutes + 1) * MINUTE);
    // Time passes in the ledger with what it does next.
    register.sell(app, "p-2", &customer.code(app.now()), 100).await.ok();
    assert_eq!((customer.balance(app), owed(app, &register).await), (9_900, 100));
    let fraud = Person::new(&app.app, Role::Fraud).await;
    fraud.post(app, &format!("/cases/{case}/take"), &json!({})).await;
    let late = fraud.post(app, &format!("/cases/{case}/decide/released"), &because()).await;
    late.refused(Code::PaymentRefused);
    register.sell(app, "p-1", &code, 6_000).await.refused(Code::PaymentRefused);
    assert_eq!((customer.balance(app), owed(app, &register).await), (9_900, 100));
}

/// Attack: the clerk cancels, the goods stay; staff who release later must not charge for them.
async fn a_register_that_gives_up_is_not_overruled(app: &mut TestApp) {
    let (register, customer, code) = held(app).await;
    let (fraud, case) = taken(app, &customer).await;
    register.cancel(app, "p-1").await.ok();
    assert_eq!((customer.balance(app), owed(app, &register).await), (10_000, 0));
    fraud.post(app, &format!("/cases/{case}/decide/released"), &because()).await;
    register.sell(app, "p-1", &code, 6_000).await.refused(Code::PaymentCanceled);
    assert_eq!((customer.balance(app), owed(app, &register).await), (10_000, 0));
}

/// Attack: a member of staff who may only look, or has not taken the case, lets it through.
async fn only_who_may_decide_releases(app: &mut TestApp) {
    let (register, customer, _) = held(app).await;
    let case = case_of(app, &customer).await;
    let path = format!("/cases/{case}/decide/released");
    let fraud = Person::new(&app.app, Role::Fraud).await;
    fraud.post(app, &path, &because()).await.refused(Code::CaseChanged);
    for role in [Role::Viewer, Role::Support, Role::Finance] {
        let person = Person::new(&app.app, role).await;
        person.post(app, &path, &because()).await.refused(Code::Forbidden);
    }
    assert_eq!((customer.balance(app), owed(app, &register).await), (4_000, 0));
}
