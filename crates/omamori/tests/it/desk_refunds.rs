//! Payments that staff give back: little alone, more with a second person, each once.

use omamori::clock::DAY;
use omamori::console::access::Role;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::at_once;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    one_person_gives_back_little_and_it_is_told_everywhere,
    many_small_ones_are_no_way_around_the_second_person,
    sixteen_of_the_same_give_back_once_and_are_counted_once,
    more_takes_two_people_and_is_done_once,
    what_cannot_be_given_back_is_said,
);

/// A payment of ¥30,000, and its id.
async fn paid(app: &TestApp) -> (Register, Customer, String) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 40_000).await;
    let sale = register.sell(app, "s-1", &customer.code(app.now()), 30_000).await.ok();
    let payment_id = sale["payment"]["payment_id"].as_str().unwrap().to_owned();
    (register, customer, payment_id)
}

fn refund(amount: i64, key: &str) -> Value {
    json!({ "amount": amount, "reason": "店舗閉店のため", "key": key })
}

fn path(payment_id: &str) -> String {
    format!("/payments/{payment_id}/refund")
}

async fn entries(app: &TestApp) -> i64 {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS entries FROM audit_entry \
                     WHERE act = 'staff_refund'");
    app.app.stores.registry.one(query).await.unwrap().int("entries").unwrap()
}

async fn one_person_gives_back_little_and_it_is_told_everywhere(app: &mut TestApp) {
    let (register, customer, payment_id) = paid(app).await;
    let support = Person::new(&app.app, Role::Support).await;
    let done = support.post(app, &path(&payment_id), &refund(4_000, "k-1")).await.ok();
    assert!(done["refund_id"].as_str().unwrap().starts_with("rfd_"));
    assert_eq!(customer.balance(app), 14_000);
    let payment = register.get(app, "/payments/s-1").await.ok();
    assert_eq!(payment["payment"]["status"], "partially_refunded", "the merchant sees it");
    assert_eq!(payment["payment"]["refunds"][0]["amount"], 4_000);
    let page = support.get(app, &format!("/console/payments/{payment_id}")).await;
    assert!(page.text().contains("店舗閉店のため"));
    assert_eq!(entries(app).await, 1);
    let again = support.post(app, &path(&payment_id), &refund(4_000, "k-1")).await.ok();
    assert_eq!(again, done, "asked again, it is the same refund");
    assert_eq!((customer.balance(app), entries(app).await), (14_000, 1));
}

/// Attack: what is too much at once is taken in pieces, over several payments.
async fn many_small_ones_are_no_way_around_the_second_person(app: &mut TestApp) {
    let (register, customer, first) = paid(app).await;
    let sale = register.sell(app, "s-2", &customer.code(app.now()), 9_000).await.ok();
    let second = sale["payment"]["payment_id"].as_str().unwrap();
    let finance = Person::new(&app.app, Role::Finance).await;
    finance.post(app, &path(&first), &refund(6_000, "k-1")).await.ok();
    let asked = finance.post(app, &path(second), &refund(4_001, "k-2")).await.ok();
    assert!(asked["approval_id"].as_str().unwrap().starts_with("apr_"), "{asked}");
    finance.post(app, &path(second), &refund(4_000, "k-3")).await.ok();
    assert_eq!(customer.balance(app), 1_000 + 10_000);
    app.clock.advance(DAY);
    finance.sign_in(&app.app).await;
    let finance = Person::new(&app.app, Role::Finance).await;
    finance.post(app, &path(second), &refund(4_001, "k-4")).await.ok();
    assert_eq!(customer.balance(app), 15_001, "another person has an own limit");
}

async fn sixteen_of_the_same_give_back_once_and_are_counted_once(app: &mut TestApp) {
    let (_, customer, payment_id) = paid(app).await;
    let support = std::sync::Arc::new(Person::new(&app.app, Role::Support).await);
    let node = (**app).clone();
    let answers = at_once((0..16).map(|_| {
        let (support, node, path) = (support.clone(), node.clone(), path(&payment_id));
        async move { support.post(&node, &path, &refund(5_000, "k-1")).await }
    }))
    .await;
    for answer in answers {
        assert!(answer.ok()["refund_id"].is_string());
    }
    assert_eq!((customer.balance(app), entries(app).await), (15_000, 1));
    // And sixteen different ones at once: the limit is passed by none of them.
    let node = (**app).clone();
    let answers = at_once((0..16).map(|number| {
        let (support, node, path) = (support.clone(), node.clone(), path(&payment_id));
        async move { support.post(&node, &path, &refund(1_000, &format!("n-{number}"))).await }
    }))
    .await;
    let done = answers.into_iter().filter(|answer| answer.ok()["refund_id"].is_string());
    assert_eq!((done.count(), customer.balance(app)), (5, 20_000));
}

async fn more_takes_two_people_and_is_done_once(app: &mut TestApp) {
    let (_, customer, payment_id) = paid(app).await;
    let asking = Person::new(&app.app, Role::Support).await;
    let second = Person::new(&app.app, Role::Finance).await;
    let asked = asking.post(app, &path(&payment_id), &refund(30_000, "k-1")).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    let carry_out = format!("/approvals/{approval}/carry-out");
    asking.post(app, &carry_out, &Value::Null).await.refused(Code::ApprovalClosed);
    assert_eq!(customer.balance(app), 10_000);
    // How a second person agrees has tests of its own (`console/tests/approvals.rs`).
    let given = sql("UPDATE approval SET state = 'given', decided_by = $1 WHERE approval_id = $2");
    let given = given.bind(&second.staff_id).bind(approval);
    app.app.stores.registry.execute(given).await.unwrap();
    second.post(app, &carry_out, &Value::Null).await.refused(Code::ApprovalClosed);
    asking.post(app, &carry_out, &Value::Null).await.ok();
    assert_eq!(customer.balance(app), 40_000);
    // Whoever did not get the answer asks again, in any number, and nothing more is given back.
    asking.post(app, &carry_out, &Value::Null).await.ok();
    second.post(app, &carry_out, &Value::Null).await.refused(Code::ApprovalClosed);
    assert_eq!((customer.balance(app), entries(app).await), (40_000, 1));
}

async fn what_cannot_be_given_back_is_said(app: &mut TestApp) {
    let (register, customer, payment_id) = paid(app).await;
    let support = Person::new(&app.app, Role::Support).await;
    let post = async |path: &str, body: &Value| support.post(app, path, body).await;
    let more = refund(30_001, "k-1");
    post(&path(&payment_id), &more).await.refused(Code::RefundExceedsPayment);
    for bad in [refund(0, "k"), refund(-5, "k"), refund(100, "a b"), refund(100, "")] {
        post(&path(&payment_id), &bad).await.refused(Code::InvalidRequest);
    }
    let mut silent = refund(100, "k-2");
    silent["reason"] = json!(" ");
    post(&path(&payment_id), &silent).await.refused(Code::InvalidRequest);
    for unknown in ["pay_0000000000000000000000000", "x", "rfd_x"] {
        post(&path(unknown), &refund(100, "k-3")).await.refused(Code::NotFound);
    }
    register.post(app, "/payments/s-1/cancel", &json!({})).await.ok();
    post(&path(&payment_id), &refund(100, "k-4")).await.refused(Code::PaymentCanceled);
    assert_eq!((customer.balance(app), entries(app).await), (40_000, 0));
}
