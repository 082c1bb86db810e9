//! Free value that a campaign gives: once for each customer, out of a budget that cannot be passed.

use omamori::clock::DAY;
use omamori::coupon::{Campaign, Gift, Terms, manage};
use omamori::gate::chart::{AccountCode, available};
use omamori::value::legs::operator_id;
use omamori::value::sweep::sweep;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use super::{begin, budget_left, coupon, owed};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    value_is_given_once_and_spent_like_any_other,
    sixteen_takes_at_once_are_one,
    the_budget_cannot_be_passed_by_many_at_once,
    who_may_not_have_it_gets_none,
    the_end_of_what_was_given_is_told,
);

async fn gift(app: &TestApp, yen: i64, budget: i64) -> Campaign {
    begin(app, None, coupon(Gift::FreeValue { yen }, budget)).await
}

fn path(campaign: &Campaign) -> String {
    format!("/coupons/{}/set", campaign.campaign_id)
}

/// What the operator's account that pays stores for free value stands at.
fn funding(app: &TestApp) -> i64 {
    let account = app.app.gate.account(operator_id(AccountCode::FreeFunding)).unwrap_or_default();
    i64::try_from(account.credits_posted).unwrap() - i64::try_from(account.debits_posted).unwrap()
}

/// Goal: it is balance at once, told in the history, apart from what was paid in; the store gets
/// its yen, and the budget has paid for it.
async fn value_is_given_once_and_spent_like_any_other(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let campaign = gift(app, 300, 1_000).await;
    let offered = customer.get(app, "/api/wallet/v1/coupons").await.ok();
    assert_eq!(offered["coupons"][0]["gift"], json!({ "kind": "free_value", "yen": 300 }));
    assert_eq!(offered["coupons"][0]["value_ends_at"], "2026-10-31T15:00:00Z");
    for _ in 0..3 {
        customer.set_coupon(app, &campaign).await;
    }
    let held = customer.holdings(app).await;
    assert_eq!((&held["balance_free"], &held["balance_paid"]), (&json!(300), &json!(0)));
    assert_eq!((budget_left(app, &campaign), funding(app)), (700, 300));
    let offered = customer.get(app, "/api/wallet/v1/coupons").await.ok();
    assert_eq!(offered["coupons"], json!([]), "it is taken");
    let history = customer.get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"].as_array().unwrap().len(), 1);
    assert_eq!(history["entries"][0]["kind"], "gift");
    assert_eq!(history["entries"][0]["amount"], 300);
    customer.load(app, &register, 1_000).await;
    let sold = register.sell(app, "s-1", &customer.code(app.now()), 500).await.ok();
    assert_eq!(sold["payment"]["coupons_not_applied"], json!([]), "it is no coupon of a sale");
    let held = customer.holdings(app).await;
    assert_eq!((&held["balance_free"], &held["balance_paid"]), (&json!(0), &json!(800)));
    assert_eq!((owed(app, &register).await, funding(app)), (500, 0));
    let results = omamori::coupon::results(&app.app, &campaign).await.unwrap();
    assert_eq!((results.uses, results.yen, results.left), (1, 300, 700));
}

/// Attack: one customer, sixteen connections.
async fn sixteen_takes_at_once_are_one(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let campaign = gift(app, 300, 10_000).await;
    let asks = (0..16).map(|_| {
        let node = (*app).clone();
        let address = format!("/api/wallet/v1{}", path(&campaign));
        let proof = customer.proof("POST", &address, app.now());
        let request = customer.request("POST", &address, Some(&proof));
        async move { node.call(request).await }
    });
    for answer in at_once(asks).await {
        answer.ok();
    }
    assert_eq!(customer.holdings(app).await["balance_free"], 300);
    assert_eq!(budget_left(app, &campaign), 9_700);
}

/// Attack: sixteen customers, and a budget for five.
async fn the_budget_cannot_be_passed_by_many_at_once(app: &mut TestApp) {
    let campaign = gift(app, 100, 550).await;
    let mut customers = Vec::new();
    for _ in 0..16 {
        customers.push(Customer::new(&app.app).await);
    }
    let asks = customers.iter().map(|customer| {
        let node = (*app).clone();
        let address = format!("/api/wallet/v1{}", path(&campaign));
        let proof = customer.proof("POST", &address, app.now());
        let request = customer.request("POST", &address, Some(&proof));
        async move { node.call(request).await.status.is_success() }
    });
    let given = at_once(asks).await.into_iter().filter(|given| *given).count();
    let sum: i64 = customers.iter().map(|customer| customer.balance(app)).sum();
    assert_eq!((given, sum, budget_left(app, &campaign)), (5, 500, 50));
    let late = Customer::new(&app.app).await;
    let offered = late.get(app, "/api/wallet/v1/coupons").await.ok();
    assert_eq!(offered["coupons"], json!([]), "what is left is not enough for anybody");
    late.post(app, &path(&campaign), &json!({})).await.refused(Code::CouponNotOffered);
}

/// Attack: who was stopped, who signed up long ago, who has as much as one may have, what ended.
async fn who_may_not_have_it_gets_none(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let old = Customer::enrolled_at(&app.app, app.now() - 40 * DAY).await;
    let terms =
        Terms { new_customer_days: Some(30), ..coupon(Gift::FreeValue { yen: 3_000 }, 10_000) };
    let campaign = begin(app, None, terms).await;
    old.post(app, &path(&campaign), &json!({})).await.refused(Code::CouponNotOffered);
    let stopped = Customer::new(&app.app).await;
    let stop = sql("UPDATE customer SET status = 'frozen' WHERE customer_id = $1");
    app.app.stores.registry.execute(stop.bind(&stopped.customer_id)).await.unwrap();
    stopped.post(app, &path(&campaign), &json!({})).await.refused(Code::AccountFrozen);
    let full = Customer::enrolled_at(&app.app, app.now() - 3 * DAY).await;
    full.load(app, &register, 49_000).await;
    full.load(app, &register, 49_000).await;
    full.post(app, &path(&campaign), &json!({})).await.refused(Code::LimitBalance);
    assert_eq!(budget_left(app, &campaign), 10_000);
    let owner = manage::Owner { merchant_id: None, by: "test" };
    manage::stop(&app.app, owner, &campaign.campaign_id).await.unwrap();
    let new = Customer::new(&app.app).await;
    new.post(app, &path(&campaign), &json!({})).await.refused(Code::CouponNotOffered);
    assert_eq!((new.balance(app), budget_left(app, &campaign)), (0, 0));
    let given = app.app.gate.account(operator_id(AccountCode::FreeIssue)).unwrap_or_default();
    assert_eq!(available(&given), 0, "nothing was given to anybody");
}

/// Goal: thirty and seven days before its end its holder is told; then it is over.
async fn the_end_of_what_was_given_is_told(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let campaign = gift(app, 300, 1_000).await;
    customer.set_coupon(app, &campaign).await;
    let told = async |app: &TestApp| {
        let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS many FROM notice \
                         WHERE customer_id = $1");
        let count = count.bind(&customer.customer_id);
        app.app.stores.registry.one(count).await.unwrap().int("many").unwrap()
    };
    assert_eq!(told(app).await, 0);
    for (days, count) in [(183, 0), (1, 1), (23, 2), (9, 2)] {
        app.clock.advance(days * DAY);
        sweep(&app.app).await.unwrap();
        sweep(&app.app).await.unwrap();
        assert_eq!(told(app).await, count, "{days} days later");
    }
    assert_eq!(customer.balance(app), 0);
    let expired = app.app.gate.account(operator_id(AccountCode::FreeExpired)).unwrap();
    assert_eq!(expired.credits_posted, 300);
}
