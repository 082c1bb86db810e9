//! One customer pays one order, with every wrong turn.

use omamori::audit::Actor;
use omamori::clock::{DAY, MINUTE, SECOND};
use omamori::control::{Closing, Door, Scope, close};
use omamori::coupon::Gift;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use super::{order, order_id, pay, shop_and_customer, status, text};
use crate::support::app::TestApp;
use crate::support::confirm::Passkey;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::value::{begin, coupon};

on_both_engines!(
    a_tap_pays_and_a_retry_is_answered_as_the_first_time,
    what_was_paid_by_order_is_a_payment_like_any_other,
    the_amount_is_the_orders_whoever_says_what,
    an_order_that_is_asked_for_again_is_the_same_order,
    above_the_limit_of_taps_the_passkey_confirms_this_order_and_no_other,
    an_order_ends_with_its_time,
    a_canceled_order_cannot_be_paid_late,
    a_paid_order_is_not_canceled_as_an_order,
    the_customers_code_pays_the_same_sale_instead,
    an_order_of_another_merchant_is_not_there,
    coupons_points_and_limits_are_those_of_the_register,
    a_stopped_account_pays_no_order,
    a_closed_door_stops_orders_and_leaves_codes,
    an_order_asks_for_the_phone_and_the_session,
);

async fn a_tap_pays_and_a_retry_is_answered_as_the_first_time(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let id = order_id(app, &register, "s-1", 1_200).await;
    let seen = customer.get(app, &format!("/api/wallet/v1/orders/{id}")).await.ok();
    assert_eq!(seen["order"]["store_name"], "新宿本店");
    assert_eq!(seen["order"]["merchant_name"], "日の丸商店");
    assert_eq!(seen["order"]["amount"], 1_200);
    assert_eq!(seen["order"]["needs_proof"], false);
    let ask = format!("/orders/{id}/pay/options");
    let options = customer.post(app, &ask, &json!({ "amount": 1_200 })).await.ok();
    assert_eq!(options, json!({ "tap": true }));
    let first = pay(app, &customer, &id, 1_200).await.ok();
    assert_eq!(first["payment"]["amount"], 1_200);
    assert_eq!(first["payment"]["order_id"], id.as_str());
    assert_eq!(first["payment"]["terminal_id"], register.terminal_id.as_str());
    assert_eq!(customer.balance(app), 3_800);
    for _ in 0..3 {
        assert_eq!(pay(app, &customer, &id, 1_200).await.ok(), first, "a double click");
    }
    app.clock.advance(2 * DAY);
    app.restart_without_views().await;
    assert_eq!(pay(app, &customer, &id, 1_200).await.ok(), first, "long after its time");
    assert_eq!(customer.balance(app), 3_800);
    assert_eq!(status(app, &register, "s-1").await, "paid");
}

async fn what_was_paid_by_order_is_a_payment_like_any_other(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let items = json!([{ "name": "おにぎり", "quantity": 2, "unit_price": 160 }]);
    let wanted = json!({ "merchant_payment_id": "s-1", "amount": 320, "items": items,
        "order_receipt_number": "7", "description": "朝食" });
    let made = register.post(app, "/orders", &wanted).await.ok();
    assert_eq!(made["order"]["status"], "open");
    assert_eq!(made["order"]["payment"], json!(null));
    let id = text(&made["order"]["order_id"]);
    pay(app, &customer, &id, 320).await.ok();
    let payment = register.payment(app, "s-1").await.ok()["payment"].take();
    assert_eq!(payment["items"], items);
    assert_eq!(payment["order_receipt_number"], "7");
    assert_eq!(payment["description"], "朝食");
    let found = register.get(app, "/orders/s-1").await.ok();
    assert_eq!(found["order"]["payment"], payment);
    assert_eq!(register.get(app, "/payments").await.ok()["payments"][0], payment);
    register.refund(app, "r-1", "s-1", 120).await.ok();
    assert_eq!(customer.balance(app), 4_800);
    register.refund(app, "r-2", "s-1", 201).await.refused(Code::RefundExceedsPayment);
    let second = order_id(app, &register, "s-2", 800).await;
    pay(app, &customer, &second, 800).await.ok();
    register.cancel(app, "s-2").await.ok();
    assert_eq!(customer.balance(app), 4_800);
    let again = pay(app, &customer, &second, 800).await.ok();
    assert_eq!(again["payment"]["status"], "canceled", "and it is not paid anew");
    let receipt = customer.get(app, &format!("/receipt/{}", text(&payment["payment_id"]))).await;
    assert!(receipt.text().contains("新宿本店"));
}

async fn the_amount_is_the_orders_whoever_says_what(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let id = order_id(app, &register, "s-1", 4_000).await;
    for amount in [1, 3_999, 4_001, 0, -4_000, i64::MAX] {
        let refused = pay(app, &customer, &id, amount).await;
        refused.refused(Code::InvalidRequest);
        let ask = format!("/orders/{id}/pay/options");
        customer.post(app, &ask, &json!({ "amount": amount })).await.refused(Code::InvalidRequest);
    }
    assert_eq!(customer.balance(app), 5_000);
    assert_eq!(status(app, &register, "s-1").await, "open");
}

async fn an_order_that_is_asked_for_again_is_the_same_order(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let first = order(app, &register, "s-1", 500).await.ok();
    app.clock.advance(SECOND);
    assert_eq!(order(app, &register, "s-1", 500).await.ok(), first);
    order(app, &register, "s-1", 501).await.refused(Code::PaymentIdReused);
    register.sell(app, "s-2", &customer.code(app.now()), 300).await.ok();
    order(app, &register, "s-2", 300).await.refused(Code::PaymentIdReused);
    register.cancel(app, "s-3").await.ok();
    order(app, &register, "s-3", 300).await.refused(Code::PaymentCanceled);
    let code = text(&first["order"]["code"]);
    assert!(code.len() == 10 && code.chars().all(|c| c.is_ascii_alphanumeric()), "{code}");
}

async fn above_the_limit_of_taps_the_passkey_confirms_this_order_and_no_other(app: &mut TestApp) {
    let (register, mut customer) = shop_and_customer(app, 40_000).await;
    let passkey = Passkey::of(&app.app, &customer).await;
    let largest = order_id(app, &register, "s-0", 10_000).await;
    pay(app, &customer, &largest, 10_000).await.ok();
    let [id, other] = [
        order_id(app, &register, "s-1", 10_001).await,
        order_id(app, &register, "s-2", 10_001).await,
    ];
    pay(app, &customer, &id, 10_001).await.refused(Code::ProofFailed);
    let request = json!({ "amount": 10_001 });
    let options = customer.post(app, &format!("/orders/{other}/pay/options"), &request).await.ok();
    assert!(text(&options["confirm"]).contains("¥10,001"), "{options}");
    assert!(text(&options["confirm"]).contains("新宿本店"), "{options}");
    let body = json!({ "request": request, "proof": { "passkey": passkey.get(&options) } });
    let swapped = customer.post(app, &format!("/orders/{id}/pay"), &body).await;
    swapped.refused(Code::ProofFailed);
    assert_eq!(customer.balance(app), 30_000);
    let path = format!("/orders/{id}/pay");
    let paid = customer.confirmed(app, &passkey, &path, Some(&request)).await.ok();
    assert_eq!(paid["payment"]["amount"], 10_001);
    let again = pay(app, &customer, &id, 10_001).await.ok();
    assert_eq!(again["payment"], paid["payment"], "a retry asks for no further proof");
    assert_eq!(customer.balance(app), 19_999);
    app.restart_with(|config| config.limits.store_qr_tap_max = 100_000).await;
    pay(app, &customer, &other, 10_001).await.ok();
}

async fn an_order_ends_with_its_time(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let wanted = json!({ "merchant_payment_id": "s-1", "amount": 500, "expires_in_seconds": 60 });
    let made = register.post(app, "/orders", &wanted).await.ok();
    assert_eq!(made["order"]["expires_at"], "2026-04-01T03:01:00Z");
    let id = text(&made["order"]["order_id"]);
    app.clock.advance(MINUTE - 1);
    assert_eq!(status(app, &register, "s-1").await, "open");
    app.clock.advance(1);
    assert_eq!(status(app, &register, "s-1").await, "expired");
    pay(app, &customer, &id, 500).await.refused(Code::OrderExpired);
    assert_eq!(customer.balance(app), 5_000);
    register.post(app, "/orders/s-1/cancel", &json!({})).await.ok();
    pay(app, &customer, &id, 500).await.refused(Code::PaymentCanceled);
}

async fn a_canceled_order_cannot_be_paid_late(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let id = order_id(app, &register, "s-1", 500).await;
    for _ in 0..2 {
        let answer = register.post(app, "/orders/s-1/cancel", &json!({})).await.ok();
        assert_eq!(answer["order"]["status"], "canceled");
    }
    pay(app, &customer, &id, 500).await.refused(Code::PaymentCanceled);
    register.sell(app, "s-1", &customer.code(app.now()), 500).await.refused(Code::PaymentCanceled);
    // A register that cancels the payment, as it does when it does not know, stops the order too.
    let second = order_id(app, &register, "s-2", 500).await;
    register.cancel(app, "s-2").await.ok();
    pay(app, &customer, &second, 500).await.refused(Code::PaymentCanceled);
    assert_eq!(customer.balance(app), 5_000);
}

async fn a_paid_order_is_not_canceled_as_an_order(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let id = order_id(app, &register, "s-1", 500).await;
    pay(app, &customer, &id, 500).await.ok();
    register.post(app, "/orders/s-1/cancel", &json!({})).await.refused(Code::OrderPaid);
    assert_eq!(customer.balance(app), 4_500);
}

/// Goal: a customer whose camera does not work shows the code; the same sale is not paid twice.
async fn the_customers_code_pays_the_same_sale_instead(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let id = order_id(app, &register, "s-1", 500).await;
    register.sell(app, "s-1", &customer.code(app.now()), 500).await.ok();
    pay(app, &customer, &id, 500).await.refused(Code::OrderPaid);
    assert_eq!(status(app, &register, "s-1").await, "paid");
    let second = order_id(app, &register, "s-2", 500).await;
    pay(app, &customer, &second, 500).await.ok();
    register.sell(app, "s-2", &customer.code(app.now()), 500).await.refused(Code::PaymentIdReused);
    assert_eq!(customer.balance(app), 4_000);
}

async fn an_order_of_another_merchant_is_not_there(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let id = order_id(app, &register, "s-1", 500).await;
    let stranger = Register::new(&app.app).await;
    stranger.get(app, "/orders/s-1").await.refused(Code::OrderNotFound);
    stranger.post(app, "/orders/s-1/cancel", &json!({})).await.refused(Code::OrderNotFound);
    stranger.get(app, &format!("/orders/{id}")).await.refused(Code::OrderNotFound);
    let theirs = order_id(app, &stranger, "s-1", 700).await;
    assert_ne!(theirs, id, "ids are a merchant's own");
    pay(app, &customer, &theirs, 700).await.ok();
    assert_eq!(status(app, &register, "s-1").await, "open");
    for bad in ["ord_x", "x", "..", "ord_00000000000000000000000000"] {
        pay(app, &customer, bad, 1).await.refused(Code::OrderNotFound);
        let seen = customer.get(app, &format!("/api/wallet/v1/orders/{bad}")).await;
        assert_eq!(seen.status, 404, "{bad}");
    }
    // A sister store of the same merchant shares the ids, as with payments.
    let sister = Register::of_merchant(&app.app, &register.merchant_id).await;
    assert_eq!(status(app, &sister, "s-1").await, "open");
    order(app, &sister, "s-1", 500).await.refused(Code::PaymentIdReused);
}

async fn coupons_points_and_limits_are_those_of_the_register(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 30_000).await;
    let campaign = begin(app, None, coupon(Gift::AmountOff { yen: 50 }, 1_000)).await;
    customer.post(app, &format!("/coupons/{}/set", campaign.campaign_id), &json!({})).await.ok();
    let id = order_id(app, &register, "s-1", 1_050).await;
    let paid = pay(app, &customer, &id, 1_050).await.ok();
    assert_eq!(paid["payment"]["amount_due"], 1_000);
    assert_eq!(paid["payment"]["points_earned"], 5);
    assert_eq!(customer.balance(app), 29_000);
    let newcomer = Customer::enrolled_at(&app.app, app.now()).await;
    newcomer.load(app, &register, 20_000).await;
    for (n, amount) in [(2, 6_000), (3, 6_000)] {
        let id = order_id(app, &register, &format!("s-{n}"), amount).await;
        let answer = pay(app, &newcomer, &id, amount).await;
        match n {
            2 => answer.ok(),
            _ => answer.refused(Code::LimitNewDevice),
        };
    }
    let id = order_id(app, &register, "s-4", 9_999).await;
    pay(app, &Customer::new(&app.app).await, &id, 9_999).await.refused(Code::InsufficientFunds);
}

async fn a_stopped_account_pays_no_order(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let id = order_id(app, &register, "s-1", 500).await;
    let freeze = sql("UPDATE customer SET status = 'frozen' WHERE customer_id = $1");
    app.app.stores.registry.execute(freeze.bind(&customer.customer_id)).await.unwrap();
    app.app.identity.forget(customer.device_number);
    pay(app, &customer, &id, 500).await.refused(Code::AccountFrozen);
    assert_eq!(customer.balance(app), 5_000);
}

async fn a_closed_door_stops_orders_and_leaves_codes(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let id = order_id(app, &register, "s-1", 500).await;
    let closing = |door| Closing {
        door,
        scope: Scope::Store(register.store_id.clone()),
        reason: "stickers".into(),
        notice_ja: String::new(),
        notice_en: String::new(),
        ends_at: None,
    };
    close(&app.app, &Actor::machine(), "山田", closing(Door::StoreQr)).await.unwrap();
    pay(app, &customer, &id, 500).await.refused(Code::FunctionClosed);
    order(app, &register, "s-2", 500).await.refused(Code::FunctionClosed);
    order(app, &register, "s-1", 500).await.ok();
    register.sell(app, "s-3", &customer.code(app.now()), 500).await.ok();
    let sister = Register::of_merchant(&app.app, &register.merchant_id).await;
    close(&app.app, &Actor::machine(), "山田", closing(Door::Code)).await.unwrap();
    let code = customer.code(app.now());
    register.sell(app, "s-4", &code, 500).await.refused(Code::FunctionClosed);
    let there = order_id(app, &sister, "s-5", 500).await;
    pay(app, &customer, &there, 500).await.ok();
    assert_eq!(customer.balance(app), 4_000);
}

async fn an_order_asks_for_the_phone_and_the_session(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let id = order_id(app, &register, "s-1", 500).await;
    let path = format!("/api/wallet/v1/orders/{id}/pay");
    let bare = app.call(customer.request("POST", &path, None)).await;
    bare.refused(Code::Unauthorized);
    let replace = sql("UPDATE device SET state = 'replaced' WHERE device_id = $1");
    app.app.stores.registry.execute(replace.bind(&customer.device_id)).await.unwrap();
    app.app.identity.forget(customer.device_number);
    pay(app, &customer, &id, 500).await.refused(Code::DeviceNotEnrolled);
    assert_eq!(customer.balance(app), 5_000);
}
