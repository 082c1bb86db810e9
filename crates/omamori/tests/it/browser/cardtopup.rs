//! A card is registered and charged, by way of the gateway's own pages and the bank's question.

use omamori::web::text::Lang;

use super::house::House;
use super::phone::Phone;
use super::pictures::picture;

const CHALLENGE: &str = "4000000000003220";

/// Goal: from nothing to balance with a thumb, and a wrong answer to the bank beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_tops_up_after_the_banks_question_in_japanese() {
    a_card_tops_up(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_tops_up_after_the_banks_question_in_english() {
    a_card_tops_up(Lang::En).await;
}

async fn a_card_tops_up(lang: Lang) {
    let house = House::open().await;
    let phone = Phone::signed_up(&house, "phone", lang).await;
    phone.go("/topup").await;
    phone.press(r#".way[href="/topup/card"]"#).await;
    phone.see("[data-card-register]").await;
    picture(&phone, "card-none").await;
    phone.press("[data-card-register]").await;
    phone.press("[data-stepup-confirm]").await;
    phone.fill("input[name=number]", CHALLENGE).await;
    picture(&phone, "card-gateway").await;
    phone.press("[name=act][value=register]").await;
    phone.see("[name=answer][value=right]").await;
    picture(&phone, "card-bank").await;
    phone.press("[name=answer][value=right]").await;
    phone.see(r#"[data-outcome="done"]"#).await;
    picture(&phone, "card-registered").await;

    ask(&phone, 5_000).await;
    phone.press("[name=answer][value=wrong]").await;
    phone.see(r#"[data-outcome="refused"]"#).await;
    picture(&phone, "card-refused").await;
    assert_eq!(house.balance().await, 0);

    ask(&phone, 10_000).await;
    phone.press("[name=answer][value=none]").await;
    phone.see(r#"[data-outcome="challenge"]"#).await;
    phone.see("[data-continue]:not([hidden])").await;
    picture(&phone, "card-challenge").await;
    phone.press("[data-continue]").await;
    phone.press("[name=answer][value=right]").await;
    phone.see(r#"[data-outcome="credited"]"#).await;
    assert_eq!(house.balance().await, 10_000);
    phone.go("/topup/card").await;
    phone.see("[data-card-topup]").await;
    picture(&phone, "card-amounts").await;
    phone.go("/history").await;
    phone.read(".entry", phone.text.t("entry.topup_card")).await;
    picture(&phone, "card-history").await;
    phone.close().await;
    house.close().await;
}

/// Asks for a top-up, and arrives at the bank.
async fn ask(phone: &Phone, amount: i64) {
    phone.go("/topup/card").await;
    phone.press(&format!(r#".amounts__choice:has([value="{amount}"])"#)).await;
    phone.press("[data-card-topup] [type=submit]").await;
    phone.press("[data-stepup-confirm]").await;
    phone.see("[name=answer][value=right]").await;
}
