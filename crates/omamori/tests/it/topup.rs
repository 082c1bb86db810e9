//! Cash at a register becomes balance, once; and goes back while it is still there.

use omamori::clock::{HOUR, MINUTE, SECOND};
use omamori::merchant::create_terminal;
use omamori::web::codes::Code;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    a_repeated_top_up_is_answered_as_the_first_time,
    sixteen_equal_top_ups_at_once_are_one_top_up,
    a_top_up_id_belongs_to_one_top_up,
    a_code_works_once_for_sale_and_top_up_together,
    a_canceled_top_up_goes_back_once,
    a_top_up_that_was_spent_is_not_canceled,
    a_top_up_of_the_day_can_be_canceled_until_a_quarter_past_midnight,
    a_top_up_that_was_canceled_before_it_arrived_is_refused,
    sixteen_cancels_at_once_are_one_cancel,
    an_atm_takes_more_and_sells_nothing,
);

async fn parties(app: &TestApp) -> (Register, Customer) {
    (Register::new(&app.app).await, Customer::new(&app.app).await)
}

/// Goal: the first answer, with another code on the screen by then and after a restart.
async fn a_repeated_top_up_is_answered_as_the_first_time(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    let code = customer.code(app.now());
    let first = register.top_up(app, "t-1", &code, 3_000).await.ok();
    assert_eq!(first["topup"]["status"], "completed");
    assert_eq!(first["topup"]["amount"], 3_000);
    assert_eq!(first["topup"]["completed_at"], "2026-04-01T03:00:00Z");
    app.clock.advance(25 * HOUR);
    assert_eq!(register.top_up(app, "t-1", &code, 3_000).await.ok(), first);
    app.restart_without_views().await;
    assert_eq!(register.top_up(app, "t-1", &code, 3_000).await.ok(), first);
    assert_eq!(register.get(app, "/topups/t-1").await.ok(), first);
    register.get(app, "/topups/t-2").await.refused(Code::TopupNotFound);
    assert_eq!(customer.balance(app), 3_000);
    let stranger = Register::new(&app.app).await;
    stranger.get(app, "/topups/t-1").await.refused(Code::TopupNotFound);
}

/// Goal: one top-up, though two of them would pass the day's limit, and sixteen equal answers.
async fn sixteen_equal_top_ups_at_once_are_one_top_up(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    customer.load(app, &register, 49_000).await;
    let code = customer.code(app.now());
    let answers = at_once((0..16).map(|_| {
        let (node, register, code) = ((*app).clone(), register.clone(), code.clone());
        async move { register.top_up(&node, "t-1", &code, 49_000).await }
    }))
    .await;
    let first = answers[0].ok();
    answers.iter().for_each(|answer| assert_eq!(answer.ok(), first));
    assert_eq!(customer.balance(app), 98_000);
}

/// Goal: another amount or code under a taken id is refused.
async fn a_top_up_id_belongs_to_one_top_up(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    let code = customer.code(app.now());
    register.top_up(app, "t-1", &code, 3_000).await.ok();
    register.top_up(app, "t-1", &code, 4_000).await.refused(Code::TopupIdReused);
    let other = customer.code(app.now());
    register.top_up(app, "t-1", &other, 3_000).await.refused(Code::TopupIdReused);
    register.top_up(app, "t-2", &code, 3_000).await.refused(Code::CodeAlreadyUsed);
    assert_eq!(customer.balance(app), 3_000);
}

/// Goal: what was scanned for a top-up does not pay, and the other way round.
async fn a_code_works_once_for_sale_and_top_up_together(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    let (first, second) = (customer.code(app.now()), customer.code(app.now()));
    register.top_up(app, "a-1", &first, 3_000).await.ok();
    register.sell(app, "a-1", &first, 100).await.refused(Code::CodeAlreadyUsed);
    register.sell(app, "a-1", &second, 100).await.ok();
    register.top_up(app, "a-2", &second, 1_000).await.refused(Code::CodeAlreadyUsed);
    assert_eq!(customer.balance(app), 2_900);
}

/// Goal: canceled twice is canceled once; the customer sees both.
async fn a_canceled_top_up_goes_back_once(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    let code = customer.code(app.now());
    register.top_up(app, "t-1", &code, 3_000).await.ok();
    app.clock.advance(SECOND);
    let canceled = register.cancel_top_up(app, "t-1").await.ok();
    assert_eq!(canceled["topup"]["status"], "canceled");
    assert_eq!(register.cancel_top_up(app, "t-1").await.ok(), canceled);
    assert_eq!(register.get(app, "/topups/t-1").await.ok(), canceled);
    assert_eq!(register.top_up(app, "t-1", &code, 3_000).await.ok(), canceled);
    assert_eq!(customer.balance(app), 0);
    let history = customer.get(app, "/api/wallet/v1/history").await.ok();
    let amounts: Vec<_> =
        history["entries"].as_array().unwrap().iter().map(|entry| &entry["amount"]).collect();
    assert_eq!(amounts, [&json!(-3_000), &json!(3_000)]);
}

/// Goal: cash goes back only for balance that is there.
async fn a_top_up_that_was_spent_is_not_canceled(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    register.top_up(app, "t-1", &customer.code(app.now()), 3_000).await.ok();
    register.sell(app, "s-1", &customer.code(app.now()), 1).await.ok();
    register.cancel_top_up(app, "t-1").await.refused(Code::TopupAlreadySpent);
    assert_eq!(customer.balance(app), 2_999);
    register.cancel(app, "s-1").await.ok();
    register.cancel_top_up(app, "t-1").await.ok();
    assert_eq!(customer.balance(app), 0);
}

/// Goal: as with sales, 00:15 in Japan and not a second more.
async fn a_top_up_of_the_day_can_be_canceled_until_a_quarter_past_midnight(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    register.top_up(app, "t-1", &customer.code(app.now()), 3_000).await.ok();
    register.top_up(app, "t-2", &customer.code(app.now()), 4_000).await.ok();
    app.clock.advance(12 * HOUR + 15 * MINUTE);
    let canceled = register.cancel_top_up(app, "t-1").await.ok();
    app.clock.advance(SECOND);
    register.cancel_top_up(app, "t-2").await.refused(Code::CancelTooLate);
    assert_eq!(register.cancel_top_up(app, "t-1").await.ok(), canceled);
    assert_eq!(customer.balance(app), 4_000);
}

/// Goal: a register that gave up and canceled never finds the cash booked later.
async fn a_top_up_that_was_canceled_before_it_arrived_is_refused(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    let buried = register.cancel_top_up(app, "t-1").await.ok();
    assert_eq!(buried["topup"]["status"], "canceled");
    assert_eq!(buried["topup"]["amount"], 0);
    let code = customer.code(app.now());
    register.top_up(app, "t-1", &code, 3_000).await.refused(Code::TopupCanceled);
    app.restart_without_views().await;
    register.top_up(app, "t-1", &code, 3_000).await.refused(Code::TopupCanceled);
    assert_eq!(register.cancel_top_up(app, "t-1").await.ok(), buried);
    assert_eq!(customer.balance(app), 0);
}

/// Goal: the cash is handed out once, and nobody is told that the customer spent it.
async fn sixteen_cancels_at_once_are_one_cancel(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    register.top_up(app, "t-1", &customer.code(app.now()), 3_000).await.ok();
    let answers = at_once((0..16).map(|_| {
        let (node, register) = ((*app).clone(), register.clone());
        async move { register.cancel_top_up(&node, "t-1").await }
    }))
    .await;
    let first = answers[0].ok();
    answers.iter().for_each(|answer| assert_eq!(answer.ok(), first));
    assert_eq!(customer.balance(app), 0);
}

/// Goal: ¥100,000 at once; back if the machine did not keep the cash; nothing but that.
async fn an_atm_takes_more_and_sells_nothing(app: &mut TestApp) {
    let (register, customer) = parties(app).await;
    let made = create_terminal(&app.app, &register.store_id, "ATM", "atm").await.unwrap();
    let atm = Register { key: made.api_key, terminal_id: made.terminal_id, ..register.clone() };
    atm.get(app, "/terminal").await.ok();
    let code = customer.code(app.now());
    atm.top_up(app, "a-1", &code, 1_500).await.refused(Code::InvalidRequest);
    let made = atm.top_up(app, "a-1", &code, 100_000).await.ok();
    assert_eq!(atm.get(app, "/topups/a-1").await.ok(), made);
    let history = customer.get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"][0]["kind"], "topup_atm");
    register
        .top_up(app, "t-1", &customer.code(app.now()), 1_000)
        .await
        .refused(Code::LimitTopup24h);
    assert_eq!(atm.cancel_top_up(app, "a-1").await.ok()["topup"]["status"], "canceled");
    assert_eq!(customer.balance(app), 0);
    atm.top_up(app, "a-2", &customer.code(app.now()), 101_000)
        .await
        .refused(Code::LimitTopupAmount);
    atm.top_up(app, "a-3", &customer.code(app.now()), 10_000).await.ok();
    atm.sell(app, "s-1", &customer.code(app.now()), 1).await.refused(Code::Forbidden);
    atm.get(app, "/payments").await.refused(Code::Forbidden);
    atm.refund(app, "r-1", "s-1", 1).await.refused(Code::Forbidden);
    assert_eq!(customer.balance(app), 10_000);
}
