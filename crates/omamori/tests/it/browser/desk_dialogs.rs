//! The desk's dialogs and lists that no other story opens: on a phone and on a desk.

use omamori::console::access::Role;
use omamori::web::text::Lang;
use serde_json::json;

use super::browser::Browser;
use super::console::{customer, desk, does};
use super::house::House;
use super::pictures::picture;

/// Opens a dialog on its page, and looks at it.
async fn opened(desk: &Browser, path: &str, button: &str, name: &str) {
    desk.screen(1280, 800, 1).await;
    desk.go(path).await;
    desk.press(button).await;
    desk.see("dialog[open]").await;
    picture(desk, name).await;
    desk.screen(1280, 800, 1).await;
}

/// What is typed where no key is.
const DAYS: &str = "\
    const form = document.querySelector('[data-campaign-form]'); \
    form.elements.ends_on.value = form.elements.starts_on.value";

async fn dialogs(lang: Lang) {
    let house = House::open().await;
    let customer = customer(&house).await;
    let code = customer.code(house.app.clock.now());
    let body = json!({ "merchant_authorization_id": "a-1", "code": code, "amount": 700,
        "expires_in_seconds": 3_600 });
    let made = house.pos("POST", "/authorizations", &body).await.ok();
    let authorization = made["authorization"]["authorization_id"].as_str().unwrap().to_owned();
    let payments = house.payments().await;
    let payment = format!("/console/payments/{}", payments[0]["payment_id"].as_str().unwrap());
    let admin = desk(&house, "佐藤 花子", Role::Admin, lang).await;

    let close = r#"[data-act="/api/admin/v1/doors/payment/close"]"#;
    opened(&admin, "/console/doors", close, "console-doors-close").await;
    admin.press("[data-act-cancel]").await;
    does(&admin, r#"[data-act="/api/admin/v1/doors/send/close"]"#, "調査中").await;
    picture(&admin, "console-doors").await;
    opened(&admin, &payment, r#"[data-act$="/refund"]"#, "console-refund").await;
    opened(&admin, "/console/campaigns", "[data-campaign-new]", "console-campaign-new").await;
    admin.fill("[name=name]", "夏の100円引き").await;
    admin.fill("[name=yen]", "100").await;
    admin.fill("[name=budget]", "100000000").await;
    admin.fill("[data-campaign-form] [name=reason]", "夏の販促").await;
    admin.run(DAYS).await;
    admin.press("[data-campaign-form] [type=submit]").await;
    admin.see(".toast").await;
    admin.gone("[data-campaign-dialog][open]").await;
    for (path, name) in [
        (format!("/console/authorizations/{authorization}"), "console-authorization"),
        ("/console/approvals".to_owned(), "console-approvals-campaign"),
        ("/console/campaigns".to_owned(), "console-campaigns"),
        ("/console/rules/edit".to_owned(), "console-rules-edit"),
        ("/console/law".to_owned(), "console-law"),
        ("/console/settlements".to_owned(), "console-settlements"),
    ] {
        admin.go(&path).await;
        admin.see("main h1").await;
        picture(&admin, name).await;
    }
    admin.close().await;
    house.close().await;
}

/// Goal: what is done once a year is as easy to read as what is done each day, at night on a phone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dialogs_fit_in_japanese() {
    dialogs(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dialogs_fit_in_english() {
    dialogs(Lang::En).await;
}
