//! Risk rules at the desk: draft, check, four eyes, publication, the way back.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Desk, Person};
use crate::console::access::Role;
use crate::identity::tests::{House, on_both_engines};

on_both_engines!(
    a_publication_takes_another_person_with_the_role,
    what_fails_loops_or_costs_too_much_is_refused_with_the_reason,
    an_older_version_is_the_way_back,
    a_version_whose_text_was_changed_is_not_published,
    a_draft_is_kept_good_or_not,
);

fn rule(when: &str) -> String {
    format!(
        "[[rule]]\nid = \"a\"\ntitle = {{ ja = \"あ\", en = \"a\" }}\nreason = \"x\"\n\
         acts = [\"payment\"]\nwhen = \"{when}\"\neffect = \"hold\"\nmode = \"live\"\n"
    )
}

async fn proposes(desk: &Desk, who: &Person, when: &str) -> Value {
    let request = json!({ "rules": rule(when), "reason": "検証の結果" });
    desk.post(who, "/rules/propose", &request).await.ok()
}

fn in_force(desk: &Desk) -> i64 {
    desk.house.app.gate.risk().in_force().version
}

/// Attack: one person alone; a colleague without the role; the approval used twice.
async fn a_publication_takes_another_person_with_the_role(house: House) {
    let desk = Desk::new(house);
    let asking = desk.person(Role::Fraud).await;
    let proposed = proposes(&desk, &asking, "act.amount > 1").await;
    let approval = proposed["approval_id"].as_str().unwrap();
    assert_eq!((&proposed["version"], in_force(&desk)), (&json!(1), 0));
    let options = format!("/approvals/{approval}/options");
    let give = json!({ "verdict": "give" });
    desk.post(&asking, &options, &give).await.refused("second_person_needed");
    for role in [Role::Viewer, Role::Support, Role::Finance] {
        let colleague = desk.person(role).await;
        desk.post(&colleague, &options, &give).await.refused("forbidden");
        let request = json!({ "rules": rule("true"), "reason": "x" });
        desk.post(&colleague, "/rules/propose", &request).await.refused("forbidden");
    }
    desk.carries_out(&asking, approval).await.refused("approval_closed");
    assert_eq!(in_force(&desk), 0);
    let mut second = desk.person(Role::Admin).await;
    desk.decides(&mut second, approval, "give").await.ok();
    desk.carries_out(&asking, approval).await.ok();
    assert_eq!(in_force(&desk), 1);
    desk.carries_out(&asking, approval).await.refused("approval_closed");
}

/// Goal: nothing that fails, loops, costs too much or counts money in floats gets as far as a
/// version, and the one who wrote it reads why.
async fn what_fails_loops_or_costs_too_much_is_refused_with_the_reason(house: House) {
    let desk = Desk::new(house);
    let fraud = desk.person(Role::Fraud).await;
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
        let request = json!({ "rules": rule(when), "reason": "x" });
        let refused = desk.post(&fraud, "/rules/propose", &request).await;
        refused.refused("rules_refused");
        let reason = refused.body["error"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(why), "{when}: {reason}");
    }
    let unconfirmed = rule("true").replace("\"payment\"", "\"refund\"");
    let unconfirmed = unconfirmed.replace("\"hold\"", "\"step_up\"");
    for text in [unconfirmed, "[[rule]]\nid = 1".to_owned(), format!("{0}{0}", rule("true"))] {
        let request = json!({ "rules": text, "reason": "x" });
        desk.post(&fraud, "/rules/propose", &request).await.refused("rules_refused");
    }
    let nothing = crate::risk::rules::newest(&desk.house.app.stores.registry, 9).await.unwrap();
    assert!(nothing.is_empty());
    let silent = json!({ "rules": rule("true"), "reason": " " });
    desk.post(&fraud, "/rules/propose", &silent).await.refused("invalid_request");
}

/// Goal: back to what was in force before, by the same two people's way.
async fn an_older_version_is_the_way_back(house: House) {
    let desk = Desk::new(house);
    let (asking, mut second) = (desk.person(Role::Fraud).await, desk.person(Role::Fraud).await);
    for (when, version) in [("act.amount > 1", 1), ("act.amount > 2", 2)] {
        let proposed = proposes(&desk, &asking, when).await;
        let approval = proposed["approval_id"].as_str().unwrap();
        desk.decides(&mut second, approval, "give").await.ok();
        desk.carries_out(&asking, approval).await.ok();
        assert_eq!(in_force(&desk), version);
    }
    let reason = json!({ "reason": "誤検知" });
    let back = desk.post(&asking, "/rules/versions/1/publish", &reason).await.ok();
    let approval = back["approval_id"].as_str().unwrap();
    desk.decides(&mut second, approval, "give").await.ok();
    desk.carries_out(&asking, approval).await.ok();
    assert_eq!(in_force(&desk), 1);
    let none = desk.post(&asking, "/rules/versions/7/publish", &json!({ "reason": "x" })).await;
    none.refused("not_found");
}

/// Attack: somebody with the registry in hand changes the text between the yes and the act.
async fn a_version_whose_text_was_changed_is_not_published(house: House) {
    let desk = Desk::new(house);
    let (asking, mut second) = (desk.person(Role::Fraud).await, desk.person(Role::Fraud).await);
    let proposed = proposes(&desk, &asking, "act.amount > 1").await;
    let approval = proposed["approval_id"].as_str().unwrap();
    desk.decides(&mut second, approval, "give").await.ok();
    let weaker = omamori_db::sql("UPDATE risk_version SET rules = $1 WHERE version = $2");
    let weaker = weaker.bind(rule("false")).bind(1);
    desk.house.app.stores.registry.execute(weaker).await.unwrap();
    assert!(!desk.carries_out(&asking, approval).await.status.is_success());
    assert_eq!(in_force(&desk), 0);
}

/// Goal: half a sentence is not lost.
async fn a_draft_is_kept_good_or_not(house: House) {
    let desk = Desk::new(house);
    let mine = desk.person(Role::Fraud).await;
    let half = json!({ "rules": "[[rule]]\nid = \"half-a-sentence" });
    let kept = desk.post(&mine, "/rules/draft", &half).await;
    assert_eq!(kept.status, StatusCode::NO_CONTENT);
    let drafts = omamori_db::sql("SELECT staff_id, rules FROM risk_draft");
    let drafts = desk.house.app.stores.registry.all(drafts).await.unwrap();
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].text("staff_id").unwrap(), mine.staff_id);
    assert!(drafts[0].text("rules").unwrap().ends_with("half-a-sentence"));
    let viewer = desk.person(Role::Viewer).await;
    desk.post(&viewer, "/rules/draft", &half).await.refused("forbidden");
}
