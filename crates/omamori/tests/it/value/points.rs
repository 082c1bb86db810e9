//! Points are earned, used, turned into balance, given back, and never kept by a refund.

use omamori::clock::{DAY, MINUTE};
use omamori::gate::chart::AccountCode;
use omamori::value::legs::operator_id;
use omamori::value::promise::issue_due;
use omamori::value::sweep::sweep;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use super::{owed, register_with_rate};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    a_payment_earns_a_point_for_200_yen,
    points_cost_a_plain_sale_one_transfer,
    points_become_balance_once,
    points_are_used_when_the_customer_says_so,
    a_customer_with_points_alone_can_pay,
    a_refund_gives_each_kind_back,
    a_refund_does_not_leave_its_points,
    lots_end_with_their_month,
    the_end_is_told_twice_and_done_once,
    points_can_come_some_days_later,
    an_issue_and_a_refund_at_once_agree,
    sixteen_equal_conversions_at_once_are_one,
    sixteen_conversions_at_once_convert_what_there_is,
    sixteen_sales_at_once_use_the_points_once,
    a_stopped_account_converts_nothing,
    odd_conversions_are_refused,
    the_largest_balance_counts_free_value_too,
);

/// A store where a yen earns a point, a customer with ¥10,000 and 1,000 points.
async fn with_points(app: &TestApp) -> (Register, Customer) {
    let (register, customer) =
        (register_with_rate(app, 10_000).await, Customer::new(&app.app).await);
    customer.load(app, &register, 11_000).await;
    register.sell(app, "first", &customer.code(app.now()), 1_000).await.ok();
    (register, customer)
}

/// Goal: the rate of the house, rounded down for each payment, told to register and customer.
async fn a_payment_earns_a_point_for_200_yen(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    for (number, (amount, points)) in [(199, 0), (200, 1), (399, 1), (1_000, 5)].iter().enumerate()
    {
        let code = customer.code(app.now());
        let sold = register.sell(app, &format!("s-{number}"), &code, *amount).await.ok();
        assert_eq!(sold["payment"]["points_earned"], *points, "{amount}");
        assert_eq!(sold["payment"]["amount_due"], *amount);
        assert_eq!(sold["payment"]["points_used"], 0);
    }
    let held = customer.holdings(app).await;
    assert_eq!((&held["points"], &held["points_owed"]), (&json!(7), &json!(0)));
    assert_eq!(held["points_lots"], json!([{ "amount": 7, "ends_at": "2027-04-30T14:59:59Z" }]));
    assert_eq!(owed(app, &register).await, 1_798);
}

/// Goal: a plain sale is two transfers as it always was, and one more for its points.
async fn points_cost_a_plain_sale_one_transfer(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    let bytes = async |app: &TestApp| {
        let sum = sql("SELECT CAST(SUM(LENGTH(body)) AS BIGINT) AS bytes FROM journal");
        app.app.stores.journal.one(sum).await.unwrap().int("bytes").unwrap()
    };
    // The first sale of a month also makes the lot.
    register.sell(app, "s-0", &customer.code(app.now()), 200).await.ok();
    let mut before = bytes(app).await;
    for (id, amount, transfers) in [("s-1", 199, 2), ("s-2", 200, 3), ("s-3", 3_000, 3)] {
        register.sell(app, id, &customer.code(app.now()), amount).await.ok();
        let after = bytes(app).await;
        assert_eq!(after - before, ENTRY_BYTES + transfers * TRANSFER_BYTES, "{amount}");
        before = after;
    }
}

/// Of an entry of the journal without its facts, and of a transfer: `docs/ledger-format.md`.
const ENTRY_BYTES: i64 = 96;
const TRANSFER_BYTES: i64 = 113;

/// Goal: one point is one yen of free value; the same request again changes nothing.
async fn points_become_balance_once(app: &mut TestApp) {
    let (register, customer) = with_points(app).await;
    let first = customer.convert(app, "c-1", 300).await.ok();
    assert_eq!((&first["points_left"], &first["balance"]), (&json!(700), &json!(10_300)));
    assert_eq!(customer.convert(app, "c-1", 300).await.ok(), first);
    customer.convert(app, "c-1", 301).await.refused(Code::ConversionIdReused);
    customer.convert(app, "c-2", 701).await.refused(Code::InsufficientPoints);
    let held = customer.holdings(app).await;
    assert_eq!((&held["balance_paid"], &held["balance_free"]), (&json!(10_000), &json!(300)));
    assert_eq!(held["free_lots"][0]["ends_at"], "2026-10-31T14:59:59Z");
    let history = customer.get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"][0]["kind"], "points");
    assert_eq!(history["entries"][0]["amount"], 300);
    assert_eq!(owed(app, &register).await, 1_000);
}

/// Goal: the choice holds from the next payment on; the store is owed the whole amount in yen.
async fn points_are_used_when_the_customer_says_so(app: &mut TestApp) {
    let (register, customer) = with_points(app).await;
    customer.use_points(app, true).await;
    let sold = register.sell(app, "s-1", &customer.code(app.now()), 1_500).await.ok();
    let payment = &sold["payment"];
    assert_eq!((&payment["amount_due"], &payment["points_used"]), (&json!(1_500), &json!(1_000)));
    assert_eq!(payment["points_earned"], 500, "none for what points paid");
    assert_eq!(register.payment(app, "s-1").await.ok(), sold);
    assert_eq!(customer.balance(app), 9_500);
    assert_eq!(owed(app, &register).await, 2_500);
    customer.use_points(app, false).await;
    let sold = register.sell(app, "s-2", &customer.code(app.now()), 100).await.ok();
    assert_eq!(sold["payment"]["points_used"], 0);
    let history = customer.get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"][1]["amount"], -1_500);
}

/// Goal: no paid value is needed, and the limits count what points pay.
async fn a_customer_with_points_alone_can_pay(app: &mut TestApp) {
    let (register, customer) = with_points(app).await;
    register.sell(app, "s-1", &customer.code(app.now()), 10_000).await.ok();
    customer.use_points(app, true).await;
    let sold = register.sell(app, "s-2", &customer.code(app.now()), 11_000).await.ok();
    assert_eq!(sold["payment"]["points_used"], 11_000);
    register.sell(app, "s-3", &customer.code(app.now()), 1).await.refused(Code::InsufficientFunds);
    let me = customer.get(app, "/api/wallet/v1/me").await.ok();
    assert_eq!(me["limits"]["payment_day"]["used"], 22_000);
    register.refund(app, "r-1", "s-2", 4_000).await.ok();
    let me = customer.get(app, "/api/wallet/v1/me").await.ok();
    assert_eq!(me["limits"]["payment_day"]["used"], 18_000);
    assert_eq!(customer.holdings(app).await["points"], 4_000);
}

/// Goal: by the rule of docs/value.md, to the yen, in steps as at once.
async fn a_refund_gives_each_kind_back(app: &mut TestApp) {
    let (register, customer) = with_points(app).await;
    customer.convert(app, "c-1", 400).await.ok();
    customer.use_points(app, true).await;
    // Free value ends before points: ¥400 of it, 600 points, ¥500 of paid value.
    register.sell(app, "s-1", &customer.code(app.now()), 1_500).await.ok();
    assert_eq!(customer.balance(app), 9_500);
    let refunded = register.refund(app, "r-1", "s-1", 500).await.ok();
    assert_eq!(refunded["refund"]["amount_to_customer"], 500);
    let held = customer.holdings(app).await;
    // 500 × 600 ÷ 1,500 points, then 300 × 400 ÷ 900 free, the rest paid; of 900 points earned
    // a third is taken.
    assert_eq!(held["points"], 200 + 900 - 300);
    assert_eq!((&held["balance_free"], &held["balance_paid"]), (&json!(133), &json!(9_667)));
    register.refund(app, "r-2", "s-1", 1).await.ok();
    register.refund(app, "r-3", "s-1", 999).await.ok();
    let held = customer.holdings(app).await;
    assert_eq!(held["points"], 600);
    assert_eq!((&held["balance_free"], &held["balance_paid"]), (&json!(400), &json!(10_000)));
    assert_eq!(owed(app, &register).await, 1_000);
    let history = customer.get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"][2]["amount"], 500);
}

/// Attack: earn points, spend them, return the goods. What is spent already is owed, and the next
/// points pay that first.
async fn a_refund_does_not_leave_its_points(app: &mut TestApp) {
    let (register, customer) = with_points(app).await;
    customer.convert(app, "c-1", 1_000).await.ok();
    register.refund(app, "r-1", "first", 1_000).await.ok();
    let held = customer.holdings(app).await;
    assert_eq!((&held["points"], &held["points_owed"]), (&json!(0), &json!(1_000)));
    register.sell(app, "s-1", &customer.code(app.now()), 400).await.ok();
    assert_eq!(customer.holdings(app).await["points_owed"], 600);
    register.sell(app, "s-2", &customer.code(app.now()), 900).await.ok();
    let held = customer.holdings(app).await;
    assert_eq!((&held["points"], &held["points_owed"]), (&json!(300), &json!(0)));
    // The refund of a payment whose points repaid a debt takes them again.
    register.refund(app, "r-2", "s-1", 400).await.ok();
    let held = customer.holdings(app).await;
    assert_eq!((&held["points"], &held["points_owed"]), (&json!(0), &json!(100)));
}

/// Goal: over is over at midnight in Japan, and what comes back then lives a little longer.
async fn lots_end_with_their_month(app: &mut TestApp) {
    let (register, customer) = with_points(app).await;
    customer.convert(app, "c-1", 1_000).await.ok();
    register.sell(app, "s-1", &customer.code(app.now()), 600).await.ok();
    app.clock.advance(213 * DAY + 11 * 60 * MINUTE); // 2026-10-31 23:00
    assert_eq!(customer.balance(app), 10_400);
    app.clock.advance(60 * MINUTE);
    assert_eq!(customer.balance(app), 10_000);
    let code = customer.code(app.now());
    register.sell(app, "s-2", &code, 10_001).await.refused(Code::InsufficientFunds);
    register.refund(app, "r-1", "s-1", 600).await.ok();
    renew_session(app, &customer).await;
    let held = customer.holdings(app).await;
    assert_eq!(held["free_lots"], json!([{ "amount": 600, "ends_at": "2026-12-31T14:59:59Z" }]));
}

/// Goal: one notice thirty days before, one seven days before, then the books are cleared; whatever
/// is repeated, and with what was spent in between taken into account.
async fn the_end_is_told_twice_and_done_once(app: &mut TestApp) {
    let (register, customer) = with_points(app).await;
    customer.convert(app, "c-1", 1_000).await.ok(); // until 2026-10-31
    let told = async |app: &TestApp| {
        renew_session(app, &customer).await;
        let notices = customer.get(app, "/api/wallet/v1/notices/unread").await.ok();
        notices["unread"].as_i64().unwrap()
    };
    for (days, count) in [(182, 0), (1, 0), (1, 1), (22, 1), (1, 2), (6, 2)] {
        app.clock.advance(days * DAY);
        sweep(&app.app).await.unwrap();
        sweep(&app.app).await.unwrap();
        assert_eq!(told(app).await, count, "{days} days later");
    }
    register.sell(app, "s-1", &customer.code(app.now()), 400).await.ok();
    let expired = || app.app.gate.account(operator_id(AccountCode::FreeExpired));
    assert!(expired().is_none());
    app.clock.advance(2 * DAY);
    sweep(&app.app).await.unwrap();
    sweep(&app.app).await.unwrap();
    assert_eq!(expired().unwrap().credits_posted, 600);
    assert_eq!((customer.balance(app), told(app).await), (10_000, 2));
}

async fn renew_session(app: &TestApp, customer: &Customer) {
    let update =
        sql("UPDATE session SET last_used_at = $1, expires_at = $2 WHERE customer_id = $3");
    let update = update.bind(app.now()).bind(app.now() + DAY).bind(&customer.customer_id);
    app.app.stores.registry.execute(update).await.unwrap();
}

/// Waits until the follower has noted this many payments as due, and issues what is.
async fn issue(app: &TestApp, noted: i64) {
    let count = || sql("SELECT CAST(COUNT(*) AS BIGINT) AS many FROM points_due");
    while app.app.stores.views.one(count()).await.unwrap().int("many").unwrap() != noted {
        tokio::task::yield_now().await;
    }
    issue_due(&app.app).await.unwrap();
    issue_due(&app.app).await.unwrap();
}

/// Goal: on the day and not before, less what was refunded until then, once.
async fn points_can_come_some_days_later(app: &mut TestApp) {
    app.restart_with(|config| config.value.points.after_days = 3).await;
    let (register, customer) = with_points(app).await;
    let sold = register.payment(app, "first").await.ok();
    assert_eq!(sold["payment"]["points_earned"], 1_000);
    assert_eq!(sold["payment"]["points_due_at"], "2026-04-04T03:00:00Z");
    register.refund(app, "r-1", "first", 300).await.ok();
    assert_eq!(customer.holdings(app).await["points"], 0);
    app.clock.advance(3 * DAY - 1);
    issue(app, 1).await;
    assert_eq!(customer.holdings(app).await["points"], 0);
    app.clock.advance(1);
    app.restart_without_views().await;
    issue(app, 1).await;
    assert_eq!(customer.holdings(app).await["points"], 700);
    // Now they are there, and a refund takes them back.
    register.refund(app, "r-2", "first", 200).await.ok();
    assert_eq!(customer.holdings(app).await["points"], 500);
    app.restart_without_views().await;
    issue(app, 1).await;
    assert_eq!(customer.holdings(app).await["points"], 500);
    register.refund(app, "r-3", "first", 500).await.ok();
    let held = customer.holdings(app).await;
    assert_eq!((&held["points"], &held["points_owed"]), (&json!(0), &json!(0)));
}

/// Attack: return the goods at the moment at which their points come.
async fn an_issue_and_a_refund_at_once_agree(app: &mut TestApp) {
    app.restart_with(|config| config.value.points.after_days = 1).await;
    let (register, customer) = with_points(app).await;
    app.clock.advance(DAY);
    let answers = at_once((0..8).map(|number| {
        let (node, register) = ((*app).clone(), register.clone());
        async move {
            let id = format!("r-{number}");
            let mut answer = register.refund(&node, &id, "first", 125).await;
            while answer.status == Code::Busy.status() {
                answer = register.refund(&node, &id, "first", 125).await;
            }
            issue_due(&node.app).await.unwrap();
            answer
        }
    }))
    .await;
    answers.iter().for_each(|answer| drop(answer.ok()));
    issue_due(&app.app).await.unwrap();
    let held = customer.holdings(app).await;
    assert_eq!((&held["points"], &held["points_owed"]), (&json!(0), &json!(0)));
    assert_eq!(held["balance_paid"], 11_000);
}

/// Goal: a double tap, sixteen times over, is one conversion, and all get its answer.
async fn sixteen_equal_conversions_at_once_are_one(app: &mut TestApp) {
    let (_, customer) = with_points(app).await;
    let customer = std::sync::Arc::new(customer);
    let answers = at_once((0..16).map(|_| {
        let (node, customer) = ((*app).clone(), customer.clone());
        async move { customer.convert(&node, "c-1", 700).await }
    }))
    .await;
    answers.iter().for_each(|answer| assert_eq!(answer.ok()["points_left"], 300));
    assert_eq!(customer.holdings(app).await["balance_free"], 700);
}

/// Goal: of sixteen conversions of 300 at once, three fit into 1,000.
async fn sixteen_conversions_at_once_convert_what_there_is(app: &mut TestApp) {
    let (_, customer) = with_points(app).await;
    let customer = std::sync::Arc::new(customer);
    let answers = at_once((0..16).map(|number| {
        let (node, customer) = ((*app).clone(), customer.clone());
        async move { customer.convert(&node, &format!("c-{number}"), 300).await }
    }))
    .await;
    let done = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(done, 3);
    let held = customer.holdings(app).await;
    assert_eq!((&held["points"], &held["balance_free"]), (&json!(100), &json!(900)));
}

/// Goal: twelve sales at once, each planned with all the points: each point is spent once, and each
/// sale is made, with paid value where the points were gone.
async fn sixteen_sales_at_once_use_the_points_once(app: &mut TestApp) {
    let (register, customer) = with_points(app).await;
    customer.use_points(app, true).await;
    app.clock.advance(5 * MINUTE);
    let codes: Vec<_> = (0..12).map(|_| customer.code(app.now())).collect();
    let answers = at_once(codes.into_iter().enumerate().map(|(number, code)| {
        let (node, register) = ((*app).clone(), register.clone());
        async move {
            let id = format!("s-{number}");
            let mut answer = register.sell(&node, &id, &code, 300).await;
            while answer.status == Code::Busy.status() {
                answer = register.sell(&node, &id, &code, 300).await;
            }
            answer
        }
    }))
    .await;
    let sold: Vec<_> = answers.iter().map(|answer| answer.ok()["payment"].take()).collect();
    let sum = |name: &str| -> i64 { sold.iter().map(|sale| sale[name].as_i64().unwrap()).sum() };
    let (used, earned) = (sum("points_used"), sum("points_earned"));
    let held = customer.holdings(app).await;
    assert_eq!(held["points"], 1_000 - used + earned);
    assert_eq!(customer.balance(app), 10_000 - 3_600 + used);
    assert_eq!(owed(app, &register).await, 1_000 + 3_600);
}

/// Goal: who is stopped moves nothing.
async fn a_stopped_account_converts_nothing(app: &mut TestApp) {
    let (_, customer) = with_points(app).await;
    let stop = sql("UPDATE customer SET status = 'frozen' WHERE customer_id = $1");
    app.app.stores.registry.execute(stop.bind(&customer.customer_id)).await.unwrap();
    customer.convert(app, "c-1", 1).await.refused(Code::AccountFrozen);
}

/// Attack: amounts that no one has, and ids that are none.
async fn odd_conversions_are_refused(app: &mut TestApp) {
    let (_, customer) = with_points(app).await;
    for points in [0, -1, i64::MIN, i64::MAX, 1_000_001] {
        customer.convert(app, "c-1", points).await.refused(Code::InvalidRequest);
    }
    for id in ["", "a b", "é", &"x".repeat(65)] {
        customer.convert(app, id, 1).await.refused(Code::InvalidRequest);
    }
    assert_eq!(customer.holdings(app).await["points"], 1_000);
}

/// Goal: paid and free value together stay below the largest balance.
async fn the_largest_balance_counts_free_value_too(app: &mut TestApp) {
    let (register, customer) = with_points(app).await;
    customer.convert(app, "c-1", 600).await.ok();
    app.clock.advance(25 * 60 * MINUTE);
    customer.load(app, &register, 49_000).await;
    customer.load(app, &register, 40_000).await;
    assert_eq!(customer.balance(app), 99_600);
    customer.convert(app, "c-2", 400).await.ok();
    let code = customer.code(app.now());
    register.top_up(app, "t-1", &code, 1_000).await.refused(Code::LimitBalance);
    register.sell(app, "s-1", &customer.code(app.now()), 1_000).await.ok();
    customer.convert(app, "c-3", 1_001).await.refused(Code::InsufficientPoints);
    customer.convert(app, "c-4", 1_000).await.ok();
    assert_eq!(customer.balance(app), 100_000);
}
