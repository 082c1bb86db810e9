//! Sign-out and sign-in; what a copied passkey and a stolen cookie are worth.

use omamori::web::codes::Code;
use omamori::web::text::Lang;

use super::authenticator::Sensor;
use super::counter::Counter;
use super::house::House;
use super::phone::{NUMBER, Phone};

const START: &str = "[data-signin-start]";

/// Goal: after sign-out nothing of the account is on the phone's pages; the passkey brings it all
/// back, and the code pays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_signout_the_passkey_opens_the_wallet_again() {
    let house = House::open().await;
    let counter = Counter::opened(&house, Lang::Ja).await;
    let mut phone = Phone::signed_up(&house, "phone", Lang::Ja).await;
    let code = phone.code().await;
    counter.top_up(3_000, &code).await;
    phone.is_told("happened.topup", "¥3,000", "¥3,000").await;
    counter.close().await;

    phone.go("/settings").await;
    phone.press("[data-signout]").await;
    phone.press("[data-signout-cancel]").await;
    phone.gone("[data-signout-dialog][open]").await;
    phone.press("[data-signout]").await;
    phone.press("[data-signout-confirm]").await;
    phone.read("h1", phone.text.t("welcome.headline")).await;
    assert!(phone.cookies().await.iter().all(|cookie| cookie.name != "omamori"));
    assert_eq!(phone.fetch_status("/api/wallet/v1/me").await, 401);
    phone.go("/history").await;
    phone.arrives_at("/signin").await;

    let passkey = phone.passkeys().await.remove(0);
    phone.sensor(Sensor::SomebodyElse).await;
    phone.import_passkey(&passkey).await;
    phone.press(START).await;
    phone.read("[data-signin-error]", phone.text.t("passkey.cancelled")).await;
    phone.sensor(Sensor::Owner).await;
    phone.import_passkey(&passkey).await;
    phone.press(START).await;
    phone.arrives_at("/").await;
    phone.reads_balance("¥3,000").await;
    let code = phone.code_after(&code).await;
    house.sell("sale-1", &code, 500).await.ok();
    phone.is_told("happened.payment", "¥500", "¥2,500").await;
    phone.provokes("status of 401");
    phone.close().await;
    house.close().await;
}

/// Goal: a passkey that was copied to another phone does not open the wallet there: neither on a
/// phone that nobody enrolled, nor on one that is enrolled for somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_on_another_phone_does_not_open_the_wallet() {
    let house = House::open().await;
    let owner = Phone::signed_up(&house, "owner's phone", Lang::Ja).await;
    let mut passkey = owner.passkeys().await.remove(0);
    owner.close().await;

    let other = Phone::new(&house, "new phone", Lang::En).await;
    other.import_passkey(&passkey).await;
    other.go("/signin").await;
    other.read("[data-signin-stranger]", other.text.t("signin.not_enrolled")).await;
    assert!(!other.is_enabled(START).await);
    other.close().await;

    for lang in [Lang::Ja, Lang::En] {
        let mut thief = Phone::new(&house, "thief's phone", lang).await;
        let number = match lang {
            Lang::Ja => ("080-1111-2222", "+818011112222"),
            Lang::En => ("080-1111-3333", "+818011113333"),
        };
        thief.sign_up(&house, number).await;
        thief.go("/settings").await;
        thief.press("[data-signout]").await;
        thief.press("[data-signout-confirm]").await;
        thief.read("h1", thief.text.t("welcome.headline")).await;
        thief.sensor(Sensor::Owner).await;
        // A copy whose counter has not gone on would be refused for that alone.
        passkey["signCount"] = (passkey["signCount"].as_u64().unwrap() + 1).into();
        thief.import_passkey(&passkey).await;
        thief.go("/signin").await;
        thief.press(START).await;
        let words = thief.text.pick(Code::DeviceNotEnrolled.customer());
        thief.read("[data-signin-error]", words).await;
        assert!(thief.cookies().await.iter().all(|cookie| cookie.name != "omamori"));
        thief.provokes("status of 403");
        thief.close().await;
    }
    house.close().await;
}

/// Goal: the session's cookie, copied to another browser, shows neither balance nor history nor
/// code there: not to a browser without keys, and not to one that holds a key of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_cookie_shows_nothing_of_the_account() {
    let house = House::open().await;
    let owner = Phone::signed_up(&house, "owner's phone", Lang::Ja).await;
    let code = owner.code().await;
    let cookies = owner.cookies().await;
    let stolen = cookies.into_iter().find(|cookie| cookie.name == "omamori").unwrap();

    let mut keyless = Phone::new(&house, "thief's computer", Lang::En).await;
    keyless.go("/signin").await;
    keyless.plant(stolen.clone()).await;
    keyless.finds_nothing("boot.no_key", &code).await;
    keyless.provokes("status of 401");
    keyless.close().await;

    let mut enrolled = Phone::new(&house, "thief's phone", Lang::Ja).await;
    enrolled.sign_up(&house, ("080-1111-2222", "+818011112222")).await;
    enrolled.plant(stolen).await;
    enrolled.finds_nothing("boot.refused", &code).await;
    enrolled.provokes("status of 401");
    enrolled.close().await;

    owner.go("/history").await;
    owner.see("#history").await;
    owner.close().await;
    house.close().await;
}

impl Phone {
    /// Every page of the wallet says why it stays closed, and the API refuses.
    async fn finds_nothing(&self, reason: &str, code: &str) {
        for path in ["/", "/history", "/settings", "/topup"] {
            self.go(path).await;
            self.read("[data-boot-reason]", self.text.t(reason)).await;
            let page = self.html().await;
            for secret in [code, &NUMBER.0[9..], "data-balance", "data-code"] {
                assert!(!page.contains(secret), "{secret} is on {path}");
            }
        }
        for path in ["me", "history", "devices", "events"] {
            let path = format!("/api/wallet/v1/{path}");
            assert_eq!(self.fetch_status(&path).await, 401, "{path}");
        }
    }
}
