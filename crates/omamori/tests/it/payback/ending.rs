//! The end of the service: announced, told, in force, called off.

use axum::http::StatusCode;
use jiff::civil::Date;
use omamori::clock::{DAY, HOUR};
use omamori::console::access::Role;
use omamori::refund::end::Plan;
use omamori::refund::{end, work_due};
use omamori::settlement::{carry, run, terms};
use omamori::web::codes::Code;
use omamori::web::filters::japan;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{Holder, agreed, announced, ended, plan, proposed};
use crate::settlement::TERMS;
use crate::support::app::TestApp;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    a_period_shorter_than_the_laws_is_refused,
    it_takes_two_people_and_everybody_is_told,
    use_ends_at_its_instant_and_what_is_owed_goes_on,
    it_is_called_off_before_use_ends_and_not_after,
    merchants_are_paid_after_the_end,
);

async fn told(app: &TestApp, kind: &str) -> i64 {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice WHERE kind = $1");
    app.app.stores.registry.one(query.bind(kind)).await.unwrap().int("n").unwrap()
}

/// 法20条2項: not less than 60 days; whole ones, after the notice and after the end of use.
async fn a_period_shorter_than_the_laws_is_refused(app: &mut TestApp) {
    let good = plan(app.now());
    let day = |days: i64| japan(app.now() + days * DAY).date().to_string();
    good.check(app.now()).unwrap();
    // Use ends on day 2: the 60th whole day after it is day 62.
    Plan { last_day: day(62), ..good.clone() }.check(app.now()).unwrap();
    let admin = Person::new(&app.app, Role::Admin).await;
    for (wrong, field) in [
        (Plan { last_day: day(61), ..good.clone() }, "last_day"),
        (Plan { last_day: day(3), ..good.clone() }, "last_day"),
        (Plan { last_day: "60日後".to_owned(), ..good.clone() }, "last_day"),
        (Plan { noticed_on: day(-1), ..good.clone() }, "noticed_on"),
        (Plan { noticed_on: day(3), ..good.clone() }, "noticed_on"),
        (Plan { ends_at: app.now(), ..good.clone() }, "ends_at"),
        (Plan { contact: " ".to_owned(), ..good.clone() }, "contact"),
    ] {
        let refused = admin.post(app, "/service-end", &proposed(&wrong)).await;
        let error = refused.refused(Code::InvalidRequest);
        assert_eq!(error["fields"][0]["field"], field, "{error}");
    }
    for role in [Role::Viewer, Role::Support, Role::Fraud, Role::Finance] {
        let person = Person::new(&app.app, role).await;
        person.post(app, "/service-end", &proposed(&good)).await.refused(Code::Forbidden);
    }
    // What was long enough when it was asked for, and is not when it is carried out.
    let asked = admin.post(app, "/service-end", &proposed(&good)).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    let second = Person::new(&app.app, Role::Finance).await;
    app.clock.advance(20 * HOUR);
    let admin_again = &admin;
    crate::incident::given(app, approval, &second.staff_id).await;
    let path = format!("/approvals/{approval}/carry-out");
    admin_again.sign_in(&app.app).await;
    let late = admin_again.post(app, &path, &Value::Null).await;
    assert!(late.status.is_client_error(), "the day of the notice is over: {}", late.text());
    assert!(end::standing(&app.app.stores.registry).await.unwrap().is_none());
}

async fn it_takes_two_people_and_everybody_is_told(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let holder = Holder::new(app, &register, 3_000).await;
    let _poor = Holder::new(app, &register, 0).await;
    assert_eq!(app.get("/end-of-service").await.status, StatusCode::NOT_FOUND);
    assert_eq!(holder.customer.get(app, "/refund").await.status, StatusCode::NOT_FOUND);
    announced(app).await;
    let admin = Person::new(&app.app, Role::Admin).await;
    let again = admin.post(app, "/service-end", &proposed(&plan(app.now()))).await;
    again.refused(Code::ServiceEndStands);
    work_due(&app.app).await.unwrap();
    assert_eq!(work_due(&app.app).await.unwrap(), 0, "nobody is told twice");
    assert_eq!(told(app, "service_ends").await, 2);
    let words =
        sql("SELECT params FROM notice WHERE kind = 'service_ends' LIMIT CAST(1 AS BIGINT)");
    let params = app.app.stores.registry.one(words).await.unwrap().text("params").unwrap();
    assert!(!params.contains("http"), "no link: {params}");

    let page = app.get("/end-of-service").await;
    assert_eq!(page.status, StatusCode::OK);
    let last = japan(app.now() + 63 * DAY).date();
    for item in [
        "第20条第1項",
        "除斥",
        "0120-000-000",
        "お守りPay",
        &*format!("{}月{}日", last.month(), last.day()),
    ] {
        assert!(page.text().contains(item), "{item}");
    }
    let status = app.get("/status").await;
    assert!(status.text().contains("data-status-end") && status.text().contains("/end-of-service"));
    assert!(status.text().contains("data-status=\"open\""), "until then all can be used");
    // On every page of the wallet, and on those of guests.
    for path in ["/", "/history", "/settings", "/topup"] {
        let page = holder.customer.get(app, path).await;
        assert!(page.text().contains("data-end-banner"), "{path}");
    }
    assert!(app.get("/").await.text().contains("data-end-banner"));
    let page = holder.customer.get(app, "/refund").await;
    assert!(page.text().contains("終了後に"), "not yet: {}", page.text());
    assert!(!page.text().contains("data-refund-form"));
}

/// Each way in refuses with a reason of its own from the very instant; what undoes a payment, and
/// what a store was promised, goes on.
async fn use_ends_at_its_instant_and_what_is_owed_goes_on(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let holder = Holder::new(app, &register, 20_000).await;
    let other = Holder::new(app, &register, 1_000).await;
    let code = |app: &TestApp| holder.customer.code(app.now());
    announced(app).await;
    app.clock.advance(2 * DAY - 60_000_000);
    register.sell(app, "s-1", &code(app), 5_000).await.ok();
    register.authorize(app, "a-1", &code(app), 3_000).await.ok();
    register.authorize(app, "a-2", &code(app), 2_000).await.ok();
    app.clock.advance(59_999_999);
    register.sell(app, "s-2", &code(app), 100).await.ok();
    app.clock.advance(1);
    register.sell(app, "s-3", &code(app), 100).await.refused(Code::ServiceEnded);
    let status = app.get("/status").await;
    assert!(status.text().contains("data-status=\"ended\""), "{}", status.text());
    assert!(!status.text().contains("data-status=\"open\""));
    let welcome = app.get("/").await;
    assert!(!welcome.text().contains("/signup") && welcome.text().contains("/end-of-service"));
    register.top_up(app, "t-3", &code(app), 1_000).await.refused(Code::ServiceEnded);
    register.authorize(app, "a-3", &code(app), 100).await.refused(Code::ServiceEnded);
    let phone = json!({ "phone": "090-1111-2222" });
    let path = "/api/wallet/v1/signup/start";
    let request = axum::http::Request::post(path)
        .header("content-type", "application/json")
        .header("sec-fetch-site", "same-origin")
        .body(axum::body::Body::from(phone.to_string()));
    app.call(request.unwrap()).await.refused(Code::ServiceEnded);
    let send = json!({ "client_send_id": "s", "amount": 500, "to": { "kind": "link" } });
    let sent = holder.customer.post(app, "/sends/options", &send).await;
    sent.refused(Code::ServiceEnded);
    // A retry of what was done is answered as before.
    register.sell(app, "s-2", &code(app), 100).await;
    assert_eq!(register.payment(app, "s-2").await.status, StatusCode::OK);
    register.refund(app, "r-1", "s-1", 1_000).await.ok();
    register.capture(app, "a-1", "s-4", 2_500).await.ok();
    register.void(app, "a-2").await.ok();
    assert_eq!(holder.customer.balance(app), 20_000 - 5_000 - 100 + 1_000 - 2_500);
    let home = holder.customer.get(app, "/").await;
    assert!(home.text().contains(r#"href="/refund""#), "the way to the claim is on every page");
    assert!(other.customer.get(app, "/refund").await.text().contains("data-refund-form"));
}

async fn it_is_called_off_before_use_ends_and_not_after(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let holder = Holder::new(app, &register, 3_000).await;
    announced(app).await;
    work_due(&app.app).await.unwrap();
    agreed(app, Role::Admin, "/service-end/call-off", &json!({ "reason": "継続" })).await;
    work_due(&app.app).await.unwrap();
    assert_eq!(told(app, "service_stays").await, 1);
    assert_eq!(app.get("/end-of-service").await.status, StatusCode::NOT_FOUND);
    app.clock.advance(3 * DAY);
    register.sell(app, "s-1", &holder.customer.code(app.now()), 100).await.ok();

    ended(app).await;
    let admin = Person::new(&app.app, Role::Admin).await;
    let late = admin.post(app, "/service-end/call-off", &json!({ "reason": "継続" })).await;
    late.refused(Code::ServiceEndStands);
    register
        .sell(app, "s-2", &holder.customer.code(app.now()), 100)
        .await
        .refused(Code::ServiceEnded);
}

async fn merchants_are_paid_after_the_end(app: &mut TestApp) {
    let (register, elsewhere) = (Register::new(&app.app).await, Register::new(&app.app).await);
    let actor = omamori::audit::Actor::machine();
    terms::set(&app.app, &actor, &register.merchant_id, TERMS).await.unwrap();
    let holder = Holder::new(app, &elsewhere, 30_000).await;
    register.sell(app, "s-1", &holder.customer.code(app.now()), 10_000).await.ok();
    ended(app).await;
    app.clock.advance(31 * DAY);
    run::settle(&app.app, Date::constant(2026, 4, 30)).await.unwrap();
    let payable = app.app.gate.account(carry::payable_id(&register.merchant_id)).unwrap();
    // 1.95 % of ¥10,000 and 10 % tax on it: ¥195 and ¥19.
    assert_eq!(payable.debits_pending, 10_000 - 195 - 19);
}
