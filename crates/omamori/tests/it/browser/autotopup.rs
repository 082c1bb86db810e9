//! Auto top-up by thumb: set by way of the bank, at work after a payment, paused, turned off.

use omamori::web::text::Lang;
use serde_json::json;

use super::house::House;
use super::phone::Phone;
use super::pictures::picture;

const CHALLENGE: &str = "4000000000003220";
const ALWAYS_ASKS: &str = "4000002760003184";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auto_top_up_is_set_works_and_is_turned_off_in_japanese() {
    auto_top_up(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auto_top_up_is_set_works_and_is_turned_off_in_english() {
    auto_top_up(Lang::En).await;
}

/// Goal: from nothing to a balance that fills itself, with each wrong turn beside it.
async fn auto_top_up(lang: Lang) {
    let house = House::open().await;
    let phone = Phone::signed_up(&house, "phone", lang).await;
    load(&house, &phone, 5_000).await;
    phone.go("/topup").await;
    phone.press(r#".way[href="/topup/auto"]"#).await;
    phone.arrives_at("/topup/auto").await;
    picture(&phone, "auto-no-card").await;
    phone.press(r#".empty a[href="/topup/card"]"#).await;
    register(&phone, CHALLENGE).await;

    phone.go("/topup/auto").await;
    phone.see("[data-auto-form]").await;
    picture(&phone, "auto-form").await;
    // Without the consent the browser does not let go of the form.
    phone.press("[data-auto-form] [type=submit]").await;
    assert!(phone.glimpse("[data-stepup-dialog][open]").await.is_none());
    phone.press("[data-auto-form] [name=agree]").await;
    phone.press("[data-auto-form] [type=submit]").await;
    phone.see("[data-stepup-dialog][open]").await;
    picture(&phone, "auto-stepup").await;
    phone.press("[data-stepup-cancel]").await;
    phone.see("[data-auto-error]:not(:empty)").await;
    ask_bank(&phone).await;
    picture(&phone, "auto-bank").await;
    phone.press("[name=answer][value=wrong]").await;
    phone.see(r#"[data-outcome="refused"]"#).await;
    picture(&phone, "auto-refused").await;
    phone.go("/topup/auto").await;
    phone.press("[data-auto-form] [name=agree]").await;
    ask_bank(&phone).await;
    phone.press("[name=answer][value=right]").await;
    phone.see(r#"[data-outcome="done"]"#).await;
    picture(&phone, "auto-done").await;

    phone.go("/").await;
    pay(&house, &phone, "s-1", 2_500).await;
    phone.is_told("happened.topup_auto", "¥5,000", "¥7,500").await;
    phone.go("/topup/auto").await;
    phone.see(r#"[data-auto-state="on"]"#).await;
    picture(&phone, "auto-on").await;
    phone.press("[data-auto-off]").await;
    phone.gone("[data-auto-state]").await;

    // A bank that wants to see its holder each time: paused, and said so.
    phone.go("/topup/card").await;
    register(&phone, ALWAYS_ASKS).await;
    phone.go("/topup/auto").await;
    phone.press("[data-auto-form] .cardrow:last-of-type input").await;
    phone.press("[data-auto-form] [name=agree]").await;
    ask_bank(&phone).await;
    phone.press("[name=answer][value=right]").await;
    phone.see(r#"[data-outcome="done"]"#).await;
    phone.go("/").await;
    pay(&house, &phone, "s-2", 5_000).await;
    phone.until("the pause", async || paused(&house).await.then_some(())).await;
    phone.go("/topup/auto").await;
    phone.see(r#"[data-auto-state="paused"]"#).await;
    picture(&phone, "auto-paused").await;
    phone.go("/notices").await;
    phone.read("main", phone.text.t("notice.auto_paused")).await;
    picture(&phone, "auto-notices").await;
    assert_eq!(house.balance().await, 2_500);
    phone.close().await;
    house.close().await;
}

async fn paused(house: &House) -> bool {
    let query = omamori_db::sql("SELECT state FROM auto_topup");
    house.app.stores.registry.one(query).await.unwrap().text("state").unwrap() == "paused"
}

async fn load(house: &House, phone: &Phone, yen: i64) {
    let topup = json!({ "merchant_topup_id": "t-1", "code": phone.code().await, "amount": yen });
    house.pos("POST", "/topups", &topup).await.ok();
    phone.is_told("happened.topup", "¥5,000", "¥5,000").await;
}

async fn pay(house: &House, phone: &Phone, id: &str, yen: i64) {
    let code = phone.code().await;
    let sale = json!({ "merchant_payment_id": id, "code": code, "amount": yen });
    if !house.pos("POST", "/payments", &sale).await.status.is_success() {
        // The code that is shown still is the one of the payment before.
        let code = phone.new_code(&code).await;
        let sale = json!({ "merchant_payment_id": id, "code": code, "amount": yen });
        house.pos("POST", "/payments", &sale).await.ok();
    }
}

/// Registers a card, from the page of cards.
async fn register(phone: &Phone, number: &str) {
    phone.press("[data-card-register]").await;
    phone.press("[data-stepup-confirm]").await;
    phone.fill("input[name=number]", number).await;
    phone.press("[name=act][value=register]").await;
    phone.press("[name=answer][value=right]").await;
    phone.see(r#"[data-outcome="done"]"#).await;
}

/// From the form to the bank's page.
async fn ask_bank(phone: &Phone) {
    phone.press("[data-auto-form] [type=submit]").await;
    phone.press("[data-stepup-confirm]").await;
    phone.see("[name=answer][value=right]").await;
}
