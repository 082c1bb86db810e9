//! Asking for money.

use omamori::send::tell_due;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{id, rich};
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::passkey::Person;

on_both_engines!(
    a_bill_is_split_and_each_share_is_paid_once,
    a_request_is_paid_again_only_when_its_payment_came_back,
    nobody_is_pestered,
);

fn pay(id: &str, amount: i64, token: &str) -> Value {
    json!({ "client_send_id": id, "amount": amount, "to": { "kind": "request", "token": token } })
}

fn ask(id: &str, total: i64, phones: &[String], with_me: bool) -> Value {
    let people: Vec<_> = phones.iter().map(|phone| json!({ "phone": phone })).collect();
    json!({ "client_request_id": id, "total": total, "with_me": with_me, "people": people, "message": "焼肉" })
}

async fn a_bill_is_split_and_each_share_is_paid_once(app: &mut TestApp) {
    let asker = Person::new(&app.app).await;
    let (mut one, mut other) = (rich(app, 10_000).await, rich(app, 10_000).await);
    let request = ask("b-1", 10_000, &[one.phone(), other.phone()], true);
    let asked = asker.post(app, "/money-requests", &request).await.ok();
    assert_eq!((&asked["share"], &asked["own"]), (&json!(3_333), &json!(3_334)));
    assert_eq!(asker.post(app, "/money-requests", &request).await.ok(), asked, "a retry");
    let changed = ask("b-1", 10_001, &[one.phone(), other.phone()], true);
    asker.post(app, "/money-requests", &changed).await.refused(Code::SendIdReused);

    let to_pay = one.get(app, "/money-requests").await.ok();
    let token = to_pay["to_pay"][0]["token"].as_str().unwrap().to_owned();
    one.send(app, &pay("p-0", 3_332, &token)).await.refused(Code::RequestClosed);
    let sent = one.send(app, &pay("p-1", 3_333, &token)).await;
    assert_eq!(sent.ok()["send"]["status"], "taken", "who asked need not take it");
    assert_eq!(asker.balance(app), 3_333);
    one.send(app, &pay("p-2", 3_333, &token)).await.refused(Code::RequestClosed);
    other.send(app, &pay("p-3", 3_333, &token)).await.refused(Code::RequestClosed);
    let listed = asker.get(app, "/money-requests").await.ok();
    let mut states: Vec<_> =
        listed["asked"].as_array().unwrap().iter().map(|r| r["status"].to_string()).collect();
    states.sort();
    assert_eq!(states, ["\"open\"", "\"paid\""]);
    let second = other.get(app, "/money-requests").await.ok();
    let second = second["to_pay"][0]["request_id"].as_str().unwrap().to_owned();
    one.post(app, &format!("/money-requests/{second}/cancel"), &json!({}))
        .await
        .refused(Code::RequestNotFound);
    asker.post(app, &format!("/money-requests/{second}/cancel"), &json!({})).await.ok();
    assert_eq!(other.get(app, "/money-requests").await.ok()["to_pay"], json!([]));
    assert_eq!((one.balance(app), other.balance(app)), (6_667, 10_000));
}

async fn a_request_is_paid_again_only_when_its_payment_came_back(app: &mut TestApp) {
    let asker = rich(app, 98_000).await;
    let (mut one, mut other) = (rich(app, 10_000).await, rich(app, 10_000).await);
    let request =
        json!({ "client_request_id": "r", "total": 5_000, "people": [{ "name": "みんな" }] });
    let asked = asker.post(app, "/money-requests", &request).await.ok();
    let token = asked["requests"][0]["token"].as_str().unwrap().to_owned();
    let seen = one.post(app, "/money-requests/look", &json!({ "token": token })).await.ok();
    assert_eq!(seen["amount"], 5_000);
    asker.post(app, "/sends/options", &pay("x", 5_000, &token)).await.refused(Code::SendToSelf);
    // The asker's wallet is too full: it waits.
    let sent = one.send(app, &pay("p-1", 5_000, &token)).await;
    assert_eq!(sent.ok()["send"]["status"], "waiting");
    other.send(app, &pay("p-2", 5_000, &token)).await.refused(Code::RequestClosed);
    one.act(app, &id(&sent), "call-back").await.ok();
    let again = other.send(app, &pay("p-3", 5_000, &token)).await;
    assert_eq!(again.ok()["send"]["status"], "waiting");
    one.send(app, &pay("p-4", 5_000, &token)).await.refused(Code::RequestClosed);
    assert_eq!((one.balance(app), other.balance(app)), (10_000, 5_000));
}

/// Attack: a stranger asks again and again, or many at once.
async fn nobody_is_pestered(app: &mut TestApp) {
    let (asker, victim) = (Person::new(&app.app).await, Person::new(&app.app).await);
    for n in 0..3 {
        let request = ask(&format!("n-{n}"), 100, &[victim.phone()], false);
        asker.post(app, "/money-requests", &request).await.ok();
    }
    let more = ask("n-3", 100, &[victim.phone()], false);
    asker.post(app, "/money-requests", &more).await.refused(Code::TooManyRequests);
    let many: Vec<_> = (0..20).map(|n| format!("090770000{n:02}")).collect();
    asker.post(app, "/money-requests", &ask("m-1", 2_000, &many, false)).await.ok();
    asker
        .post(app, "/money-requests", &ask("m-2", 2_000, &many, false))
        .await
        .refused(Code::TooManyRequests);
    let twice = [victim.phone(), victim.phone()];
    asker
        .post(app, "/money-requests", &ask("t", 100, &twice, false))
        .await
        .refused(Code::InvalidRequest);

    let listed = victim.get(app, "/money-requests").await.ok();
    let first = listed["to_pay"][0]["request_id"].as_str().unwrap().to_owned();
    let blocked = victim.post(app, &format!("/money-requests/{first}/block"), &json!({})).await;
    assert_eq!(blocked.status, 204);
    assert_eq!(victim.get(app, "/money-requests").await.ok()["to_pay"], json!([]));
    tell_due(&app.app).await.unwrap();
    let notices = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice");
    assert_eq!(app.app.stores.registry.one(notices).await.unwrap().int("n").unwrap(), 0);
    assert!(
        app.app.identity.outbox().sandbox().unwrap().sent().is_empty(),
        "no SMS asks for money"
    );
}
