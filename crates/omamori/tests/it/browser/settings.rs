//! The settings page: this phone, recovery codes, language.

use omamori::web::text::{Lang, Text};

use super::authenticator::Sensor;
use super::house::House;
use super::phone::{NUMBER, Phone};

/// Goal: new recovery codes are ten others, shown once, and only to who confirms with the passkey.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_recovery_codes_need_the_passkey() {
    let house = House::open().await;
    let mut phone = Phone::new(&house, "phone", Lang::En).await;
    let first = phone.sign_up(&house, NUMBER).await;
    let passkey = phone.passkeys().await.remove(0);
    phone.go("/settings").await;
    let account = phone.see(r#"[aria-labelledby="account-title"]"#).await;
    assert!(account.contains("5678") && !account.contains("1234"), "masked: {account}");
    let phones = phone.see(r#"[aria-labelledby="devices-title"]"#).await;
    assert_eq!(phones.matches(phone.text.t("settings.this_phone")).count(), 1, "{phones}");

    phone.sensor(Sensor::SomebodyElse).await;
    phone.import_passkey(&passkey).await;
    phone.press("[data-recovery-new]").await;
    phone.press("[data-stepup-confirm]").await;
    phone.read("#toasts", phone.text.t("passkey.cancelled")).await;
    assert_eq!(phone.glimpse("[data-recovery-dialog][open]").await, None);

    phone.sensor(Sensor::Owner).await;
    phone.import_passkey(&passkey).await;
    phone.press("[data-recovery-new]").await;
    phone.press("[data-stepup-confirm]").await;
    let shown = phone.see("[data-recovery-dialog][open] [data-recovery-codes]").await;
    let second: Vec<_> = shown.lines().map(str::to_owned).collect();
    assert_eq!((first.len(), second.len()), (10, 10));
    assert!(second.iter().all(|code| !first.contains(code)), "{first:?} {second:?}");
    phone.press("[data-recovery-close]").await;
    phone.gone("[data-recovery-dialog][open]").await;
    let page = phone.html().await;
    assert!(second.iter().all(|code| !page.contains(code)));
    phone.close().await;
    house.close().await;
}

/// Goal: each page can be read in the other language, and choosing it leads back to the page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_language_can_be_chosen_on_each_page() {
    let house = House::open().await;
    let (ja, en) = (Text::new(Lang::Ja), Text::new(Lang::En));
    let phone = Phone::new(&house, "phone", Lang::Ja).await;
    let guest = [("/signup", "signup.phone_title"), ("/signin", "signin.title")];
    for (path, title) in guest.into_iter().chain([("/till", "till.key_title")]) {
        phone.go(path).await;
        phone.chooses_language(path, title, ja, en).await;
        phone.chooses_language(path, title, en, ja).await;
    }
    phone.sign_up(&house, NUMBER).await;
    phone.go("/settings").await;
    phone.chooses_language("/settings", "nav.settings", ja, en).await;
    phone.go("/").await;
    phone.read(".tabs", en.t("nav.history")).await;
    phone.close().await;
    house.close().await;
}

impl Phone {
    /// Changes the language of a page and stays on it.
    async fn chooses_language(&self, path: &str, title: &str, from: Text, to: Text) {
        self.read("h1", from.t(title)).await;
        self.press(&format!(r#".language [value="{}"]"#, to.lang())).await;
        self.read("h1", to.t(title)).await;
        assert_eq!(self.path().await, path);
    }
}
