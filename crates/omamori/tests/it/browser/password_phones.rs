//! A customer with a password and an authenticator app changes phones: a move, and a recovery; and
//! the wrong turns.

use omamori::web::text::Lang;
use omamori_db::sql;

use super::house::House;
use super::password::PASSWORD;
use super::phone::{NUMBER, Phone};
use super::signup::wrong;
use super::totp::App;

const STEP: &str = r#"[data-step="code"]"#;

impl Phone {
    async fn finishes_move(&self, code: &str, password: &str, totp: &str) {
        self.fill(&format!("{STEP} [name=code]"), code).await;
        self.fill(&format!("{STEP} [name=password]"), password).await;
        self.fill(&format!("{STEP} [name=totp]"), totp).await;
        self.press(&format!("{STEP} [type=submit]")).await;
    }

    /// Waits until the move says what was wrong, and takes the words away.
    async fn move_is_refused(&self) {
        self.read("[data-move-error]", self.text.t("move.wrong")).await;
        self.run("document.querySelector('[data-move-error]').textContent = ''").await;
    }
}

/// Goal: the SMS code, the password and the app together bring the wallet to a new phone; one of
/// them wrong, it stays where it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_with_password_and_app() {
    let house = House::open().await;
    let mut old = Phone::new(&house, "old phone", Lang::Ja).await;
    let (mut app, _) = old.sign_up_with_password(&house).await;
    let mut new = Phone::new(&house, "new phone", Lang::En).await;
    let known = house.sms_code(NUMBER.1).await;
    new.go("/move").await;
    new.press("[data-move-by-password]").await;
    new.fill(r#"[data-step="number"] [name=phone]"#, NUMBER.0).await;
    new.press(r#"[data-step="number"] [type=submit]"#).await;
    let code = house.sms_code_after(NUMBER.1, &known).await;
    new.see("[data-move-factors]").await;
    new.picture("move-password").await;
    new.finishes_move(&code, PASSWORD, &app.last_code()).await; // replayed
    new.move_is_refused().await;
    new.finishes_move(&wrong(&code), PASSWORD, &app.code().await).await;
    new.move_is_refused().await;
    new.finishes_move(&code, "another password", &app.last_code()).await;
    new.move_is_refused().await;
    old.go("/").await;
    old.code().await;

    new.finishes_move(&code, PASSWORD, &app.code().await).await;
    new.arrives_at("/").await;
    new.code().await;
    old.go("/").await;
    old.arrives_at("/moved").await;
    new.provokes("status of 422");
    old.provokes("status of 400"); // the common password at sign-up
    old.tolerates("status of 401");
    old.tolerates("status of 403");
    new.close().await;
    old.close().await;
    house.close().await;
}

/// Goal: after the day, a phone without passkeys gets the wallet back with a new password and a
/// new app; not before, not with a common password, and not with a code of the old app.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_ends_with_a_new_password_and_app() {
    let house = House::open().await;
    let mut lost = Phone::new(&house, "lost phone", Lang::Ja).await;
    let (mut old_app, codes) = lost.sign_up_with_password(&house).await;
    let old_code = old_app.code().await;
    let mut new = Phone::new(&house, "new phone", Lang::Ja).await;
    new.recovers(&house, &codes[0]).await;
    new.press("[data-recover-no-passkey]").await;
    new.chooses_password("ほたる 夜道 42 みずうみ").await;
    new.see("[data-recover-error]").await;
    assert_eq!(new.glimpse("[data-totp-secret]").await, None, "before the day is over");

    let over = sql("UPDATE recovery SET ready_at = created_at WHERE state = 'cooling'");
    assert_eq!(house.app.stores.registry.execute(over).await.unwrap(), 1);
    new.chooses_password("password").await;
    new.read("[data-recover-error]", new.text.t("password.too_common")).await;
    new.chooses_password("ほたる 夜道 42 みずうみ").await;
    let mut app = App::new(&new.see("[data-totp-secret]").await);
    for (code, is_right) in [(old_code, false), (app.code().await, true)] {
        new.fill(r#"[data-step="totp"] [name=totp]"#, &code).await;
        new.press(r#"[data-step="totp"] [type=submit]"#).await;
        if !is_right {
            new.read("[data-recover-error]", new.text.t("totp.wrong")).await;
        }
    }
    let fresh = new.see("[data-recover-codes]").await;
    assert!(fresh.lines().all(|code| !codes.iter().any(|old| old == code)), "{fresh}");
    new.press(r#"[data-step="codes"] [type=submit]"#).await;
    new.arrives_at("/").await;
    new.code().await;
    lost.go("/").await;
    lost.gone("[data-code-digits]").await;
    assert_eq!(lost.fetch_status("/api/wallet/v1/me").await, 401);
    new.tolerates("status of 4");
    lost.tolerates("status of 4");
    new.close().await;
    lost.close().await;
    house.close().await;
}

impl Phone {
    async fn chooses_password(&self, password: &str) {
        self.fill(r#"[data-step="password"] [name=password]"#, password).await;
        self.press(r#"[data-step="password"] [type=submit]"#).await;
    }
}
