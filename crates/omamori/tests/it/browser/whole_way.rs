//! The whole way of one yen, from sign-up to a payment without network.

use omamori::web::text::Lang;
use serde_json::{Value, json};

use super::browser::Browser;
use super::counter::Counter;
use super::house::{House, STORE};
use super::phone::{NUMBER, Phone};
use super::reader::read;

/// Goal: sign-up, cash, two sales, a refund and an offline sale, each seen on the phone as it
/// happens, and in the end every page and the ledger agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_way_of_one_yen() {
    let house = House::open().await;
    let counter = Counter::new(&house, Lang::Ja).await;
    let mut phone = Phone::new(&house, "phone", Lang::Ja).await;
    sign_up_with_the_code_on_the_sandbox_page(&phone, &counter).await;
    load_cash(&house, &phone, &counter).await;
    counter.close().await;
    pay_and_get_a_part_back(&house, &phone).await;
    pay_without_network(&house, &mut phone).await;
    phone.close().await;
    house.close().await;
}

async fn sign_up_with_the_code_on_the_sandbox_page(phone: &Phone, other: &Browser) {
    phone.go("/").await;
    phone.read("h1", phone.text.t("welcome.headline")).await;
    phone.press(r#".welcome a[href="/signup"]"#).await;
    phone.fill("input[name=phone]", NUMBER.0).await;
    phone.press(r#"[data-step="phone"] [type=submit]"#).await;
    phone.see("input[name=code]").await;
    other.go("/demo/sms").await;
    let code = other.see("[data-sms-code]").await;
    phone.enter_sms_code(&code).await;
    phone.press(r#"[data-step="passkey"] [type=submit]"#).await;
    let codes = phone.see("[data-signup-codes]").await;
    assert_eq!(codes.lines().count(), 10, "{codes}");
    phone.press(r#"[data-step="codes"] [type=submit]"#).await;
    phone.arrives_at("/").await;
    phone.reads_balance("¥0").await;
}

async fn load_cash(house: &House, phone: &Phone, counter: &Counter) {
    counter.go("/till").await;
    counter.enter_key(&house.till_key).await;
    counter.see("[data-shelf] .product").await;
    phone.mark_page().await;
    let code = phone.code().await;
    counter.top_up(5_000, &code).await;
    phone.is_told("happened.topup", "¥5,000", "¥5,000").await;
    phone.reads_balance("¥5,000").await;
    assert!(phone.is_same_page().await);
    assert_ne!(phone.code_after(&code).await, code, "a used code does not stay on the screen");
    assert_eq!(house.balance().await, 5_000);
}

/// What the screen shows, read by ZBar; both symbols must say the same.
async fn code_read_from(phone: &Phone) -> String {
    let seen = read(&phone.screenshot().await);
    assert_eq!(seen.code128, seen.qr);
    seen.qr
}

async fn pay_and_get_a_part_back(house: &House, phone: &Phone) {
    phone.mark_page().await;
    let small = code_read_from(phone).await;
    let sold = house.sell("sale-1", &small, 1_200).await.ok();
    let place = phone.is_told("happened.payment", "¥1,200", "¥3,800").await;
    let (store, time) = place.split_once(" · ").unwrap();
    assert_eq!(store, STORE);
    phone.read(".latest [data-entry]", time).await;
    phone.code_after(&small).await;
    phone.press("[data-code-open]").await;
    phone.see("[data-bright][open]").await;
    let large = code_read_from(phone).await;
    assert_ne!(large, small);
    house.sell("sale-2", &large, 300).await.ok();
    phone.is_told("happened.payment", "¥300", "¥3,500").await;

    let refund = json!({
        "merchant_refund_id": "refund-1", "merchant_payment_id": "sale-1", "amount": 450,
        "reason": "返品",
    });
    house.pos("POST", "/refunds", &refund).await.ok();
    phone.is_told("happened.refund", "¥450", "¥3,950").await;
    phone.reads_balance("¥3,950").await;
    assert!(phone.is_same_page().await);
    history_and_receipt_agree(phone, &sold).await;
    assert_eq!(house.balance().await, 3_950);
}

async fn history_and_receipt_agree(phone: &Phone, sold: &Value) {
    phone.press(r#".tabs [href="/history"]"#).await;
    phone.arrives_at("/history").await;
    let history = phone.see("#history").await;
    let amounts: Vec<_> = history.lines().filter(|line| line.contains('¥')).collect();
    assert_eq!(amounts, ["+¥450", "−¥300", "−¥1,200", "+¥5,000"], "{history}");
    assert_eq!(history.matches(STORE).count(), 4, "{history}");

    let payment_id = sold["payment"]["payment_id"].as_str().unwrap();
    phone.press(&format!(r#"[data-entry] [href="/receipt/{payment_id}"]"#)).await;
    phone.arrives_at(&format!("/receipt/{payment_id}")).await;
    let receipt = phone.see(".receipt").await;
    let parts = [STORE, "¥1,200", "+¥450", "返品", "¥750", payment_id, "sale-1"];
    for part in [&parts[..], &[phone.text.t("receipt.partially_refunded")]].concat() {
        assert!(receipt.contains(part), "{part} is not in {receipt}");
    }
}

async fn pay_without_network(house: &House, phone: &mut Phone) {
    phone.go("/").await;
    let before = phone.code().await;
    house.wire.cut();
    phone.reload().await;
    phone.read("h1", phone.text.t("offline.title")).await;
    let code = phone.new_code(&before).await;
    assert_eq!(code_read_from(phone).await, code);
    house.sell("sale-3", &code, 950).await.ok();
    assert_eq!(house.balance().await, 3_000);

    house.wire.mend();
    phone.press(r#".page--offline a[href="/"]"#).await;
    phone.reads_balance("¥3,000").await;
    phone.tolerates("net::ERR");
}

/// Goal: what happened while the open wallet had no network is on its page as soon as it is back,
/// without a reload; and the offline page leads home by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wallet_catches_up_with_what_it_missed() {
    let house = House::open().await;
    let counter = Counter::opened(&house, Lang::En).await;
    let mut phone = Phone::signed_up(&house, "phone", Lang::En).await;
    let code = phone.code().await;
    counter.top_up(2_000, &code).await;
    counter.close().await;
    phone.is_told("happened.topup", "¥2,000", "¥2,000").await;
    phone.mark_page().await;
    house.wire.cut();
    house.sell("sale-1", &phone.code_after(&code).await, 700).await.ok();
    phone.reads_balance("¥2,000").await;
    house.wire.mend();
    phone.reads_balance("¥1,300").await;
    phone.read(".latest", "−¥700").await;
    assert!(phone.is_same_page().await);

    house.wire.cut();
    phone.says_offline(true).await;
    phone.reload().await;
    phone.read("h1", phone.text.t("offline.title")).await;
    house.wire.mend();
    phone.says_offline(false).await;
    phone.reads_balance("¥1,300").await;
    phone.tolerates("net::ERR");
    phone.close().await;
    house.close().await;
}
