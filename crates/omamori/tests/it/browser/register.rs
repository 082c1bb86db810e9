//! The web register: its key, sales and refusals, refunds, cash.

use omamori::web::codes::Code;
use omamori::web::text::Lang;

use super::counter::Counter;
use super::house::{House, LUNCH, STORE, TEA};
use super::phone::Phone;

/// Goal: a wrong key opens nothing and is said to be wrong; the right one opens the store's
/// register, which stays open over a reload until it is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_register_opens_with_its_key_only() {
    let house = House::open().await;
    for lang in [Lang::Ja, Lang::En] {
        let mut counter = Counter::new(&house, lang).await;
        let (head, last) = house.till_key.split_at(house.till_key.len() - 1);
        let wrong = format!("{head}{}", if last == "x" { "y" } else { "x" });
        counter.enter_key(&wrong).await;
        counter.read("[data-key-error]", counter.text.t("till.key_wrong")).await;
        counter.enter_key(&house.till_key).await;
        counter.read(".till__where", STORE).await;
        counter.reload().await;
        counter.read("[data-shelf]", TEA.1).await;
        assert!(!counter.html().await.contains(&house.till_key), "the key stays on the page");
        counter.press("[data-till-signout]").await;
        counter.read("h1", counter.text.t("till.key_title")).await;
        counter.provokes("status of 401");
        counter.close().await;
    }
    house.close().await;
}

/// Goal: a declined sale says why to the clerk and, in both languages, to the customer; the cart
/// is still there for the next try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_sale_tells_clerk_and_customer_why() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house, "phone", Lang::Ja).await;
    let mut counter = Counter::opened(&house, Lang::En).await;
    counter.add(LUNCH).await;
    counter.charge().await;
    counter.scan(&phone.code().await).await;
    let said = counter.answers("declined").await;
    let why = Code::InsufficientFunds;
    let words = [why.clerk().en, why.customer().ja, why.customer().en, why.as_str(), "¥598"];
    for part in words {
        assert!(said.contains(part), "{part} is not in {said}");
    }

    let code = phone.new_code(&phone.code().await).await;
    counter.next_customer().await;
    counter.top_up(1_000, &code).await;
    counter.next_customer().await;
    counter.press(r#"[data-mode="sale"]"#).await;
    counter.read("[data-cart-total]", "¥598").await;
    counter.charge().await;
    counter.scan(&code).await;
    let said = counter.answers("declined").await;
    assert!(said.contains(Code::CodeAlreadyUsed.clerk().en), "{said}");
    counter.press("[data-result-rescan]").await;
    counter.see("[data-scan][open]").await;
    counter.scan(&phone.code_after(&code).await).await;
    let said = counter.answers("accepted").await;
    assert!(said.contains("¥598"), "{said}");
    assert_eq!(house.balance().await, 402);
    counter.provokes("status of 422");
    counter.provokes("status of 409");
    counter.close().await;
    phone.close().await;
    house.close().await;
}

/// Goal: goods are scanned or tapped, and what was bought stands on the customer's receipt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scanned_goods_stand_on_the_receipt_and_a_part_is_refunded() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house, "phone", Lang::En).await;
    let counter = Counter::opened(&house, Lang::Ja).await;
    counter.top_up(2_000, &phone.code().await).await;
    phone.is_told("happened.topup", "¥2,000", "¥2,000").await;
    counter.next_customer().await;
    counter.press(r#"[data-mode="sale"]"#).await;
    counter.scan_goods(TEA, "¥158").await;
    counter.scan_goods(TEA, "¥316").await;
    counter.add(LUNCH).await;
    counter.read("[data-cart-total]", "¥914").await;
    counter.charge().await;
    // Chromium on Linux has no reader for its camera (Shape Detection API).
    counter.press("[data-scan-camera]").await;
    counter.read("[data-scan-error]", counter.text.t("till.camera_missing")).await;
    counter.scan(&phone.code().await).await;
    let said = counter.answers("accepted").await;
    assert!(said.contains("¥914"), "{said}");
    phone.is_told("happened.payment", "¥914", "¥1,086").await;
    counter.next_customer().await;
    counter.read("[data-cart-total]", "¥0").await;

    counter.press(r#"[data-mode="receipts"]"#).await;
    counter.press("[data-receipts] [data-payment]").await;
    counter.press("[data-slip] .button--danger").await;
    counter.fill("[data-refund] input[name=amount]", "158").await;
    counter.fill("[data-refund] input[name=reason]", counter.text.t("till.reason_damaged")).await;
    counter.press("[data-refund] [type=submit]").await;
    let said = counter.answers("accepted").await;
    assert!(said.contains(counter.text.t("till.refunded")) && said.contains("¥158"), "{said}");
    phone.is_told("happened.refund", "¥158", "¥1,244").await;
    counter.next_customer().await;
    counter.read("[data-slip]", counter.text.t("receipt.partially_refunded")).await;
    phone.reads_receipt().await;
    the_rest_cannot_be_refunded_twice(&counter).await;
    phone.is_told("happened.refund", "¥756", "¥2,000").await;
    assert_eq!(house.balance().await, 2_000);
    counter.close().await;
    phone.close().await;
    house.close().await;
}

impl Counter {
    /// Scans a product, with no field in the focus, until the cart shows the sum.
    async fn scan_goods(&self, (jan, ..): (&str, &str, i64), sum: &str) {
        self.type_like_a_scanner(jan).await;
        self.read("[data-cart-total]", sum).await;
    }
}

impl Phone {
    async fn reads_receipt(&self) {
        self.press(".latest [data-entry] a").await;
        let receipt = self.see(".receipt").await;
        let refunded = self.text.t("receipt.partially_refunded");
        let parts = [TEA.1, "¥158 × 2", "¥316", LUNCH.1, "¥598", "¥914", "+¥158", "¥756", refunded];
        for part in parts {
            assert!(receipt.contains(part), "{part} is not in {receipt}");
        }
        self.go("/").await;
    }
}

/// The form offers what is left; after that there is nothing to press.
async fn the_rest_cannot_be_refunded_twice(counter: &Counter) {
    counter.press("[data-slip] .button--danger").await;
    counter.read("[data-refund-max]", "¥756").await;
    counter.fill("[data-refund] input[name=amount]", "757").await;
    counter.press("[data-refund] [type=submit]").await;
    let valid = "return document.querySelector('[data-refund] input[name=amount]').validity.valid";
    assert_eq!(counter.run(valid).await, false, "more than was paid");
    counter.fill("[data-refund] input[name=amount]", "756").await;
    counter.press("[data-refund] [type=submit]").await;
    counter.answers("accepted").await;
    counter.next_customer().await;
    counter.read("[data-slip]", counter.text.t("receipt.refunded")).await;
    counter.gone("[data-slip] .button--danger").await;
}

/// Goal: a cash top-up that was a mistake is undone at the register and gone from the wallet; a
/// sale is cancelled only after the clerk was asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topup_is_undone_and_a_sale_cancelled() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house, "phone", Lang::Ja).await;
    let counter = Counter::opened(&house, Lang::En).await;
    counter.top_up(3_000, &phone.code().await).await;
    phone.is_told("happened.topup", "¥3,000", "¥3,000").await;
    counter.press("[data-result-undo]").await;
    counter.read("[data-result][open]", counter.text.t("till.topup_undone")).await;
    phone.is_told("happened.topup_cancel", "¥3,000", "¥0").await;
    assert_eq!(house.balance().await, 0);
    counter.next_customer().await;

    counter.top_up(1_000, &phone.code().await).await;
    phone.is_told("happened.topup", "¥1,000", "¥1,000").await;
    counter.next_customer().await;
    counter.press(r#"[data-mode="sale"]"#).await;
    counter.press(r#"[data-entry="keypad"]"#).await;
    for digit in ["7", "00"] {
        counter.press(&format!(r#"[data-keypad-keys] [value="{digit}"]"#)).await;
    }
    counter.press("[data-keypad-add]").await;
    counter.charge().await;
    counter.scan(&phone.code().await).await;
    counter.answers("accepted").await;
    phone.is_told("happened.payment", "¥700", "¥300").await;
    counter.next_customer().await;
    counter.press(r#"[data-mode="receipts"]"#).await;
    counter.press("[data-receipts] [data-payment]").await;
    counter.press("[data-slip] .button--danger-quiet").await;
    counter.accept_question().await;
    counter.read("[data-result][open]", counter.text.t("till.canceled")).await;
    phone.is_told("happened.cancel", "¥700", "¥1,000").await;
    assert_eq!(house.balance().await, 1_000);
    counter.close().await;
    phone.close().await;
    house.close().await;
}
