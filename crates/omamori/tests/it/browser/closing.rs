//! An account closes with a rest by thumb: read what it means, ask, follow, take it back; and what
//! the desk sees of it.

use omamori::console::access::Role;
use omamori::web::text::Lang;
use serde_json::json;

use super::console::{desk, does};
use super::house::House;
use super::phone::Phone;
use super::pictures::picture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_closes_with_a_claim_in_japanese() {
    an_account_closes_with_a_claim(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_closes_with_a_claim_in_english() {
    an_account_closes_with_a_claim(Lang::En).await;
}

/// Goal: nobody reads that a refund is a right; a reason that is missing is said at its place; what
/// was asked for can be followed and taken back; a second person is asked at the desk.
async fn an_account_closes_with_a_claim(lang: Lang) {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house, "phone", lang).await;
    phone.provokes("status of 400"); // no reason
    let code = phone.code().await;
    let topup = json!({ "merchant_topup_id": "t-1", "code": code, "amount": 10_000 });
    house.pos("POST", "/topups", &topup).await.ok();
    phone.is_told("happened.topup", "¥10,000", "¥10,000").await;
    phone.go("/privacy").await;
    phone.press(r#"main a[href="/close"]"#).await;
    phone.read("[data-left]", "¥10,000").await;
    phone.read("[data-claim-panel]", phone.text.t("closing.law")).await;
    picture(&phone, "close").await;
    for (field, text) in [("bank", "0009"), ("branch", "123"), ("number", "1234567")] {
        phone.fill(&format!("[data-refund-form] [name={field}]"), text).await;
    }
    phone.fill("[data-refund-form] [name=holder]", "すずき はなこ").await;
    phone.press("[data-refund-form] [type=submit]").await;
    phone.read("[data-refund-error]", phone.text.t("payto.wrong_reason")).await;
    for is_last in [false, true] {
        phone.go("/close").await;
        for (field, text) in [("bank", "0009"), ("branch", "123"), ("number", "1234567")] {
            phone.fill(&format!("[data-refund-form] [name={field}]"), text).await;
        }
        phone.fill("[data-refund-form] [name=holder]", "すずき はなこ").await;
        phone.press("[data-refund-form] [value=moves_away]").await;
        phone.press("[data-refund-form] [type=submit]").await;
        phone.read("[data-stepup-words]", "****567").await;
        picture(&phone, "close-confirm").await;
        phone.press("[data-stepup-confirm]").await;
        phone.see(r#"[data-claim="review"]"#).await;
        picture(&phone, "close-claimed").await;
        if is_last {
            break;
        }
        phone.press("[data-closing-drop]").await;
        phone.read("[data-stepup-words]", phone.text.t("stepup.closing_drop")).await;
        phone.press("[data-stepup-confirm]").await;
        phone.see(r#"[data-claim="refused"]"#).await;
        picture(&phone, "close-dropped").await;
    }
    phone.go("/").await;
    phone.read("[data-code-closed]", phone.text.t("closing.leaving")).await;
    picture(&phone, "close-home").await;
    phone.go("/settings").await;
    phone.read(".settings__alert", phone.text.t("closing.leaving")).await;
    phone.close().await;

    let support = desk(&house, "鈴木 一郎", Role::Admin, lang).await;
    support.go("/console/refunds").await;
    support.see("[data-closing-claim]").await;
    picture(&support, "console-closing").await;
    does(&support, "[data-closing-claim] [data-what=unavoidable]", "在留資格の書類").await;
    support.go("/console/approvals").await;
    support.read("main", "****567").await;
    picture(&support, "console-closing-approval").await;
    support.close().await;
    house.close().await;
}
