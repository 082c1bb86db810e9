//! What the customer sees: history, receipts, and payments as they happen.

use axum::http::header;
use http_body_util::BodyExt;
use omamori::clock::{DAY, SECOND};
use omamori::notify::{Notice, tell_alone};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    the_history_tells_every_movement_once_and_in_order,
    another_customers_payment_is_not_there,
    an_open_wallet_sees_a_payment_at_once,
    a_stream_ends_with_its_session,
    pages_and_answers_are_the_same_without_the_views,
);

async fn parties(app: &TestApp) -> (Register, Customer) {
    (Register::new(&app.app).await, Customer::new(&app.app).await)
}

/// A top-up, three sales, a refund and a cancel, a second apart: the signed amounts, newest first.
async fn a_busy_day(app: &TestApp, register: &Register, customer: &Customer) -> [i64; 6] {
    register.top_up(app, "t-1", &customer.code(app.now()), 10_000).await.ok();
    for (id, yen) in [("s-1", 1_000), ("s-2", 2_000), ("s-3", 3_000)] {
        app.clock.advance(SECOND);
        register.sell(app, id, &customer.code(app.now()), yen).await.ok();
    }
    app.clock.advance(SECOND);
    register.refund(app, "r-1", "s-2", 500).await.ok();
    app.clock.advance(SECOND);
    register.cancel(app, "s-3").await.ok();
    [3_000, 500, -3_000, -2_000, -1_000, 10_000]
}

fn amounts(answer: &Value) -> Vec<i64> {
    let entries = answer["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["amount"].as_i64().unwrap()).collect()
}

/// Goal: whole and in pages of any size the history is the same, and it adds up to the balance.
async fn the_history_tells_every_movement_once_and_in_order(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    let expected = a_busy_day(app, &register, &customer).await;
    let whole = customer.get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(amounts(&whole), expected);
    assert_eq!(whole["next"], json!(null));
    assert_eq!(whole["entries"][0]["kind"], "cancel");
    assert_eq!(whole["entries"][1]["kind"], "refund");
    assert_eq!(whole["entries"][5]["kind"], "topup");
    assert_eq!(whole["entries"][2]["store_name"], "新宿本店");
    for size in 1..=6 {
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/wallet/v1/history?limit={size}{next}");
            let page = customer.get(app, &path).await.ok();
            assert!(page["entries"].as_array().unwrap().len() <= size);
            seen.extend(amounts(&page));
            let Some(before) = page["next"].as_str() else { break };
            next = format!("&before={before}");
        }
        assert_eq!(seen, expected, "in pages of {size}");
    }
    assert_eq!(customer.balance(app), expected.iter().sum::<i64>());
    for wrong in ["limit=0", "limit=101", "limit=x", "before=-1", "limit=1&limit=2", "page=2"] {
        let path = format!("/api/wallet/v1/history?{wrong}");
        customer.get(app, &path).await.refused(Code::InvalidRequest);
    }
}

/// Goal: a receipt is for who paid; by the payment's id or by a refund's.
async fn another_customers_payment_is_not_there(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    a_busy_day(app, &register, &customer).await;
    let other = Customer::new(&app.app).await;
    let history = customer.get(app, "/api/wallet/v1/history").await.ok();
    for entry in &history["entries"].as_array().unwrap()[..5] {
        let id = entry["payment_id"].as_str().unwrap();
        let api = format!("/api/wallet/v1/payments/{id}");
        customer.get(app, &api).await.ok();
        other.get(app, &api).await.refused(Code::PaymentNotFound);
        assert_eq!(customer.get(app, &format!("/receipt/{id}")).await.status, 200);
        assert_eq!(other.get(app, &format!("/receipt/{id}")).await.status, 404);
    }
    for id in ["pay_00000000000000000000000000", "top_00000000000000000000000000", "x", "%00"] {
        let api = format!("/api/wallet/v1/payments/{id}");
        customer.get(app, &api).await.refused(Code::PaymentNotFound);
    }
}

/// Goal: the stream of an open wallet tells the payment and the balance after it.
async fn an_open_wallet_sees_a_payment_at_once(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    customer.load(app, &register, 5_000).await;
    let path = "/api/wallet/v1/events";
    let proof = customer.proof("GET", path, app.now());
    let stream = app.open(customer.request("GET", path, Some(&proof))).await;
    assert_eq!(stream.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut stream = stream.into_body();
    let sold = register.sell(app, "s-1", &customer.code(app.now()), 1_234).await.ok();
    let mut text = String::new();
    while !text.contains("\n\n") {
        let frame = stream.frame().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
    }
    assert!(text.contains("event: entry\n"), "{text}");
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["amount"], -1_234);
    assert_eq!(data["balance"], 3_766);
    assert_eq!(data["payment_id"], sold["payment"]["payment_id"]);
}

/// Goal: an open stream ends when its session does: by a sign-out or by a move.
async fn a_stream_ends_with_its_session(app: &mut TestApp) {
    for end in [
        "DELETE FROM session WHERE customer_id = $1",
        "UPDATE device SET state = 'replaced' WHERE customer_id = $1",
    ] {
        let customer = Customer::new(&app.app).await;
        let path = "/api/wallet/v1/events";
        let proof = customer.proof("GET", path, app.now());
        let stream = app.open(customer.request("GET", path, Some(&proof))).await;
        let mut stream = stream.into_body();
        let end = sql(end).bind(&customer.customer_id);
        app.app.stores.registry.execute(end).await.unwrap();
        let notice = Notice::NewSession { device: "Pixel".into() };
        tell_alone(&app.app, &customer.customer_id, &notice).await.unwrap();
        assert!(stream.frame().await.is_none(), "it says nothing more");
    }
}

/// Goal: the views can be deleted: pages and answers come out of the journal again, to the byte.
async fn pages_and_answers_are_the_same_without_the_views(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    a_busy_day(app, &register, &customer).await;
    app.clock.advance(3 * DAY);
    let history = customer.get(app, "/api/wallet/v1/history").await.ok();
    let payment = history["entries"][3]["payment_id"].as_str().unwrap().to_owned();
    let pages = ["/", "/history", "/topup", "/settings", &format!("/receipt/{payment}")];
    let answers = ["/payments", "/payments/s-2", "/refunds/r-1", "/topups/t-1"];
    let mut before = Vec::new();
    let mut after = Vec::new();
    for path in pages {
        before.push(customer.get(app, path).await);
    }
    for path in answers {
        before.push(register.get(app, path).await);
    }
    app.restart_without_views().await;
    for path in pages {
        after.push(customer.get(app, path).await);
    }
    for path in answers {
        after.push(register.get(app, path).await);
    }
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.status, 200);
        assert_eq!(before.text(), after.text());
    }
    assert_eq!(customer.get(app, "/api/wallet/v1/history").await.ok(), history);
}
