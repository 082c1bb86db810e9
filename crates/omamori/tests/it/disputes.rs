//! "I do not know this payment": stopped at once, one case with the evidence, and nothing of
//! anybody else's.

use std::sync::Arc;

use axum::http::StatusCode;
use omamori::case::{self, evidence, list};
use omamori::clock::{HOUR, SECOND};
use omamori::console::access::Role;
use omamori::id::Kind;
use omamori::notify::AccountStopper;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::send::{id, rich, to_phone};
use crate::support::app::{Node, TestApp};
use crate::support::at_once;
use crate::support::customer::Customer;
use crate::support::desk::Person as Desk;
use crate::support::on_both_engines;
use crate::support::passkey::Person;
use crate::support::shop::Register;

on_both_engines!(
    one_word_stops_the_account_and_keeps_the_evidence,
    a_double_click_opens_one_case,
    anothers_payment_looks_like_none,
    a_stopped_account_can_still_report,
    top_ups_and_sends_are_reported_too,
    the_customer_answers_and_hears_the_end,
    nobody_reports_without_end,
);

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {value}"))
}

async fn sold(app: &TestApp, register: &Register, customer: &Customer, number: &str) -> String {
    let sold = register.sell(app, number, &customer.code(app.now()), 700).await.ok();
    text(&sold, "/payment/payment_id").to_owned()
}

async fn report(node: &Node, customer: &Customer, entry: &str) -> String {
    let body = json!({ "entry_id": entry, "text": "その時間は<b>家</b>にいました" });
    text(&customer.post(node, "/disputes", &body).await.ok(), "/case_id").to_owned()
}

async fn is_frozen(node: &Node, customer: &Customer) -> bool {
    let query = sql("SELECT status FROM customer WHERE customer_id = $1");
    let row = node.app.stores.registry.one(query.bind(&customer.customer_id)).await.unwrap();
    row.text("status").unwrap() == "frozen"
}

/// Goal: no register takes a code from then on; record, phone, code step, store and what was
/// around it are kept as they were, for who may see them; the customer is told what comes next.
async fn one_word_stops_the_account_and_keeps_the_evidence(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    let payment = sold(app, &register, &customer, "s-1").await;
    let page = customer.get(app, &format!("/dispute/{payment}")).await;
    assert!(page.text().contains("−¥700") && page.text().contains("新宿本店"));
    assert!(!is_frozen(app, &customer).await, "looking does nothing");

    let case_id = report(app, &customer, &payment).await;
    let refused = register.sell(app, "s-2", &customer.code(app.now()), 100).await;
    refused.refused(Code::AccountFrozen);
    let registry = &app.app.stores.registry;
    let case = case::find(registry, &case_id).await.unwrap().unwrap();
    assert_eq!(case.amount, Some(700));
    assert_eq!(case.store_id.as_deref(), Some(&*register.store_id));
    assert_eq!(case::subjects(registry, &case_id).await.unwrap(), std::slice::from_ref(&payment));
    let seen = evidence::of(registry, &case_id).await.unwrap();
    assert_eq!(text(&seen, "/decision/customer"), customer.customer_id);
    assert_eq!(text(&seen, "/decision/device"), customer.device_id);
    assert_eq!(text(&seen, "/decision/act"), "payment");
    assert!(text(&seen, "/code/step_began").starts_with("2026-04-01T0"), "{seen}");
    assert_eq!(text(&seen, "/store/name"), "新宿本店");
    assert_eq!(text(&seen, "/phones/0/name"), "Pixel");
    assert_eq!(seen["sessions"].as_array().unwrap().len(), 1);
    let acts: Vec<_> = seen["around"].as_array().unwrap().iter().map(|r| &r["act"]).collect();
    assert!(acts.contains(&&json!("topup_cash")) && acts.contains(&&json!("dispute")), "{acts:?}");

    // The line leads to the case from now on, and the case says how it stands.
    let again = customer.get(app, &format!("/dispute/{payment}")).await;
    assert_eq!(again.headers["location"], format!("/cases/{case_id}"));
    let own = customer.get(app, &format!("/cases/{case_id}")).await;
    assert!(own.text().contains("受け付けました") && own.text().contains("¥700"));
    assert!(own.text().contains("&#60;b&#62;家") && !own.text().contains("<b>家"));
    assert!(!own.text().contains(&customer.device_id), "no evidence for who may be a thief");
    assert!(customer.get(app, "/cases").await.text().contains(&case_id));
    assert!(customer.get(app, "/notices").await.text().contains("調査"));
    let fraud = Desk::new(&app.app, Role::Fraud).await;
    let desk = fraud.get(app, &format!("/console/cases/{case_id}")).await;
    assert!(desk.text().contains(&payment) && desk.text().contains(&customer.device_id));
}

async fn a_double_click_opens_one_case(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    let payment = sold(app, &register, &customer, "s-1").await;
    let (node, customer) = (Node::new(app.app.clone()), Arc::new(customer));
    let cases = at_once((0..6).map(|_| {
        let (node, customer, payment) = (node.clone(), customer.clone(), payment.clone());
        async move { report(&node, &customer, &payment).await }
    }))
    .await;
    assert!(cases.iter().all(|case| case == &cases[0]), "{cases:?}");
    let registry = &app.app.stores.registry;
    assert_eq!(list::counts(registry, app.now()).await.unwrap(), (1, 0));
    for (kind, table) in [("account_stopped", "notice"), ("case_opened", "notice")] {
        let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice WHERE kind = $1");
        let count = registry.one(count.bind(kind)).await.unwrap().int("n").unwrap();
        assert_eq!(count, 1, "{kind} in {table}");
    }
    let words = case::notes::of(registry, &cases[0]).await.unwrap();
    assert_eq!(words.len(), 1, "said once");
}

/// Attack: ids of others, and ids of nothing, to learn which there are, or to stop an account.
async fn anothers_payment_looks_like_none(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let thief = Customer::new(&app.app).await;
    customer.load(app, &register, 5_000).await;
    let payment = sold(app, &register, &customer, "s-1").await;
    let refund = register.refund(app, "r-1", "s-1", 100).await.ok();
    let topup = register.top_up(app, "t-1", &customer.code(app.now()), 1_000).await.ok();
    let (refund, topup) = (text(&refund, "/refund/refund_id"), text(&topup, "/topup/topup_id"));
    let mine = report(app, &customer, refund).await;
    assert_eq!(mine, report(app, &customer, &payment).await, "a refund's is its payment's");
    let nothing = Kind::Payment.text(7);
    let strange = ["", "pay_", "x", "' OR 1=1 --", "%", "cnv_00000000000000000000000001"];
    let mut answers = Vec::new();
    for entry in [&payment, refund, topup, &nothing].into_iter().chain(strange) {
        let body = json!({ "entry_id": entry, "text": "" });
        let refused = thief.post(app, "/disputes", &body).await;
        let mut error = refused.refused(Code::PaymentNotFound);
        error.as_object_mut().unwrap().remove("request_id");
        answers.push(error);
        if !entry.is_empty() {
            let path = format!("/dispute/{}", entry.replace(['%', ' ', '\''], "x"));
            assert_eq!(thief.get(app, &path).await.status, StatusCode::NOT_FOUND, "{entry}");
        }
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    assert!(!is_frozen(app, &thief).await);
    // The case of another is not there, whatever is asked of it.
    for path in [format!("/cases/{mine}"), "/cases/cse_x".to_owned()] {
        assert_eq!(thief.get(app, &path).await.status, StatusCode::NOT_FOUND, "{path}");
        let words = thief.post(app, &format!("{path}/text"), &json!({ "text": "x" })).await;
        words.refused(Code::NotFound);
    }
    assert!(!thief.get(app, "/cases").await.text().contains("cse_"));
}

async fn a_stopped_account_can_still_report(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    for by in [AccountStopper::Customer, AccountStopper::Staff] {
        let customer = Customer::new(&app.app).await;
        customer.load(app, &register, 5_000).await;
        let number = format!("s-{by:?}");
        let payment = sold(app, &register, &customer, &number).await;
        omamori::identity::standing::freeze(&app.app, &customer.customer_id, by).await.unwrap();
        let page = customer.get(app, &format!("/dispute/{payment}")).await;
        assert!(page.text().contains("すでに停止"), "{by:?}");
        let case = report(app, &customer, &payment).await;
        assert_eq!(customer.get(app, &format!("/cases/{case}")).await.status, StatusCode::OK);
        let stopped = sql("SELECT stopped_by FROM customer WHERE customer_id = $1");
        let stopped = stopped.bind(&customer.customer_id);
        let row = app.app.stores.registry.one(stopped).await.unwrap();
        let word = if by == AccountStopper::Staff { "staff" } else { "customer" };
        assert_eq!(row.text("stopped_by").unwrap(), word, "whoever stopped it starts it");
    }
}

async fn top_ups_and_sends_are_reported_too(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let (mut sender, receiver) = (rich(app, 5_000).await, Person::new(&app.app).await);
    let sent = id(&sender.send(app, &to_phone("s-1", 1_000, &receiver.phone())).await);
    receiver.act(app, &sent, "take").await.ok();
    let topup = register.top_up(app, "t-1", &receiver.customer.code(app.now()), 2_000).await.ok();
    let topup = text(&topup, "/topup/topup_id");
    let of_sender = report(app, &sender.customer, &sent).await;
    let of_receiver = report(app, &receiver.customer, &sent).await;
    assert_ne!(of_sender, of_receiver, "each has their own");
    let of_topup = report(app, &receiver.customer, topup).await;
    let registry = &app.app.stores.registry;
    for (case_id, yen) in [(of_sender, 1_000), (of_receiver, 1_000), (of_topup, 2_000)] {
        let case = case::find(registry, &case_id).await.unwrap().unwrap();
        assert_eq!(case.amount, Some(yen));
    }
    assert!(is_frozen(app, &sender.customer).await && is_frozen(app, &receiver.customer).await);
    let stranger = Customer::new(&app.app).await;
    let body = json!({ "entry_id": sent });
    stranger.post(app, "/disputes", &body).await.refused(Code::PaymentNotFound);
}

/// Goal: a question stops the clock, the answer starts it where it stood and the case is back in
/// the hands of who asked; at the end the customer hears it, and nothing more is added.
async fn the_customer_answers_and_hears_the_end(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    let payment = sold(app, &register, &customer, "s-1").await;
    let case_id = report(app, &customer, &payment).await;
    let registry = app.app.stores.registry.clone();
    let due = case::find(&registry, &case_id).await.unwrap().unwrap().due_at;
    let fraud = Desk::new(&app.app, Role::Fraud).await;
    let path = |end: &str| format!("/cases/{case_id}/{end}");
    fraud.post(app, &path("take"), &json!({})).await;
    fraud.post(app, &path("note"), &json!({ "text": "社内だけのメモ" })).await;
    fraud.post(app, &path("ask"), &json!({ "text": "誰かに貸しましたか。" })).await;
    let page = customer.get(app, &path("")[..path("").len() - 1]).await;
    assert!(page.text().contains("誰かに貸しましたか。") && page.text().contains("お答えください"));
    assert!(!page.text().contains("社内だけのメモ"));
    app.clock.advance(2 * HOUR);
    let too_long = json!({ "text": "あ".repeat(2_001) });
    customer.post(app, &path("text"), &too_long).await.refused(Code::InvalidRequest);
    customer.post(app, &path("text"), &json!({ "text": " " })).await.refused(Code::InvalidRequest);
    let said = customer.post(app, &path("text"), &json!({ "text": "いいえ" })).await;
    assert_eq!(said.status, StatusCode::NO_CONTENT);
    let case = case::find(&registry, &case_id).await.unwrap().unwrap();
    assert!(case.state.is_in_hands_of(&fraud.staff_id) && case.state.as_str() == "taken");
    assert_eq!(case.due_at, due + 2 * HOUR);

    let fraud_again = Desk::new(&app.app, Role::Fraud).await; // the session of the first is over
    fraud_again.post(app, &path("take"), &json!({})).await;
    let done = json!({ "reason": "別の端末", "message": "ご不便をおかけしました。" });
    let decided = fraud_again.post(app, &path("decide/accepted"), &done).await;
    assert_eq!(decided.status, StatusCode::NO_CONTENT);
    let page = customer.get(app, &format!("/cases/{case_id}")).await;
    for part in ["お客様の取引ではない", "ご不便をおかけしました。"] {
        assert!(page.text().contains(part), "{part}");
    }
    assert!(!page.text().contains("別の端末"), "the reason is for staff");
    let late = customer.post(app, &path("text"), &json!({ "text": "もう一つ" })).await;
    late.refused(Code::CaseClosed);
}

/// Attack: a search of the records for each of thousands of reports.
async fn nobody_reports_without_end(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 49_000).await;
    let mut payments = Vec::new();
    for number in 0..21 {
        app.clock.advance(31 * SECOND);
        payments.push(sold(app, &register, &customer, &format!("s-{number}")).await);
    }
    let last = payments.pop().unwrap();
    for payment in &payments {
        report(app, &customer, payment).await;
    }
    let body = json!({ "entry_id": last });
    customer.post(app, "/disputes", &body).await.refused(Code::TooManyRequests);
    let case_id = report(app, &customer, &payments[0]).await;
    let path = format!("/cases/{case_id}/text");
    for _ in 0..19 {
        let said = customer.post(app, &path, &json!({ "text": "x" })).await;
        assert_eq!(said.status, StatusCode::NO_CONTENT);
    }
    let more = customer.post(app, &path, &json!({ "text": "x" })).await;
    more.refused(Code::TooManyRequests);
}
