//! One's own data: a copy, and the end of the account with its way back.

use omamori::web::text::Lang;

use super::authenticator::Sensor;
use super::house::House;
use super::phone::{NUMBER, Phone};

/// Goal: both need the passkey; a closing signs out, says until when, and a sign-in calls it off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_saved_and_a_closing_is_called_off() {
    let house = House::open().await;
    let mut phone = Phone::new(&house, "phone", Lang::Ja).await;
    phone.go("/").await;
    phone.press(r#".foot a[href="/privacy"]"#).await;
    phone.read("h1", phone.text.t("privacy.title")).await;
    assert_eq!(phone.glimpse("[data-export]").await, None, "a guest has no data here");

    phone.sign_up(&house, NUMBER).await;
    let passkey = phone.passkeys().await.remove(0);
    phone.go("/settings").await;
    phone.press(r#"[aria-labelledby="privacy-title"] a"#).await;
    phone.see("[data-export]").await;
    phone.sensor(Sensor::SomebodyElse).await;
    phone.import_passkey(&passkey).await;
    for button in ["[data-export]", "[data-close-account]"] {
        phone.press(button).await;
        phone.press("[data-stepup-confirm]").await;
        phone.read("#toasts", phone.text.t("passkey.cancelled")).await;
    }
    assert_eq!(phone.glimpse("[data-closing-dialog][open]").await, None);

    phone.sensor(Sensor::Owner).await;
    phone.import_passkey(&passkey).await;
    phone.press("[data-export]").await;
    phone.press("[data-stepup-confirm]").await;
    phone.read("#toasts", phone.text.t("privacy.copied")).await;

    phone.press("[data-close-account]").await;
    phone.read("[data-stepup-words]", phone.text.t("stepup.close")).await;
    phone.press("[data-stepup-confirm]").await;
    phone.read("[data-closing-dialog][open]", phone.text.t("privacy.closing_title")).await;
    phone.press("[data-closing-done]").await;
    phone.see(".welcome").await;

    phone.go("/signin").await;
    phone.press("[data-signin-start]").await;
    phone.arrives_at("/").await;
    phone.go("/notices").await;
    phone.read(".messages", phone.text.t("notice.closing_canceled")).await;
    phone.close().await;
    house.close().await;
}
