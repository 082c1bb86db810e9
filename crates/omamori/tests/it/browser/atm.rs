//! The number of an ATM, by thumb: wrong, right, agreed to, called off, loaded.

use omamori::merchant::create_terminal;
use omamori::web::text::Lang;
use serde_json::{Value, json};

use super::house::House;
use super::phone::Phone;
use super::pictures::picture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_atms_number_is_typed_and_loads_in_japanese() {
    a_number_is_typed(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_atms_number_is_typed_and_loads_in_english() {
    a_number_is_typed(Lang::En).await;
}

/// Goal: from the ATM's screen to the balance, with each wrong turn beside it.
async fn a_number_is_typed(lang: Lang) {
    let house = House::open().await;
    let made = create_terminal(&house.app, &house.store_id, "ATM 1号機", "atm").await.unwrap();
    let mut phone = Phone::signed_up(&house, "phone", lang).await;
    let number = session(&house, &made.api_key, "a-1").await;
    phone.go("/topup").await;
    phone.press(r#".way[href="/topup/atm"]"#).await;
    phone.arrives_at("/topup/atm").await;
    let wrong = if number == "12345678" { "12345679" } else { "12345678" };
    phone.fill("[data-atm-form] [name=number]", wrong).await;
    phone.press("[data-atm-form] [type=submit]").await;
    phone.see("[data-atm-error]:not(:empty)").await;
    phone.provokes("status of 422");
    picture(&phone, "atm-wrong").await;

    type_in(&phone, &format!("{} {}", &number[..4], &number[4..])).await;
    phone.read("[data-atm-name]", "ATM 1号機").await;
    picture(&phone, "atm-ask").await;
    phone.press("[data-atm-cancel]").await;
    phone.gone("[data-atm-dialog][open]").await;
    type_in(&phone, &number).await;
    phone.press("[data-atm-agree]").await;
    phone.see("[data-atm-claimed]").await;
    picture(&phone, "atm-claimed").await;
    // Thinks better of it; then the ATM shows another number.
    phone.press("[data-atm-leave]").await;
    phone.gone("[data-atm-claimed]").await;
    let number = session(&house, &made.api_key, "a-2").await;
    type_in(&phone, &number).await;
    phone.press("[data-atm-agree]").await;
    phone.see("[data-atm-claimed]").await;
    let cash = json!({ "merchant_topup_id": "a-2", "amount": 10_000 });
    house.pos_as(&made.api_key, "POST", "/atm-topups", &cash).await.ok();
    phone.is_told("happened.topup", "¥10,000", "¥10,000").await;
    phone.gone("[data-atm-claimed]").await;
    picture(&phone, "atm-done").await;
    phone.close().await;
    house.close().await;
}

/// The number on the ATM's screen.
async fn session(house: &House, key: &str, id: &str) -> String {
    let path = format!("/atm-sessions/{id}");
    let answer = house.pos_as(key, "POST", &path, &Value::Null).await.ok();
    answer["session"]["number"].as_str().unwrap().to_owned()
}

async fn type_in(phone: &Phone, number: &str) {
    phone.fill("[data-atm-form] [name=number]", number).await;
    phone.press("[data-atm-form] [type=submit]").await;
    phone.see("[data-atm-dialog][open]").await;
}
