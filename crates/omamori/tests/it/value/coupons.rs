//! One scan takes coupon, payment and points; neither budget nor uses can be passed.

use std::sync::Arc;

use omamori::clock::DAY;
use omamori::coupon::{Gift, Terms, manage};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{begin, budget_left, coupon, owed};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    one_scan_takes_coupon_payment_and_points,
    the_free_onigiri_is_free,
    a_coupon_that_does_not_fit_says_why,
    a_merchants_discount_is_not_owed_to_it,
    a_refund_gives_the_discount_back_in_part,
    a_cancel_gives_the_coupon_back,
    a_budget_cannot_be_passed_by_sixteen_at_once,
    a_coupon_is_used_once_by_twelve_codes_at_once,
    setting_a_coupon_again_gives_no_more_of_it,
    a_stopped_campaign_gives_nothing_more,
    a_coupon_for_newcomers_is_for_newcomers,
    a_merchant_begins_and_stops_its_own,
    odd_campaigns_are_refused,
    points_are_multiplied,
);

const ONIGIRI: &str = "4901234567894";

async fn shop_and_customer(app: &TestApp) -> (Register, Customer) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 10_000).await;
    (register, customer)
}

fn yen_off(yen: i64, budget: i64) -> Terms {
    coupon(Gift::AmountOff { yen }, budget)
}

/// A sale with an onigiri of ¥150 in it.
fn with_onigiri(id: &str, code: &str, amount: i64) -> Value {
    json!({ "merchant_payment_id": id, "code": code, "amount": amount,
        "items": [{ "jan": ONIGIRI, "name": "鮭おにぎり", "quantity": 1, "unit_price": 150 }] })
}

/// Goal: the register sees each line; a retry, an inquiry and the receipt say the same.
async fn one_scan_takes_coupon_payment_and_points(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app).await;
    register.sell(app, "s-0", &customer.code(app.now()), 1_000).await.ok();
    customer.use_points(app, true).await;
    let campaign = begin(app, None, yen_off(100, 1_000)).await;
    let code = customer.code(app.now());
    customer.set_coupon(app, &campaign).await;
    let sold = register.sell(app, "s-1", &code, 705).await.ok();
    let payment = &sold["payment"];
    assert_eq!(
        payment["discounts"],
        json!([{ "campaign_id": campaign.campaign_id, "name": "お試し", "amount": 100 }])
    );
    assert_eq!((&payment["amount"], &payment["amount_due"]), (&json!(705), &json!(605)));
    assert_eq!((&payment["points_used"], &payment["points_earned"]), (&json!(5), &json!(3)));
    assert_eq!(payment["coupons_not_applied"], json!([]));
    assert_eq!(register.sell(app, "s-1", &code, 705).await.ok(), sold);
    assert_eq!(register.payment(app, "s-1").await.ok(), sold);
    let payment_id = payment["payment_id"].as_str().unwrap();
    let receipt = customer.get(app, &format!("/api/wallet/v1/payments/{payment_id}")).await.ok();
    assert_eq!(receipt["discounts"], payment["discounts"]);
    assert_eq!((&receipt["paid_used"], &receipt["net_amount"]), (&json!(600), &json!(605)));
    assert_eq!(customer.balance(app), 8_400);
    assert_eq!(owed(app, &register).await, 1_705);
    assert_eq!(budget_left(app, &campaign), 900);
    let mine = customer.get(app, "/api/wallet/v1/coupons").await.ok();
    assert_eq!(mine["coupons"], json!([]), "it is used up");
    let again = register.sell(app, "s-2", &customer.code(app.now()), 705).await.ok();
    assert_eq!(again["payment"]["discounts"], json!([]));
}

/// Goal: a sale that the coupon covers needs no balance at all.
async fn the_free_onigiri_is_free(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let gift = Gift::FreeItem { jan: ONIGIRI.to_owned(), max_yen: 180 };
    let terms = Terms { new_customer_days: Some(7), ..coupon(gift, 10_000) };
    let campaign = begin(app, None, terms).await;
    customer.set_coupon(app, &campaign).await;
    let body = with_onigiri("s-1", &customer.code(app.now()), 150);
    let sold = register.post(app, "/payments", &body).await.ok();
    assert_eq!(
        (&sold["payment"]["amount_due"], &sold["payment"]["amount"]),
        (&json!(0), &json!(150))
    );
    assert_eq!(owed(app, &register).await, 150);
    assert_eq!(budget_left(app, &campaign), 9_850);
    let history = customer.get(app, "/api/wallet/v1/history").await.ok();
    assert_eq!(history["entries"][0]["amount"], 0);
}

/// Goal: the sale goes on without it, and the clerk can say why.
async fn a_coupon_that_does_not_fit_says_why(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app).await;
    let large = begin(app, None, Terms { amount_min: 1_001, ..yen_off(100, 1_000) }).await;
    let gift = Gift::FreeItem { jan: ONIGIRI.to_owned(), max_yen: 180 };
    let item = begin(app, None, coupon(gift, 1_000)).await;
    customer.set_coupon(app, &large).await;
    customer.set_coupon(app, &item).await;
    let sold = register.sell(app, "s-1", &customer.code(app.now()), 1_000).await.ok();
    let not = sold["payment"]["coupons_not_applied"].as_array().unwrap();
    let mut reasons: Vec<_> = not.iter().map(|one| one["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["amount_too_small", "item_missing"]);
    assert_eq!(customer.balance(app), 9_000);
    assert_eq!(register.payment(app, "s-1").await.ok(), sold);
}

/// Goal: what a merchant gives away is its own loss.
async fn a_merchants_discount_is_not_owed_to_it(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app).await;
    let campaign = begin(app, Some(&register.merchant_id), yen_off(100, 1_000)).await;
    customer.set_coupon(app, &campaign).await;
    let sold = register.sell(app, "s-1", &customer.code(app.now()), 500).await.ok();
    assert_eq!(sold["payment"]["amount_due"], 400);
    assert_eq!(owed(app, &register).await, 400);
    register.refund(app, "r-1", "s-1", 250).await.ok();
    assert_eq!((owed(app, &register).await, budget_left(app, &campaign)), (200, 950));
    assert_eq!(customer.balance(app), 9_800);
    let stranger = Register::new(&app.app).await;
    let other = Customer::new(&app.app).await;
    other.load(app, &register, 1_000).await;
    other.set_coupon(app, &campaign).await;
    let sold = stranger.sell(app, "s-1", &other.code(app.now()), 500).await.ok();
    assert_eq!(sold["payment"]["coupons_not_applied"][0]["reason"], "other_store");
}

/// Goal: the customer gets back what the customer paid, the campaign what it gave.
async fn a_refund_gives_the_discount_back_in_part(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app).await;
    let campaign = begin(app, None, yen_off(100, 1_000)).await;
    customer.set_coupon(app, &campaign).await;
    register.sell(app, "s-1", &customer.code(app.now()), 300).await.ok();
    let refund = register.refund(app, "r-1", "s-1", 100).await.ok();
    assert_eq!(refund["refund"]["amount_to_customer"], 67);
    assert_eq!((customer.balance(app), budget_left(app, &campaign)), (9_867, 933));
    register.refund(app, "r-2", "s-1", 201).await.refused(Code::RefundExceedsPayment);
    let refund = register.refund(app, "r-2", "s-1", 200).await.ok();
    assert_eq!(refund["payment"]["status"], "refunded");
    assert_eq!((customer.balance(app), budget_left(app, &campaign)), (10_000, 1_000));
    assert_eq!(owed(app, &register).await, 0);
    let again = register.sell(app, "s-2", &customer.code(app.now()), 300).await.ok();
    assert_eq!(again["payment"]["discounts"], json!([]), "a refund does not bring it back");
}

/// Goal: what did not take place used nothing up; after the campaign's end it does not come back.
async fn a_cancel_gives_the_coupon_back(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app).await;
    let campaign = begin(app, None, yen_off(100, 1_000)).await;
    customer.set_coupon(app, &campaign).await;
    register.sell(app, "s-1", &customer.code(app.now()), 300).await.ok();
    register.cancel(app, "s-1").await.ok();
    register.cancel(app, "s-1").await.ok();
    assert_eq!((customer.balance(app), budget_left(app, &campaign)), (10_000, 1_000));
    let again = register.sell(app, "s-2", &customer.code(app.now()), 300).await.ok();
    assert_eq!(again["payment"]["amount_due"], 200);
    let owner = manage::Owner { merchant_id: None, by: "test" };
    manage::stop(&app.app, owner, &campaign.campaign_id).await.unwrap();
    register.cancel(app, "s-2").await.ok();
    assert_eq!(customer.balance(app), 10_000);
    let last = register.sell(app, "s-3", &customer.code(app.now()), 300).await.ok();
    assert_eq!(last["payment"]["discounts"], json!([]));
}

/// Attack: sixteen customers at once on a budget for five.
async fn a_budget_cannot_be_passed_by_sixteen_at_once(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let campaign = begin(app, None, yen_off(100, 550)).await;
    let mut customers = Vec::new();
    for _ in 0..16 {
        let customer = Customer::new(&app.app).await;
        customer.load(app, &register, 1_000).await;
        customer.set_coupon(app, &campaign).await;
        customers.push(Arc::new(customer));
    }
    let now = app.now();
    let answers =
        at_once(
            customers.iter().cloned().enumerate().map(|(number, customer)| {
                let (node, register) = ((*app).clone(), register.clone());
                async move {
                    register.sell(&node, &format!("s-{number}"), &customer.code(now), 400).await
                }
            }),
        )
        .await;
    let due: Vec<i64> =
        answers.iter().map(|one| one.ok()["payment"]["amount_due"].as_i64().unwrap()).collect();
    assert_eq!(due.iter().filter(|due| **due == 300).count(), 5);
    assert_eq!(due.iter().filter(|due| **due == 400).count(), 11);
    assert_eq!(budget_left(app, &campaign), 50);
    for (customer, due) in customers.iter().zip(due) {
        assert_eq!(customer.balance(app), 1_000 - due);
    }
    assert_eq!(owed(app, &register).await, 16 * 400);
}

/// Attack: one customer, twelve codes at once, a coupon for one use.
async fn a_coupon_is_used_once_by_twelve_codes_at_once(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app).await;
    let campaign = begin(app, None, yen_off(100, 100_000)).await;
    customer.set_coupon(app, &campaign).await;
    app.clock.advance(10 * 60 * 1_000_000);
    let codes: Vec<_> = (0..12).map(|_| customer.code(app.now())).collect();
    let answers = at_once(codes.into_iter().enumerate().map(|(number, code)| {
        let (node, register) = ((*app).clone(), register.clone());
        async move { register.sell(&node, &format!("s-{number}"), &code, 400).await }
    }))
    .await;
    let with = answers.iter().filter(|one| one.ok()["payment"]["amount_due"] == 300).count();
    assert_eq!(with, 1);
    assert_eq!(customer.balance(app), 10_000 - 12 * 400 + 100);
    assert_eq!(budget_left(app, &campaign), 99_900);
}

/// Attack: set, use, put away, set again.
async fn setting_a_coupon_again_gives_no_more_of_it(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app).await;
    let campaign = begin(app, None, Terms { per_customer: 2, ..yen_off(100, 1_000) }).await;
    let unset = format!("/coupons/{}/unset", campaign.campaign_id);
    let mut discounts = 0;
    for number in 0..4 {
        customer.set_coupon(app, &campaign).await;
        customer.set_coupon(app, &campaign).await;
        let code = customer.code(app.now());
        let sold = register.sell(app, &format!("s-{number}"), &code, 200).await.ok();
        discounts += sold["payment"]["discounts"].as_array().unwrap().len();
        customer.post(app, &unset, &json!({})).await.ok();
    }
    assert_eq!(discounts, 2);
    assert_eq!(budget_left(app, &campaign), 800);
    let put_away = begin(app, None, yen_off(50, 1_000)).await;
    customer.set_coupon(app, &put_away).await;
    let path = format!("/coupons/{}/unset", put_away.campaign_id);
    customer.post(app, &path, &json!({})).await.ok();
    let sold = register.sell(app, "s-9", &customer.code(app.now()), 200).await.ok();
    assert_eq!(sold["payment"]["discounts"], json!([]));
}

/// Goal: at once, and what is left goes back.
async fn a_stopped_campaign_gives_nothing_more(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app).await;
    let campaign = begin(app, None, Terms { per_customer: 5, ..yen_off(100, 1_000) }).await;
    customer.set_coupon(app, &campaign).await;
    register.sell(app, "s-1", &customer.code(app.now()), 200).await.ok();
    let owner = manage::Owner { merchant_id: None, by: "test" };
    manage::stop(&app.app, owner, &campaign.campaign_id).await.unwrap();
    manage::stop(&app.app, owner, &campaign.campaign_id).await.unwrap();
    assert_eq!(budget_left(app, &campaign), 0);
    let sold = register.sell(app, "s-2", &customer.code(app.now()), 200).await.ok();
    assert_eq!(sold["payment"]["amount_due"], 200);
    let set = format!("/coupons/{}/set", campaign.campaign_id);
    customer.post(app, &set, &json!({})).await.refused(Code::CouponNotOffered);
    customer.post(app, "/coupons/cmp_x/set", &json!({})).await.refused(Code::NotFound);
}

/// Goal: who signed up long ago does not see it and cannot set it.
async fn a_coupon_for_newcomers_is_for_newcomers(app: &mut TestApp) {
    let old = Customer::enrolled_at(&app.app, app.now() - 8 * DAY).await;
    let new = Customer::enrolled_at(&app.app, app.now() - 6 * DAY).await;
    let terms = Terms { new_customer_days: Some(7), ..yen_off(100, 1_000) };
    let campaign = begin(app, None, terms).await;
    let set = format!("/coupons/{}/set", campaign.campaign_id);
    old.post(app, &set, &json!({})).await.refused(Code::CouponNotOffered);
    assert_eq!(old.get(app, "/api/wallet/v1/coupons").await.ok()["coupons"], json!([]));
    let mine = new.get(app, "/api/wallet/v1/coupons").await.ok();
    assert_eq!(mine["coupons"][0]["for_newcomers"], true);
    new.set_coupon(app, &campaign).await;
    let stop = sql("UPDATE customer SET status = 'frozen' WHERE customer_id = $1");
    app.app.stores.registry.execute(stop.bind(&new.customer_id)).await.unwrap();
    new.post(app, &set, &json!({})).await.refused(Code::AccountFrozen);
}

/// Goal: over the back office, with results; another merchant's campaign is not there.
async fn a_merchant_begins_and_stops_its_own(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app).await;
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    let terms = json!({ "name": "春の割引", "gift": { "kind": "percent_off", "percent": 10,
        "max_yen": 500 }, "budget": 3_000, "stores": [register.store_id] });
    let body = json!({ "terms": terms, "starts_on": "2026-04-01", "ends_on": "2026-04-30" });
    let path = "/api/merchant/v1/campaigns";
    let made = staff.call(app, "POST", path, &body).await.ok();
    let id = made["campaign_id"].as_str().unwrap().to_owned();
    let campaign = manage::find(&app.app, &id).await.unwrap().unwrap();
    customer.set_coupon(app, &campaign).await;
    let sold = register.sell(app, "s-1", &customer.code(app.now()), 1_999).await.ok();
    assert_eq!(sold["payment"]["discounts"][0]["amount"], 199);
    let page = staff.call(app, "GET", "/merchant/campaigns", &Value::Null).await;
    for part in ["春の割引", "¥199", "¥2,801 / ¥3,000", "<rect"] {
        assert!(page.text().contains(part), "{part}");
    }
    let stranger = Register::new(&app.app).await;
    let other = Staff::new(&app.app, &stranger.merchant_id).await;
    let stop = format!("{path}/{id}/stop");
    other.call(app, "POST", &stop, &json!({})).await.refused(Code::NotFound);
    assert!(
        !other.call(app, "GET", "/merchant/campaigns", &Value::Null).await.text().contains("春")
    );
    staff.call(app, "POST", &stop, &json!({})).await.ok();
    assert_eq!(budget_left(app, &campaign), 0);
    let mut theirs = body.clone();
    theirs["terms"]["stores"] = json!([stranger.store_id]);
    staff.call(app, "POST", path, &theirs).await.refused(Code::InvalidRequest);
}

/// Attack: budgets below zero, discounts of more than everything, days that are none.
async fn odd_campaigns_are_refused(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    let good = json!({ "starts_on": "2026-04-01", "ends_on": "2026-04-30", "terms": {
        "name": "割引", "gift": { "kind": "amount_off", "yen": 100 }, "budget": 3_000 } });
    let wrong: &[(&str, Value)] = &[
        ("/terms/budget", json!(0)),
        ("/terms/budget", json!(-1)),
        ("/terms/budget", json!(i64::MAX)),
        ("/terms/budget", json!(1.5)),
        ("/terms/gift/yen", json!(0)),
        ("/terms/gift/yen", json!(-100)),
        ("/terms/gift/yen", json!(100_001)),
        ("/terms/gift", json!({ "kind": "percent_off", "percent": 101, "max_yen": 1 })),
        ("/terms/gift", json!({ "kind": "free_item", "jan": "4901234567890", "max_yen": 1 })),
        ("/terms/gift", json!({ "kind": "points_factor", "factor": 1 })),
        // Attack: a merchant that lets the operator owe its customers more points.
        (
            "/terms",
            json!({ "name": "5倍", "gift": { "kind": "points_factor", "factor": 5 }, "budget": 0 }),
        ),
        ("/terms/name", json!(" ")),
        ("/terms/name", json!("あ".repeat(41))),
        ("/starts_on", json!("2026-02-30")),
        ("/ends_on", json!("2026-03-31")),
        ("/ends_on", json!("2027-05-01")),
        ("/ends_on", json!("soon")),
    ];
    for (place, value) in wrong {
        let mut body = good.clone();
        *body.pointer_mut(place).unwrap() = value.clone();
        let answer = staff.call(app, "POST", "/api/merchant/v1/campaigns", &body).await;
        answer.refused(Code::InvalidRequest);
    }
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS many FROM campaign");
    assert_eq!(app.app.stores.registry.one(count).await.unwrap().int("many").unwrap(), 0);
}

/// Goal: nobody has to set it; the largest factor counts, and a refund takes all of it back.
async fn points_are_multiplied(app: &mut TestApp) {
    let (register, customer) = shop_and_customer(app).await;
    let here = vec![register.store_id.clone()];
    let terms = Terms { stores: here, ..coupon(Gift::PointsFactor { factor: 3 }, 0) };
    begin(app, None, terms).await;
    begin(app, None, coupon(Gift::PointsFactor { factor: 2 }, 0)).await;
    let sold = register.sell(app, "s-1", &customer.code(app.now()), 1_000).await.ok();
    assert_eq!(sold["payment"]["points_earned"], 15);
    register.refund(app, "r-1", "s-1", 1_000).await.ok();
    assert_eq!(customer.holdings(app).await["points"], 0);
}
