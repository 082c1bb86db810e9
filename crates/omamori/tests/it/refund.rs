//! Refunds: to the yen, and never more than was paid.

use omamori::clock::{DAY, SECOND};
use omamori::web::codes::Code;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines, on_several_nodes};

on_both_engines!(
    parts_of_a_payment_go_back_to_the_yen,
    a_repeated_refund_is_answered_as_the_first_time,
    a_refund_id_belongs_to_one_refund,
    another_merchants_payment_is_not_there,
    sixteen_equal_refunds_at_once_are_one_refund,
    sixteen_refunds_at_once_never_give_back_more_than_was_paid,
    a_refund_gives_back_to_who_paid_however_late,
);
on_several_nodes!(
    a_sale_is_known_on_the_other_node_at_once,
    refunds_on_two_nodes_never_give_back_more_than_was_paid,
);

/// A register, a customer with ¥10,000, and a payment `s-1` of ¥1,000.
async fn paid(app: &TestApp) -> (Register, Customer) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    register.sell(app, "s-1", &customer.code(app.now()), 1_000).await.ok();
    (register, customer)
}

/// Goal: part, part and the rest; then not one yen more.
async fn parts_of_a_payment_go_back_to_the_yen(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    register.refund(app, "r-0", "s-1", 1_001).await.refused(Code::RefundExceedsPayment);
    let first = register.refund(app, "r-1", "s-1", 1).await.ok();
    assert_eq!(first["refund"]["amount"], 1);
    assert_eq!(first["payment"]["status"], "partially_refunded");
    assert_eq!(customer.balance(app), 9_001);
    app.clock.advance(SECOND);
    let with_reason = json!({ "merchant_refund_id": "r-2", "merchant_payment_id": "s-1",
        "amount": 600, "reason": "賞味期限切れ" });
    let second = register.post(app, "/refunds", &with_reason).await.ok();
    assert_eq!(second["refund"]["reason"], "賞味期限切れ");
    assert_eq!(second["payment"]["refunded_amount"], 601);
    register.refund(app, "r-3", "s-1", 400).await.refused(Code::RefundExceedsPayment);
    let last = register.refund(app, "r-4", "s-1", 399).await.ok();
    assert_eq!(last["payment"]["status"], "refunded");
    register.refund(app, "r-5", "s-1", 1).await.refused(Code::RefundExceedsPayment);
    assert_eq!(customer.balance(app), 10_000);

    let payment = register.payment(app, "s-1").await.ok()["payment"].take();
    assert_eq!(payment, last["payment"]);
    let ids: Vec<&Value> = payment["refunds"].as_array().unwrap().iter().collect();
    let ids: Vec<&str> =
        ids.iter().map(|refund| refund["merchant_refund_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["r-1", "r-2", "r-4"]);
    let payment_id = payment["payment_id"].as_str().unwrap();
    let receipt = customer.get(app, &format!("/api/wallet/v1/payments/{payment_id}")).await.ok();
    assert_eq!(receipt["net_amount"], 0);
    assert_eq!(receipt["refunds"][1]["reason"], "賞味期限切れ");
}

/// Goal: the same refund again is the same refund, after others and after a restart too.
async fn a_repeated_refund_is_answered_as_the_first_time(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    let first = register.refund(app, "r-1", "s-1", 700).await.ok();
    assert_eq!(register.refund(app, "r-1", "s-1", 700).await.ok(), first);
    assert_eq!(register.get(app, "/refunds/r-1").await.ok(), first);
    app.restart_without_views().await;
    assert_eq!(register.refund(app, "r-1", "s-1", 700).await.ok(), first);
    register.refund(app, "r-2", "s-1", 300).await.ok();
    let again = register.refund(app, "r-1", "s-1", 700).await.ok();
    assert_eq!(again["refund"], first["refund"]);
    assert_eq!(again["payment"]["refunded_amount"], 1_000);
    assert_eq!(customer.balance(app), 10_000);
    register.get(app, "/refunds/r-3").await.refused(Code::RefundNotFound);
}

/// Goal: another amount or another payment under a taken id is refused.
async fn a_refund_id_belongs_to_one_refund(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    register.sell(app, "s-2", &customer.code(app.now()), 1_000).await.ok();
    register.refund(app, "r-1", "s-1", 100).await.ok();
    register.refund(app, "r-1", "s-1", 101).await.refused(Code::RefundIdReused);
    register.refund(app, "r-1", "s-2", 100).await.refused(Code::RefundIdReused);
    assert_eq!(customer.balance(app), 8_100);
}

/// Goal: what a merchant does not own does not exist for it; a colleague's till of the same
/// merchant may refund.
async fn another_merchants_payment_is_not_there(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    let stranger = Register::new(&app.app).await;
    stranger.refund(app, "r-1", "s-1", 100).await.refused(Code::PaymentNotFound);
    stranger.payment(app, "s-1").await.refused(Code::PaymentNotFound);
    register.refund(app, "r-1", "s-2", 100).await.refused(Code::PaymentNotFound);
    assert_eq!(customer.balance(app), 9_000);

    let branch = Register::of_merchant(&app.app, &register.merchant_id).await;
    branch.refund(app, "r-1", "s-1", 100).await.ok();
    stranger.get(app, "/refunds/r-1").await.refused(Code::RefundNotFound);
    assert_eq!(branch.get(app, "/payments").await.ok()["payments"], json!([]));
}

/// Goal: one refund, of all that was paid, and sixteen equal answers.
async fn sixteen_equal_refunds_at_once_are_one_refund(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    let answers = at_once((0..16).map(|_| {
        let (node, register) = ((*app).clone(), register.clone());
        async move { register.refund(&node, "r-1", "s-1", 1_000).await }
    }))
    .await;
    let first = answers[0].ok();
    answers.iter().for_each(|answer| assert_eq!(answer.ok(), first));
    assert_eq!(customer.balance(app), 10_000);
}

/// Goal: of sixteen different refunds of ¥300 at once, three fit into ¥1,000. One that met others
/// too often may be told to come back, and is then refused or done.
async fn sixteen_refunds_at_once_never_give_back_more_than_was_paid(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    let answers = at_once((0..16).map(|number| {
        let (node, register) = ((*app).clone(), register.clone());
        async move { register.refund(&node, &format!("r-{number}"), "s-1", 300).await }
    }))
    .await;
    let mut done = 0;
    for (number, answer) in answers.iter().enumerate() {
        let busy = answer.status == Code::Busy.status();
        let id = format!("r-{number}");
        let answer = if busy { &register.refund(app, &id, "s-1", 300).await } else { answer };
        if answer.status.is_success() {
            done += 1;
        } else {
            answer.refused(Code::RefundExceedsPayment);
        }
    }
    assert_eq!(done, 3);
    assert_eq!(customer.balance(app), 9_900);
    let payment = register.payment(app, "s-1").await.ok();
    assert_eq!(payment["payment"]["refunded_amount"], 900);
}

/// Goal: a refund has no last day, and the balance may pass its limit by it: it is the
/// customer's own money.
async fn a_refund_gives_back_to_who_paid_however_late(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    app.clock.advance(2 * DAY);
    customer.load(app, &register, 49_000).await;
    customer.load(app, &register, 42_000).await;
    assert_eq!(customer.balance(app), 100_000);
    app.clock.advance(400 * DAY);
    app.restart().await;
    register.refund(app, "r-1", "s-1", 1_000).await.ok();
    assert_eq!(customer.balance(app), 101_000);
}

/// Goal: *not found* is never said of a payment that another node has just taken.
async fn a_sale_is_known_on_the_other_node_at_once(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    let other = app.another_node().await;
    for number in 0..5 {
        let (sale, refund) = (format!("n-{number}"), format!("r-{number}"));
        let code = customer.code(app.now());
        let first = register.sell(app, &sale, &code, 100).await.ok();
        assert_eq!(register.payment(&other, &sale).await.ok(), first);
        assert_eq!(register.sell(&other, &sale, &code, 100).await.ok(), first);
        let refunded = register.refund(&other, &refund, &sale, 40).await.ok();
        assert_eq!(register.get(app, &format!("/refunds/{refund}")).await.ok(), refunded);
    }
    let code = customer.code(app.now());
    register.top_up(&other, "t-1", &code, 1_000).await.ok();
    register.get(app, "/topups/t-1").await.ok();
    other.app.close().await;
}

/// Goal: the claim on the next yen to give back is one for all nodes.
async fn refunds_on_two_nodes_never_give_back_more_than_was_paid(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    let other = app.another_node().await;
    let answers = at_once((0..8).map(|number| {
        let node = if number % 2 == 0 { (*app).clone() } else { other.clone() };
        let register = register.clone();
        async move { register.refund(&node, &format!("r-{number}"), "s-1", 600).await }
    }))
    .await;
    let done = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(done, 1);
    app.app.gate.catch_up().await.unwrap();
    assert_eq!(customer.balance(app), 9_600);
    other.app.close().await;
}
