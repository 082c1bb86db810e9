//! A customer's phone: the wallet in a browser with a fingerprint sensor.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use omamori::web::text::Lang;

use super::authenticator::Sensor;
use super::browser::Browser;
use super::house::House;

/// The number that customers of tests have, as they type it and as it is stored.
pub const NUMBER: (&str, &str) = ("090-1234-5678", "+819012345678");

/// The sheet that tells what just happened.
const SHEET: &str = "#happened[open]";

/// A phone.
pub struct Phone(Browser);

impl Deref for Phone {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.0
    }
}

impl DerefMut for Phone {
    fn deref_mut(&mut self) -> &mut Browser {
        &mut self.0
    }
}

impl Phone {
    /// A new phone whose owner would use the sensor.
    pub async fn new(house: &House, name: &'static str, lang: Lang) -> Self {
        let mut browser = house.browser(name, lang).await;
        browser.sensor(Sensor::Owner).await;
        Self(browser)
    }

    /// A phone whose owner signed up, and whose camera sees a film.
    pub async fn that_sees(house: &House, lang: Lang, film: &Path) -> Self {
        let mut browser = house.browser_that_sees("phone", lang, film).await;
        browser.sensor(Sensor::Owner).await;
        let phone = Self(browser);
        phone.sign_up(house, NUMBER).await;
        phone
    }

    /// A phone whose owner signed up and looks at the home page.
    pub async fn signed_up(house: &House, name: &'static str, lang: Lang) -> Self {
        let phone = Self::new(house, name, lang).await;
        phone.sign_up(house, NUMBER).await;
        phone
    }

    /// Signs up. Gives the recovery codes.
    pub async fn sign_up(&self, house: &House, number: (&str, &str)) -> Vec<String> {
        self.ask_for_sms(number.0).await;
        let code = house.sms_code(number.1).await;
        self.enter_sms_code(&code).await;
        self.press(r#"[data-step="passkey"] [type=submit]"#).await;
        let codes = self.see("[data-signup-codes]").await;
        self.press(r#"[data-step="codes"] [type=submit]"#).await;
        self.arrives_at("/").await;
        self.code().await;
        codes.lines().map(str::to_owned).collect()
    }

    /// The first step of sign-up.
    pub async fn ask_for_sms(&self, number: &str) {
        self.go("/signup").await;
        self.fill("input[name=phone]", number).await;
        self.press(r#"[data-step="phone"] [type=submit]"#).await;
        self.see("input[name=code]").await;
    }

    /// The second step of sign-up.
    pub async fn enter_sms_code(&self, digits: &str) {
        self.fill("input[name=code]", digits).await;
        self.press(r#"[data-step="code"] [type=submit]"#).await;
    }

    /// The 24 digits that are shown.
    pub async fn code(&self) -> String {
        self.until("a payment code", async || self.code_now().await).await
    }

    /// The digits that come after `used`.
    pub async fn code_after(&self, used: &str) -> String {
        let next = async || self.code_now().await.filter(|digits| digits != used);
        self.until("the next payment code", next).await
    }

    /// A code other than `known`, asked for by hand. A phone that has shown all four codes of the
    /// step brings it with the next step.
    pub async fn new_code(&self, known: &str) -> String {
        let ask = "document.querySelector('[data-code-refresh]').click()";
        self.run(ask).await;
        self.code_after(known).await
    }

    async fn code_now(&self) -> Option<String> {
        let digits = self.glimpse("[data-code-digits]").await?.replace(' ', "");
        (digits.len() == 24).then_some(digits)
    }

    /// Marks the page as it is now, so that [`Self::is_same_page`] can tell a reload.
    pub async fn mark_page(&self) {
        self.run("window.markedByTest = true").await;
    }

    /// Whether the page was not loaded again since [`Self::mark_page`].
    pub async fn is_same_page(&self) -> bool {
        self.run("return window.markedByTest === true").await == true
    }

    /// Waits for the sheet about what happened, and puts it away. Gives where and when it happened.
    pub async fn is_told(&self, title: &str, amount: &str, balance: &str) -> String {
        let title = self.text.t(title);
        let told = async || {
            let sheet = self.glimpse(SHEET).await?;
            [title, amount, balance].iter().all(|part| sheet.contains(part)).then_some(())
        };
        self.until(&format!("the sheet {title} {amount}"), told).await;
        let place = self.see("[data-happened-store]").await;
        self.press("[data-happened-close]").await;
        self.gone(SHEET).await;
        place
    }

    /// The balance on the page.
    pub async fn reads_balance(&self, yen: &str) {
        self.read("[data-balance]", yen).await;
    }

    /// Ends the browser: see [`Browser::close`].
    pub async fn close(self) {
        self.0.close().await;
    }
}
