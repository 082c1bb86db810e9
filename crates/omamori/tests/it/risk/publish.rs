//! Risk rules at the desk: draft, check, four eyes, publication, the way back.
//!
//! How a second person agrees, with a passkey, has tests of its own (`console/tests/approvals.rs`).

use axum::http::StatusCode;
use omamori::console::access::Role;
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::rules::{publish, rule};
use crate::support::app::TestApp;
use crate::support::at_once;
use crate::support::desk::Person;
use crate::support::on_both_engines;

on_both_engines!(
    a_publication_takes_another_person_with_the_role,
    what_fails_loops_or_costs_too_much_is_refused_with_the_reason,
    an_older_version_is_the_way_back,
    a_version_whose_text_was_changed_is_not_published,
    a_draft_is_kept_good_or_not_and_is_nobody_elses,
    a_script_in_a_rule_is_text_on_every_page,
    two_who_propose_at_once_make_two_versions,
    what_is_not_there_is_said,
);

fn held_when(when: &str) -> String {
    rule("a", "\"payment\"", when, "\"hold\"")
}

/// Asks for a publication; gives the approval and the version.
async fn proposes(app: &TestApp, who: &Person, when: &str) -> (String, i64) {
    let request = json!({ "rules": held_when(when), "reason": "検証の結果" });
    let asked = who.post(app, "/rules/propose", &request).await.ok();
    (asked["approval_id"].as_str().unwrap().to_owned(), asked["version"].as_i64().unwrap())
}

async fn agrees(app: &TestApp, who: &Person, approval: &str) {
    let given = sql("UPDATE approval SET state = 'given', decided_by = $1
         WHERE approval_id = $2 AND state = 'open'");
    let given = given.bind(&who.staff_id).bind(approval);
    assert_eq!(app.app.stores.registry.execute(given).await.unwrap(), 1);
}

async fn carries_out(
    app: &TestApp,
    who: &Person,
    approval: &str,
) -> crate::support::answer::Answer {
    who.post(app, &format!("/approvals/{approval}/carry-out"), &json!({})).await
}

fn in_force(app: &TestApp) -> i64 {
    app.app.gate.risk().in_force().version
}

/// Attack: one person alone; a colleague without the role; the approval used by another, or twice.
async fn a_publication_takes_another_person_with_the_role(app: &mut TestApp) {
    let asking = Person::new(&app.app, Role::Fraud).await;
    let (approval, version) = proposes(app, &asking, "act.amount > 1").await;
    assert_eq!((version, in_force(app)), (1, 0));
    let options = format!("/approvals/{approval}/options");
    let give = json!({ "verdict": "give" });
    asking.post(app, &options, &give).await.refused(Code::SecondPersonNeeded);
    for role in [Role::Viewer, Role::Support, Role::Finance] {
        let colleague = Person::new(&app.app, role).await;
        colleague.post(app, &options, &give).await.refused(Code::Forbidden);
        let request = json!({ "rules": held_when("true"), "reason": "x" });
        for path in ["/rules/propose", "/rules/draft", "/rules/versions/1/publish"] {
            colleague.post(app, path, &request).await.refused(Code::Forbidden);
        }
        for page in ["/console/rules/edit", "/console/rules/backtest"] {
            assert_eq!(colleague.get(app, page).await.status, StatusCode::FORBIDDEN, "{page}");
        }
    }
    carries_out(app, &asking, &approval).await.refused(Code::ApprovalClosed);
    assert_eq!(in_force(app), 0, "nobody has agreed");
    let second = Person::new(&app.app, Role::Admin).await;
    agrees(app, &second, &approval).await;
    carries_out(app, &second, &approval).await.refused(Code::ApprovalClosed);
    assert_eq!(in_force(app), 0, "who agrees does not do it as well");
    carries_out(app, &asking, &approval).await.ok();
    assert_eq!(in_force(app), 1);
    carries_out(app, &asking, &approval).await.refused(Code::ApprovalClosed);
    let written = sql("SELECT act FROM audit_entry WHERE subject = 'risk_rules' ORDER BY seq");
    let written = app.app.stores.registry.all(written).await.unwrap();
    let acts: Vec<String> = written.iter().map(|row| row.text("act").unwrap()).collect();
    assert!(acts.contains(&"rules_propose".to_owned()), "{acts:?}");
    assert_eq!(acts.iter().filter(|act| *act == "rules_publish").count(), 1, "{acts:?}");
}

/// Goal: nothing that fails, loops, costs too much or counts money in floats gets as far as a
/// version, and the one who wrote it reads why.
async fn what_fails_loops_or_costs_too_much_is_refused_with_the_reason(app: &mut TestApp) {
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let long = vec!["act.amount > 1"; 100].join(" && ");
    for (when, why) in [
        ("act.amount >", "not a CEL expression"),
        ("act.amuont > 1", "there is no signal act.amuont"),
        ("act.amount > 1.5", "floats are not allowed"),
        ("double(act.amount) > double(1)", "does not take"),
        ("[1, 2].exists(x, x > act.amount)", "loops"),
        (long.as_str(), "more than 200 parts"),
        ("act.amount", "true or false"),
    ] {
        let request = json!({ "rules": held_when(when), "reason": "x" });
        let refused = fraud.post(app, "/rules/propose", &request).await;
        let error = refused.refused(Code::RulesRefused);
        let reason = error["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(why), "{when}: {reason}");
    }
    let unconfirmed = rule("a", "\"refund\"", "true", "\"step_up\"");
    let twice = format!("{0}{0}", held_when("true"));
    let too_long = format!("# {}\n{}", "x".repeat(50_000), held_when("true"));
    for text in [unconfirmed, "[[rule]]\nid = 1".to_owned(), twice, too_long] {
        let request = json!({ "rules": text, "reason": "x" });
        let refused = fraud.post(app, "/rules/propose", &request).await;
        assert!(refused.refused(Code::RulesRefused)["reason"].is_string());
    }
    let versions = omamori::risk::rules::newest(&app.app.stores.registry, 9).await.unwrap();
    assert!(versions.is_empty(), "no version was made");
    let silent = json!({ "rules": held_when("true"), "reason": " " });
    fraud.post(app, "/rules/propose", &silent).await.refused(Code::InvalidRequest);
    let huge = json!({ "rules": "x".repeat(70_000), "reason": "x" });
    fraud.post(app, "/rules/draft", &huge).await.refused(Code::BodyTooLarge);
}

/// Goal: back to what was in force before, by the same two people's way.
async fn an_older_version_is_the_way_back(app: &mut TestApp) {
    let asking = Person::new(&app.app, Role::Fraud).await;
    let second = Person::new(&app.app, Role::Fraud).await;
    for (when, version) in [("act.amount > 1", 1), ("act.amount > 2", 2)] {
        let (approval, made) = proposes(app, &asking, when).await;
        assert_eq!(made, version);
        agrees(app, &second, &approval).await;
        carries_out(app, &asking, &approval).await.ok();
        assert_eq!(in_force(app), version);
    }
    let shown = asking.get(app, "/console/rules?version=1").await;
    assert!(
        shown.text().contains("act.amount &#62; 1") || shown.text().contains("act.amount &gt; 1")
    );
    assert!(shown.text().contains("変更"), "how it differs from what is in force");
    let reason = json!({ "reason": "誤検知" });
    let back = asking.post(app, "/rules/versions/1/publish", &reason).await.ok();
    let approval = back["approval_id"].as_str().unwrap();
    let page = second.get(app, "/console/approvals").await;
    assert!(page.text().contains("/console/rules?version=1"), "who agrees sees what it is");
    agrees(app, &second, approval).await;
    carries_out(app, &asking, approval).await.ok();
    assert_eq!(in_force(app), 1);
}

/// Attack: somebody with the registry in hand changes the text between the yes and the act.
async fn a_version_whose_text_was_changed_is_not_published(app: &mut TestApp) {
    let asking = Person::new(&app.app, Role::Fraud).await;
    let second = Person::new(&app.app, Role::Fraud).await;
    let (approval, _) = proposes(app, &asking, "act.amount > 1").await;
    agrees(app, &second, &approval).await;
    let weaker = sql("UPDATE risk_version SET rules = $1 WHERE version = $2");
    let weaker = weaker.bind(held_when("false")).bind(1);
    app.app.stores.registry.execute(weaker).await.unwrap();
    assert!(!carries_out(app, &asking, &approval).await.status.is_success());
    assert_eq!(in_force(app), 0);
}

/// Goal: half a sentence is not lost, and no colleague writes over it.
async fn a_draft_is_kept_good_or_not_and_is_nobody_elses(app: &mut TestApp) {
    let mine = Person::new(&app.app, Role::Fraud).await;
    let other = Person::new(&app.app, Role::Fraud).await;
    for (who, text) in [(&mine, "[[rule]]\nid = \"half-a-sentence"), (&other, "id = \"theirs")] {
        let kept = who.post(app, "/rules/draft", &json!({ "rules": text })).await;
        assert_eq!(kept.status, StatusCode::NO_CONTENT);
    }
    let page = mine.get(app, "/console/rules/edit").await;
    assert!(page.text().contains("half-a-sentence") && !page.text().contains("theirs"));
    assert!(page.text().contains("data-refused"), "why it may not be published stands beside it");
}

/// Attack: markup in what people write of a rule, by a colleague or whoever has their session.
async fn a_script_in_a_rule_is_text_on_every_page(app: &mut TestApp) {
    const SCRIPT: &str = "</textarea><script>alert(1)</script>";
    let text = held_when("act.amount > 1").replace("\"a test\"", &format!("\"{SCRIPT}\""));
    let text = text.replace("en = \"a\"", &format!("en = \"{SCRIPT}\""));
    let text = text.replace("ja = \"a\"", &format!("ja = \"{SCRIPT}\""));
    publish(&app.app, &text).await;
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let asked = json!({ "rules": text, "reason": SCRIPT });
    fraud.post(app, "/rules/draft", &json!({ "rules": text })).await;
    let request = fraud.post(app, "/rules/propose", &asked).await.ok();
    assert_eq!(request["version"], 2);
    for path in [
        "/console/rules",
        "/console/rules?version=2",
        "/console/rules/edit",
        "/console/rules/edit?decision=%3Cscript%3Ealert(1)%3C/script%3E",
        "/console/rules/backtest?from=2026-04-01&to=2026-04-01",
        "/console/rules/labels",
        "/console/approvals",
        "/console/audit",
    ] {
        let page = fraud.get(app, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.text().contains("<script>alert"), "{path}");
    }
    assert!(fraud.get(app, "/console/rules").await.text().contains("alert(1)"));
}

/// Goal: a race makes two versions, or one and *try again*; never one text under another's number.
async fn two_who_propose_at_once_make_two_versions(app: &mut TestApp) {
    let mut people = Vec::new();
    for _ in 0..8 {
        people.push(Person::new(&app.app, Role::Fraud).await);
    }
    let node = (**app).clone();
    let answers = at_once(people.into_iter().enumerate().map(|(number, who)| {
        let node = node.clone();
        let text = held_when(&format!("act.amount > {number}"));
        async move {
            let asked = json!({ "rules": text, "reason": "x" });
            (number, who.post(&node, "/rules/propose", &asked).await)
        }
    }))
    .await;
    let registry = &app.app.stores.registry;
    let mut made = 0;
    for (number, answer) in answers {
        if answer.status == StatusCode::OK {
            let version = answer.ok()["version"].as_i64().unwrap();
            let found = omamori::risk::rules::find(registry, version).await.unwrap();
            assert!(found.rules.contains(&format!("act.amount > {number}")));
            made += 1;
        } else {
            answer.refused(Code::Busy);
        }
    }
    assert!(made > 0);
    assert_eq!(omamori::risk::rules::newest(registry, 20).await.unwrap().len(), made);
}

/// Goal: a number that is none, a version that is not there, days that are none.
async fn what_is_not_there_is_said(app: &mut TestApp) {
    let fraud = Person::new(&app.app, Role::Fraud).await;
    let reason = json!({ "reason": "x" });
    let none = fraud.post(app, "/rules/versions/7/publish", &reason).await;
    none.refused(Code::NotFound);
    assert_eq!(fraud.get(app, "/console/rules?version=7").await.status, StatusCode::NOT_FOUND);
    for path in [
        "/console/rules?version=x",
        "/console/rules/backtest?from=x&to=2026-04-01",
        "/console/rules/backtest?from=2026-02-30&to=2026-04-01",
        "/console/rules/backtest?from=2026-04-01&to=-9999-01-01",
    ] {
        assert_eq!(fraud.get(app, path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let page = fraud.get(app, "/console/rules/edit?decision=dec_x").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("該当する判定が見つからない"));
    for kind in [json!("theft"), Value::Null] {
        let label = json!({ "decision": "dec_1", "kind": kind });
        fraud.post(app, "/rules/labels", &label).await.refused(Code::InvalidRequest);
    }
}
