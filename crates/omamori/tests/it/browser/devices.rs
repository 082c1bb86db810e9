//! Moves, recoveries, contacts, stops: each with its wrong turn.

use omamori::notify::deliver_due;
use omamori::web::text::Lang;
use omamori_db::sql;

use super::authenticator::Sensor;
use super::house::House;
use super::phone::{NUMBER, Phone};

const CONFIRM: &str = "[data-stepup-confirm]";
const OTHER: (&str, &str) = ("080-1111-2222", "+818011112222");

impl Phone {
    /// Begins a recovery here, up to the day of waiting.
    pub async fn recovers(&self, house: &House, recovery_code: &str) {
        self.go("/recover").await;
        self.fill("[name=phone]", NUMBER.0).await;
        self.fill("[name=recovery_code]", recovery_code).await;
        let known = house.sms_code(NUMBER.1).await;
        self.press(r#"[data-step="start"] [type=submit]"#).await;
        let code = house.sms_code_after(NUMBER.1, &known).await;
        self.fill(r#"[data-step="code"] [name=code]"#, &code).await;
        self.press(r#"[data-step="code"] [type=submit]"#).await;
        self.see("[data-recover-remaining]").await;
    }
}

/// Goal: the new phone shows the code, the old one takes its place back, and the account waits for
/// the passkey.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_and_its_undoing() {
    let house = House::open().await;
    let mut old = Phone::signed_up(&house, "old phone", Lang::Ja).await;
    let mut new = Phone::new(&house, "new phone", Lang::En).await;
    new.import_passkey(&old.passkeys().await.remove(0)).await;
    let known = house.sms_code(NUMBER.1).await;
    new.go("/move").await;
    new.picture("move").await;
    new.press(r#"[data-step="passkey"] [type=submit]"#).await;
    let code = house.sms_code_after(NUMBER.1, &known).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for typed in [wrong, code.as_str()] {
        new.fill(r#"[data-step="code"] [name=code]"#, typed).await;
        new.press(r#"[data-step="code"] [type=submit]"#).await;
        if typed == wrong {
            new.see("[data-move-error]").await;
        }
    }
    new.arrives_at("/").await;
    new.code().await;

    old.go("/").await;
    old.arrives_at("/moved").await;
    old.picture("moved").await;
    old.press("[data-undo]").await;
    old.arrives_at("/settings").await;
    new.go("/").await;
    new.read("h1", new.text.t("welcome.headline")).await;
    // The passkey has signed on the new phone, and counts.
    old.sensor(Sensor::Owner).await;
    old.import_passkey(&new.passkeys().await.remove(0)).await;
    old.press("[data-account-resume]").await;
    old.press(CONFIRM).await;
    old.see("[data-account-stop]").await;
    new.provokes("status of 422");
    new.tolerates("status of 401");
    old.tolerates("status of 40");
    new.close().await;
    old.close().await;
    house.close().await;
}

/// Goal: the day is counted down on both phones; a contact's code and the old phone call it off;
/// one that nobody calls off ends with a new passkey.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_is_called_off_and_another_one_finished() {
    let house = House::open().await;
    let mut owner = Phone::new(&house, "owner's phone", Lang::Ja).await;
    let codes = owner.sign_up(&house, NUMBER).await;
    let mut other = Phone::new(&house, "other phone", Lang::En).await;
    other.recovers(&house, &codes[0]).await;
    other.picture("recover-wait").await;
    other.press(r#"[data-step="wait"] [type=submit]"#).await;
    other.see("[data-recover-error]").await;
    owner.go("/settings").await;
    owner.see("[data-recover-ready-at]").await;
    owner.picture("settings-recovery").await;
    owner.press("[data-recover-cancel]").await;
    owner.gone("[data-recover-cancel]").await;

    other.press("[data-recover-forget]").await;
    other.recovers(&house, &codes[1]).await;
    deliver_due(&house.app).await.unwrap();
    let sent = house.sms(NUMBER.1);
    let words = sent.iter().flat_map(|sms| sms.text.split([' ', '。']));
    let code = words.into_iter().find(|word| word.len() == 19 && word.contains('-')).unwrap();
    owner.go("/recover/cancel").await;
    owner.picture("recover-cancel").await;
    for typed in ["0000-0000-0000-0000", code] {
        owner.fill("[name=code]", typed).await;
        owner.press("[type=submit]").await;
        let shown = if typed == code { "[data-cancel-done]" } else { "[data-cancel-error]" };
        owner.see(shown).await;
    }

    other.press("[data-recover-forget]").await;
    other.recovers(&house, &codes[2]).await;
    let over = sql("UPDATE recovery SET ready_at = created_at WHERE state = 'cooling'");
    assert_eq!(house.app.stores.registry.execute(over).await.unwrap(), 1);
    other.press(r#"[data-step="wait"] [type=submit]"#).await;
    other.see("[data-recover-codes]").await;
    other.press(r#"[data-step="codes"] [type=submit]"#).await;
    other.arrives_at("/").await;
    other.code().await;
    other.tolerates("status of 4");
    owner.tolerates("status of 4");
    owner.close().await;
    other.close().await;
    house.close().await;
}

/// Goal: a number changes with the passkey and the code that went there, and not with another code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_changes_with_the_code_that_went_there() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house, "phone", Lang::Ja).await;
    phone.go("/settings").await;
    phone.press(r#"[data-contact-change="phone"]"#).await;
    phone.fill(r#"[data-contact-form="phone"] [name=value]"#, OTHER.0).await;
    phone.press(r#"[data-contact-form="phone"] [type=submit]"#).await;
    phone.read("[data-stepup-words]", OTHER.0).await;
    phone.press(CONFIRM).await;
    let code = house.sms_code(OTHER.1).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let field = r#"[data-contact-form="code"] [name=code]"#;
    phone.fill(field, wrong).await;
    phone.press(r#"[data-contact-form="code"] [type=submit]"#).await;
    phone.see("#toasts .toast").await;
    phone.fill(field, &code).await;
    phone.press(r#"[data-contact-form="code"] [type=submit]"#).await;
    phone.read(r#"[aria-labelledby="account-title"]"#, "2222").await;
    phone.provokes("status of 422");
    phone.close().await;
    house.close().await;
}
