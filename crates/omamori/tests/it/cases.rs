//! Cases: opened once, taken by one, decided with a reason, written down; and who sees what.

use axum::http::StatusCode;
use omamori::audit::list::{Filter, newest};
use omamori::case::{self, CaseKind, NewCase, Opener, State, case_id, evidence, list};
use omamori::clock::{DAY, HOUR};
use omamori::console::access::Role;
use omamori::privacy::retain;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::{at_once, shop::Register};

on_both_engines!(
    the_same_thing_opens_one_case,
    a_case_goes_from_hand_to_hand_and_is_decided_once,
    the_queue_shows_what_is_due_and_overdue,
    the_clock_stands_while_the_customer_is_asked,
    cases_are_linked_and_found,
    who_only_looks_sees_no_evidence_and_no_notes,
    an_act_on_a_case_that_is_not_there_is_refused,
    cases_go_after_their_time,
);

/// Opens a case about a customer, as a feature does.
pub async fn opened(node: &Node, kind: CaseKind, key: &str, customer: &Customer) -> String {
    let app = &node.app;
    let evidence = evidence::snapshot(app, &customer.customer_id, None).await.unwrap();
    let mut tx = app.stores.registry.begin().await.unwrap();
    let new = NewCase {
        kind,
        key,
        customer_id: Some(&customer.customer_id),
        store_id: None,
        subjects: &[key.to_owned()],
        amount: Some(1_200),
        decision_id: Some("dec_1"),
        opener: Opener::Rule("r-1"),
        evidence: &evidence,
    };
    let (id, _) = case::open(app, &mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn state(node: &Node, id: &str) -> State {
    case::find(&node.app.stores.registry, id).await.unwrap().unwrap().state
}

/// Goal: a retry, a double click and sixteen at once open one case, and tell once.
async fn the_same_thing_opens_one_case(app: &mut TestApp) {
    let customer = std::sync::Arc::new(Customer::new(&app.app).await);
    let node = Node::new(app.app.clone());
    let ids = at_once((0..16).map(|_| {
        let (node, customer) = (node.clone(), customer.clone());
        async move { opened(&node, CaseKind::Dispute, "pay_1", &customer).await }
    }))
    .await;
    let wanted = case_id(CaseKind::Dispute, "pay_1");
    assert!(ids.iter().all(|id| *id == wanted), "{ids:?}");
    assert_ne!(case_id(CaseKind::Alert, "pay_1"), wanted, "another kind is another case");
    let registry = &app.app.stores.registry;
    assert_eq!(list::counts(registry, app.now()).await.unwrap(), (1, 0));
    let notices =
        sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM notice WHERE kind = 'case_opened'");
    assert_eq!(registry.one(notices).await.unwrap().int("n").unwrap(), 1);
}

async fn a_case_goes_from_hand_to_hand_and_is_decided_once(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let id = opened(app, CaseKind::Dispute, "pay_1", &customer).await;
    let support = Person::new(&app.app, Role::Support).await;
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let path = |end: &str| format!("/cases/{id}/{end}");
    let because = json!({ "reason": "端末が別", "message": "補償します。" });

    // Nobody decides what they have not taken, support decides nothing, no kind has any outcome.
    fraud.post(app, &path("decide/accepted"), &because).await.refused(Code::CaseChanged);
    for _ in 0..2 {
        let taken = support.post(app, &path("take"), &json!({})).await;
        assert_eq!(taken.status, StatusCode::NO_CONTENT);
    }
    support.post(app, &path("decide/accepted"), &because).await.refused(Code::Forbidden);
    fraud.post(app, &path("decide/accepted"), &because).await.refused(Code::CaseChanged);
    fraud.post(app, &path("take"), &json!({})).await;
    assert!(state(app, &id).await.is_in_hands_of(&fraud.staff_id), "taken over");
    fraud.post(app, &path("decide/released"), &because).await.refused(Code::InvalidRequest);
    fraud.post(app, &path("decide/none"), &because).await.refused(Code::NotFound);
    let silent = json!({ "reason": " " });
    fraud.post(app, &path("decide/accepted"), &silent).await.refused(Code::InvalidRequest);
    let decided = fraud.post(app, &path("decide/accepted"), &because).await;
    assert_eq!(decided.status, StatusCode::NO_CONTENT);
    for again in ["decide/rejected", "decide/accepted", "take"] {
        fraud.post(app, &path(again), &because).await;
        let State::Decided { outcome, .. } = state(app, &id).await else { panic!("decided") };
        assert!(outcome.is_fraud(), "{again} changes nothing");
    }
    // A note is for later too; the customer is told, in words that are for them.
    let noted = fraud.post(app, &path("note"), &json!({ "text": "補償済み" })).await;
    assert_eq!(noted.status, StatusCode::NO_CONTENT);
    assert!(customer.get(app, "/notices").await.text().contains("お客様の取引ではない"));

    let registry = &app.app.stores.registry;
    let filter = Filter { subject: id.clone(), ..Filter::default() };
    let acts: Vec<String> =
        newest(registry, &filter, 10).await.unwrap().into_iter().map(|entry| entry.act).collect();
    assert_eq!(acts, ["case_note", "case_decide", "case_take", "case_take"]);
}

async fn the_queue_shows_what_is_due_and_overdue(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let late = opened(app, CaseKind::HeldPayment, "pay_1", &customer).await;
    let later = opened(app, CaseKind::Dispute, "pay_2", &customer).await;
    app.clock.advance(3 * HOUR); // a held payment has two
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let page = fraud.get(app, "/console/cases").await;
    let place = |id: &str| page.text().find(id).unwrap_or_else(|| panic!("{id} is not shown"));
    assert!(place(&late) < place(&later), "the first due first");
    let shows = async |query: &str| {
        let page = fraud.get(app, &format!("/console/cases?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        (page.text().contains(&late), page.text().contains(&later))
    };
    assert_eq!(shows("only=overdue").await, (true, false));
    assert_eq!(shows("kind=dispute").await, (false, true));
    assert_eq!(shows("state=taken").await, (false, false));
    assert_eq!(shows("only=mine").await, (false, false));
    fraud.post(app, &format!("/cases/{later}/take"), &json!({})).await;
    assert_eq!(shows("state=taken").await, (false, true));
    assert_eq!(shows("only=mine").await, (false, true));
    assert_eq!(shows("state=decided").await, (false, false));
    assert_eq!(shows("kind=%27%20OR%201%3D1&state=%25").await, (false, false));
    let due = app.now() - HOUR; // when the first was
    assert_eq!(shows(&format!("due={due}&after={late}")).await, (false, true), "the next page");
    assert_eq!(list::counts(&app.app.stores.registry, app.now()).await.unwrap(), (2, 1));
}

async fn the_clock_stands_while_the_customer_is_asked(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let id = opened(app, CaseKind::HeldPayment, "pay_1", &customer).await;
    let hidden = opened(app, CaseKind::Collecting, "flg_1", &customer).await;
    let support = Person::new(&app.app, Role::Support).await;
    let question = json!({ "text": "この店に行きましたか。" });
    support.post(app, &format!("/cases/{id}/ask"), &question).await.refused(Code::CaseChanged);
    for case in [&id, &hidden] {
        support.post(app, &format!("/cases/{case}/take"), &json!({})).await;
    }
    // Attack: a question would tell a mule that somebody looks.
    support.post(app, &format!("/cases/{hidden}/ask"), &question).await.refused(Code::Forbidden);
    let asked = support.post(app, &format!("/cases/{id}/ask"), &question).await;
    assert_eq!(asked.status, StatusCode::NO_CONTENT);
    assert_eq!(state(app, &id).await.as_str(), "waiting");
    app.clock.advance(10 * HOUR);
    let registry = &app.app.stores.registry;
    assert_eq!(list::counts(registry, app.now()).await.unwrap(), (2, 0), "it stands");
}

async fn cases_are_linked_and_found(app: &mut TestApp) {
    let (customer, other) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    let one = opened(app, CaseKind::Dispute, "pay_1", &customer).await;
    let two = opened(app, CaseKind::Dispute, "pay_2", &other).await;
    let support = Person::new(&app.app, Role::Support).await;
    let path = format!("/cases/{one}/link");
    for wrong in [one.as_str(), "", "cse_x", "' OR 1=1 --"] {
        let refused = support.post(app, &path, &json!({ "case_id": wrong })).await;
        refused.refused(Code::InvalidRequest);
    }
    for _ in 0..2 {
        let linked = support.post(app, &path, &json!({ "case_id": two })).await;
        assert_eq!(linked.status, StatusCode::NO_CONTENT);
    }
    for (page, shows) in [(&one, &two), (&two, &one)] {
        let page = support.get(app, &format!("/console/cases/{page}")).await;
        assert!(page.text().contains(&format!("href=\"/console/cases/{shows}\"")));
    }
    let found = support.post(app, "/search", &json!({ "q": two })).await.ok();
    assert_eq!(found["results"][0]["href"], format!("/console/cases/{two}"));
}

async fn who_only_looks_sees_no_evidence_and_no_notes(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 3_000).await;
    let id = opened(app, CaseKind::Dispute, "pay_1", &customer).await;
    let support = Person::new(&app.app, Role::Support).await;
    let words = "<script>alert(1)</script> 電話で確認";
    support.post(app, &format!("/cases/{id}/note"), &json!({ "text": words })).await;
    for (role, sees) in [(Role::Viewer, false), (Role::Finance, false), (Role::Support, true)] {
        let person = Person::new(&app.app, role).await;
        let page = person.get(app, &format!("/console/cases/{id}")).await;
        let text = page.text();
        assert!(text.contains("Pixel") && text.contains("¥3,000"), "{role}: the account");
        assert_eq!(text.contains("class=\"evidence\""), sees, "{role}");
        assert_eq!(text.contains("電話で確認"), sees, "{role}");
        assert_eq!(text.contains("data-take"), sees, "{role}");
        assert!(!text.contains("<script>alert"), "{role}");
        let taken = person.post(app, &format!("/cases/{id}/take"), &json!({})).await;
        assert_eq!(taken.status == StatusCode::NO_CONTENT, sees, "{role}");
    }
}

async fn an_act_on_a_case_that_is_not_there_is_refused(app: &mut TestApp) {
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let body = |end: &str| match end {
        "take" => json!({}),
        "link" => json!({ "case_id": "cse_y" }),
        "decide/fraud" => json!({ "reason": "x" }),
        _ => json!({ "text": "x" }),
    };
    for end in ["take", "note", "ask", "link", "decide/fraud"] {
        let answer = fraud.post(app, &format!("/cases/cse_x/{end}"), &body(end)).await;
        let expected = if end == "link" { Code::InvalidRequest } else { Code::NotFound };
        answer.refused(expected);
    }
    assert_eq!(fraud.get(app, "/console/cases/cse_x").await.status, StatusCode::NOT_FOUND);
}

/// Goal: five years after the decision nothing of a case is left; an undecided one stays.
async fn cases_go_after_their_time(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let done = opened(app, CaseKind::Alert, "a", &customer).await;
    let stays = opened(app, CaseKind::Alert, "b", &customer).await;
    let fraud = Person::new(&app.app, Role::Fraud).await;
    fraud.post(app, &format!("/cases/{done}/link"), &json!({ "case_id": stays })).await;
    fraud.post(app, &format!("/cases/{done}/note"), &json!({ "text": "x" })).await;
    fraud.post(app, &format!("/cases/{done}/take"), &json!({})).await;
    let decided = fraud
        .post(
            app,
            &format!("/cases/{done}/decide/harmless"),
            &json!({
        "reason": "x" }),
        )
        .await;
    assert_eq!(decided.status, StatusCode::NO_CONTENT);
    app.clock.advance(4 * 366 * DAY);
    retain(&app.app).await.unwrap();
    assert_eq!(state(app, &done).await.as_str(), "decided");
    app.clock.advance(367 * DAY);
    retain(&app.app).await.unwrap();
    let registry = &app.app.stores.registry;
    assert!(case::find(registry, &done).await.unwrap().is_none());
    assert_eq!(state(app, &stays).await, State::Open);
    assert!(list::linked(registry, &stays).await.unwrap().is_empty());
}
