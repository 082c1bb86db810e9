//! The e-mail address in the settings: added, then changed, and the wrong turns.

use omamori::notify::deliver_due;
use omamori::web::text::Lang;

use super::house::House;
use super::phone::Phone;
use super::signup::wrong;

const FIRST: &str = "hanako@example.jp";
const SECOND: &str = "tanaka@example.com";
const ACCOUNT: &str = r#"[aria-labelledby="account-title"]"#;

impl Phone {
    /// Begins a change of the e-mail address, up to the code that goes there.
    async fn changes_email(&self, address: &str) {
        self.press(r#"[data-contact-change="email"]"#).await;
        self.fill(r#"[data-contact-form="email"] [name=value]"#, address).await;
        self.press(r#"[data-contact-form="email"] [type=submit]"#).await;
        self.read("[data-stepup-words]", address).await;
    }

    async fn enters_email_code(&self, code: &str) {
        self.fill(r#"[data-contact-form="code"] [name=code]"#, code).await;
        self.press(r#"[data-contact-form="code"] [type=submit]"#).await;
    }
}

/// Goal: an address is added and changed with the passkey and the code that went there; without
/// the passkey nothing is sent, another code changes nothing, and the old address is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_address_is_added_and_changed_and_the_old_one_is_told() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house, "phone", Lang::En).await;
    phone.go("/settings").await;
    phone.read(ACCOUNT, phone.text.t("contacts.none")).await;
    phone.changes_email(FIRST).await;
    phone.press("[data-stepup-cancel]").await;
    phone.read("#toasts", phone.text.t("passkey.cancelled")).await;
    assert!(house.sms(FIRST).is_empty(), "sent before it was confirmed");

    for (address, masked) in [(FIRST, "h***@example.jp"), (SECOND, "t***@example.com")] {
        phone.go("/settings").await;
        let before = phone.see(ACCOUNT).await;
        phone.changes_email(address).await;
        phone.press("[data-stepup-confirm]").await;
        let code = house.sms_code(address).await;
        phone.enters_email_code(&wrong(&code)).await;
        phone.see("#toasts .toast").await;
        phone.go("/settings").await;
        assert_eq!(phone.see(ACCOUNT).await, before, "a wrong code changed the address");

        phone.changes_email(address).await;
        phone.press("[data-stepup-confirm]").await;
        let code = house.sms_code_after(address, &code).await;
        phone.enters_email_code(&code).await;
        phone.read(ACCOUNT, masked).await;
    }
    assert!(!phone.see(ACCOUNT).await.contains("h***@"));

    deliver_due(&house.app).await.unwrap();
    let told = house.sms(FIRST);
    let changed = phone.text.t("notice.email_changed");
    let letter = told.iter().find(|sent| {
        sent.text.contains(changed) || sent.title.as_deref().is_some_and(|t| t.contains(changed))
    });
    let letter = letter.unwrap_or_else(|| panic!("the old address was not told: {told:?}"));
    assert!(letter.text.contains("t***@example.com") && !letter.text.contains(SECOND));
    phone.provokes("status of 422");
    phone.close().await;
    house.close().await;
}
