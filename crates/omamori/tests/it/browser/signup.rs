//! Wrong turns at sign-up.

use omamori::notify::Message;
use omamori::web::text::{Lang, Text};

use super::authenticator::Sensor;
use super::browser::until;
use super::house::House;
use super::phone::{NUMBER, Phone};

const ERROR: &str = "[data-signup-error]";
const MAKE_PASSKEY: &str = r#"[data-step="passkey"] [type=submit]"#;
const REFUSED: &str = "status of 422";

/// Another six digits.
pub fn wrong(code: &str) -> String {
    let last = code.as_bytes()[5] - b'0';
    format!("{}{}", &code[..5], (last + 1) % 10)
}

/// Goal: five wrong codes end a sign-up, also for the right code; a new one can be begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_wrong_sms_codes_end_a_signup() {
    let house = House::open().await;
    let mut phone = Phone::new(&house, "phone", Lang::En).await;
    phone.ask_for_sms(NUMBER.0).await;
    let code = house.sms_code(NUMBER.1).await;
    for _ in 0..5 {
        phone.enter_sms_code(&wrong(&code)).await;
        phone.is_refused().await;
    }
    phone.enter_sms_code(&code).await;
    phone.is_refused().await;
    assert_eq!(house.customers().await, 0);

    phone.press("[data-signup-again]").await;
    phone.press(r#"[data-step="phone"] [type=submit]"#).await;
    phone.see("input[name=code]").await;
    let code = house.sms_code_after(NUMBER.1, &code).await;
    phone.enter_sms_code(&code).await;
    phone.see(MAKE_PASSKEY).await;
    phone.provokes(REFUSED);
    phone.close().await;
    house.close().await;
}

/// Goal: a number with an account is asked for a code like any other, in the same words; its
/// holder reads in the SMS where to go, and finds the way on the page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_with_an_account_looks_like_any_other() {
    let house = House::open().await;
    let owner = Phone::signed_up(&house, "owner's phone", Lang::Ja).await;
    owner.close().await;

    let mut stranger = Phone::new(&house, "stranger's phone", Lang::En).await;
    stranger.ask_for_sms("080-9876-5432").await;
    let unknown = stranger.see("main").await.replace("080-9876-5432", "");
    stranger.ask_for_sms(NUMBER.0).await;
    let known = stranger.see("main").await.replace(NUMBER.0, "");
    assert_eq!(known, unknown);

    let text = Message::SignupOfKnownNumber.text(&house.app.config.issuer_name, Lang::Ja);
    until("the SMS to the holder", async || {
        house.sms(NUMBER.1).iter().any(|sms| sms.text == text).then_some(())
    })
    .await;
    let codes = house.sms(NUMBER.1).iter().filter(|sms| sms.code().is_some()).count();
    assert_eq!(codes, 1, "no code but the one of the holder's own sign-up");
    stranger.enter_sms_code("123456").await;
    stranger.is_refused().await;
    assert_eq!(house.customers().await, 1);
    stranger.press(r#"[data-step="code"] a[href="/signin"]"#).await;
    stranger.read("h1", stranger.text.t("signin.title")).await;
    stranger.provokes(REFUSED);
    stranger.close().await;
    house.close().await;
}

/// Goal: a key that does not tell whose finger it is makes no account; not even when the browser
/// is made to ask for less than the server wants.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authenticator_that_does_not_verify_its_user_is_refused() {
    let house = House::open().await;
    let mut phone = Phone::new(&house, "phone", Lang::Ja).await;
    phone.sensor(Sensor::Touch).await;
    phone.goes_to_passkey_step(&house).await;
    phone.press(MAKE_PASSKEY).await;
    phone.read(ERROR, phone.text.t("passkey.cancelled")).await;

    const ASK_FOR_LESS: &str = "const create = navigator.credentials.create; \
        navigator.credentials.create = function (options) { \
            options.publicKey.authenticatorSelection.userVerification = 'discouraged'; \
            delete options.publicKey.extensions; \
            return create.call(this, options); };";
    phone.run(ASK_FOR_LESS).await;
    phone.press(MAKE_PASSKEY).await;
    phone.read(ERROR, phone.text.t("signup.expired")).await;
    assert_eq!(phone.passkeys().await.len(), 1, "the authenticator did make a passkey");
    assert_eq!(house.customers().await, 0);
    phone.provokes(REFUSED);
    phone.close().await;
    house.close().await;
}

/// Goal: who cancels the passkey dialog is told so and can try again, with the same SMS code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_passkey_dialog_can_be_tried_again() {
    let house = House::open().await;
    for (lang, number) in [(Lang::Ja, NUMBER), (Lang::En, ("080-9876-5432", "+818098765432"))] {
        let mut phone = Phone::new(&house, "phone", lang).await;
        phone.sensor(Sensor::SomebodyElse).await;
        phone.ask_for_sms(number.0).await;
        let code = house.sms_code(number.1).await;
        phone.enter_sms_code(&code).await;
        let before = house.customers().await;
        phone.press(MAKE_PASSKEY).await;
        phone.read(ERROR, Text::new(lang).t("passkey.cancelled")).await;
        assert_eq!(house.customers().await, before);
        phone.sensor(Sensor::Owner).await;
        phone.press(MAKE_PASSKEY).await;
        phone.see("[data-signup-codes]").await;
        phone.press(r#"[data-step="codes"] [type=submit]"#).await;
        phone.arrives_at("/").await;
        phone.code().await;
        assert_eq!(house.customers().await, before + 1);
        phone.close().await;
    }
    house.close().await;
}

impl Phone {
    /// Goes through the first two steps.
    async fn goes_to_passkey_step(&self, house: &House) {
        self.ask_for_sms(NUMBER.0).await;
        let code = house.sms_code(NUMBER.1).await;
        self.enter_sms_code(&code).await;
        self.see(MAKE_PASSKEY).await;
    }

    /// Waits until the page says that a code was wrong, and takes the words away.
    async fn is_refused(&self) {
        let words = omamori::web::codes::Code::ProofFailed.customer();
        self.read(ERROR, self.text.pick(words)).await;
        self.run("document.querySelector('[data-signup-error]').textContent = ''").await;
    }
}
