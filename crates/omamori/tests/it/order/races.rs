//! Sixteen connections at once: of all that can become of an order, one does.

use omamori::web::codes::Code;
use serde_json::json;

use super::{order, order_id, pay, shop_and_customer, status};
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    sixteen_taps_of_one_customer_are_one_payment,
    of_sixteen_customers_one_pays,
    sixteen_equal_orders_at_once_are_one,
    of_payment_and_cancel_one_happens,
    of_order_and_code_one_pays_the_sale,
);
on_several_nodes!(two_nodes_pay_an_order_once);

async fn sixteen_taps_of_one_customer_are_one_payment(app: &mut TestApp) {
    // All there is: those that come second are not told that there is no money.
    let (register, customer) = shop_and_customer(app, 5_000).await;
    let id = order_id(app, &register, "s-1", 5_000).await;
    let customer = std::sync::Arc::new(customer);
    let answers = at_once((0..16).map(|_| {
        let (node, customer, id) = ((*app).clone(), customer.clone(), id.clone());
        async move { pay(&node, &customer, &id, 5_000).await }
    }))
    .await;
    let first = answers[0].ok();
    for answer in &answers {
        assert_eq!(answer.ok(), first);
    }
    assert_eq!(customer.balance(app), 0);
}

fn one_made(answers: &[Answer], otherwise: Code) {
    let made = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(made, 1);
    for answer in answers.iter().filter(|answer| !answer.status.is_success()) {
        answer.refused(otherwise);
    }
}

async fn of_sixteen_customers_one_pays(app: &mut TestApp) {
    let (register, first) = shop_and_customer(app, 2_000).await;
    let mut customers = vec![first];
    for _ in 1..16 {
        let customer = Customer::new(&app.app).await;
        customer.load(app, &register, 2_000).await;
        customers.push(customer);
    }
    let id = order_id(app, &register, "s-1", 2_000).await;
    let accounts: Vec<u128> = customers.iter().map(|customer| customer.wallet_account).collect();
    let answers = at_once(customers.into_iter().map(|customer| {
        let (node, id) = ((*app).clone(), id.clone());
        async move { pay(&node, &customer, &id, 2_000).await }
    }))
    .await;
    one_made(&answers, Code::OrderPaid);
    let left: i64 = accounts.iter().map(|account| app.app.gate.balance(*account)).sum();
    assert_eq!(left, 15 * 2_000);
}

async fn sixteen_equal_orders_at_once_are_one(app: &mut TestApp) {
    let (register, _) = shop_and_customer(app, 1_000).await;
    let answers = at_once((0..16).map(|_| {
        let (node, register) = ((*app).clone(), register.clone());
        async move { order(&node, &register, "s-1", 300).await }
    }))
    .await;
    let first = answers[0].ok();
    for answer in &answers {
        assert_eq!(answer.ok(), first);
    }
}

async fn of_payment_and_cancel_one_happens(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 20_000).await;
    let customer = std::sync::Arc::new(customer);
    let mut had = 20_000;
    for round in 0..8 {
        let payment = format!("s-{round}");
        let id = order_id(app, &register, &payment, 100).await;
        let answers = at_once((0..16).map(|n| {
            let (node, customer, register) = ((*app).clone(), customer.clone(), register.clone());
            let (id, payment) = (id.clone(), payment.clone());
            async move {
                if n % 2 == 0 {
                    return pay(&node, &customer, &id, 100).await;
                }
                register.post(&node, &format!("/orders/{payment}/cancel"), &json!({})).await
            }
        }))
        .await;
        let status = status(app, &register, &payment).await;
        for (n, answer) in answers.iter().enumerate() {
            match (status.as_str(), n % 2) {
                ("paid", 0) | ("canceled", 1) => answer.ok(),
                ("paid", _) => answer.refused(Code::OrderPaid),
                ("canceled", _) => answer.refused(Code::PaymentCanceled),
                other => panic!("{other:?}"),
            };
        }
        had -= if status == "paid" { 100 } else { 0 };
        assert_eq!(customer.balance(app), had);
    }
}

async fn of_order_and_code_one_pays_the_sale(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 20_000).await;
    let customer = std::sync::Arc::new(customer);
    let id = order_id(app, &register, "s-1", 700).await;
    let code = customer.code(app.now());
    let answers = at_once((0..16).map(|n| {
        let (node, customer, register) = ((*app).clone(), customer.clone(), register.clone());
        let (id, code) = (id.clone(), code.clone());
        async move {
            if n % 2 == 0 {
                return pay(&node, &customer, &id, 700).await;
            }
            register.sell(&node, "s-1", &code, 700).await
        }
    }))
    .await;
    let by_order = answers[0].status.is_success();
    for (n, answer) in answers.iter().enumerate() {
        match (by_order, n % 2 == 0) {
            (true, true) | (false, false) => answer.ok(),
            (true, false) => answer.refused(Code::PaymentIdReused),
            (false, true) => answer.refused(Code::OrderPaid),
        };
    }
    assert_eq!(customer.balance(app), 19_300);
}

async fn two_nodes_pay_an_order_once(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app, 9_000).await;
    let (rival, other) = (Customer::new(&app.app).await, app.another_node().await);
    rival.load(app, &register, 9_000).await;
    for round in 0..4 {
        let id = order_id(app, &register, &format!("s-{round}"), 1_000).await;
        let (here, there) =
            tokio::join!(pay(app, &customer, &id, 1_000), pay(&other, &rival, &id, 1_000));
        one_made(&[here, there], Code::OrderPaid);
    }
    assert_eq!(customer.balance(app) + rival.balance(app), 14_000);
    other.app.close().await;
}
