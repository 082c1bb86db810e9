//! The rules at the desk: written, checked, tried over the past and published by two people.

use omamori::console::access::Role;
use omamori::web::text::Lang;
use serde_json::json;

use super::console::{customer, desk, does};
use super::house::House;
use super::pictures::picture;

const RULE: &str = "[[rule]]\nid = \"large\"\ntitle = { ja = \"高額\", en = \"Large\" }\n\
    reason = \"…\"\nacts = [\"payment\"]\neffect = \"hold\"\nmode = \"live\"\n";

/// Goal: from a mistake that is explained to a version in force, by hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_change_the_rules_in_japanese() {
    two_people_change_the_rules(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_change_the_rules_in_english() {
    two_people_change_the_rules(Lang::En).await;
}

async fn two_people_change_the_rules(lang: Lang) {
    let house = House::open().await;
    customer(&house).await;
    let mut first = desk(&house, "佐藤 花子", Role::Fraud, lang).await;
    first.provokes("status of 422"); // rules that are refused
    first.press(r#".desknav [href="/console/rules"]"#).await;
    first.see("[data-live=rules]").await;
    picture(&first, "console-rules").await;
    first.screen(1280, 800, 1).await;

    first.press(r#"[href="/console/rules/edit"]"#).await;
    first.fill("[data-rules]", &format!("{RULE}when = \"act.amount > 1.5\"\n")).await;
    first.press("[data-save]").await;
    first.read("[data-refused]", "floats").await;
    picture(&first, "console-rules-edit-refused").await;
    first.screen(1280, 800, 1).await;
    first.fill("[data-rules-form] [name=reason]", "夜間の高額決済").await;
    first.press("[data-propose]").await;
    first.read("[data-rules-error]", "floats").await;

    first.fill("[data-rules]", &format!("{RULE}when = \"act.amount >= 400\"\n")).await;
    first.press("[data-save]").await;
    first.read("[data-live=check]", first.text.t("rules.fit")).await;
    let payments = house.payments().await;
    let paid = payments[0]["payment_id"].as_str().unwrap();
    let label = json!({ "decision": paid, "kind": "stolen_account" });
    first.go("/console/rules/labels").await;
    first.fill("[data-label-form] [name=decision]", label["decision"].as_str().unwrap()).await;
    first.press("[data-label-form] [type=submit]").await;
    first.read("[data-live=labels]", first.text.t("rules.fraud_stolen_account")).await;
    picture(&first, "console-rules-labels").await;
    first.screen(1280, 800, 1).await;
    first.go(&format!("/console/rules/edit?decision={paid}")).await;
    first.read("[data-bench-now]", "large").await;
    picture(&first, "console-rules-bench").await;
    first.screen(1280, 800, 1).await;
    first.go("/console/rules/backtest").await;
    first.press("main form [type=submit]").await;
    first.read("[data-backtest]", "¥480").await;
    picture(&first, "console-rules-backtest").await;
    first.screen(1280, 800, 1).await;

    first.go("/console/rules/edit").await;
    first.fill("[data-rules-form] [name=reason]", "夜間の高額決済").await;
    first.press("[data-propose]").await;
    first.arrives_at("/console/approvals").await;
    first.read(".card", first.text.t("console.own")).await;

    let second = desk(&house, "鈴木 一郎", Role::Admin, lang).await;
    second.go("/console/approvals").await;
    second.read(".card__reason", "夜間の高額決済").await;
    picture(&second, "console-approvals-rules").await;
    second.screen(1280, 800, 1).await;
    second.press("[data-decide=give]").await;
    second.read(".card__title", second.text.t("console.approval_given")).await;
    first.reload().await;
    first.press("[data-carry-out]").await;
    first.read(".table", first.text.t("console.approval_used")).await;
    let in_force = house.app.gate.risk().in_force().version;
    assert_eq!(house.app.gate.risk().in_force().set.rules().count(), 1);
    first.go("/console/rules").await;
    first.read("[data-live=rules]", "act.amount >= 400").await;
    does(&first, r#"[data-act$="/publish"]"#, "元に戻す").await;
    first.go("/console/approvals").await;
    first.read(".card__reason", "元に戻す").await;
    assert_eq!(house.app.gate.risk().in_force().version, in_force, "asked for, not done");
    first.close().await;
    second.close().await;
    house.close().await;
}
