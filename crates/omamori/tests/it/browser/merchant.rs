//! The back office: invitation, passkey, terminals and their keys.

use omamori::merchant::{create_merchant, create_store, invite};
use omamori::web::codes::Code;
use omamori::web::text::Lang;
use serde_json::Value;

use super::authenticator::Sensor;
use super::browser::Browser;
use super::house::{House, MERCHANT, STORE};

const MAKE_PASSKEY: &str = "[data-invite-form] [type=submit]";

/// Goal: an invitation leads to a passkey and the back office; a terminal made there works at once
/// with a key that is shown once, and stops at once when it is revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invited_person_makes_a_terminal_and_revokes_it() {
    let house = House::open().await;
    let invitation = invite(&house.app, &house.merchant_id, "店長").await.unwrap();
    let mut office = house.browser("back office", Lang::Ja).await;
    office.screen(1280, 800, 1).await;
    office.sensor(Sensor::Owner).await;
    office.go(&format!("/merchant?invite={invitation}")).await;
    office.read("main", MERCHANT).await;
    office.fill("[data-invite-form] [name=name]", "佐藤 花子").await;
    office.press(MAKE_PASSKEY).await;
    office.arrives_at("/merchant").await;
    office.read(".bar__who", "佐藤 花子").await;
    office.read(".stores", STORE).await;

    let key = make_terminal(&office, "レジ2").await;
    let seen = house.pos_as(&key, "GET", "/terminal", &Value::Null).await.ok();
    assert_eq!(seen["terminal"]["name"], "レジ2");
    assert_eq!(seen["store"]["store_id"], house.store_id.as_str());
    let id = seen["terminal"]["terminal_id"].as_str().unwrap();
    revoke_terminal(&office, id).await;
    house.pos_as(&key, "GET", "/terminal", &Value::Null).await.refused(Code::Unauthorized);
    house.pos("GET", "/terminal", &Value::Null).await.ok();

    office.press("[data-signout]").await;
    office.press("[data-signin]").await;
    office.read(".stores", STORE).await;
    office.close().await;
    house.close().await;
}

async fn make_terminal(office: &Browser, name: &str) -> String {
    office.press("[data-terminal-new]").await;
    office.fill("[data-new-form] [name=name]", name).await;
    office.press(r#"[data-new-form] [value="pos"]"#).await;
    office.press("[data-new-form] [type=submit]").await;
    let key = office.see("[data-key-dialog][open] [data-key]").await;
    assert!(key.starts_with("omk_"), "{key}");
    office.press("[data-key-close]").await;
    office.read(".stores", name).await;
    office.reload().await;
    office.read(".stores", name).await;
    assert!(!office.html().await.contains(&key), "the key is shown once");
    key
}

async fn revoke_terminal(office: &Browser, id: &str) {
    let button = format!(r#"[data-terminal-revoke="{id}"]"#);
    office.press(&button).await;
    office.press("[data-revoke-cancel]").await;
    office.gone("[data-revoke-dialog][open]").await;
    office.press(&button).await;
    office.press("[data-revoke-confirm]").await;
    office.gone(&button).await;
    office.read(".stores", office.text.t("merchant.revoked")).await;
}

/// Goal: an invitation works once and for its own merchant; who has none finds the way to sign in
/// and nothing else, and another merchant's person sees nothing of the first one's stores.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_works_once_and_for_its_own_merchant() {
    let house = House::open().await;
    let other = create_merchant(&house.app, "青空書店").await.unwrap();
    create_store(&house.app, &other, "神田本店").await.unwrap();
    let invitation = invite(&house.app, &other, "店長").await.unwrap();

    let mut office = house.browser("back office", Lang::En).await;
    office.sensor(Sensor::SomebodyElse).await;
    office.go(&format!("/merchant?invite={invitation}")).await;
    office.read("main", "青空書店").await;
    office.fill("[data-invite-form] [name=name]", "Hanako").await;
    office.press(MAKE_PASSKEY).await;
    office.read("[data-error]", office.text.t("merchant.passkey_failed")).await;
    office.sensor(Sensor::Owner).await;
    office.press(MAKE_PASSKEY).await;
    office.read(".stores", "神田本店").await;
    assert!(!office.see("body").await.contains(STORE));
    office.close().await;

    let mut late = house.browser("who found the link", Lang::En).await;
    late.sensor(Sensor::Owner).await;
    for path in [format!("/merchant?invite={invitation}"), "/merchant".to_owned()] {
        late.go(&path).await;
        late.read("main", late.text.t("merchant.signin_lead")).await;
        assert_eq!(late.glimpse("[data-invite-form]").await, None);
        assert!(!late.see("body").await.contains("青空書店"));
    }
    late.press("[data-signin]").await;
    late.read("[data-error]", late.text.t("merchant.passkey_failed")).await;
    late.close().await;
    house.close().await;
}
