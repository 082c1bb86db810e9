//! Web push: which addresses are taken, and which phones are told.

use omamori::clock::DAY;
use omamori::notify::{Channel, Notice, Sent, deliver_due, tell_alone};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::outbox::{deliveries, sent};
use super::send;
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;

on_both_engines!(
    a_subscribed_phone_is_told,
    addresses_inside_and_broken_keys_are_refused,
    a_phone_that_signed_out_is_told_nothing,
    one_phone_has_one_subscription_and_a_browser_one_customer,
);

const PUSH: &str = "/api/wallet/v1/push";

/// A subscription as browsers make them; the keys are those of RFC 8291, Appendix A.
fn subscription(endpoint: &str) -> Value {
    json!({ "endpoint": endpoint, "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg" } })
}

/// A notice of which no SMS is sent.
fn renewed() -> Notice {
    Notice::RecoveryCodesRenewed { device: "Pixel".to_owned() }
}

async fn told(app: &TestApp, customer: &Customer) -> Vec<Sent> {
    let before = sent(app).len();
    tell_alone(&app.app, &customer.customer_id, &renewed()).await.unwrap();
    deliver_due(&app.app).await.unwrap();
    sent(app).into_iter().skip(before).collect()
}

async fn a_subscribed_phone_is_told(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    assert!(told(app, &customer).await.is_empty());
    let offer = customer.get(app, PUSH).await.ok();
    assert_eq!(offer["subscribed"], false);
    let key = offer["application_server_key"].as_str().unwrap().to_owned();
    assert_eq!(key.len(), 87, "65 bytes in base64url");
    let subscribe = subscription("https://push.example.net/p/1");
    assert_eq!(send(app, &customer, "POST", PUSH, &subscribe).await.status.as_u16(), 204);

    let [push] = &told(app, &customer).await[..] else { panic!("one push") };
    assert_eq!((push.channel, &*push.to), (Channel::Push, "push.example.net"));
    assert_eq!(push.title.as_deref(), Some("リカバリーコードを作り直しました"));
    assert!(push.text.contains("Pixel"));
    let offer = customer.get(app, PUSH).await.ok();
    assert_eq!(offer["subscribed"], true);
    assert_eq!(offer["application_server_key"], *key, "the key stays the same");
    app.restart().await;
    assert_eq!(customer.get(app, PUSH).await.ok()["application_server_key"], *key);

    assert_eq!(send(app, &customer, "DELETE", PUSH, &Value::Null).await.status.as_u16(), 204);
    assert!(told(app, &customer).await.is_empty());
    assert!(deliveries(app).await.iter().all(|(state, ..)| state == "sent"));
}

async fn addresses_inside_and_broken_keys_are_refused(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let field = |error: Value| error["fields"][0]["field"].as_str().unwrap().to_owned();
    for endpoint in [
        "http://push.example.net/p/1",
        "https://localhost/p",
        "https://127.0.0.1/p",
        "https://[::1]/p",
        "https://169.254.169.254/latest/meta-data",
        "https://push.example.net:8443/p",
        "https://push.example.net@127.0.0.1/p",
        "https://db.internal/p",
    ] {
        let answer = send(app, &customer, "POST", PUSH, &subscription(endpoint)).await;
        assert_eq!(field(answer.refused(Code::InvalidRequest)), "endpoint", "{endpoint}");
    }
    for (place, value) in [("p256dh", "AAAA"), ("p256dh", "!"), ("auth", "AAAA"), ("auth", "")] {
        let mut subscribe = subscription("https://push.example.net/p/1");
        subscribe["keys"][place] = value.into();
        let answer = send(app, &customer, "POST", PUSH, &subscribe).await;
        assert_eq!(field(answer.refused(Code::InvalidRequest)), format!("keys.{place}"));
    }
    assert_eq!(customer.get(app, PUSH).await.ok()["subscribed"], false);
}

/// Goal: a phone in other hands, signed out, shows nobody what happens on the account; neither
/// does one that another took the place of.
async fn a_phone_that_signed_out_is_told_nothing(app: &mut TestApp) {
    let (left, replaced) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    let idle = Customer::new(&app.app).await;
    for (number, customer) in [&left, &replaced, &idle].into_iter().enumerate() {
        let subscribe = subscription(&format!("https://push.example.net/p/{number}"));
        send(app, customer, "POST", PUSH, &subscribe).await;
        assert_eq!(told(app, customer).await.len(), 1);
    }
    let registry = &app.app.stores.registry;
    let end = sql("DELETE FROM session WHERE customer_id = $1").bind(&left.customer_id);
    registry.execute(end).await.unwrap();
    assert!(told(app, &left).await.is_empty());
    let end = sql("UPDATE device SET state = 'ended' WHERE customer_id = $1");
    registry.execute(end.bind(&replaced.customer_id)).await.unwrap();
    assert!(told(app, &replaced).await.is_empty());
    assert_eq!(told(app, &idle).await.len(), 1);
    app.clock.advance(31 * DAY);
    assert!(told(app, &idle).await.is_empty(), "the session ended by itself");
}

async fn one_phone_has_one_subscription_and_a_browser_one_customer(app: &mut TestApp) {
    let (customer, other) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    let (first, second) = ("https://push.example.net/1", "https://push.example.org/2");
    for endpoint in [first, first, second] {
        let answer = send(app, &customer, "POST", PUSH, &subscription(endpoint)).await;
        assert_eq!(answer.status.as_u16(), 204);
    }
    let [push] = &told(app, &customer).await[..] else { panic!("one push") };
    assert_eq!(push.to, "push.example.org", "the later one");
    send(app, &other, "POST", PUSH, &subscription(second)).await;
    assert!(told(app, &customer).await.is_empty(), "the browser is another customer's now");
    assert_eq!(told(app, &other).await.len(), 1);
}
