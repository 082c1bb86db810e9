//! Cancels: on the day of the sale, the whole amount, and for a sale that may never have arrived.

use omamori::clock::{HOUR, MINUTE, SECOND};
use omamori::web::codes::Code;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    a_cancel_gives_everything_back_once,
    a_sale_of_the_day_can_be_canceled_until_a_quarter_past_midnight,
    a_payment_with_refunds_is_not_canceled,
    a_sale_that_was_canceled_before_it_arrived_is_refused,
    another_merchants_cancel_takes_no_id_of_ours,
    a_cancel_and_a_refund_at_once_give_back_once,
    a_cancel_and_the_sale_at_once_end_in_one_story,
);

async fn paid(app: &TestApp) -> (Register, Customer) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    register.sell(app, "s-1", &customer.code(app.now()), 1_000).await.ok();
    (register, customer)
}

/// Goal: canceled twice is canceled once, and the sale's own retry says what became of it.
async fn a_cancel_gives_everything_back_once(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    let code = customer.code(app.now());
    register.sell(app, "s-1", &code, 1_000).await.ok();
    let first = register.cancel(app, "s-1").await.ok();
    assert_eq!(first["payment"]["status"], "canceled");
    assert_eq!(first["payment"]["refunded_amount"], 1_000);
    assert_eq!(first["payment"]["refunds"][0]["merchant_refund_id"], json!(null));
    assert_eq!(customer.balance(app), 10_000);
    app.clock.advance(HOUR);
    assert_eq!(register.cancel(app, "s-1").await.ok(), first);
    app.restart_without_views().await;
    assert_eq!(register.cancel(app, "s-1").await.ok(), first);
    assert_eq!(register.payment(app, "s-1").await.ok(), first);
    assert_eq!(register.sell(app, "s-1", &code, 1_000).await.ok(), first);
    register.refund(app, "r-1", "s-1", 1).await.refused(Code::PaymentCanceled);
    assert_eq!(customer.balance(app), 10_000);
}

/// Goal: 00:15 in Japan still, one second later no more; a cancel that was done is repeated then.
async fn a_sale_of_the_day_can_be_canceled_until_a_quarter_past_midnight(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    register.sell(app, "s-2", &customer.code(app.now()), 2_000).await.ok();
    app.clock.advance(12 * HOUR + 15 * MINUTE);
    let canceled = register.cancel(app, "s-1").await.ok();
    app.clock.advance(SECOND);
    register.cancel(app, "s-2").await.refused(Code::CancelTooLate);
    assert_eq!(register.cancel(app, "s-1").await.ok(), canceled);
    assert_eq!(customer.balance(app), 8_000);
    register.refund(app, "r-2", "s-2", 2_000).await.ok();
}

/// Goal: a cancel gives the whole amount or nothing.
async fn a_payment_with_refunds_is_not_canceled(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    register.refund(app, "r-1", "s-1", 1).await.ok();
    register.cancel(app, "s-1").await.refused(Code::PaymentAlreadyRefunded);
    assert_eq!(customer.balance(app), 9_001);
}

/// Goal: a register that gave up and canceled is never surprised by its own sale, nor by a
/// refund; the customer's code stays good.
async fn a_sale_that_was_canceled_before_it_arrived_is_refused(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    let code = customer.code(app.now());
    let buried = register.cancel(app, "s-1").await.ok();
    assert_eq!(buried["payment"]["status"], "canceled");
    assert_eq!(buried["payment"]["amount"], 0);
    assert_eq!(buried["payment"]["merchant_payment_id"], "s-1");
    register.sell(app, "s-1", &code, 1_000).await.refused(Code::PaymentCanceled);
    register.refund(app, "r-1", "s-1", 1).await.refused(Code::PaymentCanceled);
    assert_eq!(register.cancel(app, "s-1").await.ok(), buried);
    app.restart_without_views().await;
    register.sell(app, "s-1", &code, 1_000).await.refused(Code::PaymentCanceled);
    assert_eq!(register.payment(app, "s-1").await.ok(), buried);
    register.sell(app, "s-2", &code, 1_000).await.ok();
    assert_eq!(customer.balance(app), 9_000);
    assert_eq!(register.get(app, "/payments").await.ok()["payments"].as_array().unwrap().len(), 1);
}

/// Goal: ids are each merchant's own.
async fn another_merchants_cancel_takes_no_id_of_ours(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    let stranger = Register::new(&app.app).await;
    stranger.cancel(app, "s-1").await.ok();
    assert_eq!(register.payment(app, "s-1").await.ok()["payment"]["status"], "captured");
    assert_eq!(customer.balance(app), 9_000);
}

/// Goal: either the cancel or the refund, whoever is first; the other is refused.
async fn a_cancel_and_a_refund_at_once_give_back_once(app: &mut TestApp) {
    let (register, customer) = paid(app).await;
    let answers = at_once((0..16).map(|number| {
        let (node, register) = ((*app).clone(), register.clone());
        async move {
            if number % 2 == 0 {
                register.cancel(&node, "s-1").await
            } else {
                register.refund(&node, "r-1", "s-1", 1_000).await
            }
        }
    }))
    .await;
    let status = register.payment(app, "s-1").await.ok()["payment"]["status"].clone();
    let canceled = status == "canceled";
    for (number, answer) in answers.iter().enumerate() {
        match (number % 2 == 0, canceled) {
            (true, true) | (false, false) => drop(answer.ok()),
            (true, false) => drop(answer.refused(Code::PaymentAlreadyRefunded)),
            (false, true) => drop(answer.refused(Code::PaymentCanceled)),
        }
    }
    assert_eq!(customer.balance(app), 10_000);
}

/// Goal: a sale and its own cancel on their way at once: afterwards it is canceled and all the
/// money is there, whichever came first.
async fn a_cancel_and_the_sale_at_once_end_in_one_story(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    for round in 0..6 {
        let (id, code) = (format!("s-{round}"), customer.code(app.now()));
        let answers = at_once((0..4).map(|number| {
            let (node, register) = ((*app).clone(), register.clone());
            let (id, code) = (id.clone(), code.clone());
            async move {
                if number % 2 == 0 {
                    register.sell(&node, &id, &code, 1_000).await
                } else {
                    register.cancel(&node, &id).await
                }
            }
        }))
        .await;
        assert_eq!(answers[1].ok()["payment"]["status"], "canceled");
        assert_eq!(answers[3].ok()["payment"]["status"], "canceled");
        for sale in [&answers[0], &answers[2]] {
            if !sale.status.is_success() {
                sale.refused(Code::PaymentCanceled);
            }
        }
        assert_eq!(customer.balance(app), 10_000);
    }
}
