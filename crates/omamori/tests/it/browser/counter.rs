//! A store's counter: the web register in a browser, with a scanner that plays a keyboard.

use std::ops::{Deref, DerefMut};

use omamori::web::text::Lang;

use super::browser::Browser;
use super::house::House;

/// A register.
pub struct Counter(Browser);

impl Deref for Counter {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.0
    }
}

impl DerefMut for Counter {
    fn deref_mut(&mut self) -> &mut Browser {
        &mut self.0
    }
}

impl Counter {
    /// A browser at the page that asks for the terminal's key.
    pub async fn new(house: &House, lang: Lang) -> Self {
        let browser = house.browser("register", lang).await;
        browser.screen(1280, 800, 1).await;
        browser.go("/till").await;
        Self(browser)
    }

    /// A register that is ready to sell.
    pub async fn opened(house: &House, lang: Lang) -> Self {
        let counter = Self::new(house, lang).await;
        counter.enter_key(&house.till_key).await;
        counter.see("[data-shelf] .product").await;
        counter
    }

    /// Types the terminal's key.
    pub async fn enter_key(&self, key: &str) {
        self.fill("input[name=api_key]", key).await;
        self.press("[data-key-form] [type=submit]").await;
    }

    /// Puts one piece of a product into the cart.
    pub async fn add(&self, (jan, ..): (&str, &str, i64)) {
        self.press(&format!(r#"[data-jan="{jan}"]"#)).await;
    }

    /// Presses "charge", so that the register waits for a code.
    pub async fn charge(&self) {
        self.press("[data-cart-pay]").await;
        self.see("[data-scan][open]").await;
    }

    /// Chooses an amount to load, so that the register waits for a code.
    pub async fn choose_topup(&self, yen: i64) {
        self.press(r#"[data-mode="topup"]"#).await;
        self.press(&format!(r#"[data-load-amounts] [value="{yen}"]"#)).await;
        self.see("[data-scan][open]").await;
    }

    /// Scans a code that the register waits for. A scan that was too slow to be taken for one is
    /// repeated, as a clerk does.
    pub async fn scan(&self, digits: &str) {
        self.until("the register to take the code", async || {
            self.type_like_a_scanner(digits).await;
            self.glimpse("[data-scan][open]").await.is_none().then_some(())
        })
        .await;
    }

    /// Waits for an answer in a state: `accepted`, `declined` or `unknown`. Its text.
    pub async fn answers(&self, state: &str) -> String {
        self.see(&format!(r#"[data-result][open][data-state="{state}"]"#)).await
    }

    /// Puts the answer away.
    pub async fn next_customer(&self) {
        self.press("[data-result-next]").await;
        self.gone("[data-result][open]").await;
    }

    /// Loads cash with the code on a phone.
    pub async fn top_up(&self, yen: i64, digits: &str) {
        self.choose_topup(yen).await;
        self.scan(digits).await;
        self.answers("accepted").await;
    }

    /// Ends the browser: see [`Browser::close`].
    pub async fn close(self) {
        self.0.close().await;
    }
}
