//! The terms before the first top-up, by thumb.

use omamori::terms::{Kind, publish};
use omamori::web::codes::Code;
use omamori::web::text::Lang;
use serde_json::json;

use super::house::House;
use super::phone::Phone;
use super::pictures::picture;

const TERMS: &str = include_str!("../../../../../deploy/texts/terms.example.toml");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terms_come_before_the_first_top_up_in_japanese() {
    the_terms_come_before_the_first_top_up(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terms_come_before_the_first_top_up_in_english() {
    the_terms_come_before_the_first_top_up(Lang::En).await;
}

/// Goal: the register says what to do; the phone shows the terms on the way to the code, once;
/// then the register takes the cash.
async fn the_terms_come_before_the_first_top_up(lang: Lang) {
    let house = House::open().await;
    let registry = &house.app.stores.registry;
    publish(registry, Kind::Terms, TERMS, "test", house.app.clock.now()).await.unwrap();
    let phone = Phone::signed_up(&house, "phone", lang).await;
    let code = phone.code().await;
    let topup = json!({ "merchant_topup_id": "t-1", "code": code, "amount": 10_000 });
    house.pos("POST", "/topups", &topup).await.refused(Code::TermsUnconfirmed);
    phone.go("/topup/register").await;
    phone.read("h1", phone.text.t("termsgate.title")).await;
    picture(&phone, "topup-terms").await;
    phone.press("[data-terms-form] [name=read]").await;
    phone.press("[data-terms-form] [type=submit]").await;
    phone.read("h1", phone.text.t("topup.title")).await;
    let topup = json!({ "merchant_topup_id": "t-2", "code": phone.code().await, "amount": 10_000 });
    house.pos("POST", "/topups", &topup).await.ok();
    phone.go("/topup").await;
    phone.see(".waysin").await;
    phone.close().await;
    house.close().await;
}
