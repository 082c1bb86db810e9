//! Campaigns of the operator, begun and stopped by its staff; and whom a campaign is for.

use axum::http::StatusCode;
use omamori::audit::list::{Filter, newest};
use omamori::clock::DAY;
use omamori::console::access::Role;
use omamori::coupon::{Gift, Terms, manage};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{begin, budget_left, coupon};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::shop::Register;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    staff_begin_a_campaign_and_stop_it,
    a_campaign_sent_twice_is_one,
    only_who_keeps_the_books_begins_or_stops,
    odd_campaigns_of_the_operator_are_refused,
    staff_stop_a_merchants_campaign,
    a_coupon_for_the_dormant_is_for_the_dormant,
);

const ONIGIRI: &str = "4901234567894";
const PATH: &str = "/campaigns";

/// The free onigiri for who signs up, as the page sends it.
fn onigiri(key: &str) -> Value {
    json!({ "key": key, "reason": "7月の新規登録",
        "starts_on": "2026-04-01", "ends_on": "2026-04-30", "terms": {
            "name": "はじめてのおにぎり無料", "budget": 3_000, "per_customer": 1,
            "gift": { "kind": "free_item", "jan": ONIGIRI, "max_yen": 180 },
            "new_customer_days": 7 } })
}

async fn campaigns(app: &TestApp) -> i64 {
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS many FROM campaign");
    app.app.stores.registry.one(count).await.unwrap().int("many").unwrap()
}

async fn entries(app: &TestApp, act: &str) -> Vec<(String, String, String)> {
    let filter = Filter { act: act.into(), ..Filter::default() };
    let entries = newest(&app.app.stores.registry, &filter, 10).await.unwrap();
    entries.into_iter().map(|entry| (entry.actor, entry.reason, entry.after)).collect()
}

/// Goal: it gives from the moment it begins and nothing from the moment it is stopped; both are in
/// the log with who and why, and what was not used goes back.
async fn staff_begin_a_campaign_and_stop_it(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let finance = Person::new(&app.app, Role::Finance).await;
    let begun = finance.post(app, PATH, &onigiri("a-1")).await.ok();
    let id = begun["campaign_id"].as_str().unwrap().to_owned();
    let campaign = manage::find(&app.app, &id).await.unwrap().unwrap();
    customer.set_coupon(app, &campaign).await;
    let sale = json!({ "merchant_payment_id": "s-1", "code": customer.code(app.now()),
        "amount": 150, "items": [{ "jan": ONIGIRI, "name": "鮭", "quantity": 1,
            "unit_price": 150 }] });
    let sold = register.post(app, "/payments", &sale).await.ok();
    assert_eq!(sold["payment"]["amount_due"], 0);
    let page = finance.get(app, &format!("/console/campaigns/{id}")).await;
    assert!(page.text().contains("¥2,850") && page.text().contains("/stop\""));

    let stop = format!("{PATH}/{id}/stop");
    finance.post(app, &stop, &json!({ "reason": " " })).await.refused(Code::InvalidRequest);
    let stopped = finance.post(app, &stop, &json!({ "reason": "不正利用" })).await;
    assert_eq!(stopped.status, StatusCode::NO_CONTENT);
    assert_eq!(budget_left(app, &campaign), 0);
    let other = Customer::new(&app.app).await;
    let set = format!("/coupons/{id}/set");
    other.post(app, &set, &json!({})).await.refused(Code::CouponNotOffered);
    // Once more, by another: nothing changes, and nothing is written.
    let admin = Person::new(&app.app, Role::Admin).await;
    let again = admin.post(app, &stop, &json!({ "reason": "もう一度" })).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    let page = finance.get(app, &format!("/console/campaigns/{id}")).await;
    assert!(!page.text().contains("/stop\""), "there is nothing to stop");

    let created = entries(app, "campaign_create").await;
    let [(actor, reason, after)] = &created[..] else { panic!("one entry: {created:?}") };
    assert_eq!((actor, &**reason), (&finance.staff_id, "7月の新規登録"));
    assert!(after.contains("おにぎり") && after.contains("3000"), "{after}");
    let ended = entries(app, "campaign_stop").await;
    let [(actor, reason, _)] = &ended[..] else { panic!("one entry: {ended:?}") };
    assert_eq!((actor, &**reason), (&finance.staff_id, "不正利用"));
}

/// Goal: a button pressed twice, or an answer that was lost, begins one campaign with one budget.
async fn a_campaign_sent_twice_is_one(app: &mut TestApp) {
    let finance = Person::new(&app.app, Role::Finance).await;
    let first = finance.post(app, PATH, &onigiri("a-1")).await.ok();
    assert_eq!(finance.post(app, PATH, &onigiri("a-1")).await.ok(), first);
    let mut other = onigiri("a-1");
    other["terms"]["budget"] = json!(9_000);
    finance.post(app, PATH, &other).await.refused(Code::InvalidRequest);
    assert_eq!((campaigns(app).await, entries(app, "campaign_create").await.len()), (1, 1));
    let id = first["campaign_id"].as_str().unwrap();
    let campaign = manage::find(&app.app, id).await.unwrap().unwrap();
    assert_eq!(budget_left(app, &campaign), 3_000);
    let second = finance.post(app, PATH, &onigiri("a-2")).await.ok();
    assert_ne!(second, first);
}

/// Attack: a colleague gives away the operator's money, or ends what others promised.
async fn only_who_keeps_the_books_begins_or_stops(app: &mut TestApp) {
    let campaign = begin(app, None, coupon(Gift::AmountOff { yen: 50 }, 1_000)).await;
    let stop = format!("{PATH}/{}/stop", campaign.campaign_id);
    for role in [Role::Viewer, Role::Support, Role::Fraud] {
        let person = Person::new(&app.app, role).await;
        person.post(app, PATH, &onigiri("a-1")).await.refused(Code::Forbidden);
        person.post(app, &stop, &json!({ "reason": "x" })).await.refused(Code::Forbidden);
        let page = person.get(app, "/console/campaigns").await;
        assert!(!page.text().contains("data-campaign-form"), "{role}");
    }
    assert_eq!((campaigns(app).await, budget_left(app, &campaign)), (1, 1_000));
    let finance = Person::new(&app.app, Role::Finance).await;
    let unknown = format!("{PATH}/cmp_x/stop");
    finance.post(app, &unknown, &json!({ "reason": "x" })).await.refused(Code::NotFound);
}

/// Attack: what would cost more than it says, or could never end.
async fn odd_campaigns_of_the_operator_are_refused(app: &mut TestApp) {
    let finance = Person::new(&app.app, Role::Finance).await;
    let value = |yen| json!({ "kind": "free_value", "yen": yen });
    let wrong: &[(&str, Value)] = &[
        ("/reason", json!("")),
        ("/reason", json!("あ".repeat(501))),
        ("/key", json!("")),
        ("/key", json!("a b")),
        ("/ends_on", json!("2026-03-01")),
        ("/ends_on", json!("2028-01-01")),
        ("/terms/budget", json!(0)),
        ("/terms/stores", json!(["sto_x"])),
        ("/terms/new_customer_days", json!(0)),
        ("/terms/dormant_days", json!(30)), // and for new customers: that is nobody
        ("/terms/gift", value(0)),
        ("/terms/gift", value(10_001)),
        ("/terms/gift", json!({ "kind": "points_factor", "factor": 3 })), // with a budget
    ];
    for (place, value) in wrong {
        let mut body = onigiri("a-1");
        if *place == "/terms/dormant_days" {
            body["terms"]["dormant_days"] = Value::Null;
        }
        *body.pointer_mut(place).unwrap_or(&mut Value::Null) = value.clone();
        if *place == "/terms/stores" {
            body["terms"]["stores"] = value.clone();
        }
        let answer = finance.post(app, PATH, &body).await;
        answer.refused(Code::InvalidRequest);
    }
    // Free value is taken once, and no sale is part of it.
    for (field, wrong) in [("per_customer", json!(2)), ("amount_min", json!(500))] {
        let mut body = onigiri("a-1");
        body["terms"]["gift"] = value(300);
        body["terms"][field] = wrong;
        finance.post(app, PATH, &body).await.refused(Code::InvalidRequest);
    }
    assert_eq!((campaigns(app).await, entries(app, "campaign_create").await.len()), (0, 0));
}

/// Goal: the operator ends what a merchant cannot end in time; the merchant's budget is its own.
async fn staff_stop_a_merchants_campaign(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let terms = coupon(Gift::AmountOff { yen: 50 }, 1_000);
    let campaign = begin(app, Some(&register.merchant_id), terms).await;
    let finance = Person::new(&app.app, Role::Finance).await;
    let stop = format!("{PATH}/{}/stop", campaign.campaign_id);
    let people = (0..8).map(|_| {
        let (node, request) = (
            (*app).clone(),
            finance.request("POST", &format!("/api/admin/v1{stop}"), &json!({ "reason": "苦情" })),
        );
        async move { node.call(request).await.status }
    });
    let answers = at_once(people).await;
    assert!(answers.iter().all(|status| *status == StatusCode::NO_CONTENT), "{answers:?}");
    assert_eq!(budget_left(app, &campaign), 0);
    assert_eq!(entries(app, "campaign_stop").await.len(), 1, "of eight at once, one stopped it");
}

/// Goal: who has not paid for thirty days; not who paid yesterday, and not who came yesterday.
async fn a_coupon_for_the_dormant_is_for_the_dormant(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let old = app.now() - 90 * DAY;
    let (away, regular) =
        (Customer::enrolled_at(&app.app, old).await, Customer::enrolled_at(&app.app, old).await);
    let new = Customer::enrolled_at(&app.app, app.now() - DAY).await;
    regular.load(app, &register, 1_000).await;
    register.sell(app, "s-1", &regular.code(app.now()), 100).await.ok();
    let terms = Terms { dormant_days: Some(30), ..coupon(Gift::AmountOff { yen: 100 }, 1_000) };
    let campaign = begin(app, None, terms).await;
    let set = format!("/coupons/{}/set", campaign.campaign_id);
    for not in [&regular, &new] {
        assert_eq!(not.get(app, "/api/wallet/v1/coupons").await.ok()["coupons"], json!([]));
        not.post(app, &set, &json!({})).await.refused(Code::CouponNotOffered);
    }
    let mine = away.get(app, "/api/wallet/v1/coupons").await.ok();
    assert_eq!(mine["coupons"][0]["for_dormant"], true);
    away.set_coupon(app, &campaign).await;
    away.load(app, &register, 1_000).await;
    let sold = register.sell(app, "s-2", &away.code(app.now()), 500).await.ok();
    assert_eq!(sold["payment"]["amount_due"], 400, "set while away, used on coming back");
}
