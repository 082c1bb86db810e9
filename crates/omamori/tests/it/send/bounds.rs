//! Amounts, limits, and those who collect from many.

use omamori::clock::{DAY, HOUR};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use super::{id, rich, to_phone};
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::passkey::Person;
use crate::support::shop::Register;

on_both_engines!(
    an_amount_that_is_none_is_refused,
    nobody_sends_more_than_they_have_or_may,
    what_waits_counts_and_what_returns_does_not,
    a_new_phone_sends_little_on_its_first_day,
    a_balance_stays_within_its_limit_when_money_is_taken,
    who_collects_from_many_is_flagged_and_then_refused,
);

async fn an_amount_that_is_none_is_refused(app: &mut TestApp) {
    let sender = rich(app, 10_000).await;
    for amount in ["0", "-1", "1.5", "\"1\"", "1000001", "9223372036854775807", "1e3"] {
        let request = format!(
            r#"{{"client_send_id":"s","amount":{amount},"to":{{"kind":"phone","phone":"09010000001"}}}}"#
        );
        let request = serde_json::from_str(&request).unwrap();
        sender.post(app, "/sends/options", &request).await.refused(Code::InvalidRequest);
    }
    for wrong in [
        json!({ "client_send_id": "", "amount": 1, "to": { "kind": "link" } }),
        json!({ "client_send_id": "a b", "amount": 1, "to": { "kind": "link" } }),
        json!({ "client_send_id": "s", "amount": 1, "to": { "kind": "bank" } }),
        json!({ "client_send_id": "s", "amount": 1, "to": { "kind": "phone", "phone": "0312345678" } }),
        json!({ "client_send_id": "s", "amount": 1, "to": { "kind": "link" }, "message": "a\u{202e}b" }),
        json!({ "client_send_id": "s", "amount": 1, "to": { "kind": "link" }, "message": "あ".repeat(61) }),
        json!({ "client_send_id": "s", "amount": 1, "to": { "kind": "link" }, "fee": 1 }),
    ] {
        sender.post(app, "/sends/options", &wrong).await.refused(Code::InvalidRequest);
    }
    let own = to_phone("s", 1, &sender.phone());
    sender.post(app, "/sends/options", &own).await.refused(Code::SendToSelf);
    assert_eq!(sender.balance(app), 10_000);
}

async fn nobody_sends_more_than_they_have_or_may(app: &mut TestApp) {
    let mut sender = rich(app, 98_000).await;
    let mut send = async |app: &TestApp, id: &str, yen| {
        sender.send(app, &to_phone(id, yen, "09010000001")).await
    };
    send(app, "a", 30_001).await.refused(Code::LimitSendAmount);
    send(app, "b", 30_000).await.ok();
    send(app, "c", 20_001).await.refused(Code::LimitSend24h);
    send(app, "d", 20_000).await.ok();
    send(app, "e", 1).await.refused(Code::LimitSend24h);
    app.clock.advance(25 * HOUR);
    send(app, "f", 30_000).await.ok();
    app.clock.advance(25 * HOUR);
    app.app.gate.catch_up().await.unwrap();
    send(app, "g", 30_000).await.ok(); // b and d came back meanwhile
    let mut poor = rich(app, 1_000).await;
    poor.send(app, &to_phone("p", 1_001, "09010000001")).await.refused(Code::InsufficientFunds);
}

async fn what_waits_counts_and_what_returns_does_not(app: &mut TestApp) {
    let (mut sender, receiver) = (rich(app, 98_000).await, Person::new(&app.app).await);
    let phone = receiver.phone();
    let first = id(&sender.send(app, &to_phone("a", 30_000, &phone)).await);
    let second = id(&sender.send(app, &to_phone("b", 20_000, &phone)).await);
    sender.send(app, &to_phone("c", 1, &phone)).await.refused(Code::LimitSend24h);
    sender.act(app, &first, "call-back").await.ok();
    receiver.act(app, &second, "take").await.ok();
    app.restart().await;
    sender.send(app, &to_phone("d", 30_000, &phone)).await.ok();
    sender.send(app, &to_phone("e", 1, &phone)).await.refused(Code::LimitSend24h);
    // What ran out is given back too: 20,000 stay used, which is 80,000 for the month.
    app.clock.advance(3 * DAY);
    app.app.gate.catch_up().await.unwrap();
    let limits = sender.get(app, "/sends").await.ok();
    assert_eq!(limits["limits"]["room"], 30_000);
    let used =
        app.app.gate.used(sender.customer.wallet_account, omamori::gate::windows::Class::Send);
    assert_eq!((used.in_24h, used.in_30d), (0, 20_000));
}

async fn a_new_phone_sends_little_on_its_first_day(app: &mut TestApp) {
    let mut sender = Person::enrolled_at(&app.app, app.now()).await;
    let register = Register::new(&app.app).await;
    sender.customer.load(app, &register, 20_000).await;
    let code = sender.customer.code(app.now());
    register.sell(app, "p-1", &code, 4_000).await.ok();
    sender.send(app, &to_phone("a", 6_001, "09010000001")).await.refused(Code::LimitNewDevice);
    sender.send(app, &to_phone("b", 6_000, "09010000001")).await.ok();
    let code = sender.customer.code(app.now());
    register.sell(app, "p-2", &code, 1).await.refused(Code::LimitNewDevice);
}

async fn a_balance_stays_within_its_limit_when_money_is_taken(app: &mut TestApp) {
    let (mut sender, receiver) = (rich(app, 49_000).await, rich(app, 80_000).await);
    let phone = receiver.phone();
    let fits = id(&sender.send(app, &to_phone("a", 20_000, &phone)).await);
    let over = id(&sender.send(app, &to_phone("b", 1, &phone)).await);
    receiver.act(app, &fits, "take").await.ok();
    receiver.act(app, &over, "take").await.refused(Code::LimitBalance);
    assert_eq!(receiver.balance(app), 100_000);
    receiver.act(app, &over, "decline").await.ok();
    assert_eq!(sender.balance(app), 29_000);
}

/// Attack: a mule collects small sums from many (府令23条の3).
async fn who_collects_from_many_is_flagged_and_then_refused(app: &mut TestApp) {
    let mule = Person::new(&app.app).await;
    let flags = async |app: &TestApp| {
        let query = sql("SELECT reason FROM review_flag WHERE customer_id = $1 ORDER BY reason");
        let query = query.bind(&mule.customer.customer_id);
        let rows = app.app.stores.registry.all(query).await.unwrap();
        rows.iter().map(|row| row.text("reason").unwrap()).collect::<Vec<_>>()
    };
    for n in 0..50 {
        let mut victim = rich(app, 1_000).await;
        let sent = id(&victim.send(app, &to_phone("m", 100, &mule.phone())).await);
        mule.act(app, &sent, "take").await.ok();
        let expected: &[&str] = match n {
            0..9 => &[],
            9..29 => &["senders_24h"],
            _ => &["senders_24h", "senders_30d"],
        };
        assert_eq!(flags(app).await, expected, "after {}", n + 1);
    }
    let mut victim = rich(app, 1_000).await;
    let sent = id(&victim.send(app, &to_phone("m", 100, &mule.phone())).await);
    mule.act(app, &sent, "take").await.refused(Code::LimitReceive);
    app.restart().await;
    mule.act(app, &sent, "take").await.refused(Code::LimitReceive);
    assert_eq!(mule.balance(app), 5_000);
}
