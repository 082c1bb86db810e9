//! A sale by the customer's code: once, whatever is repeated.

use std::sync::Arc;

use omamori::clock::{MINUTE, SECOND};
use omamori::web::codes::Code;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    a_repeated_sale_is_answered_as_the_first_time,
    sixteen_equal_requests_at_once_are_one_payment,
    sixteen_equal_requests_that_use_up_the_balance_are_one_payment,
    sixteen_equal_requests_that_use_up_a_limit_are_one_payment,
    sixteen_sales_with_one_code_are_one_payment,
    an_id_belongs_to_one_sale,
    a_sale_needs_the_money,
    a_sale_shows_what_was_bought,
    a_repeated_sale_is_known_although_the_clock_was_set_back,
);

async fn shop_and_customer(app: &TestApp, yen: i64) -> (Register, Customer) {
    let register = Register::new(&app.app).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, yen).await;
    (register, customer)
}

/// Goal: the answer to a repeated request is the first answer, a day later and after a restart too.
async fn a_repeated_sale_is_answered_as_the_first_time(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let code = customer.code(app.now());
    let first = register.sell(app, "s-1", &code, 1_200).await.ok();
    assert_eq!(first["payment"]["status"], "captured");
    assert_eq!(first["payment"]["amount"], 1_200);
    assert_eq!(first["payment"]["store_id"], register.store_id.as_str());
    assert_eq!(first["payment"]["terminal_id"], register.terminal_id.as_str());
    assert_eq!(first["payment"]["captured_at"], "2026-04-01T03:00:00Z");
    assert_eq!(customer.balance(app), 3_800);

    assert_eq!(register.sell(app, "s-1", &code, 1_200).await.ok(), first);
    assert_eq!(register.payment(app, "s-1").await.ok(), first);
    app.clock.advance(25 * 60 * MINUTE);
    app.restart().await;
    assert_eq!(register.sell(app, "s-1", &code, 1_200).await.ok(), first);
    app.restart_without_views().await;
    assert_eq!(register.sell(app, "s-1", &code, 1_200).await.ok(), first);
    assert_eq!(register.payment(app, "s-1").await.ok(), first);
    assert_eq!(customer.balance(app), 3_800);
}

async fn equal_requests_at_once(
    app: &TestApp,
    (register, customer): (Register, Customer),
    amount: i64,
) {
    let before = customer.balance(app);
    let code = customer.code(app.now());
    let answers = at_once((0..16).map(|_| {
        let (node, register, code) = ((*app).clone(), register.clone(), code.clone());
        async move { register.sell(&node, "s-1", &code, amount).await }
    }))
    .await;
    let first = answers[0].ok();
    for answer in &answers {
        assert_eq!(answer.ok(), first);
    }
    assert_eq!(customer.balance(app), before - amount);
}

/// Goal: one payment and sixteen equal answers.
async fn sixteen_equal_requests_at_once_are_one_payment(app: &mut TestApp) {
    let parties = shop_and_customer(app, 20_000).await;
    equal_requests_at_once(app, parties, 300).await;
}

/// Goal: those that come second are not told that there is no money: they are the same sale.
async fn sixteen_equal_requests_that_use_up_the_balance_are_one_payment(app: &mut TestApp) {
    let parties = shop_and_customer(app, 5_000).await;
    equal_requests_at_once(app, parties, 5_000).await;
}

/// Goal: nor that a limit is used up, of which ¥10,000 on the first day leaves no second ¥6,000.
async fn sixteen_equal_requests_that_use_up_a_limit_are_one_payment(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let customer = Customer::enrolled_at(&app.app, app.now()).await;
    customer.load(app, &register, 20_000).await;
    equal_requests_at_once(app, (register, customer), 6_000).await;
}

/// Goal: a code pays once, whoever is faster.
async fn sixteen_sales_with_one_code_are_one_payment(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 20_000).await;
    let code = Arc::new(customer.code(app.now()));
    let answers = at_once((0..16).map(|number| {
        let (node, register, code) = ((*app).clone(), register.clone(), code.clone());
        async move { register.sell(&node, &format!("s-{number}"), &code, 300).await }
    }))
    .await;
    let paid = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(paid, 1);
    for answer in answers.iter().filter(|answer| !answer.status.is_success()) {
        answer.refused(Code::CodeAlreadyUsed);
    }
    assert_eq!(customer.balance(app), 19_700);
}

/// Goal: another amount or another code under a taken id is refused, and nothing moves; another
/// merchant's ids are its own.
async fn an_id_belongs_to_one_sale(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let code = customer.code(app.now());
    register.sell(app, "s-1", &code, 1_000).await.ok();
    register.sell(app, "s-1", &code, 1_001).await.refused(Code::PaymentIdReused);
    let other = customer.code(app.now());
    register.sell(app, "s-1", &other, 1_000).await.refused(Code::PaymentIdReused);
    register.sell(app, "s-2", &code, 1_000).await.refused(Code::CodeAlreadyUsed);
    assert_eq!(customer.balance(app), 4_000);

    let stranger = Register::new(&app.app).await;
    stranger.payment(app, "s-1").await.refused(Code::PaymentNotFound);
    stranger.sell(app, "s-1", &other, 1_000).await.ok();
    assert_eq!(customer.balance(app), 3_000);
}

/// Goal: a sale takes what is there to the yen, and a refused one leaves the code good.
async fn a_sale_needs_the_money(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 1_000).await;
    let code = customer.code(app.now());
    register.sell(app, "s-1", &code, 1_001).await.refused(Code::InsufficientFunds);
    register.payment(app, "s-1").await.refused(Code::PaymentNotFound);
    register.sell(app, "s-2", &code, 1_000).await.ok();
    assert_eq!(customer.balance(app), 0);

    let poor = Customer::new(&app.app).await;
    let code = poor.code(app.now());
    register.sell(app, "s-3", &code, 1).await.refused(Code::InsufficientFunds);
}

/// Goal: lines, receipt number and description come back, to the register and to the customer.
async fn a_sale_shows_what_was_bought(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let items = json!([
        { "jan": "4901234567894", "name": "おにぎり", "quantity": 2, "unit_price": 160 },
        { "name": "袋", "quantity": 1, "unit_price": 5 },
    ]);
    let sale = json!({
        "merchant_payment_id": "s-1", "code": customer.code(app.now()), "amount": 325,
        "currency": "JPY", "order_receipt_number": "0042-7", "description": "朝食", "items": items,
    });
    let payment = register.post(app, "/payments", &sale).await.ok()["payment"].take();
    assert_eq!(payment["items"], items);
    assert_eq!(payment["order_receipt_number"], "0042-7");
    assert_eq!(payment["description"], "朝食");

    app.clock.advance(SECOND);
    let later = customer.code(app.now());
    register.sell(app, "s-2", &later, 100).await.ok();
    let list = register.get(app, "/payments?limit=2").await.ok();
    assert_eq!(list["payments"][0]["merchant_payment_id"], "s-2");
    assert_eq!(list["payments"][1], payment);
    assert_eq!(register.get(app, "/payments?limit=1").await.ok()["payments"][1], json!(null));

    let payment_id = payment["payment_id"].as_str().unwrap();
    let receipt = customer.get(app, &format!("/api/wallet/v1/payments/{payment_id}")).await.ok();
    assert_eq!(receipt["store_name"], "新宿本店");
    assert_eq!(receipt["merchant_name"], "日の丸商店");
    assert_eq!(receipt["items"][0]["total"], 320);
    assert_eq!(receipt["order_receipt_number"], "0042-7");
}

/// Goal: the ledger's time never goes back, a node's may; a retry is recognised all the same.
async fn a_repeated_sale_is_known_although_the_clock_was_set_back(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 5_000).await;
    app.clock.advance(-2 * MINUTE);
    let code = customer.code_of(crate::support::customer::step_at(app.now()), 0);
    let first = register.sell(app, "s-1", &code, 700).await.ok();
    assert_eq!(register.sell(app, "s-1", &code, 700).await.ok(), first);
    assert_eq!(customer.balance(app), 4_300);
}
