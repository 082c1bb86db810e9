//! A phone without passkeys: sign-up, sign-in, step-up, a passkey later, and the wrong turns.

use omamori::web::text::Lang;

use super::house::House;
use super::phone::{NUMBER, Phone};
use super::totp::App;

pub const PASSWORD: &str = "柳とねこの夢 kq7";
const REFUSED: &str = "status of 422";
const CODE: &str = "[data-stepup-dialog] input[name=code]";
const CONFIRM: &str = "[data-stepup-confirm]";

impl Phone {
    /// Signs up with a password and an app. Gives the app and the recovery codes.
    pub async fn sign_up_with_password(&self, house: &House) -> (App, Vec<String>) {
        self.ask_for_sms(NUMBER.0).await;
        let code = house.sms_code(NUMBER.1).await;
        self.enter_sms_code(&code).await;
        self.press("[data-signup-no-passkey]").await;
        self.fill(r#"[data-step="password"] [name=password]"#, "password").await;
        self.press(r#"[data-step="password"] [type=submit]"#).await;
        self.read("[data-signup-error]", self.text.t("password.too_common")).await;
        self.fill(r#"[data-step="password"] [name=password]"#, PASSWORD).await;
        self.press(r#"[data-step="password"] [type=submit]"#).await;
        let mut app = App::new(&self.see("[data-totp-secret]").await);
        self.fill("input[name=totp]", &app.code().await).await;
        self.press(r#"[data-step="totp"] [type=submit]"#).await;
        let codes = self.see("[data-signup-codes]").await;
        self.press(r#"[data-step="codes"] [type=submit]"#).await;
        self.arrives_at("/").await;
        (app, codes.lines().map(str::to_owned).collect())
    }

    pub async fn sign_in_with_password(&self, password: &str, code: &str) {
        self.go("/signin").await;
        self.press("[data-signin-password] summary").await;
        self.fill("[data-signin-form] [name=phone]", NUMBER.0).await;
        self.fill("[data-signin-form] [name=password]", password).await;
        self.fill("[data-signin-form] [name=totp]", code).await;
        self.press("[data-signin-form] [type=submit]").await;
    }

    pub async fn confirm_with_code(&self, code: &str) {
        self.fill(CODE, code).await;
        self.press(CONFIRM).await;
    }
}

/// Goal: a wrong and a replayed code open nothing; the right one opens the wallet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_and_app_sign_in_and_a_code_works_once() {
    let house = House::open().await;
    let mut phone = Phone::new(&house, "phone", Lang::Ja).await;
    let (mut app, _) = phone.sign_up_with_password(&house).await;
    phone.go("/settings").await;
    phone.press("[data-signout]").await;
    phone.press("[data-signout-confirm]").await;
    phone.read("h1", phone.text.t("welcome.headline")).await;
    phone.sign_in_with_password(PASSWORD, &app.last_code()).await;
    phone.read("[data-signin-error]", phone.text.t("password.wrong")).await;
    phone.sign_in_with_password(PASSWORD, &app.code().await).await;
    phone.arrives_at("/").await;
    phone.code().await;
    phone.provokes(REFUSED);
    phone.provokes("status of 400");
    phone.close().await;
    house.close().await;
}

/// Goal: the words of the act stand above the code; a wrong code is typed again; a passkey that is
/// added later takes the password's place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_confirms_and_a_passkey_comes_later() {
    let house = House::open().await;
    let mut phone = Phone::new(&house, "phone", Lang::En).await;
    let (mut app, first) = phone.sign_up_with_password(&house).await;
    phone.go("/settings").await;
    phone.press("[data-recovery-new]").await;
    phone.read("[data-stepup-words]", phone.text.t("stepup.recovery_codes")).await;
    phone.confirm_with_code(&app.last_code()).await;
    phone.read("[data-stepup-error]", phone.text.t("stepup.wrong_code")).await;
    phone.picture("stepup-code").await;
    phone.confirm_with_code(&app.code().await).await;
    let second = phone.see("[data-recovery-dialog][open] [data-recovery-codes]").await;
    assert!(second.lines().all(|code| !first.iter().any(|old| old == code)));

    phone.go("/settings/factors").await;
    phone.read("main", phone.text.t("factors.no_passkey")).await;
    phone.picture("factors-password").await;
    phone.press("[data-passkey-add]").await;
    phone.confirm_with_code(&app.code().await).await;
    phone.see("[data-passkey-remove]").await;
    phone.picture("factors-both").await;
    phone.press("[data-password-remove]").await;
    phone.see("[data-stepup-other]").await;
    phone.picture("stepup-both").await;
    phone.press(CONFIRM).await;
    // Without a password the app goes too, and may be set up anew.
    phone.read(r#"[aria-labelledby="app-title"]"#, phone.text.t("factors.app_add")).await;
    assert_eq!(phone.glimpse("[data-passkey-remove]").await, None, "the last one stays");
    phone.provokes(REFUSED);
    phone.provokes("status of 400");
    phone.close().await;
    house.close().await;
}
