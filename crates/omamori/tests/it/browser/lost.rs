//! A lost phone: the account is stopped from another one, a stopped account's code is refused at
//! the till, and only its holder starts it again.

use omamori::web::codes::Code;
use omamori::web::text::Lang;

use super::authenticator::Sensor;
use super::counter::Counter;
use super::house::{House, TEA};
use super::phone::{NUMBER, Phone};

const CONFIRM: &str = "[data-stepup-confirm]";
/// Makes codes on the phone, whatever the account is: so does a thief's own page.
const OTHER_PAGE: &str = "/topup/register";

impl Phone {
    /// Moves the wallet here with the passkey that is in the sensor.
    async fn moves_here(&self, house: &House) {
        let known = house.sms_code(NUMBER.1).await;
        self.go("/move").await;
        self.press(r#"[data-step="passkey"] [type=submit]"#).await;
        let code = house.sms_code_after(NUMBER.1, &known).await;
        self.fill(r#"[data-step="code"] [name=code]"#, &code).await;
        self.press(r#"[data-step="code"] [type=submit]"#).await;
        self.arrives_at("/").await;
        self.code().await;
    }
}

impl Counter {
    /// Sells tea, and is told that the account is stopped.
    async fn is_told_that_the_account_is_stopped(&self, code: &str) {
        self.charge().await;
        self.scan(code).await;
        let said = self.answers("declined").await;
        assert!(said.contains(Code::AccountFrozen.as_str()), "{said}");
        self.next_customer().await;
    }
}

/// Goal: one tap stops the account, and its code pays no more; somebody else's finger does not
/// start it again, the owner's does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_account_pays_nothing_until_its_owner_starts_it() {
    let house = House::open().await;
    let mut counter = Counter::opened(&house, Lang::Ja).await;
    let mut phone = Phone::signed_up(&house, "phone", Lang::En).await;
    counter.top_up(3_000, &phone.code().await).await;
    counter.next_customer().await;
    counter.press(r#"[data-mode="sale"]"#).await;
    counter.add(TEA).await;
    phone.is_told("happened.topup", "¥3,000", "¥3,000").await;
    phone.go("/settings").await;
    phone.press("[data-account-stop]").await;
    phone.see("[data-account-resume]").await;
    phone.go("/settings").await;
    phone.picture("settings-stopped").await;
    phone.go("/").await;
    phone.see("[data-code-closed]").await; // no code is shown where one pays
    phone.picture("home-stopped").await;
    phone.go(OTHER_PAGE).await;
    let code = phone.code().await;
    counter.is_told_that_the_account_is_stopped(&code).await;

    let passkey = phone.passkeys().await.remove(0);
    phone.sensor(Sensor::SomebodyElse).await;
    phone.import_passkey(&passkey).await;
    phone.go("/settings").await;
    phone.press("[data-account-resume]").await;
    phone.press(CONFIRM).await;
    phone.read("#toasts", phone.text.t("passkey.cancelled")).await;
    phone.go(OTHER_PAGE).await;
    counter.is_told_that_the_account_is_stopped(&phone.new_code(&code).await).await;

    phone.sensor(Sensor::Owner).await;
    phone.import_passkey(&passkey).await;
    phone.go("/settings").await;
    phone.press("[data-account-resume]").await;
    phone.press(CONFIRM).await;
    phone.see("[data-account-stop]").await;
    phone.go("/").await;
    let code = phone.new_code(&phone.code().await).await;
    counter.charge().await;
    counter.scan(&code).await;
    counter.answers("accepted").await;
    assert_eq!(house.balance().await, 3_000 - TEA.2);
    counter.provokes("status of 422");
    counter.close().await;
    phone.close().await;
    house.close().await;
}

/// Goal: the phone that a wallet left stops the account that is now in somebody else's hand. The
/// phone that pays is refused at the till and cannot start the account again; the one that the
/// wallet is fetched back to does, and pays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_phone_is_stopped_from_the_other_one() {
    let house = House::open().await;
    let mut counter = Counter::opened(&house, Lang::Ja).await;
    let mut old = Phone::signed_up(&house, "old phone", Lang::Ja).await;
    counter.top_up(3_000, &old.code().await).await;
    counter.next_customer().await;
    counter.press(r#"[data-mode="sale"]"#).await;
    counter.add(TEA).await;
    let mut lost = Phone::new(&house, "lost phone", Lang::En).await;
    lost.import_passkey(&old.passkeys().await.remove(0)).await;
    lost.moves_here(&house).await;

    old.go("/").await;
    old.arrives_at("/moved").await;
    old.press("[data-stop]").await;
    old.read("#toasts", old.text.t("account.stopped")).await;
    lost.go(OTHER_PAGE).await;
    counter.is_told_that_the_account_is_stopped(&lost.code().await).await;
    lost.go("/settings").await;
    lost.press("[data-account-resume]").await;
    lost.press(CONFIRM).await;
    lost.see("#toasts .toast").await;
    lost.go(OTHER_PAGE).await;
    let code = lost.new_code(&lost.code().await).await;
    counter.is_told_that_the_account_is_stopped(&code).await;

    old.press("[data-undo]").await;
    old.arrives_at("/settings").await;
    // The passkey has signed on the lost phone, and counts.
    old.sensor(Sensor::Owner).await;
    old.import_passkey(&lost.passkeys().await.remove(0)).await;
    old.press("[data-account-resume]").await;
    old.press(CONFIRM).await;
    old.see("[data-account-stop]").await;
    old.go("/").await;
    counter.charge().await;
    counter.scan(&old.code().await).await;
    counter.answers("accepted").await;
    assert_eq!(house.balance().await, 3_000 - TEA.2);
    counter.provokes("status of 422");
    lost.tolerates("status of 4");
    old.tolerates("status of 40");
    counter.close().await;
    lost.close().await;
    old.close().await;
    house.close().await;
}
