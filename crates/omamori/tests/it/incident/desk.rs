//! Who may do what at the incident desk, and what nobody gets through it.

use omamori::clock::HOUR;
use omamori::console::access::Role;
use omamori::web::codes::Code;
use serde_json::{Value, json};

use super::{given, opened, rows, world};
use crate::support::app::TestApp;
use crate::support::desk::Person;
use crate::support::on_both_engines;

on_both_engines!(
    each_act_asks_for_its_role,
    nobody_agrees_to_what_they_asked_for,
    a_refused_act_is_asked_for_again_and_not_twice_at_once,
    words_of_staff_are_never_markup,
    a_closed_incident_stays_as_it_is,
    a_contact_is_read_only_with_a_reason_in_the_log,
);

async fn each_act_asks_for_its_role(app: &mut TestApp) {
    let world = world(app, 1).await;
    world.confirmed(app).await;
    let new = json!({ "title": "x", "kind": "other", "first_event_at": app.now() - HOUR });
    let compensate = json!({ "kind": "compensate", "on": "confirmed" });
    let freeze = json!({ "kind": "freeze", "on": "all" });
    for role in Role::ALL {
        let person = Person::new(&app.app, role).await;
        let may = |roles: &[Role]| roles.contains(&role);
        let posts = [
            ("/incidents".to_owned(), &new, may(&[Role::Fraud, Role::Admin])),
            (world.path("acts"), &compensate, may(&[Role::Fraud, Role::Finance, Role::Admin])),
            (world.path("acts"), &freeze, may(&[Role::Fraud, Role::Admin])),
        ];
        for (path, body, may) in posts {
            let answer = person.post(app, &path, body).await;
            if may {
                answer.ok();
            } else {
                answer.refused(Code::Forbidden);
            }
        }
        let log = format!("/api/admin/v1{}", world.path("log/csv"));
        let may = may(&[Role::Fraud, Role::Finance, Role::Admin]);
        assert_eq!(person.get(app, &log).await.status == 200, may, "{role}");
        let page = format!("/console/incidents/{}", world.incident);
        assert_eq!(person.get(app, &page).await.status, 200, "everybody at the desk may look");
    }
    assert!(rows(app, "audit_entry", "incident_export").await >= 3);
}

/// Attack: one person plans, asks, agrees and carries out.
async fn nobody_agrees_to_what_they_asked_for(app: &mut TestApp) {
    let world = world(app, 1).await;
    world.confirmed(app).await;
    let compensate = json!({ "kind": "compensate", "on": "confirmed" });
    let plan = world.fraud.post(app, &world.path("acts"), &compensate).await.ok();
    let act = plan["act_id"].as_str().unwrap();
    let reason = json!({ "reason": "補償" });
    let path = format!("/incident-acts/{act}/ask");
    let asked = world.fraud.post(app, &path, &reason).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    let options = format!("/approvals/{approval}/options");
    let give = json!({ "verdict": "give" });
    world.fraud.post(app, &options, &give).await.refused(Code::SecondPersonNeeded);
    let support = Person::new(&app.app, Role::Support).await;
    support.post(app, &options, &give).await.refused(Code::Forbidden);
    let carry_out = format!("/approvals/{approval}/carry-out");
    world.fraud.post(app, &carry_out, &Value::Null).await.refused(Code::ApprovalClosed);
    // Even with the database's help.
    given(app, approval, &world.fraud.staff_id).await;
    world.fraud.post(app, &carry_out, &Value::Null).await.refused(Code::ApprovalClosed);
    omamori::incident::work_due(&app.app).await.unwrap();
    assert_eq!(rows(app, "audit_entry", "incident_compensated").await, 0);
    // A plan that was changed after it was agreed on is not carried out.
    given(app, approval, &world.second.staff_id).await;
    let change = omamori_db::sql("UPDATE incident_act_row SET yen = yen + 1 WHERE act_id = $1");
    app.app.stores.registry.execute(change.bind(act)).await.unwrap();
    let answer = world.fraud.post(app, &carry_out, &Value::Null).await;
    assert_eq!(answer.status, 500);
}

async fn a_refused_act_is_asked_for_again_and_not_twice_at_once(app: &mut TestApp) {
    let world = world(app, 1).await;
    world.confirmed(app).await;
    let freeze = json!({ "kind": "freeze", "on": "confirmed" });
    let plan = world.fraud.post(app, &world.path("acts"), &freeze).await.ok();
    let path = format!("/incident-acts/{}/ask", plan["act_id"].as_str().unwrap());
    let reason = json!({ "reason": "停止" });
    let asked = world.fraud.post(app, &path, &reason).await.ok();
    world.fraud.post(app, &path, &reason).await.refused(Code::ApprovalClosed);
    let refuse = omamori_db::sql(
        "UPDATE approval SET state = 'refused', decided_by = $1
         WHERE approval_id = $2",
    );
    let refuse = refuse.bind(&world.second.staff_id).bind(asked["approval_id"].as_str().unwrap());
    app.app.stores.registry.execute(refuse).await.unwrap();
    world.fraud.post(app, &path, &reason).await.ok();
    world.fraud.post(app, &path, &json!({ "reason": " " })).await.refused(Code::InvalidRequest);
    for wrong in [
        json!({ "kind": "notify", "on": "all" }),
        json!({ "kind": "freeze", "on": "all", "letter": "affected" }),
        json!({ "kind": "close_doors", "on": "all", "subjects": ["x"] }),
        json!({ "kind": "close_doors", "on": "all" }),
        json!({ "kind": "compensate", "on": "all" }),
        json!({ "kind": "hold_payouts", "on": "all", "subjects": ["sto_x"] }),
    ] {
        let answer = world.fraud.post(app, &world.path("acts"), &wrong).await;
        answer.refused(Code::InvalidRequest);
    }
}

/// Attack: a title, a note or a cause that is markup, a formula or a link.
async fn words_of_staff_are_never_markup(app: &mut TestApp) {
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let script = "<script>alert(1)</script>";
    let incident = opened(app, &fraud, script).await;
    let write = format!("/incidents/{incident}/write");
    let note = json!({ "what": "note", "text": "=HYPERLINK(\"https://evil.example\")" });
    assert_eq!(fraud.post(app, &write, &note).await.status, 204);
    let facts = json!({ "what": "facts", "cause": format!("[x](javascript:1) {script}"),
        "standing": "| a | b", "first_event_at": app.now() - HOUR });
    assert_eq!(fraud.post(app, &write, &facts).await.status, 204);
    for path in [
        "/console/incidents".to_owned(),
        format!("/console/incidents/{incident}"),
        format!("/console/incidents/{incident}/reports/authority"),
        format!("/console/incidents/{incident}/reports/board?format=md"),
        format!("/console/incidents/{incident}/reports/authority?format=md&lang=en"),
    ] {
        let page = fraud.get(app, &path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.text().contains("<script>alert"), "{path}");
        let is_link = path.contains("format=md") && page.text().contains("](javascript");
        assert!(!is_link, "{path}");
    }
    let csv = fraud.get(app, &format!("/api/admin/v1/incidents/{incident}/log/csv")).await;
    assert!(csv.text().contains("\"'=HYPERLINK(\"\"https"), "{}", csv.text());
    let log = fraud.get(app, &format!("/api/admin/v1/incidents/{incident}/log/json")).await.ok();
    let events: Vec<_> = log["log"].as_array().unwrap().iter().map(|l| &l["event"]).collect();
    assert_eq!(events, ["first_event", "opened", "note", "facts"]);
}

async fn a_closed_incident_stays_as_it_is(app: &mut TestApp) {
    let world = world(app, 1).await;
    world.confirmed(app).await;
    let close = json!({ "what": "close", "reason": "補償を終えた" });
    assert_eq!(world.fraud.post(app, &world.path("write"), &close).await.status, 204);
    let add = json!({ "customer_id": world.victims[0].customer_id, "reason": "x" });
    let review = json!({ "state": "cleared", "reason": "x" });
    let freeze = json!({ "kind": "freeze", "on": "all" });
    for (end, body) in [
        ("write", &close),
        ("count", &json!({})),
        ("members", &add),
        ("review", &review),
        ("acts", &freeze),
    ] {
        let answer = world.fraud.post(app, &world.path(end), body).await;
        answer.refused(Code::IncidentClosed);
    }
}

async fn a_contact_is_read_only_with_a_reason_in_the_log(app: &mut TestApp) {
    let world = world(app, 1).await;
    world.confirmed(app).await;
    let victim = &world.victims[0];
    let page = world.fraud.get(app, &format!("/console/incidents/{}", world.incident)).await;
    assert!(!page.text().contains(&victim.phone()[3..]));
    let path = format!("/customers/{}/unmask", victim.customer_id);
    let silent = json!({ "contact": "phone", "reason": "" });
    world.fraud.post(app, &path, &silent).await.refused(Code::InvalidRequest);
    assert_eq!(rows(app, "audit_entry", "staff_unmask").await, 0);
    let said = json!({ "contact": "phone", "reason": "被害の確認" });
    world.fraud.post(app, &path, &said).await.ok();
    assert_eq!(rows(app, "audit_entry", "staff_unmask").await, 1);
}
