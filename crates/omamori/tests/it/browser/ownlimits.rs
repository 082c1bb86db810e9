//! Limits of the customer's own, by thumb: lowered at once, raised a day later, called off.

use omamori::web::text::Lang;
use serde_json::json;

use super::house::House;
use super::phone::Phone;
use super::pictures::picture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_lowered_raised_and_kept_in_japanese() {
    limits_are_changed(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_lowered_raised_and_kept_in_english() {
    limits_are_changed(Lang::En).await;
}

/// Goal: from the settings to a limit that holds, with each wrong turn beside it.
async fn limits_are_changed(lang: Lang) {
    let house = House::open().await;
    let phone = Phone::signed_up(&house, "phone", lang).await;
    let code = phone.code().await;
    let topup = json!({ "merchant_topup_id": "t-1", "code": code, "amount": 10_000 });
    house.pos("POST", "/topups", &topup).await.ok();
    phone.is_told("happened.topup", "¥10,000", "¥10,000").await;
    phone.go("/settings").await;
    phone.press("[data-own-limits]").await;
    phone.arrives_at("/settings/limits").await;
    picture(&phone, "limits").await;

    // What is no lower limit: the same, nothing, more than anybody may.
    phone.press(r#"[data-limit-change="payment_24h"]"#).await;
    phone.press("[data-limit-form] [type=submit]").await;
    phone.read("[data-limit-error]", phone.text.t("limit.same")).await;
    phone.fill("[data-limit-form] [name=yen]", "9999999").await;
    phone.press("[data-limit-form] [type=submit]").await;
    phone.read("[data-limit-error]", "¥100,000").await;
    picture(&phone, "limits-wrong").await;

    phone.fill("[data-limit-form] [name=yen]", "３０００").await;
    phone.press("[data-limit-form] [type=submit]").await;
    phone.gone("[data-limit-dialog][open]").await;
    phone.read(r#"[data-own-limit="payment_24h"]"#, "¥3,000").await;
    phone.go("/").await;
    let code = phone.new_code(&code).await;
    let sale = json!({ "merchant_payment_id": "s-1", "code": code, "amount": 3_001 });
    let refused = house.pos("POST", "/payments", &sale).await;
    assert_eq!(refused.error()["code"], "limit_own", "{}", refused.text());

    phone.go("/settings/limits").await;
    phone.press(r#"[data-limit-change="payment_24h"]"#).await;
    phone.fill("[data-limit-form] [name=yen]", "8000").await;
    phone.press("[data-limit-form] [type=submit]").await;
    phone.see("[data-stepup-dialog][open]").await;
    picture(&phone, "limits-raise").await;
    // Thinks better of it, then does it after all.
    phone.press("[data-stepup-cancel]").await;
    phone.see("[data-limit-error]:not(:empty)").await;
    phone.press("[data-limit-form] [type=submit]").await;
    phone.press("[data-stepup-confirm]").await;
    phone.gone("[data-limit-dialog][open]").await;
    phone.read(r#"[data-own-limit="payment_24h"]"#, "¥8,000").await;
    phone.read(r#"[data-own-limit="payment_24h"] strong"#, "¥3,000").await;
    picture(&phone, "limits-waiting").await;
    phone.press(r#"[data-limit-keep="payment_24h"]"#).await;
    phone.gone(r#"[data-limit-keep="payment_24h"]"#).await;
    phone.go("/notices").await;
    phone.read("main", phone.text.t("notice.limit_raise")).await;
    picture(&phone, "limits-notices").await;
    phone.close().await;
    house.close().await;
}
