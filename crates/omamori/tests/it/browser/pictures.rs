//! Every page at the size of a phone and of a desk, in both languages: nothing sticks out, nothing
//! is missing. The pictures are left in `target/screenshots` for people to look at.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omamori::merchant::{invite, put_product};
use omamori::web::text::Lang;
use serde_json::{Value, json};

use super::authenticator::Sensor;
use super::browser::Browser;
use super::counter::Counter;
use super::house::{House, LUNCH, TEA};
use super::phone::{NUMBER, Phone};

/// Name, width, height, pixels of the screen for each of the page.
const SCREENS: [(&str, u32, u32, u32); 2] = [("phone", 390, 844, 2), ("desk", 1280, 800, 1)];

/// More goods, so that the shelf looks like one.
const SHELF: [(&str, &str, i64); 7] = [
    ("2000000000015", "おにぎり 鮭", 160),
    ("2000000000022", "おにぎり 梅", 140),
    ("2000000000039", "たまごサンド", 298),
    ("2000000000053", "ホットコーヒー R", 130),
    ("2000000000060", "肉まん", 150),
    ("2000000000084", "プリン", 178),
    ("2000000000121", "牛乳 1L", 268),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_fits_its_screen_in_japanese() {
    every_page_fits_its_screen(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_fits_its_screen_in_english() {
    every_page_fits_its_screen(Lang::En).await;
}

async fn every_page_fits_its_screen(lang: Lang) {
    let house = House::open().await;
    for (jan, name, unit_price) in SHELF {
        put_product(&house.app, &house.merchant_id, jan, name, unit_price).await.unwrap();
    }
    let counter = Counter::new(&house, lang).await;
    picture(&counter, "till-key").await;
    let mut phone = Phone::new(&house, "phone", lang).await;
    signup_and_signin(&house, &phone).await;
    phone.go("/").await;
    phone.code().await;
    picture(&phone, "wallet-empty").await;
    counter.enter_key(&house.till_key).await;
    counter.see("[data-shelf] .product").await;
    let payment_id = sell(&house, &counter, &phone).await;
    wallet(&phone, &payment_id).await;
    phone.go("/nowhere").await;
    picture(&phone, "not-found").await;
    phone.provokes("status of 404");
    phone.close().await;
    till_receipts(&counter).await;
    counter.go("/demo/sms").await;
    counter.see("[data-sms-code]").await;
    picture(&counter, "sms").await;
    counter.go("/api").await;
    picture(&counter, "api").await;
    merchant(&house, counter).await;
    house.close().await;
}

async fn signup_and_signin(house: &House, phone: &Phone) {
    phone.go("/").await;
    picture(phone, "welcome").await;
    phone.go("/privacy").await;
    phone.see("h1").await;
    picture(phone, "privacy").await;
    phone.go("/signin").await;
    phone.see("[data-signin-stranger]").await;
    picture(phone, "signin").await;
    phone.go("/signup").await;
    picture(phone, "signup").await;
    phone.ask_for_sms(NUMBER.0).await;
    picture(phone, "signup-code").await;
    let code = house.sms_code(NUMBER.1).await;
    phone.enter_sms_code(&code).await;
    phone.see(r#"[data-step="passkey"] h1"#).await;
    picture(phone, "signup-passkey").await;
    phone.press(r#"[data-step="passkey"] [type=submit]"#).await;
    phone.see("[data-signup-codes]").await;
    picture(phone, "signup-recovery").await;
    phone.press(r#"[data-step="codes"] [type=submit]"#).await;
    phone.arrives_at("/").await;
}

/// A top-up, a declined sale, a sale and a part of it back. Gives the payment's id.
async fn sell(house: &House, counter: &Counter, phone: &Phone) -> String {
    counter.press(r#"[data-mode="topup"]"#).await;
    picture(counter, "till-topup").await;
    counter.top_up(10_000, &phone.code().await).await;
    picture(counter, "till-topup-done").await;
    phone.is_told("happened.topup", "¥10,000", "¥10,000").await;
    counter.next_customer().await;
    counter.press(r#"[data-mode="sale"]"#).await;
    for product in [TEA, TEA, LUNCH] {
        counter.add(product).await;
    }
    counter.read("[data-cart-total]", "¥914").await;
    picture(counter, "till-sale").await;
    counter.press(r#"[data-entry="keypad"]"#).await;
    picture(counter, "till-keypad").await;
    counter.charge().await;
    picture(counter, "till-scan").await;
    let code = phone.code().await;
    counter.scan(&code).await;
    counter.answers("accepted").await;
    phone.read("#happened[open]", "¥914").await;
    picture(phone, "wallet-paid").await;
    picture(counter, "till-paid").await;
    phone.press("[data-happened-close]").await;
    counter.next_customer().await;
    counter.press(r#"[data-entry="shelf"]"#).await;
    counter.add(LUNCH).await;
    counter.charge().await;
    counter.scan(&code).await;
    counter.answers("declined").await;
    picture(counter, "till-declined").await;
    counter.next_customer().await;

    let payment = house.payments().await.remove(0);
    let refund = json!({
        "merchant_refund_id": "r-1", "merchant_payment_id": payment["merchant_payment_id"],
        "amount": 158, "reason": "破損",
    });
    house.pos("POST", "/refunds", &refund).await.ok();
    phone.is_told("happened.refund", "¥158", "¥9,244").await;
    payment["payment_id"].as_str().unwrap().to_owned()
}

async fn wallet(phone: &Phone, payment_id: &str) {
    phone.go("/").await;
    phone.code().await;
    picture(phone, "wallet-home").await;
    phone.press("[data-code-open]").await;
    phone.see("[data-bright][open]").await;
    picture(phone, "wallet-code").await;
    phone.press("[data-bright-close]").await;
    let receipt = format!("/receipt/{payment_id}");
    let pages = [
        ("/topup", "wallet-topup"),
        ("/topup/register", "wallet-topup-register"),
        ("/topup/atm", "wallet-topup-atm"),
        ("/history", "wallet-history"),
        (&receipt, "wallet-receipt"),
        ("/privacy", "wallet-privacy"),
        ("/settings", "wallet-settings"),
    ];
    for (path, name) in pages {
        phone.go(path).await;
        phone.see("h1").await;
        picture(phone, name).await;
    }
    phone.press("[data-recovery-new]").await;
    phone.press("[data-stepup-confirm]").await;
    phone.see("[data-recovery-dialog][open]").await;
    picture(phone, "wallet-recovery").await;
    phone.press("[data-recovery-close]").await;
    phone.gone("[data-recovery-dialog][open]").await;
    // The offline page itself: with a network it would lead home by itself at once.
    phone.go("/offline").await;
    phone.code().await;
    picture(phone, "wallet-offline").await;
}

async fn till_receipts(counter: &Counter) {
    counter.press(r#"[data-mode="receipts"]"#).await;
    counter.press("[data-receipts] [data-payment]").await;
    counter.see("[data-slip] .lines").await;
    picture(counter, "till-receipts").await;
    counter.press("[data-slip] .button--danger").await;
    counter.see("[data-refund][open]").await;
    picture(counter, "till-refund").await;
}

async fn merchant(house: &House, mut office: Counter) {
    let invitation = invite(&house.app, &house.merchant_id, "店長").await.unwrap();
    office.sensor(Sensor::Owner).await;
    office.go("/merchant").await;
    picture(&office, "merchant-signin").await;
    office.go(&format!("/merchant?invite={invitation}")).await;
    picture(&office, "merchant-invite").await;
    office.fill("[data-invite-form] [name=name]", "佐藤 花子").await;
    office.press("[data-invite-form] [type=submit]").await;
    office.see(".stores .table").await;
    picture(&office, "merchant").await;
    office.press("[data-terminal-new]").await;
    picture(&office, "merchant-new").await;
    office.fill("[data-new-form] [name=name]", "レジ2").await;
    office.press("[data-new-form] [type=submit]").await;
    office.see("[data-key-dialog][open]").await;
    picture(&office, "merchant-key").await;
    office.provokes("status of 409"); // the code that was used again
    office.close().await;
}

impl Phone {
    /// Takes the page, for people to look at.
    pub async fn picture(&self, name: &str) {
        picture(self, name).await;
        self.screen(390, 844, 2).await;
    }
}

/// Takes the page at each size, and checks that it is no wider than the screen.
pub async fn picture(browser: &Browser, name: &str) {
    for (screen, width, height, scale) in SCREENS {
        browser.screen(width, height, scale).await;
        let moves = async || (browser.run(STANDS_STILL).await == true).then_some(());
        browser.until("the end of all movement", moves).await;
        let folder = folder().join(format!("{}-{screen}", browser.text.lang()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), browser.screenshot().await).unwrap();
        let outside = browser.run(STICKS_OUT).await;
        assert_eq!(outside, Value::Null, "sticks out of {name} on a {screen}");
    }
}

/// Takes the page from its head to its foot at each size. The bar at the foot of a phone stands
/// where the screen ends.
pub async fn whole_picture(browser: &Browser, name: &str) {
    for (screen, width, height, _) in SCREENS {
        browser.screen(width, height, 1).await;
        let size = browser.devtools("Page.getLayoutMetrics", json!({})).await;
        let clip = json!({
            "x": 0, "y": 0, "width": width, "height": size["cssContentSize"]["height"], "scale": 1,
        });
        let wish = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let taken = browser.devtools("Page.captureScreenshot", wish).await;
        let bytes = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        let folder = folder().join(format!("{}-{screen}", browser.text.lang()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
        let outside = browser.run(STICKS_OUT).await;
        assert_eq!(outside, Value::Null, "sticks out of {name} on a {screen}");
    }
}

/// Whether nothing fades or slides any more. What turns for ever does not count.
const STANDS_STILL: &str = "\
    return document.getAnimations().every((animation) => \
        animation.effect.getComputedTiming().endTime === Infinity)";

/// The first visible element that reaches beyond the right edge of the page or of its dialog.
const STICKS_OUT: &str = "\
    for (const root of [document.documentElement, ...document.querySelectorAll('dialog[open]')]) { \
        if (root.scrollWidth <= root.clientWidth) continue; \
        const edge = root.getBoundingClientRect().left + root.clientLeft + root.clientWidth; \
        const out = [...root.querySelectorAll('*')].find((element) => \
            element.checkVisibility() && element.getBoundingClientRect().right > edge); \
        return (out ?? root).outerHTML.slice(0, 200); \
    } \
    return null";

/// Where pictures are left for people to look at.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots")
}
