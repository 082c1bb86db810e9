//! A payment that its customer does not know, from the history to staff's decision; and how it is
//! found there. Pictures are left as in [`super::pictures`].

use omamori::console::access::Role;
use omamori::web::text::Lang;
use serde_json::json;

use super::console::desk;
use super::house::House;
use super::phone::Phone;
use super::pictures::picture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_payment_is_reported_in_japanese() {
    an_unknown_payment_is_reported(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_payment_is_reported_in_english() {
    an_unknown_payment_is_reported(Lang::En).await;
}

/// Goal: found by search, reported after a second thought, stopped at once, answered by staff, and
/// the customer reads each step without loading the page anew.
async fn an_unknown_payment_is_reported(lang: Lang) {
    let house = House::open().await;
    let phone = Phone::signed_up(&house, "phone", lang).await;
    let load = json!({ "merchant_topup_id": "t", "code": phone.code().await, "amount": 5_000 });
    house.pos("POST", "/topups", &load).await.ok();
    phone.is_told("happened.topup", "¥5,000", "¥5,000").await;
    house.sell("s-1", &phone.code().await, 480).await.ok();
    phone.is_told("happened.payment", "¥480", "¥4,520").await;
    search(&phone).await;
    months(&phone).await;
    report(&phone).await;

    // No code of this account is taken now.
    let fraud = desk(&house, "佐藤 花子", Role::Fraud, lang).await;
    fraud.type_like_a_scanner("q").await;
    fraud.see("[data-row]").await;
    picture(&fraud, "console-cases").await;
    fraud.screen(1280, 800, 1).await;
    fraud.press("[data-row] a").await;
    fraud.read("h1", "¥480").await;
    picture(&fraud, "console-case").await;
    fraud.screen(1280, 800, 1).await;
    fraud.type_like_a_scanner("t").await;
    fraud.see(r#"[data-state="taken"]"#).await;
    fraud.fill(r#"[data-say$="/ask"] [name=text]"#, "Were you there? / 行きましたか").await;
    fraud.press(r#"[data-say$="/ask"] button"#).await;
    fraud.see(r#"[data-state="waiting"]"#).await;

    phone.see(r#"[data-state="waiting"]"#).await;
    phone.read("[data-live=said]", "Were you there?").await;
    phone.picture("wallet-case").await;
    phone.fill("[data-reply] [name=text]", "いいえ <b>no</b>").await;
    phone.press("[data-reply] [type=submit]").await;
    phone.read("[data-live=said]", "<b>no</b>").await;

    fraud.reload().await;
    fraud.read("[data-live=said]", "<b>no</b>").await;
    decide(&fraud).await;
    phone.see(r#"[data-state="decided"]"#).await;
    phone.picture("wallet-case-decided").await;
    phone.go("/cases").await;
    phone.see(r#"[data-state="decided"]"#).await;
    phone.picture("wallet-cases").await;
    fraud.close().await;
    phone.close().await;
    house.close().await;
}

async fn search(phone: &Phone) {
    phone.go("/history").await;
    phone.press(".search-panel summary").await;
    phone.picture("wallet-history-search").await;
    // A wrong turn: nothing has this name.
    phone.fill("[data-search] [name=q]", "%").await;
    phone.press("[data-search] [type=submit]").await;
    phone.read("#history", phone.text.t("history.nothing")).await;
    phone.fill("[data-search] [name=q]", "").await;
    phone.fill("[data-search] [name=max]", "1000").await;
    phone.press("[data-search] [type=submit]").await;
    phone.read("#history", "−¥480").await;
    assert!(!phone.see("#history").await.contains("¥5,000"));
    phone.press("[data-search] [data-csv]").await;
    phone.read("#toasts", phone.text.t("history.csv_done")).await;
    phone.picture("wallet-history-found").await;
}

async fn months(phone: &Phone) {
    phone.go("/history/months").await;
    phone.read("[data-paid]", "¥480").await;
    phone.read(".chart__table", "¥480").await;
    phone.picture("wallet-months").await;
    phone.go("/history").await;
}

/// From the line to the case, with the turns that a hand takes.
async fn report(phone: &Phone) {
    phone.press(r#"#history [data-entry^="pay_"] a"#).await;
    phone.see("[data-unknown]").await;
    phone.press("[data-unknown]").await;
    phone.see("[data-dispute]").await;
    phone.picture("wallet-dispute").await;
    phone.press(r#"[data-dispute] [type=submit]"#).await;
    phone.see("[data-sure][open]").await;
    phone.picture("wallet-dispute-sure").await;
    phone.press("[data-sure] [data-dialog-close]").await;
    phone.gone("[data-sure][open]").await;
    phone.fill("[data-dispute] [name=text]", "家にいました").await;
    phone.press(r#"[data-dispute] [type=submit]"#).await;
    phone.press("[data-sure] [data-report]").await;
    phone.see(r#"[data-state="open"]"#).await;
    phone.read("[data-live=said]", "家にいました").await;
    phone.picture("wallet-case-open").await;
}

async fn decide(fraud: &super::browser::Browser) {
    fraud.see(r#"[data-state="taken"]"#).await;
    picture(fraud, "console-case-answered").await;
    fraud.screen(1280, 800, 1).await;
    fraud.press(r#"[data-act$="/decide/accepted"]"#).await;
    // A wrong turn: without a reason nothing is decided.
    fraud.press("[data-act-confirm]").await;
    fraud.see("[data-act-dialog][open]").await;
    fraud.fill("[data-act-form] [name=reason]", "別の端末").await;
    fraud.fill("[data-act-form] [name=message]", "Sorry. / ご不便をおかけしました").await;
    picture(fraud, "console-case-decide").await;
    fraud.screen(1280, 800, 1).await;
    fraud.press("[data-act-confirm]").await;
    fraud.gone("[data-act-dialog][open]").await;
    fraud.see(r#"[data-state="decided"]"#).await;
}
