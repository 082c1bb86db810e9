//! The merchant's webhooks page.

use omamori::merchant::invite;
use omamori::web::text::Lang;

use super::authenticator::Sensor;
use super::browser::Browser;
use super::house::House;
use super::pictures::picture;
use crate::webhook::{Does, Receiver};

/// Goal: an address inside is refused in words, a secret is shown once, a test arrives and is in
/// the log, one that is not taken is sent again, a new secret signs beside the old one, and what
/// is removed is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_added_tried_and_removed_in_japanese() {
    a_webhook_is_added_tried_and_removed(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_added_tried_and_removed_in_english() {
    a_webhook_is_added_tried_and_removed(Lang::En).await;
}

async fn a_webhook_is_added_tried_and_removed(lang: Lang) {
    let (house, receiver) = (House::open().await, Receiver::open().await);
    let invitation = invite(&house.app, &house.merchant_id, "店長").await.unwrap();
    let mut office = house.browser("back office", lang).await;
    office.screen(1280, 800, 1).await;
    office.sensor(Sensor::Owner).await;
    office.go(&format!("/merchant?invite={invitation}")).await;
    office.fill("[data-invite-form] [name=name]", "佐藤 花子").await;
    office.press("[data-invite-form] [type=submit]").await;
    office.arrives_at("/merchant").await;
    office.press(r#"[href="/merchant/webhooks"]"#).await;
    office.read("main", office.text.t("webhooks.none")).await;

    office.press("[data-webhook-new]").await;
    office.fill("[data-new-form] [name=url]", "http://169.254.169.254/latest").await;
    office.press("[data-new-form] [type=submit]").await;
    office.read("[data-new-error]", office.text.t("webhooks.url_wrong")).await;
    office.provokes("status of 400");
    picture(&office, "webhooks-new").await;
    office.fill("[data-new-form] [name=url]", &receiver.url).await;
    office.press("[data-new-form] [type=submit]").await;
    let secret = office.see("[data-secret-dialog][open] [data-secret]").await;
    picture(&office, "webhooks-secret").await;
    office.press("[data-secret-close]").await;
    office.read(".webhook", &receiver.url).await;
    assert!(!office.html().await.contains(&secret), "the secret is shown once");

    receiver.does([Does::Says(500)]);
    office.press(r#"[data-webhook-act="test"]"#).await;
    receiver.waits().await;
    assert!(receiver.arrived()[0].is_signed_with(&secret));
    reads_after_reload(&office, "HTTP 500").await;
    picture(&office, "webhooks-failing").await;
    office.press(r#"[data-event] [data-webhook-act="replay-one"]"#).await;
    receiver.waits().await;
    reads_after_reload(&office, office.text.t("webhooks.delivered")).await;

    office.press(r#"[data-webhook-act="rotate"]"#).await;
    office.press("[data-sure-cancel]").await;
    office.gone("[data-sure-dialog][open]").await;
    office.press(r#"[data-webhook-act="rotate"]"#).await;
    office.press("[data-sure-confirm]").await;
    let fresh = office.see("[data-secret-dialog][open] [data-secret]").await;
    office.press("[data-secret-close]").await;
    office.read(".webhook", office.text.t("webhooks.overlap")).await;
    receiver.arrived();
    office.press(r#"[data-webhook-act="test"]"#).await;
    receiver.waits().await;
    let one = receiver.arrived().remove(0);
    assert!(one.is_signed_with(&secret) && one.is_signed_with(&fresh));
    picture(&office, "webhooks").await;

    office.press(r#"[data-webhook-act="off"]"#).await;
    office.read(".webhook", office.text.t("webhooks.off")).await;
    office.press(r#"[data-webhook-act="on"]"#).await;
    office.see(r#"[data-webhook-act="off"]"#).await;
    office.press(r#"[data-webhook-act="remove"]"#).await;
    picture(&office, "webhooks-remove").await;
    office.press("[data-sure-confirm]").await;
    office.read("main", office.text.t("webhooks.none")).await;
    office.close().await;
    house.close().await;
}

/// The page shows what became of a delivery when it is loaded again.
async fn reads_after_reload(office: &Browser, text: &str) {
    let told = async || {
        office.reload().await;
        office.glimpse(".webhook .table").await.filter(|seen| seen.contains(text))
    };
    office.until(text, told).await;
}
