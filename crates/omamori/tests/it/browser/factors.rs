//! The factors of a signed-in customer: another authenticator app, one beside a passkey, another
//! password; each with its wrong turn.

use omamori::web::text::Lang;
use omamori_db::sql;

use super::house::House;
use super::password::PASSWORD;
use super::phone::{NUMBER, Phone};
use super::totp::App;

const CONFIRM: &str = "[data-stepup-confirm]";
const LINK: &str = "[data-external-link]";
const REPLACE: &str = "[data-totp-replace]";

impl Phone {
    /// Takes the secret that is offered into an app, as its owner does.
    async fn takes_secret(&self) -> App {
        App::new(&self.see("[data-totp-dialog][open] [data-totp-secret]").await)
    }

    async fn enters_code_of_new_app(&self, code: &str) {
        self.fill("[data-totp-dialog] [name=totp]", code).await;
        self.press("[data-totp-dialog] [type=submit]").await;
    }

    async fn signs_out(&self) {
        self.go("/settings").await;
        self.press("[data-signout]").await;
        self.press("[data-signout-confirm]").await;
        self.read("h1", self.text.t("welcome.headline")).await;
    }
}

/// Goal: an app takes the place of the one before, which confirms it and is worth nothing after
/// it; a code of the old app does not finish the change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_authenticator_app_takes_the_place_of_the_old_one() {
    let house = House::open().await;
    let mut phone = Phone::new(&house, "phone", Lang::Ja).await;
    let (mut old, _) = phone.sign_up_with_password(&house).await;
    phone.go("/settings/factors").await;
    phone.press(REPLACE).await;
    phone.read("[data-stepup-words]", phone.text.t("stepup.totp_replace")).await;
    phone.confirm_with_code(&old.last_code()).await;
    phone.read("[data-stepup-error]", phone.text.t("stepup.wrong_code")).await;
    phone.confirm_with_code(&old.code().await).await;
    let mut new = phone.takes_secret().await;
    phone.enters_code_of_new_app(&old.last_code()).await;
    phone.read("[data-totp-error]", phone.text.t("totp.wrong")).await;
    phone.picture("factors-new-app").await;
    phone.enters_code_of_new_app(&new.code().await).await;
    phone.gone("[data-totp-dialog][open]").await;

    phone.go("/settings/factors").await;
    phone.press("[data-password-change]").await;
    phone.fill("[data-password-dialog] [name=password]", "つきみそう 朝の川 9").await;
    phone.press("[data-password-dialog] [type=submit]").await;
    phone.confirm_with_code(&old.code().await).await;
    phone.read("[data-stepup-error]", phone.text.t("stepup.wrong_code")).await;
    phone.confirm_with_code(&new.code().await).await;
    phone.gone("[data-password-dialog][open]").await;
    phone.provokes("status of 422");
    phone.provokes("status of 400");
    phone.close().await;
    house.close().await;
}

/// Goal: who has a passkey and no app is offered no link; with an app the link is made. If the app
/// went away meanwhile, the page says what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_beside_a_passkey_and_then_a_link() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house, "phone", Lang::En).await;
    phone.go("/settings").await;
    phone.see("[data-signout]").await;
    assert_eq!(phone.glimpse(LINK).await, None, "without an app there is no second factor");
    for adds_another in [false, true] {
        phone.go("/settings/factors").await;
        phone.read(r#"[aria-labelledby="app-title"]"#, phone.text.t("factors.app_text")).await;
        phone.press(REPLACE).await;
        phone.read("[data-stepup-words]", phone.text.t("stepup.totp_add")).await;
        phone.press(CONFIRM).await;
        let mut app = phone.takes_secret().await;
        if !adds_another {
            phone.enters_code_of_new_app("000000").await;
            phone.read("[data-totp-error]", phone.text.t("totp.wrong")).await;
        }
        phone.enters_code_of_new_app(&app.code().await).await;
        phone.gone("[data-totp-dialog][open]").await;
        phone.read(r#"[aria-labelledby="password-title"]"#, phone.text.t("factors.replace")).await;
        phone.go("/settings").await;
        phone.see(LINK).await;
        if !adds_another {
            let gone = sql("DELETE FROM totp");
            assert_eq!(house.app.stores.registry.execute(gone).await.unwrap(), 1);
            phone.press(LINK).await;
            phone.press(CONFIRM).await;
            phone.read("#toasts", phone.text.t("external.needs_app")).await;
        }
    }
    phone.press(LINK).await;
    phone.press(CONFIRM).await;
    phone.press("#a").await;
    phone.see("[data-external-unlink]").await;
    phone.provokes("status of 422");
    phone.provokes("status of 403");
    phone.close().await;
    house.close().await;
}

/// Goal: a password that everybody chooses is refused in words before anything is confirmed; the
/// new one opens the wallet, and the old one does not any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_password_takes_the_place_of_the_old_one() {
    const NEW: &str = "つきみそう 朝の川 9";
    const FIELD: &str = "[data-password-dialog] [name=password]";
    const SUBMIT: &str = "[data-password-dialog] [type=submit]";
    let house = House::open().await;
    let mut phone = Phone::new(&house, "phone", Lang::Ja).await;
    let (mut app, _) = phone.sign_up_with_password(&house).await;
    phone.go("/settings/factors").await;
    phone.press("[data-password-change]").await;
    for common in ["password", &NUMBER.0.replace('-', "")] {
        phone.fill(FIELD, common).await;
        phone.press(SUBMIT).await;
        phone.read("[data-password-error]", phone.text.t("password.too_common")).await;
        phone.run("document.querySelector('[data-password-error]').textContent = ''").await;
    }
    assert_eq!(phone.glimpse("[data-stepup-dialog][open]").await, None);
    phone.fill(FIELD, NEW).await;
    phone.press(SUBMIT).await;
    phone.read("[data-stepup-words]", phone.text.t("stepup.password_change")).await;
    phone.confirm_with_code(&app.code().await).await;
    phone.gone("[data-password-dialog][open]").await;

    phone.signs_out().await;
    phone.sign_in_with_password(PASSWORD, &app.code().await).await;
    phone.read("[data-signin-error]", phone.text.t("password.wrong")).await;
    phone.sign_in_with_password(NEW, &app.code().await).await;
    phone.arrives_at("/").await;
    phone.code().await;
    phone.provokes("status of 422");
    phone.provokes("status of 400");
    phone.close().await;
    house.close().await;
}
