//! The ordinary way, and the ends of an order.

use omamori::checkout::end_due;
use omamori::clock::{MINUTE, SECOND};
use omamori::web::codes::Code;
use serde_json::{Value, json};

use super::{ORIGIN, Order, Web, person, told};
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::webhook::add;

on_both_engines!(
    an_order_is_made_approved_told_looked_up_and_refunded,
    a_shop_with_its_origin_is_made_in_the_back_office,
    an_order_that_nobody_pays_ends_and_is_told,
    an_order_is_given_up_by_customer_or_shop_and_told_once,
    what_is_paid_is_given_up_by_nobody,
    what_is_wrong_with_an_order_is_said,
);

/// Tells the merchant of everything from now on; nothing is sent in these tests.
async fn listen(app: &TestApp, web: &Web) {
    let staff = Staff::new(&app.app, &web.register.merchant_id).await;
    add(app, &staff, "https://shop.example.jp/hook").await;
}

async fn an_order_is_made_approved_told_looked_up_and_refunded(app: &mut TestApp) {
    let web = Web::new(&app.app).await;
    let mut person = person(app, &web).await;
    listen(app, &web).await;
    let made = web.create(app, &web.wants("o-1", 3_980)).await.ok();
    assert_eq!(made["order"]["status"], "open");
    assert_eq!(web.create(app, &web.wants("o-1", 3_980)).await.ok(), made, "a retry");
    let order = Order::of(&made);
    assert_eq!(order.state(app).await, json!({ "status": "open", "back": null }));

    let guest = app.get(&order.page()).await;
    for part in ["日の丸商店", "¥3,980", "手ぬぐい", "ご注文 0042", "data:image/svg+xml"]
    {
        assert!(guest.text().contains(part), "{part}");
    }
    assert!(!guest.text().contains("data-pay-do") && !guest.text().contains("/done"));
    let mine = person.customer.get(app, &order.page()).await;
    assert!(mine.text().contains("data-pay-do") && mine.text().contains("¥10,000"));

    let paid = order.pay(app, &mut person).await.ok();
    let payment_id = paid["payment"]["payment_id"].clone();
    assert_eq!(order.pay(app, &mut person).await.ok()["payment"], paid["payment"], "a retry");
    assert_eq!(person.customer.balance(app), 6_020);
    let looked = web.look(app, "o-1").await.ok();
    assert_eq!(looked["order"]["status"], "paid");
    assert_eq!(looked["order"]["payment"]["payment_id"], payment_id);
    assert_eq!(web.register.payment(app, "o-1").await.ok()["payment"]["payment_id"], payment_id);
    let back = format!("{ORIGIN}/done?cart=7&merchant_payment_id=o-1&status=paid");
    assert_eq!(order.state(app).await, json!({ "status": "paid", "back": back }));
    let page = person.customer.get(app, &order.page()).await;
    assert!(page.text().contains("/receipt/") && page.text().contains("手ぬぐい"));
    let stranger = app.get(&order.page()).await;
    assert!(!stranger.text().contains("手ぬぐい") && !stranger.text().contains("/receipt/"));

    web.register.refund(app, "r-1", "o-1", 1_000).await.ok();
    assert_eq!(person.customer.balance(app), 7_020);
    assert_eq!(told(app).await, ["checkout.completed", "payment.completed", "payment.refunded"]);
    app.clock.advance(30 * MINUTE);
    assert_eq!(end_due(&app.app).await.unwrap(), 1);
    assert_eq!(end_due(&app.app).await.unwrap(), 0);
    assert_eq!(told(app).await.len(), 3, "a paid one ends in silence");
    assert_eq!(web.status(app, "o-1").await, "paid");
}

async fn a_shop_with_its_origin_is_made_in_the_back_office(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    let path = "/api/merchant/v1/terminals";
    let mut wish = json!({ "store_id": register.store_id, "name": "EC", "kind": "online" });
    staff.call(app, "POST", path, &wish).await.refused(Code::InvalidRequest);
    for bad in ["http://shop.example.jp", "https://shop.example.jp/x", "javascript:x", ""] {
        wish["origin"] = bad.into();
        let error = staff.call(app, "POST", path, &wish).await.refused(Code::InvalidRequest);
        assert_eq!(error["fields"][0]["field"], "origin", "{bad}");
    }
    wish["origin"] = ORIGIN.into();
    let made = staff.call(app, "POST", path, &wish).await.ok();
    let key = made["api_key"].as_str().unwrap().to_owned();
    let web = Web { register: Register { key, ..register } };
    web.order(app, "o-1", 500).await;
    assert!(staff.call(app, "GET", "/merchant", &Value::Null).await.text().contains("EC"));
    wish["kind"] = "pos".into();
    staff.call(app, "POST", path, &wish).await.refused(Code::InvalidRequest);
}

async fn an_order_that_nobody_pays_ends_and_is_told(app: &mut TestApp) {
    let web = Web::new(&app.app).await;
    let mut person = person(app, &web).await;
    listen(app, &web).await;
    let order = web.order(app, "o-1", 500).await;
    app.clock.advance(20 * MINUTE - SECOND);
    assert_eq!(web.status(app, "o-1").await, "open");
    app.clock.advance(SECOND);
    assert_eq!(web.status(app, "o-1").await, "expired");
    order.pay(app, &mut person).await.refused(Code::OrderExpired);
    assert_eq!(end_due(&app.app).await.unwrap(), 0, "what was begun in time may still arrive");
    app.clock.advance(MINUTE);
    assert_eq!(end_due(&app.app).await.unwrap(), 1);
    assert_eq!(end_due(&app.app).await.unwrap(), 0);
    assert_eq!(told(app).await, ["checkout.expired"]);
    assert_eq!(web.status(app, "o-1").await, "expired");
    order.pay(app, &mut person).await.refused(Code::PaymentCanceled);
    let back = format!("{ORIGIN}/cart?merchant_payment_id=o-1&status=expired");
    assert_eq!(order.state(app).await["back"], back);
    assert!(app.get(&order.page()).await.text().contains("data-pay-back"));

    let mut long = web.wants("o-2", 500);
    long["expires_in_minutes"] = 60.into();
    web.create(app, &long).await.ok();
    app.clock.advance(59 * MINUTE);
    assert_eq!(web.status(app, "o-2").await, "open");
    assert_eq!(person.customer.balance(app), 10_000);
}

async fn an_order_is_given_up_by_customer_or_shop_and_told_once(app: &mut TestApp) {
    let web = Web::new(&app.app).await;
    let mut person = person(app, &web).await;
    listen(app, &web).await;
    let by_shop = web.order(app, "o-1", 500).await;
    for _ in 0..2 {
        assert_eq!(web.cancel(app, "o-1").await.ok()["order"]["status"], "canceled");
    }
    by_shop.pay(app, &mut person).await.refused(Code::PaymentCanceled);
    let by_customer = web.order(app, "o-2", 500).await;
    for _ in 0..2 {
        let ended = by_customer.give_up(app).await.ok();
        let back = format!("{ORIGIN}/cart?merchant_payment_id=o-2&status=canceled");
        assert_eq!(ended, json!({ "status": "canceled", "back": back }));
    }
    by_customer.pay(app, &mut person).await.refused(Code::PaymentCanceled);
    assert_eq!(web.status(app, "o-2").await, "canceled");
    web.create(app, &web.wants("o-2", 500)).await.ok(); // the same order, as it is
    assert_eq!(web.status(app, "o-2").await, "canceled");
    // A cancel by the POS API takes the id too; it is told when the time is over.
    web.order(app, "o-3", 500).await;
    web.register.cancel(app, "o-3").await.ok();
    app.clock.advance(30 * MINUTE);
    end_due(&app.app).await.unwrap();
    assert_eq!(told(app).await, ["checkout.canceled"; 3]);
    assert_eq!(person.customer.balance(app), 10_000);
}

async fn what_is_paid_is_given_up_by_nobody(app: &mut TestApp) {
    let web = Web::new(&app.app).await;
    let mut person = person(app, &web).await;
    let order = web.order(app, "o-1", 500).await;
    order.pay(app, &mut person).await.ok();
    web.cancel(app, "o-1").await.refused(Code::OrderPaid);
    order.give_up(app).await.refused(Code::OrderPaid);
    assert_eq!(web.status(app, "o-1").await, "paid");
    assert_eq!(person.customer.balance(app), 9_500);
}

async fn what_is_wrong_with_an_order_is_said(app: &mut TestApp) {
    let web = Web::new(&app.app).await;
    let wrong: [(&str, Value); 17] = [
        ("merchant_payment_id", json!("a b")),
        ("amount", json!(0)),
        ("amount", json!(-1)),
        ("amount", json!(1_000_001)),
        ("amount", json!("500")),
        ("amount", json!(1.5)),
        ("currency", json!("USD")),
        ("description", json!("x".repeat(256))),
        ("description", json!("a\u{202e}b")),
        ("expires_in_minutes", json!(4)),
        ("expires_in_minutes", json!(61)),
        ("success_url", json!("https://evil.example/")),
        ("success_url", json!("https://shop.example.jp.evil.example/")),
        ("success_url", json!("https://shop.example.jp@evil.example/")),
        ("success_url", json!("javascript:alert(1)")),
        ("cancel_url", json!("//evil.example/")),
        ("cancel_url", json!("https://shop.example.jp/\\evil.example")),
    ];
    for (field, value) in wrong {
        let mut wanted = web.wants("o-1", 500);
        wanted[field] = value.clone();
        let error = web.create(app, &wanted).await.refused(Code::InvalidRequest);
        assert_eq!(error["fields"][0]["field"], field, "{value}");
    }
    let mut more = web.wants("o-1", 500);
    more["admin"] = true.into();
    web.create(app, &more).await.refused(Code::InvalidRequest);
    web.look(app, "o-1").await.refused(Code::OrderNotFound);
    web.order(app, "o-1", 500).await;
    web.create(app, &web.wants("o-1", 501)).await.refused(Code::PaymentIdReused);
    let mut elsewhere = web.wants("o-1", 500);
    elsewhere["success_url"] = format!("{ORIGIN}/other").into();
    web.create(app, &elsewhere).await.refused(Code::PaymentIdReused);
}

/// Goal: a change of the API is a change of a file that somebody reviews.
#[test]
fn the_document_is_the_committed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi-checkout.json");
    let document = format!("{}\n", omamori::checkout::document());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == document, "openapi-checkout.json: UPDATE=1 writes it anew");
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["paths"].as_object().unwrap().len(), 3);
}
