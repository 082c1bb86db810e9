//! Signing up, signing in and linking with an account elsewhere: the browser leaves for another
//! site and comes back.

use hmac::{Hmac, KeyInit, Mac};
use omamori::clock::SECOND;
use omamori::web::text::Lang;
use omamori_db::sql;
use sha1::Sha1;

use super::house::House;
use super::phone::{NUMBER, Phone};
use super::pictures::picture;

const START: &str = "[data-external-start]";
const APP: &str = r#"[data-step="totp"]"#;
const FORM: &str = "[data-external-form]";

/// A code of an authenticator app, by RFC 4226 and 6238 and not by the program's own code.
fn totp(secret: &[u8], step: i64) -> String {
    let mut mac = <Hmac<Sha1>>::new_from_slice(secret).unwrap();
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let offset = usize::from(hash[19] & 15);
    let word: [u8; 4] = hash[offset..offset + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
}

/// RFC 4648 §6, as the page shows it.
fn base32(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digits = text.chars().filter_map(|digit| alphabet.find(digit));
    let bits: String = digits.map(|digit| format!("{digit:05b}")).collect();
    let bytes = bits.as_bytes().chunks_exact(8).map(|byte| std::str::from_utf8(byte).unwrap());
    bytes.map(|byte| u8::from_str_radix(byte, 2).unwrap()).collect()
}

fn step_now(house: &House) -> i64 {
    house.app.clock.now() / SECOND / 30
}

impl Phone {
    async fn fills_code(&self, form: &str, code: &str) {
        self.fill(&format!("{form} input[name=totp]"), code).await;
        self.press(&format!("{form} [type=submit]")).await;
    }
}

/// Goal: an account elsewhere makes and opens the wallet together with the app's code and the
/// phone; saying no there, being somebody else there, a wrong code and another phone open nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_elsewhere_in_the_place_of_the_password() {
    let house = House::open().await;
    let mut phone = Phone::new(&house, "phone", Lang::Ja).await;
    phone.ask_for_sms(NUMBER.0).await;
    let code = house.sms_code(NUMBER.1).await;
    phone.enter_sms_code(&code).await;
    phone.press("[data-signup-no-passkey]").await;
    phone.see(START).await;
    picture(&phone, "signup-password-or-external").await;
    phone.press(START).await;
    phone.see(".sandbox").await;
    picture(&phone, "sandbox-issuer").await;
    phone.press("#a").await;
    let secret = base32(&phone.see("[data-totp-secret]").await);
    phone.fills_code(APP, "000000").await;
    phone.read("[data-signup-error]", phone.text.t("totp.wrong")).await;
    assert_eq!(house.customers().await, 0);
    let first = step_now(&house);
    phone.fills_code(APP, &totp(&secret, first)).await;
    phone.see("[data-signup-codes]").await;
    phone.press(r#"[data-step="codes"] [type=submit]"#).await;
    phone.arrives_at("/").await;
    phone.code().await;

    phone.go("/settings").await;
    phone.press("[data-signout]").await;
    phone.press("[data-signout-confirm]").await;
    phone.read("h1", phone.text.t("welcome.headline")).await;
    phone.go("/signin").await;
    phone.see(START).await;
    picture(&phone, "signin-external").await;
    phone.press(START).await;
    phone.press("#cancel").await;
    phone.read("h1", phone.text.t("external.canceled")).await;
    picture(&phone, "external-canceled").await;
    phone.press(r#"a[href="/signin"]"#).await;
    phone.press(START).await;
    phone.press("#b").await;
    phone.see(FORM).await;
    picture(&phone, "signin-external-code").await;
    let next = || totp(&secret, step_now(&house).max(first + 1)); // that of `first` is used up
    phone.fills_code(FORM, &next()).await;
    phone.read("[data-external-error]", phone.text.t("external.wrong")).await;
    phone.go("/signin").await;
    phone.press(START).await;
    phone.press("#a").await;
    phone.fills_code(FORM, &next()).await;
    phone.arrives_at("/").await;
    phone.code().await;
    phone.provokes("status of 422");
    phone.close().await;

    let other = Phone::new(&house, "another phone", Lang::En).await;
    other.go("/signin").await;
    other.see("[data-signin-stranger]").await;
    assert_eq!(other.glimpse(START).await, None);
    other.close().await;
    house.close().await;
}

/// Goal: a customer with a passkey and an authenticator app links an account elsewhere, after the
/// passkey, and takes it away again; who says no there has linked nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn linking_an_account_elsewhere() {
    const LINK: &str = "[data-external-link]";
    const UNLINK: &str = "[data-external-unlink]";
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house, "phone", Lang::En).await;
    phone.go("/settings").await;
    phone.see("[data-signout]").await;
    assert_eq!(phone.glimpse(LINK).await, None, "without an app there is no second factor");
    has_an_app(&house).await;
    phone.reload().await;
    for account in ["#cancel", "#a"] {
        phone.press(LINK).await;
        phone.read("[data-stepup-words]", "Sandbox ID").await;
        phone.press("[data-stepup-confirm]").await;
        phone.press(account).await;
        if account == "#cancel" {
            phone.read("h1", phone.text.t("external.canceled")).await;
            phone.go("/settings").await;
        }
    }
    phone.see(UNLINK).await;
    phone.arrives_at("/settings").await;
    picture(&phone, "settings-external").await;
    phone.press(UNLINK).await;
    phone.press("[data-stepup-confirm]").await;
    phone.see(LINK).await;
    phone.provokes("status of 422");
    phone.close().await;
    house.close().await;
}

/// The one customer sets up an authenticator app.
async fn has_an_app(house: &House) {
    let (app, mut tx) = (&house.app, house.app.stores.registry.begin().await.unwrap());
    let customer = tx.one(sql("SELECT customer_id FROM customer")).await.unwrap();
    let customer_id = customer.text("customer_id").unwrap();
    let place = format!("totp.secret/{customer_id}");
    let insert = sql("INSERT INTO totp (customer_id, secret, last_step, created_at) \
                      VALUES ($1, $2, 0, 0)");
    let sealed = app.vault.seal(app.rng.as_ref(), &place, &[7; 20]);
    tx.execute(insert.bind(customer_id).bind(sealed)).await.unwrap();
    tx.commit().await.unwrap();
}
