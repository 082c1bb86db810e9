//! Merchants' servers are told what became of payments: each once by id, signed so that a library
//! that is not ours accepts it, however the receiver behaves.

mod endpoints;
mod receiver;

use omamori::clock::{Clock, DAY, HOUR, MINUTE, Micros, SECOND, SystemClock};
use omamori::web::codes::Code;
use omamori::webhook::{self, deliver_due};
use omamori_db::sql;
use serde_json::{Value, json};
use standardwebhooks::{Webhook, WebhookError};

use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::support::{on_both_engines, on_several_nodes};
pub use receiver::{Arrived, Does, Receiver};

on_both_engines!(
    what_became_of_a_payment_is_told_once_and_signed,
    nothing_about_a_customer_is_told,
    a_receiver_that_fails_is_tried_over_three_days_and_again_from_the_page,
    a_redirect_is_not_followed,
    a_slow_receiver_delays_nobody_else,
    a_process_that_dies_loses_nothing_and_makes_nothing_twice,
    an_endpoint_that_takes_nothing_is_switched_off_and_told_of,
    forged_and_replayed_webhooks_are_seen_by_the_receiver,
    forty_silent_receivers_do_not_starve_a_good_one,
    tests_and_replays_have_a_limit,
);
on_several_nodes!(two_nodes_send_each_event_once);

/// A merchant with a register, a person at the back office, and a server.
pub struct Shop {
    pub register: Register,
    pub staff: Staff,
    pub receiver: Receiver,
    pub endpoint_id: String,
    pub secret: String,
}

impl Shop {
    pub async fn open(app: &TestApp) -> Self {
        let register = Register::new(&app.app).await;
        let staff = Staff::new(&app.app, &register.merchant_id).await;
        let receiver = Receiver::open().await;
        let made = add(app, &staff, &receiver.url).await;
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { endpoint_id: text("endpoint_id"), secret: text("secret"), register, staff, receiver }
    }

    /// Asks for something about the endpoint, as somebody who signed in just now.
    pub async fn ask(&self, node: &Node, what: &str, body: &Value) {
        let path = format!("/api/merchant/v1/webhooks/{}/{what}", self.endpoint_id);
        let staff = Staff::new(&node.app, &self.register.merchant_id).await;
        let answer = staff.call(node, "POST", &path, body).await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }

    /// A page of the back office, as somebody who signed in just now.
    pub async fn page(&self, node: &Node, path: &str) -> Answer {
        let staff = Staff::new(&node.app, &self.register.merchant_id).await;
        staff.call(node, "GET", path, &Value::Null).await
    }

    /// The state, tries and last error of all deliveries, the oldest first.
    async fn log(&self, node: &Node) -> Vec<(String, i64, Option<String>)> {
        let query = sql("SELECT state, attempts, last_error FROM webhook_delivery \
                         WHERE endpoint_id = $1 ORDER BY created_at, event_id");
        let rows = node.app.stores.registry.all(query.bind(&self.endpoint_id)).await.unwrap();
        let line = |row: &omamori_db::Row| {
            let error = row.text_optional("last_error").unwrap();
            (row.text("state").unwrap(), row.int("attempts").unwrap(), error)
        };
        rows.iter().map(line).collect()
    }
}

/// Adds an endpoint.
pub async fn add(node: &Node, staff: &Staff, url: &str) -> Value {
    staff.call(node, "POST", "/api/merchant/v1/webhooks", &json!({ "url": url })).await.ok()
}

/// Waits until the follower stands at the end of the journal.
pub async fn followed(node: &Node) {
    loop {
        let query = sql("SELECT seq FROM ledger_follower WHERE name = 'webhook_events'");
        let row = node.app.stores.registry.optional(query).await.unwrap();
        let seq = row.map_or(0, |row| row.int("seq").unwrap());
        if seq >= node.journal_entries().await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Sends all that is due.
pub async fn deliver(node: &Node) -> usize {
    followed(node).await;
    let mut tried = 0;
    loop {
        match deliver_due(&node.app).await.unwrap() {
            0 => return tried,
            more => tried += more,
        }
    }
}

/// A customer with ¥10,000.
async fn customer(app: &TestApp, register: &Register) -> Customer {
    let customer = Customer::new(&app.app).await;
    customer.load(app, register, 10_000).await;
    customer
}

async fn what_became_of_a_payment_is_told_once_and_signed(app: &mut TestApp) {
    let shop = Shop::open(app).await;
    let other = Shop::open(app).await;
    let customer = customer(app, &shop.register).await;
    let (register, code) = (&shop.register, customer.code(app.now()));
    let paid = register.sell(app, "s-1", &code, 1_280).await.ok();
    register.sell(app, "s-1", &code, 1_280).await.ok(); // a retry is the same payment
    let refund = register.refund(app, "r-1", "s-1", 280).await.ok();
    register.refund(app, "r-1", "s-1", 280).await.ok();
    register.sell(app, "s-2", &customer.code(app.now()), 500).await.ok();
    register.cancel(app, "s-2").await.ok();
    register.cancel(app, "never").await.ok();
    assert_eq!(deliver(app).await, 4);

    let arrived = shop.receiver.arrived();
    let kinds: Vec<_> = arrived.iter().map(|one| one.json()["type"].clone()).collect();
    for kind in ["payment.completed", "payment.refunded", "payment.canceled"] {
        let count = if kind == "payment.completed" { 2 } else { 1 };
        assert_eq!(kinds.iter().filter(|found| **found == kind).count(), count, "{kinds:?}");
    }
    for one in &arrived {
        assert!(one.is_signed_with(&shop.secret) && !one.is_signed_with(&other.secret));
        assert_eq!(one.headers["content-type"], "application/json");
        assert_eq!(one.seconds(), app.now() / SECOND);
        assert!(one.id().starts_with("evt_"));
    }
    let data = |kind: &str, id: &str| {
        let found = arrived
            .iter()
            .map(Arrived::json)
            .find(|event| event["type"] == kind && event["data"]["merchant_payment_id"] == id);
        found.unwrap()["data"].take()
    };
    let payment = data("payment.completed", "s-1");
    assert_eq!(payment["payment_id"], paid["payment"]["payment_id"]);
    assert_eq!(payment["amount"], 1_280);
    assert_eq!(payment["store_id"], register.store_id.as_str());
    let refunded = data("payment.refunded", "s-1");
    assert_eq!(refunded["refund_id"], refund["refund"]["refund_id"]);
    assert_eq!(
        (&refunded["amount"], &refunded["merchant_refund_id"]),
        (&json!(280), &json!("r-1"))
    );
    assert_eq!(data("payment.canceled", "s-2")["amount"], 500);
    assert!(other.receiver.arrived().is_empty(), "another merchant's payments");
    assert_eq!(deliver(app).await, 0);
}

/// Goal: what leaves the house for a merchant names no customer, no phone, no account and no free
/// text that a clerk may have written about one.
async fn nothing_about_a_customer_is_told(app: &mut TestApp) {
    let shop = Shop::open(app).await;
    let customer = customer(app, &shop.register).await;
    let sale = json!({ "merchant_payment_id": "s-1", "code": customer.code(app.now()),
        "amount": 1_000, "description": "山田花子様 090-1111-2222" });
    shop.register.post(app, "/payments", &sale).await.ok();
    let refund = json!({ "merchant_refund_id": "r-1", "merchant_payment_id": "s-1",
        "amount": 100, "reason": "山田花子様のご希望" });
    shop.register.post(app, "/refunds", &refund).await.ok();
    assert_eq!(deliver(app).await, 2);
    let phone = customer.phone();
    for one in shop.receiver.arrived() {
        let text = format!("{:?} {}", one.headers, String::from_utf8_lossy(&one.body));
        let account = format!("{:032x}", customer.wallet_account);
        for personal in [
            "山田",
            &phone[1..],
            "1111",
            &customer.customer_id,
            &account,
            &customer.device_id,
            "cus_",
            "dev_",
            "dec_",
        ] {
            assert!(!text.contains(personal), "{personal} in {text}");
        }
    }
}

async fn a_receiver_that_fails_is_tried_over_three_days_and_again_from_the_page(app: &mut TestApp) {
    let shop = Shop::open(app).await;
    let customer = customer(app, &shop.register).await;
    shop.receiver.does((0..10).map(|n| Does::Says([500, 404, 429][n % 3])));
    shop.register.sell(app, "s-1", &customer.code(app.now()), 500).await.ok();
    let pauses: [Micros; 9] = [
        5 * SECOND,
        5 * MINUTE,
        30 * MINUTE,
        2 * HOUR,
        5 * HOUR,
        10 * HOUR,
        14 * HOUR,
        20 * HOUR,
        24 * HOUR,
    ];
    assert_eq!(deliver(app).await, 1);
    for pause in pauses {
        app.clock.advance(pause - SECOND);
        assert_eq!(deliver(app).await, 0, "too early");
        app.clock.advance(pause / 10 + 2 * SECOND); // at most a tenth later
        assert_eq!(deliver(app).await, 1);
    }
    app.clock.advance(2 * DAY);
    assert_eq!(deliver(app).await, 0, "given up");
    assert_eq!(shop.log(app).await, [("given_up".to_owned(), 10, Some("refused".to_owned()))]);
    let tries = shop.receiver.arrived();
    assert!(tries.iter().all(|one| one.id() == tries[0].id() && one.is_signed_with(&shop.secret)));
    assert!(tries[9].seconds() > tries[8].seconds(), "each try is signed anew");

    let page = shop.page(app, "/merchant/webhooks").await;
    assert!(page.text().contains(tries[0].id()) && !page.text().contains(&shop.secret));
    shop.ask(app, &format!("events/{}/replay", tries[0].id()), &Value::Null).await;
    assert_eq!(deliver(app).await, 1);
    assert_eq!(shop.receiver.arrived()[0].id(), tries[0].id());
    assert_eq!(shop.log(app).await, [("delivered".to_owned(), 1, None)]);
    shop.ask(app, "replay", &Value::Null).await; // nothing is given up any more
    assert_eq!(deliver(app).await, 0);
}

/// The attack: a receiver that is outside answers that what it wants is inside.
async fn a_redirect_is_not_followed(app: &mut TestApp) {
    let (shop, inside) = (Shop::open(app).await, Receiver::open().await);
    shop.receiver.does([Does::Redirects(inside.url.clone())]);
    shop.ask(app, "test", &Value::Null).await;
    assert_eq!(deliver(app).await, 1);
    assert!(inside.arrived().is_empty());
    assert_eq!(shop.log(app).await, [("waiting".to_owned(), 1, Some("redirect".to_owned()))]);
}

async fn a_slow_receiver_delays_nobody_else(app: &mut TestApp) {
    let (slow, quick) = (Shop::open(app).await, Shop::open(app).await);
    slow.receiver.does([Does::Hangs]);
    for shop in [&slow, &quick] {
        shop.ask(app, "test", &Value::Null).await;
        shop.ask(app, "test", &Value::Null).await;
    }
    let service = app.app.clone();
    let sending = tokio::spawn(async move { deliver_due(&service).await.unwrap() });
    slow.receiver.waits().await;
    while quick.log(app).await.iter().any(|(state, ..)| state != "delivered") {
        tokio::task::yield_now().await;
    }
    assert_eq!(quick.receiver.arrived().len(), 2, "while the slow one has not answered");
    slow.receiver.lets_go();
    assert_eq!(sending.await.unwrap(), 3, "after a failure the rest waits for the next look");
    assert_eq!(slow.receiver.arrived().len(), 1);
}

/// Goal: a process that dies between taking an event and hearing that it arrived sends it again,
/// under the same id; one that dies before the follower looked tells it after the start; a lost
/// position makes no event twice.
async fn a_process_that_dies_loses_nothing_and_makes_nothing_twice(app: &mut TestApp) {
    let shop = Shop::open(app).await;
    let customer = customer(app, &shop.register).await;
    for n in 0..3 {
        shop.register.sell(app, &format!("s-{n}"), &customer.code(app.now()), 100).await.ok();
        app.restart().await; // without waiting for the follower
    }
    followed(app).await;
    shop.receiver.does([Does::Hangs]);
    let service = app.app.clone();
    let sending = tokio::spawn(async move { deliver_due(&service).await });
    shop.receiver.waits().await;
    sending.abort(); // it has arrived, and nobody will hear of it
    assert!(sending.await.unwrap_err().is_cancelled());
    shop.receiver.lets_go();
    app.restart().await;
    assert_eq!(deliver(app).await, 2, "the third is claimed by who died");
    app.clock.advance(3 * MINUTE);
    assert_eq!(deliver(app).await, 1);
    let mut ids: Vec<_> = shop.receiver.arrived().iter().map(|a| a.id().to_owned()).collect();
    assert_eq!(ids.len(), 4, "one of them arrived twice");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "and is told from the others by its id");

    let forget = sql("DELETE FROM ledger_follower WHERE name = 'webhook_events'");
    app.app.stores.registry.execute(forget).await.unwrap();
    app.restart_without_views().await;
    assert_eq!(deliver(app).await, 0, "told before");
}

async fn an_endpoint_that_takes_nothing_is_switched_off_and_told_of(app: &mut TestApp) {
    let shop = Shop::open(app).await;
    let gone = Shop::open(app).await;
    gone.receiver.does([Does::Says(410)]);
    gone.ask(app, "test", &Value::Null).await;
    assert_eq!(deliver(app).await, 1);
    gone.ask(app, "test", &Value::Null).await;
    assert_eq!(deliver(app).await, 0, "who says Gone is asked no more");

    shop.receiver.does((0..500).map(|_| Does::Says(503)));
    for _ in 0..6 {
        shop.ask(app, "test", &Value::Null).await;
        assert!(deliver(app).await >= 1);
        app.clock.advance(20 * HOUR);
        let page = shop.page(app, "/merchant").await;
        assert!(!page.text().contains("data-webhook-failed"));
    }
    shop.ask(app, "test", &Value::Null).await;
    deliver(app).await;
    let page = shop.page(app, "/merchant").await;
    assert!(page.text().contains("data-webhook-failed"), "the merchant is told");
    shop.receiver.arrived();
    app.clock.advance(DAY);
    assert_eq!(deliver(app).await, 0, "switched off");

    let shop = Shop { receiver: Receiver::open().await, ..shop };
    let moved = sql("UPDATE webhook_endpoint SET url = $1 WHERE endpoint_id = $2");
    let moved = moved.bind(&shop.receiver.url).bind(&shop.endpoint_id);
    app.app.stores.registry.execute(moved).await.unwrap();
    shop.ask(app, "switch", &json!({ "on": true })).await;
    let waited = shop.log(app).await.iter().filter(|(state, ..)| state == "waiting").count();
    assert!(waited > 0);
    assert_eq!(deliver(app).await, waited, "what came meanwhile is sent");
}

/// The attacks on a receiver: a body of one's own, another body under a signature that was seen, an
/// old one again. The library of Standard Webhooks refuses each, given what we send.
async fn forged_and_replayed_webhooks_are_seen_by_the_receiver(app: &mut TestApp) {
    // The library reads the machine's clock; this service's stands where the test puts it.
    app.clock.advance(SystemClock.now() - app.now());
    let shop = Shop::open(app).await;
    shop.ask(app, "test", &Value::Null).await;
    assert_eq!(deliver(app).await, 1);
    let one = shop.receiver.arrived().remove(0);
    let library = Webhook::new(&shop.secret).unwrap();
    library.verify(&one.body, &one.headers).unwrap();

    let other = br#"{"type":"payment.completed","data":{"amount":1}}"#;
    let refused = |body: &[u8], headers| library.verify(body, headers).unwrap_err();
    assert!(matches!(refused(other, &one.headers), WebhookError::InvalidSignature));
    let mut renamed = one.headers.clone();
    renamed.insert("webhook-id", "evt_00000000000000000000000000".parse().unwrap());
    assert!(matches!(refused(&one.body, &renamed), WebhookError::InvalidSignature));
    let mut later = one.headers.clone();
    later.insert("webhook-timestamp", (one.seconds() + 60).to_string().parse().unwrap());
    assert!(matches!(refused(&one.body, &later), WebhookError::InvalidSignature));

    let stale = Shop::open(app).await;
    stale.ask(app, "test", &Value::Null).await;
    let due = sql("UPDATE webhook_delivery SET next_at = next_at - $1 WHERE endpoint_id = $2");
    let due = due.bind(HOUR).bind(&stale.endpoint_id);
    app.app.stores.registry.execute(due).await.unwrap();
    app.clock.advance(-HOUR);
    assert_eq!(deliver(app).await, 1);
    let old = stale.receiver.arrived().remove(0);
    let refused = Webhook::new(&stale.secret).unwrap().verify(&old.body, &old.headers);
    assert!(matches!(refused, Err(WebhookError::TimestampTooOldError)), "an hour later");
    app.clock.advance(HOUR);
}

/// Goal: each event once, whichever node took the payment, follows, or sends.
async fn two_nodes_send_each_event_once(app: &mut TestApp) {
    let shop = Shop::open(app).await;
    let customer = customer(app, &shop.register).await;
    let other = app.another_node().await;
    for n in 0..6 {
        let node: &Node = [&**app, &other][n % 2];
        shop.register.sell(node, &format!("s-{n}"), &customer.code(app.now()), 100).await.ok();
    }
    followed(app).await;
    while shop.log(app).await.iter().any(|(state, ..)| state == "waiting") {
        let (here, there) = (deliver_due(&app.app), deliver_due(&other.app));
        let (here, there) = tokio::join!(here, there);
        here.unwrap();
        there.unwrap();
    }
    let mut ids: Vec<_> = shop.receiver.arrived().iter().map(|a| a.id().to_owned()).collect();
    assert_eq!(ids.len(), 6);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    other.app.close().await;
}

/// The attack: forty endpoints that answer nothing, each with more than one event, so that whenever
/// a place is free one of them takes it. The good one is served before any of them has a second
/// turn.
async fn forty_silent_receivers_do_not_starve_a_good_one(app: &mut TestApp) {
    let mut silent = Vec::new();
    for _ in 0..8 {
        let merchant_id = Register::new(&app.app).await.merchant_id;
        let staff = Staff::new(&app.app, &merchant_id).await;
        for _ in 0..5 {
            let receiver = Receiver::open().await;
            receiver.does((0..100).map(|_| Does::Hangs));
            let made = add(app, &staff, &receiver.url).await;
            let path =
                format!("/api/merchant/v1/webhooks/{}/test", made["endpoint_id"].as_str().unwrap());
            for _ in 0..3 {
                let asked = staff.call(app, "POST", &path, &Value::Null).await;
                assert!(asked.status.is_success(), "{}", asked.text());
            }
            silent.push(receiver);
        }
    }
    let good = Shop::open(app).await;
    // The last of all, by whatever they are taken in order of.
    let last = sql("UPDATE webhook_endpoint SET next_try_at = $1 WHERE endpoint_id = $2");
    let last = last.bind(app.now()).bind(&good.endpoint_id);
    good.ask(app, "test", &Value::Null).await;
    app.app.stores.registry.execute(last).await.unwrap();
    let worker = webhook::start(&app.app);
    let mut came = vec![0; silent.len()];
    while good.receiver.arrived().is_empty() {
        for (place, receiver) in silent.iter().enumerate() {
            let arrived = receiver.arrived().len();
            came[place] += arrived;
            if arrived > 0 {
                receiver.lets_go();
            }
        }
        tokio::task::yield_now().await;
    }
    assert!(came.iter().all(|times| *times <= 1), "{came:?}");
    silent.iter().for_each(Receiver::lets_go);
    worker.stop().await;
}

/// The attack: somebody keeps pressing *send a test*, so that a place is always theirs.
async fn tests_and_replays_have_a_limit(app: &mut TestApp) {
    let (shop, other) = (Shop::open(app).await, Shop::open(app).await);
    let path = |what: &str| format!("/api/merchant/v1/webhooks/{}/{what}", shop.endpoint_id);
    for _ in 0..10 {
        shop.ask(app, "test", &Value::Null).await;
    }
    let on = json!({ "on": true });
    for (what, body) in [("test", &Value::Null), ("replay", &Value::Null), ("switch", &on)] {
        let asked = shop.staff.call(app, "POST", &path(what), body).await;
        asked.refused(Code::TooManyRequests);
    }
    assert_eq!(shop.log(app).await.len(), 10, "what is refused puts nothing into the outbox");
    other.ask(app, "test", &Value::Null).await;
    app.clock.advance(MINUTE);
    shop.ask(app, "test", &Value::Null).await;
}
