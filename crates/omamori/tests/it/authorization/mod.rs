//! Value set aside for a payment: authorized, captured whole or in part, voided, expired.

mod held;
mod model;
mod races;

use omamori::audit::Actor;
use omamori::clock::{DAY, HOUR, MINUTE, SECOND};
use omamori::console::customer_acts;
use omamori::gate::windows::Class;
use omamori::privacy::ask_for_closing;
use omamori::web::codes::Code;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::value::{owed, register_with_rate};

on_both_engines!(
    what_is_set_aside_is_captured_in_part_and_the_rest_is_back,
    a_void_gives_everything_back_once,
    one_that_was_voided_before_it_arrived_is_refused,
    its_time_ends_by_itself,
    a_register_says_how_long_and_the_operator_how_long_at_most,
    a_capture_takes_no_more_than_was_authorized,
    an_id_and_a_code_belong_to_one_authorization,
    a_capture_takes_what_ends_first,
    what_ends_before_it_is_not_set_aside,
    a_captured_payment_is_refunded_and_canceled_like_any_other,
    limits_are_used_from_the_start_and_given_back,
    a_stopped_account_pays_nothing_that_was_set_aside,
    an_account_with_value_set_aside_is_not_closed,
    what_is_set_aside_counts_in_the_largest_balance,
    another_merchant_sees_and_moves_nothing,
    the_wallet_shows_what_is_set_aside,
);

async fn parties(app: &TestApp, yen: i64) -> (Register, Customer) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, yen).await;
    (register, customer)
}

async fn authorized(app: &TestApp, yen: i64) -> (Register, Customer) {
    let (register, customer) = parties(app, 10_000).await;
    register.authorize(app, "a-1", &customer.code(app.now()), yen).await.ok();
    (register, customer)
}

/// Goal: ¥3,000 set aside, ¥1,200 paid, ¥1,800 back at once; every request repeated is answered
/// as before, a restart and lost views later too; the payment is one like any other.
async fn what_is_set_aside_is_captured_in_part_and_the_rest_is_back(app: &mut TestApp) {
    let (register, customer) = parties(app, 10_000).await;
    let code = customer.code(app.now());
    let first = register.authorize(app, "a-1", &code, 3_000).await.ok();
    let made = &first["authorization"];
    assert_eq!((&made["status"], &made["amount"]), (&json!("authorized"), &json!(3_000)));
    assert_eq!(made["authorized_at"], "2026-04-01T03:00:00Z");
    assert_eq!(made["expires_at"], "2026-04-08T03:00:00Z");
    assert_eq!(first["payment"], Value::Null);
    assert_eq!((customer.balance(app), owed(app, &register).await), (7_000, 0));
    assert_eq!(register.authorize(app, "a-1", &code, 3_000).await.ok(), first);
    register.payment(app, "p-1").await.refused(Code::PaymentNotFound);

    app.clock.advance(2 * DAY);
    let captured = register.capture(app, "a-1", "p-1", 1_200).await.ok();
    assert_eq!(captured["authorization"]["status"], "captured");
    let payment = &captured["payment"];
    assert_eq!((&payment["status"], &payment["amount"]), (&json!("captured"), &json!(1_200)));
    assert_eq!((&payment["points_earned"], &payment["amount_due"]), (&json!(6), &json!(1_200)));
    assert_eq!((customer.balance(app), owed(app, &register).await), (8_800, 1_200));
    for _ in 0..2 {
        assert_eq!(register.capture(app, "a-1", "p-1", 1_200).await.ok(), captured);
        assert_eq!(register.authorization(app, "a-1").await.ok(), captured);
        assert_eq!(register.payment(app, "p-1").await.ok()["payment"], *payment);
        assert_eq!(register.authorize(app, "a-1", &code, 3_000).await.ok(), captured);
        register.void(app, "a-1").await.refused(Code::AuthorizationCaptured);
        register.capture(app, "a-1", "p-2", 1_200).await.refused(Code::AuthorizationCaptured);
        register.capture(app, "a-1", "p-1", 1_100).await.refused(Code::PaymentIdReused);
        app.restart_without_views().await;
    }
    assert_eq!(customer.balance(app), 8_800);
    let list = register.get(app, "/authorizations").await.ok();
    assert_eq!(list["authorizations"], json!([captured["authorization"]]));
    let payments = register.get(app, "/payments").await.ok();
    assert_eq!(payments["payments"], json!([payment]));
}

/// Goal: voided twice is voided once, nothing was paid, and nothing can be captured any more.
async fn a_void_gives_everything_back_once(app: &mut TestApp) {
    let (register, customer) = authorized(app, 3_000).await;
    let voided = register.void(app, "a-1").await.ok();
    assert_eq!(voided["authorization"]["status"], "voided");
    assert_eq!(voided["authorization"]["ended_at"], "2026-04-01T03:00:00Z");
    assert_eq!((customer.balance(app), owed(app, &register).await), (10_000, 0));
    app.restart_without_views().await;
    assert_eq!(register.void(app, "a-1").await.ok(), voided);
    assert_eq!(register.authorization(app, "a-1").await.ok(), voided);
    register.capture(app, "a-1", "p-1", 1).await.refused(Code::AuthorizationVoided);
    register.payment(app, "p-1").await.refused(Code::PaymentNotFound);
    assert!(register.get(app, "/payments").await.ok()["payments"].as_array().unwrap().is_empty());
    assert_eq!(customer.balance(app), 10_000);
}

/// Goal: a register that gave up is never surprised by its own authorization; the code stays good.
async fn one_that_was_voided_before_it_arrived_is_refused(app: &mut TestApp) {
    let (register, customer) = parties(app, 10_000).await;
    let code = customer.code(app.now());
    let voided = register.void(app, "a-1").await.ok();
    assert_eq!(
        (&voided["authorization"]["status"], &voided["authorization"]["amount"]),
        (&json!("voided"), &json!(0))
    );
    assert_eq!(voided["authorization"]["merchant_authorization_id"], "a-1");
    register.authorize(app, "a-1", &code, 3_000).await.refused(Code::AuthorizationVoided);
    register.capture(app, "a-1", "p-1", 1).await.refused(Code::AuthorizationVoided);
    app.restart_without_views().await;
    assert_eq!(register.void(app, "a-1").await.ok(), voided);
    assert_eq!(register.authorization(app, "a-1").await.ok(), voided);
    register.authorize(app, "a-2", &code, 3_000).await.ok();
    // The same of a capture: a cancel takes the id of its payment.
    register.cancel(app, "p-2").await.ok();
    register.capture(app, "a-2", "p-2", 100).await.refused(Code::PaymentCanceled);
    register.capture(app, "a-2", "p-3", 100).await.ok();
    assert_eq!(customer.balance(app), 9_900);
    register.capture(app, "a-0", "p-4", 1).await.refused(Code::AuthorizationNotFound);
    register.authorization(app, "a-0").await.refused(Code::AuthorizationNotFound);
}

/// Goal: a microsecond before the end it is captured; at the end it is the customer's, to spend at
/// once, whether or not the ledger's writer has noticed.
async fn its_time_ends_by_itself(app: &mut TestApp) {
    let (register, customer) = authorized(app, 3_000).await;
    register.authorize(app, "a-2", &customer.code(app.now()), 7_000).await.ok();
    app.clock.advance(7 * DAY - 1);
    register.capture(app, "a-1", "p-1", 1_000).await.ok();
    app.clock.advance(SECOND);
    register.capture(app, "a-2", "p-2", 1_000).await.refused(Code::AuthorizationExpired);
    let ended = register.authorization(app, "a-2").await.ok();
    assert_eq!(ended["authorization"]["status"], "expired");
    assert_eq!(ended["authorization"]["ended_at"], ended["authorization"]["expires_at"]);
    assert_eq!(register.void(app, "a-2").await.ok(), ended, "what a void is for has happened");
    register.sell(app, "s-1", &customer.code(app.now()), 9_000).await.ok();
    assert_eq!((customer.balance(app), owed(app, &register).await), (0, 10_000));
    app.restart_without_views().await;
    assert_eq!(register.authorization(app, "a-2").await.ok(), ended);
}

/// Goal: from a minute to the operator's most days, and the operator's usual where none is said.
async fn a_register_says_how_long_and_the_operator_how_long_at_most(app: &mut TestApp) {
    app.restart_with(|config| {
        config.authorization.default_days = 2;
        config.authorization.max_days = 3;
    })
    .await;
    let (register, customer) = parties(app, 10_000).await;
    let ask = async |app: &TestApp, id: &str, seconds: i64| {
        let code = customer.code(app.now());
        let body = json!({ "merchant_authorization_id": id, "code": code, "amount": 10,
            "expires_in_seconds": seconds });
        register.post(app, "/authorizations", &body).await
    };
    for (seconds, until) in [(60, "2026-04-01T03:01:00Z"), (259_200, "2026-04-04T03:00:00Z")] {
        let made = ask(app, &format!("a-{seconds}"), seconds).await.ok();
        assert_eq!(made["authorization"]["expires_at"], until);
    }
    for seconds in [0, 59, 259_201] {
        let error = ask(app, "a-1", seconds).await.refused(Code::InvalidRequest);
        assert_eq!(error["fields"][0]["field"], "expires_in_seconds");
    }
    let made = register.authorize(app, "a-2", &customer.code(app.now()), 10).await.ok();
    assert_eq!(made["authorization"]["expires_at"], "2026-04-03T03:00:00Z");
}

/// Goal: one yen more is refused, and takes nothing.
async fn a_capture_takes_no_more_than_was_authorized(app: &mut TestApp) {
    let (register, customer) = authorized(app, 3_000).await;
    let over = register.capture(app, "a-1", "p-1", 3_001).await;
    over.refused(Code::CaptureExceedsAuthorization);
    assert_eq!(customer.balance(app), 7_000);
    register.capture(app, "a-1", "p-1", 3_000).await.ok();
    assert_eq!((customer.balance(app), owed(app, &register).await), (7_000, 3_000));
    register
        .authorize(app, "a-2", &customer.code(app.now()), 7_001)
        .await
        .refused(Code::InsufficientFunds);
}

/// Goal: a code works once, for a sale or an authorization; an id names one.
async fn an_id_and_a_code_belong_to_one_authorization(app: &mut TestApp) {
    let (register, customer) = parties(app, 10_000).await;
    let code = customer.code(app.now());
    register.authorize(app, "a-1", &code, 1_000).await.ok();
    register.authorize(app, "a-2", &code, 1_000).await.refused(Code::CodeAlreadyUsed);
    register.sell(app, "s-1", &code, 1_000).await.refused(Code::CodeAlreadyUsed);
    register.top_up(app, "t-1", &code, 1_000).await.refused(Code::CodeAlreadyUsed);
    register.authorize(app, "a-1", &code, 1_001).await.refused(Code::AuthorizationIdReused);
    let other = customer.code(app.now());
    register.authorize(app, "a-1", &other, 1_000).await.refused(Code::AuthorizationIdReused);
    register.sell(app, "s-1", &other, 500).await.ok();
    register.authorize(app, "a-3", &other, 500).await.refused(Code::CodeAlreadyUsed);
    // The id of a sale is not one for a capture, nor the other way round.
    register.capture(app, "a-1", "s-1", 500).await.refused(Code::PaymentIdReused);
    register.capture(app, "a-1", "p-1", 500).await.ok();
    let third = customer.code(app.now());
    register.sell(app, "p-1", &third, 500).await.refused(Code::PaymentIdReused);
    assert_eq!(customer.balance(app), 9_000);
}

/// Somebody with points and free value: ¥1,000 of each, beside paid value.
async fn rich(app: &TestApp) -> (Register, Customer) {
    let register = register_with_rate(app, 2_000).await;
    let customer = Customer::new(&app.app).await;
    customer.load(app, &register, 20_000).await;
    register.sell(app, "s-0", &customer.code(app.now()), 10_000).await.ok();
    customer.convert(app, "c-0", 1_000).await.ok();
    customer.use_points(app, true).await;
    (register, customer)
}

/// Goal: as of a payment, what ends first goes first: here free value, then points, paid last;
/// what is not captured lasts longest and goes back to where it was.
async fn a_capture_takes_what_ends_first(app: &mut TestApp) {
    let (register, customer) = rich(app).await;
    let held = |purse: &omamori::gate::purse::Purse| {
        (purse.free_total(), purse.points_total(), purse.paid)
    };
    let now = |app: &TestApp| held(&app.app.gate.purse(customer.wallet_account));
    assert_eq!(now(app), (1_000, 1_000, 10_000));
    register.authorize(app, "a-1", &customer.code(app.now()), 3_000).await.ok();
    assert_eq!(now(app), (0, 0, 9_000));
    let captured = register.capture(app, "a-1", "p-1", 1_300).await.ok();
    let payment = &captured["payment"];
    assert_eq!((&payment["points_used"], &payment["points_earned"]), (&json!(300), &json!(200)));
    assert_eq!(now(app), (0, 700 + 200, 10_000));
    register.refund(app, "r-1", "p-1", 1_300).await.ok();
    assert_eq!(now(app), (1_000, 1_000, 10_000));
    register.authorize(app, "a-2", &customer.code(app.now()), 2_000).await.ok();
    assert_eq!(now(app), (0, 0, 10_000), "nothing paid among it");
    register.void(app, "a-2").await.ok();
    assert_eq!(now(app), (1_000, 1_000, 10_000));
    register.authorize(app, "a-3", &customer.code(app.now()), 1_500).await.ok();
    app.clock.advance(7 * DAY + SECOND);
    app.app.gate.catch_up().await.unwrap();
    assert_eq!(now(app), (1_000, 1_000, 10_000));
}

/// Goal: value that would end while it is set aside is left to be spent.
async fn what_ends_before_it_is_not_set_aside(app: &mut TestApp) {
    let (register, customer) = rich(app).await;
    app.clock.advance(208 * DAY); // 2026-10-26: free value ends with October
    let purse = app.app.gate.purse(customer.wallet_account);
    assert_eq!((purse.free_total(), purse.points_total()), (1_000, 1_000));
    let code = customer.code(app.now());
    register.authorize(app, "a-1", &code, 11_001).await.refused(Code::InsufficientFunds);
    register.authorize(app, "a-1", &code, 11_000).await.ok();
    let purse = app.app.gate.purse(customer.wallet_account);
    assert_eq!((purse.free_total(), purse.points_total(), purse.paid), (1_000, 0, 0));
    let body = json!({ "merchant_authorization_id": "a-2", "code": customer.code(app.now()),
        "amount": 1_000, "expires_in_seconds": 3_600 });
    register.post(app, "/authorizations", &body).await.ok();
    assert_eq!(app.app.gate.purse(customer.wallet_account).free_total(), 0);
}

/// Goal: refunds in parts and a cancel on its day bring the customer and the store where they were.
async fn a_captured_payment_is_refunded_and_canceled_like_any_other(app: &mut TestApp) {
    let (register, customer) = authorized(app, 3_000).await;
    register.authorize(app, "a-2", &customer.code(app.now()), 2_000).await.ok();
    app.clock.advance(DAY);
    register.capture(app, "a-1", "p-1", 2_500).await.ok();
    let refunded = register.refund(app, "r-1", "p-1", 1_000).await.ok();
    assert_eq!(refunded["payment"]["status"], "partially_refunded");
    register.refund(app, "r-2", "p-1", 1_501).await.refused(Code::RefundExceedsPayment);
    register.refund(app, "r-2", "p-1", 1_500).await.ok();
    register.capture(app, "a-2", "p-2", 2_000).await.ok();
    let canceled = register.cancel(app, "p-2").await.ok();
    assert_eq!(canceled["payment"]["status"], "canceled");
    assert_eq!(
        register.capture(app, "a-2", "p-2", 2_000).await.ok()["payment"],
        canceled["payment"]
    );
    assert_eq!((customer.balance(app), owed(app, &register).await), (10_000, 0));
}

/// Goal: what is set aside counts at once and where it was set aside, so nobody sets aside more
/// than may be paid; a capture of less, a void, an expiry and a refund give exactly that back.
async fn limits_are_used_from_the_start_and_given_back(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let customer = Customer::enrolled_at(&app.app, app.now()).await; // ¥10,000 on the first day
    customer.load(app, &register, 49_000).await;
    app.clock.advance(2 * MINUTE);
    let used = |app: &TestApp| app.app.gate.used(customer.wallet_account, Class::Payment).in_24h;
    register.authorize(app, "a-1", &customer.code(app.now()), 6_000).await.ok();
    register.authorize(app, "a-2", &customer.code(app.now()), 4_000).await.ok();
    let over = customer.code(app.now());
    register.authorize(app, "a-3", &over, 1).await.refused(Code::LimitNewDevice);
    register.sell(app, "s-1", &over, 1).await.refused(Code::LimitNewDevice);
    app.clock.advance(HOUR);
    register.capture(app, "a-1", "p-1", 1_000).await.ok();
    assert_eq!(used(app), 5_000);
    register.void(app, "a-2").await.ok();
    assert_eq!(used(app), 1_000);
    register.refund(app, "r-1", "p-1", 400).await.ok();
    assert_eq!(used(app), 600);
    let body = json!({ "merchant_authorization_id": "a-4", "code": customer.code(app.now()),
        "amount": 9_400, "expires_in_seconds": 600 });
    register.post(app, "/authorizations", &body).await.ok();
    assert_eq!(used(app), 10_000);
    app.restart_without_views().await;
    assert_eq!(used(app), 10_000);
    app.clock.advance(10 * MINUTE + SECOND);
    app.app.gate.catch_up().await.unwrap();
    assert_eq!(used(app), 600);
    app.clock.advance(DAY - 65 * MINUTE); // since `p-1` was set aside, not since it was captured
    assert_eq!(used(app), 0);
    register.refund(app, "r-2", "p-1", 600).await.ok();
    assert_eq!((used(app), customer.balance(app)), (0, 49_000));
}

/// Goal: a thief's accomplice in a shop gets nothing once the account is stopped; what was set
/// aside comes back, and a store captures when the account is started again.
async fn a_stopped_account_pays_nothing_that_was_set_aside(app: &mut TestApp) {
    let (register, customer) = authorized(app, 3_000).await;
    register.authorize(app, "a-2", &customer.code(app.now()), 1_000).await.ok();
    let staff = Actor::machine();
    customer_acts::freeze(&app.app, &staff, &customer.customer_id, "").await.unwrap();
    register.capture(app, "a-1", "p-1", 1_000).await.refused(Code::AccountFrozen);
    register.void(app, "a-2").await.ok();
    assert_eq!((customer.balance(app), owed(app, &register).await), (7_000, 0));
    customer_acts::unfreeze(&app.app, &staff, &customer.customer_id).await.unwrap();
    register.capture(app, "a-1", "p-1", 1_000).await.ok();
    assert_eq!((customer.balance(app), owed(app, &register).await), (9_000, 1_000));
}

/// Goal: nobody loses value, and no store its reservation, by closing the account: not even where
/// all that is set aside are points or free value.
async fn an_account_with_value_set_aside_is_not_closed(app: &mut TestApp) {
    let (register, customer) = rich(app).await;
    app.clock.advance(15 * DAY);
    register.authorize(app, "a-1", &customer.code(app.now()), 2_000).await.ok();
    let refused = async |app: &TestApp| {
        ask_for_closing(&app.app, &Actor::machine(), &customer.customer_id)
            .await
            .unwrap_err()
            .code()
    };
    assert_eq!(refused(app).await, Code::ClosingPending);
    register.void(app, "a-1").await.ok();
    assert_eq!(refused(app).await, Code::ClosingBalance);
}

/// Goal: what can come back never takes a balance over its limit.
async fn what_is_set_aside_counts_in_the_largest_balance(app: &mut TestApp) {
    let (register, customer) = parties(app, 98_000).await;
    register.authorize(app, "a-1", &customer.code(app.now()), 50_000).await.ok();
    app.clock.advance(25 * HOUR);
    let code = customer.code(app.now());
    register.top_up(app, "t-1", &code, 3_000).await.refused(Code::LimitBalance);
    register.capture(app, "a-1", "p-1", 1_000).await.ok();
    register.top_up(app, "t-1", &code, 3_000).await.ok();
    assert_eq!(customer.balance(app), 100_000);
}

/// Goal: ids are each merchant's own, and another's authorization is not there; a sister store's
/// register of the same merchant may end it, and the store that authorized is paid.
async fn another_merchant_sees_and_moves_nothing(app: &mut TestApp) {
    let (register, customer) = authorized(app, 3_000).await;
    let stranger = Register::new(&app.app).await;
    stranger.authorization(app, "a-1").await.refused(Code::AuthorizationNotFound);
    stranger.capture(app, "a-1", "p-1", 1).await.refused(Code::AuthorizationNotFound);
    stranger.void(app, "a-1").await.ok(); // takes its own id, and nothing else
    assert_eq!(customer.balance(app), 7_000);
    let sister = Register::of_merchant(&app.app, &register.merchant_id).await;
    sister.capture(app, "a-1", "p-1", 2_000).await.ok();
    assert_eq!((owed(app, &register).await, owed(app, &sister).await), (2_000, 0));
    let atm = omamori::merchant::create_terminal(&app.app, &register.store_id, "ATM", "atm");
    let atm = Register { key: atm.await.unwrap().api_key, ..register.clone() };
    atm.void(app, "a-1").await.refused(Code::Forbidden);
}

/// Goal: store, amount and until when, on the page, in the history and by the API; nothing more
/// once it is paid, and a line that it came back once it did.
async fn the_wallet_shows_what_is_set_aside(app: &mut TestApp) {
    let (register, customer) = authorized(app, 3_000).await;
    let me = customer.get(app, "/api/wallet/v1/me").await.ok();
    let line = &me["reservations"][0];
    assert_eq!((&line["kind"], &line["amount"]), (&json!("authorization"), &json!(-3_000)));
    assert_eq!(
        (&line["store_name"], &line["until"]),
        (&json!("新宿本店"), &json!("2026-04-08T03:00:00Z"))
    );
    let home = customer.get(app, "/").await;
    assert!(home.text().contains("取り置き中") && home.text().contains("¥3,000"));
    let newest = async |app: &TestApp| {
        let history = customer.get(app, "/api/wallet/v1/history").await.ok();
        (history["entries"][0]["kind"].clone(), history["entries"][0]["amount"].clone())
    };
    assert_eq!(newest(app).await, (json!("authorization"), json!(-3_000)));
    register.capture(app, "a-1", "p-1", 1_000).await.ok();
    assert_eq!(newest(app).await, (json!("payment"), json!(-1_000)));
    assert!(!customer.get(app, "/").await.text().contains("取り置き中"));
    register.authorize(app, "a-2", &customer.code(app.now()), 500).await.ok();
    register.void(app, "a-2").await.ok();
    assert_eq!(newest(app).await, (json!("authorization_ended"), json!(0)));
}
