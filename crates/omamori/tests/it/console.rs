//! The desk: who may do what, what an act leaves behind, and what is found.

use axum::http::StatusCode;
use omamori::audit::list::{Filter, newest};
use omamori::clock::MINUTE;
use omamori::console::access::Role;
use omamori::identity::account;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    staff_stop_an_account_at_once_and_its_holder_is_told,
    what_was_agreed_on_starts_no_account_that_was_stopped_since,
    only_who_may_reads_a_contact_and_it_is_written_down,
    staff_end_all_sessions,
    the_box_finds_exactly_what_is_typed_and_keeps_nothing_of_it,
    a_customers_page_shows_all_and_hides_what_it_must,
    a_payments_page_shows_the_whole_chain,
    the_dashboard_counts_what_the_gate_decided,
    an_act_without_its_entry_does_not_happen,
);

/// Goal: from this moment no register takes a code, and the customer knows who did it.
async fn staff_stop_an_account_at_once_and_its_holder_is_told(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    let support = Person::new(&app.app, Role::Support).await;
    let path = format!("/customers/{}/freeze", customer.customer_id);
    support.post(app, &path, &json!({ "reason": "" })).await.refused(Code::InvalidRequest);
    let frozen = support.post(app, &path, &json!({ "reason": "端末紛失の連絡" })).await;
    assert_eq!(frozen.status, StatusCode::NO_CONTENT);
    let sold = register.sell(app, "s-1", &customer.code(app.now()), 100).await;
    sold.refused(Code::AccountFrozen);
    let notices = customer.get(app, "/notices").await;
    assert!(notices.text().contains("停止"), "the customer is told");

    let registry = &app.app.stores.registry;
    let filter = Filter { act: "staff_freeze".into(), ..Filter::default() };
    let entries = newest(registry, &filter, 10).await.unwrap();
    let [entry] = &entries[..] else { panic!("one entry: {entries:?}") };
    assert_eq!(entry.subject, customer.customer_id);
    assert_eq!((&*entry.actor, &*entry.reason), (&*support.staff_id, "端末紛失の連絡"));
    assert!(entry.before.contains("active") && entry.after.contains("frozen"));
    assert!(entry.decision_id.starts_with("dec_") && entry.request_id.starts_with("req_"));

    // To start it again is not for one person: it asks for a second one.
    let path = format!("/customers/{}/unfreeze", customer.customer_id);
    let asked = support.post(app, &path, &json!({ "reason": "本人確認済み" })).await.ok();
    assert!(asked["approval_id"].as_str().unwrap().starts_with("apr_"));
    let sold = register.sell(app, "s-2", &customer.code(app.now()), 100).await;
    sold.refused(Code::AccountFrozen);
    let unknown = support.post(app, "/customers/cus_x/freeze", &json!({ "reason": "x" })).await;
    unknown.refused(Code::NotFound);
}

/// Accident: at ten o'clock two people agree to start an account that its holder had stopped; at
/// half past, fraud is found on it and it is stopped once more; at eleven the first two go on.
async fn what_was_agreed_on_starts_no_account_that_was_stopped_since(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let support = Person::new(&app.app, Role::Support).await;
    let (fraud, second) =
        (Person::new(&app.app, Role::Fraud).await, Person::new(&app.app, Role::Support).await);
    let reason = json!({ "reason": "本人から連絡" });
    let [freeze, unfreeze] =
        ["freeze", "unfreeze"].map(|act| format!("/customers/{}/{act}", customer.customer_id));
    let stopped = support.post(app, &freeze, &reason).await;
    assert_eq!(stopped.status, StatusCode::NO_CONTENT);
    for stopped_again in [true, false] {
        let asked = support.post(app, &unfreeze, &reason).await.ok();
        let approval = asked["approval_id"].as_str().unwrap();
        // How, with a passkey, has tests of its own (`console/tests/approvals.rs`).
        let given = sql("UPDATE approval SET state = 'given', decided_by = $1
             WHERE approval_id = $2 AND state = 'open'");
        let given = given.bind(&second.staff_id).bind(approval);
        assert_eq!(app.app.stores.registry.execute(given).await.unwrap(), 1);
        app.clock.advance(MINUTE);
        if stopped_again {
            let stopped = fraud.post(app, &freeze, &reason).await;
            assert_eq!(stopped.status, StatusCode::NO_CONTENT);
        }
        let carry_out = format!("/approvals/{approval}/carry-out");
        let done = support.post(app, &carry_out, &json!({})).await;
        if stopped_again {
            done.refused(Code::ApprovalClosed);
        } else {
            done.ok();
        }
        let account = account::find(&app.app.stores.registry, &customer.customer_id).await;
        assert_eq!(account.unwrap().frozen, stopped_again);
    }
}

/// Attack: a colleague without need looks up a number; one with need does it unseen.
async fn only_who_may_reads_a_contact_and_it_is_written_down(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let path = format!("/customers/{}/unmask", customer.customer_id);
    let body = json!({ "contact": "phone", "reason": "折り返しの電話" });
    for role in [Role::Viewer, Role::Finance] {
        let person = Person::new(&app.app, role).await;
        person.post(app, &path, &body).await.refused(Code::Forbidden);
    }
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let shown = fraud.post(app, &path, &body).await.ok();
    let number = customer.phone();
    let (middle, last) = (&number[3..7], &number[7..]);
    assert_eq!(shown["value"], format!("090-{middle}-{last}"));
    let email = json!({ "contact": "email", "reason": "x" });
    fraud.post(app, &path, &email).await.refused(Code::NotFound);
    let filter = Filter { act: "staff_unmask".into(), ..Filter::default() };
    let entries = newest(&app.app.stores.registry, &filter, 10).await.unwrap();
    let [entry] = &entries[..] else { panic!("one entry, for the one shown: {entries:?}") };
    assert_eq!(entry.actor, fraud.staff_id);
    assert!(!format!("{entry:?}").contains(middle), "the log holds no number: {entry:?}");
}

async fn staff_end_all_sessions(app: &mut TestApp) {
    let (customer, other) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    let support = Person::new(&app.app, Role::Support).await;
    assert_eq!(customer.get(app, "/settings").await.status, StatusCode::OK);
    let path = format!("/customers/{}/end-sessions", customer.customer_id);
    let ended = support.post(app, &path, &json!({ "reason": "不審なサインイン" })).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_ne!(customer.get(app, "/settings").await.status, StatusCode::OK);
    assert_eq!(other.get(app, "/settings").await.status, StatusCode::OK);
}

/// Goal: exact matches of every kind. Attack: what was looked for is personal data; it must be in
/// no address and no record.
async fn the_box_finds_exactly_what_is_typed_and_keeps_nothing_of_it(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    let sold = register.sell(app, "s-1", &customer.code(app.now()), 100).await.ok();
    let payment = sold["payment"]["payment_id"].as_str().unwrap().to_owned();
    let viewer = Person::new(&app.app, Role::Viewer).await;
    let number = format!("{:09}", customer.device_number.get());
    // Not every number at random is one of a mobile phone.
    let phone = "09012345678";
    let set = sql("UPDATE customer SET phone = '+819012345678' WHERE customer_id = $1");
    app.app.stores.registry.execute(set.bind(&customer.customer_id)).await.unwrap();
    let of_customer = format!("/console/customers/{}", customer.customer_id);
    for (typed, href) in [
        (customer.customer_id.clone(), of_customer.clone()),
        (phone.to_owned(), of_customer.clone()),
        (format!(" {}-{} ", &phone[..3], &phone[3..]), of_customer.clone()),
        (number, of_customer.clone()),
        (customer.code(app.now()), of_customer),
        (payment.clone(), format!("/console/payments/{payment}")),
        (register.store_id.clone(), format!("/console/stores/{}", register.store_id)),
        (register.terminal_id.clone(), format!("/console/stores/{}", register.terminal_id)),
        (register.merchant_id.clone(), format!("/console/stores/{}", register.merchant_id)),
    ] {
        let found = viewer.post(app, "/search", &json!({ "q": typed })).await.ok();
        assert_eq!(found["results"][0]["href"], href, "{typed}");
        assert_eq!(viewer.get(app, &href).await.status, StatusCode::OK, "{href}");
    }
    for nothing in
        ["09000000000", &phone[..10], "cus_x", "pay_x", "%", "_", "' OR 1=1 --", "a@b.jp"]
    {
        let found = viewer.post(app, "/search", &json!({ "q": nothing })).await.ok();
        assert_eq!(found["results"], json!([]), "{nothing}");
    }
    viewer.post(app, "/search", &json!({ "q": " " })).await.refused(Code::InvalidRequest);
    let bodies = sql("SELECT body FROM decision_batch WHERE body LIKE '%staff_search%'");
    let rows = app.app.stores.evidence.all(bodies).await.unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        assert!(!row.text("body").unwrap().contains(&phone[3..]), "a number is in a record");
    }
}

/// Goal: standing, money, phones, factors and the timeline on one page; contacts masked for all,
/// evidence for those who act.
async fn a_customers_page_shows_all_and_hides_what_it_must(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let stranger = Customer::new(&app.app).await;
    customer.load(app, &register, 5_000).await;
    stranger.load(app, &register, 3_000).await;
    register.sell(app, "s-1", &customer.code(app.now()), 700).await.ok();
    register
        .sell(app, "s-2", &customer.code(app.now()), 9_000)
        .await
        .refused(Code::InsufficientFunds);
    let path = format!("/console/customers/{}", customer.customer_id);
    let number = format!("{:08}", customer.device_number.get() % 100_000_000);
    for (role, sees) in [(Role::Viewer, false), (Role::Support, true)] {
        let page = Person::new(&app.app, role).await.get(app, &path).await;
        let text = page.text();
        assert!(text.contains("¥4,300") && text.contains("Pixel") && text.contains("新宿本店"));
        assert!(text.contains("残高不足"), "the refusal is in the timeline");
        assert!(!text.contains(&format!("{}-{}", &number[..4], &number[4..])), "masked");
        assert!(!text.contains(&stranger.customer_id) && !text.contains("¥3,000"));
        assert_eq!(text.contains("class=\"evidence\""), sees, "{role}");
        assert_eq!(text.contains("data-freeze"), sees, "{role}");
    }
    let support = Person::new(&app.app, Role::Support).await;
    assert_eq!(support.get(app, "/console/customers/cus_x").await.status, StatusCode::NOT_FOUND);
}

async fn a_payments_page_shows_the_whole_chain(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    let sold = register.sell(app, "s-1", &customer.code(app.now()), 700).await.ok();
    let refunded = register.refund(app, "r-1", "s-1", 200).await.ok();
    let support = Person::new(&app.app, Role::Support).await;
    let payment = sold["payment"]["payment_id"].as_str().unwrap();
    let refund = refunded["refund"]["refund_id"].as_str().unwrap();
    for id in [payment, refund] {
        let page = support.get(app, &format!("/console/payments/{id}")).await;
        let text = page.text();
        for part in [payment, refund, "¥700", "¥200", &customer.customer_id, "class=\"evidence\""]
        {
            assert!(text.contains(part), "{part} of {id}");
        }
    }
    let topup = register.top_up(app, "t-1", &customer.code(app.now()), 1_000).await.ok();
    let id = topup["topup"]["topup_id"].as_str().unwrap().replace("top_", "pay_");
    let none = support.get(app, &format!("/console/payments/{id}")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "a top-up is no payment");
}

/// Goal: what another node decided is counted too, once, however often somebody looks.
async fn the_dashboard_counts_what_the_gate_decided(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    let viewer = Person::new(&app.app, Role::Viewer).await;
    assert!(viewer.get(app, "/console").await.text().contains("¥5,000"));
    for number in 0..3 {
        let (id, code) = (format!("s-{number}"), customer.code(app.now()));
        register.sell(app, &id, &code, 110).await.ok();
    }
    app.clock.advance(MINUTE);
    let code = customer.code(app.now());
    register.sell(app, "s-9", &code, 90_000).await.refused(Code::InsufficientFunds);
    for _ in 0..3 {
        let page = viewer.get(app, "/console").await;
        let text = page.text();
        assert!(text.contains("¥330"), "three sales, each once");
        assert!(!text.contains("¥660") && text.contains("残高不足"));
        app.clock.advance(3 * omamori::clock::SECOND);
    }
}

/// Goal: where the log cannot be written nothing is done.
async fn an_act_without_its_entry_does_not_happen(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let support = Person::new(&app.app, Role::Support).await;
    let registry = &app.app.stores.registry;
    registry.execute_raw("ALTER TABLE audit_entry RENAME TO audit_gone".into()).await.unwrap();
    let path = format!("/customers/{}/freeze", customer.customer_id);
    let failed = support.post(app, &path, &json!({ "reason": "x" })).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    let status = sql("SELECT status FROM customer WHERE customer_id = $1");
    let row = registry.one(status.bind(&customer.customer_id)).await.unwrap();
    assert_eq!(row.text("status").unwrap(), "active");
    registry.execute_raw("ALTER TABLE audit_gone RENAME TO audit_entry".into()).await.unwrap();
}
