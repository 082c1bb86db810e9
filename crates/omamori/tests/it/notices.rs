//! Notices: written with the change they tell of, read in the app, seen once.

mod contacts;
pub mod outbox;
mod push;
mod smtp;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use omamori::id::Kind;
use omamori::notify::{Notice, tell, tell_alone};
use omamori::wallet::live::Message;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::{on_both_engines, on_several_nodes};

on_both_engines!(
    a_notice_is_there_if_and_only_if_the_change_is,
    notices_are_read_in_the_reader_s_language_and_seen_once,
    nobody_marks_or_reads_another_s_notices,
    an_open_wallet_is_told_at_once,
    a_locked_code_is_told,
);
on_several_nodes!(a_wallet_on_another_node_is_told_at_once);

/// A notice that leaves the house on every way.
pub fn moved() -> Notice {
    Notice::DeviceMoved { from: "Pixel".to_owned(), to: "iPhone".to_owned() }
}

/// Tells a customer of it.
pub async fn tell_moved(node: &Node, customer: &Customer) {
    tell_alone(&node.app, &customer.customer_id, &moved()).await.unwrap();
}

/// Sends JSON as a customer on the phone.
pub async fn send(
    node: &Node,
    customer: &Customer,
    method: &str,
    path: &str,
    body: &Value,
) -> Answer {
    let proof = customer.proof(method, path, node.app.clock.now());
    let mut request = customer.request(method, path, Some(&proof));
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(header::CONTENT_TYPE, json);
    *request.body_mut() = Body::from(body.to_string());
    node.call(request).await
}

/// Rows of a table.
async fn count(node: &Node, table: &str) -> i64 {
    let query = match table {
        "notice" => sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice"),
        "delivery" => sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM delivery"),
        other => panic!("no count of {other}"),
    };
    node.app.stores.registry.one(query).await.unwrap().int("n").unwrap()
}

async fn unread(node: &Node, customer: &Customer) -> i64 {
    let answer = customer.get(node, "/api/wallet/v1/notices/unread").await.ok();
    answer["unread"].as_i64().unwrap()
}

/// Goal: a change that is rolled back tells nothing; one that is made tells once.
async fn a_notice_is_there_if_and_only_if_the_change_is(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let mut tx = app.app.stores.registry.begin().await.unwrap();
    tell(&app.app, &mut tx, &customer.customer_id, &moved()).await.unwrap();
    drop(tx);
    assert_eq!((count(app, "notice").await, count(app, "delivery").await), (0, 0));

    let mut tx = app.app.stores.registry.begin().await.unwrap();
    tell(&app.app, &mut tx, &customer.customer_id, &moved()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((count(app, "notice").await, count(app, "delivery").await), (1, 1), "one SMS");

    let nobody = Kind::Customer.text(1);
    assert!(tell_alone(&app.app, &nobody, &moved()).await.is_err());
    assert_eq!(count(app, "notice").await, 1);
}

/// Goal: the words come from the kind and its parameters when they are read; what came after the
/// list was shown stays new.
async fn notices_are_read_in_the_reader_s_language_and_seen_once(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    app.clock.advance(1);
    let page = customer.get(app, "/notices").await;
    assert!(page.text().contains("Pixel から iPhone に変わりました"), "{}", page.text());
    assert!(page.text().contains("2026/04/01 12:00"), "when, in Japan");
    let proof = customer.proof("GET", "/notices", app.now());
    let mut request = customer.request("GET", "/notices", Some(&proof));
    request.headers_mut().insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
    assert!(app.call(request).await.text().contains("moved from Pixel to iPhone"));
    assert_eq!(unread(app, &customer).await, 1, "to be asked for is not to be seen");

    let (_, shown) = page.text().split_once("data-notice=\"").unwrap();
    let shown = json!({ "notice_id": shown.split('"').next().unwrap() });
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    assert_eq!(unread(app, &customer).await, 2);
    let path = "/api/wallet/v1/notices/seen";
    assert_eq!(send(app, &customer, "POST", path, &shown).await.status.as_u16(), 204);
    assert_eq!(unread(app, &customer).await, 1, "the later one is still new");
    for wrong in [json!({ "notice_id": "ntc_1" }), json!({}), json!({ "notice_id": 1 })] {
        send(app, &customer, "POST", path, &wrong).await.refused(Code::InvalidRequest);
    }
}

/// Goal: an id of another customer's notice marks nothing, and without the phone's proof there
/// is nothing to read.
async fn nobody_marks_or_reads_another_s_notices(app: &mut TestApp) {
    let (customer, other) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    app.clock.advance(1);
    tell_alone(&app.app, &other.customer_id, &moved()).await.unwrap();
    let query = sql("SELECT notice_id FROM notice WHERE customer_id = $1");
    let row = app.app.stores.registry.one(query.bind(&other.customer_id)).await.unwrap();
    let later = json!({ "notice_id": row.text("notice_id").unwrap() });
    send(app, &customer, "POST", "/api/wallet/v1/notices/seen", &later).await;
    assert_eq!((unread(app, &customer).await, unread(app, &other).await), (1, 1));

    for (method, path) in [
        ("GET", "/api/wallet/v1/notices/unread"),
        ("POST", "/api/wallet/v1/notices/seen"),
        ("GET", "/api/wallet/v1/push"),
        ("POST", "/api/wallet/v1/push"),
        ("DELETE", "/api/wallet/v1/push"),
    ] {
        app.call(customer.request(method, path, None)).await.refused(Code::Unauthorized);
    }
    let page = app.call(customer.request("GET", "/notices", None)).await;
    assert!(!page.text().contains("iPhone"));
}

/// Goal: a listener hears of the notice after its commit.
async fn an_open_wallet_is_told_at_once(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let mut open = app.app.live.listen(customer.wallet_account, 4);
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    assert!(matches!(open.recv().await, Some(Message::Notice)));
}

/// Goal: on whichever node the wallet is open.
async fn a_wallet_on_another_node_is_told_at_once(app: &mut TestApp) {
    let other = app.another_node().await;
    let customer = Customer::new(&app.app).await;
    let mut open = other.app.live.listen(customer.wallet_account, 4);
    tell_alone(&app.app, &customer.customer_id, &moved()).await.unwrap();
    assert!(matches!(open.recv().await, Some(Message::Notice)));
    other.app.close().await;
}

/// Goal: what locks a code tells its customer, once a lock.
async fn a_locked_code_is_told(app: &mut TestApp) {
    use crate::support::shop::Register;
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let code = customer.code(app.now());
    let last = code.as_bytes()[22] - b'0';
    for _ in 0..5 {
        // A wrong one-time part with a right check digit, found by trying the ten there are.
        for check in 0..10 {
            let wrong = format!("{}{}{check}", &code[..22], (last + 1) % 10);
            register.sell(app, "s-1", &wrong, 100).await.error();
        }
    }
    assert_eq!(unread(app, &customer).await, 1);
    let page = customer.get(app, "/notices").await;
    assert!(page.text().contains("支払いコードを一時的にロックしました"), "{}", page.text());
    assert!(page.text().contains("2026/04/01 12:01"), "until when");
}
