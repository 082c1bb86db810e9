//! Endpoints: whose they are, where they may be, and their secrets.

use omamori::clock::{DAY, HOUR};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{Shop, deliver};
use crate::support::app::TestApp;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    both_secrets_sign_for_a_day_and_none_is_kept_readable,
    another_merchants_endpoint_is_not_there,
    no_endpoint_is_inside,
    sixteen_at_once_are_no_more_than_allowed,
);

const WEBHOOKS: &str = "/api/merchant/v1/webhooks";

async fn both_secrets_sign_for_a_day_and_none_is_kept_readable(app: &mut TestApp) {
    let shop = Shop::open(app).await;
    let path = format!("{WEBHOOKS}/{}/rotate", shop.endpoint_id);
    let rotated = shop.staff.call(app, "POST", &path, &Value::Null).await.ok();
    let fresh = rotated["secret"].as_str().unwrap();
    assert!(fresh.starts_with("whsec_") && fresh != shop.secret);
    shop.ask(app, "test", &Value::Null).await;
    deliver(app).await;
    let one = shop.receiver.arrived().remove(0);
    assert!(one.is_signed_with(&shop.secret) && one.is_signed_with(fresh));

    app.clock.advance(DAY + HOUR);
    shop.ask(app, "test", &Value::Null).await;
    deliver(app).await;
    let one = shop.receiver.arrived().remove(0);
    assert!(!one.is_signed_with(&shop.secret) && one.is_signed_with(fresh));

    let rows = sql("SELECT secret, old_secret FROM webhook_endpoint");
    let row = app.app.stores.registry.one(rows).await.unwrap();
    for sealed in ["secret", "old_secret"].map(|column| row.bytes(column).unwrap()) {
        for secret in [&shop.secret, fresh] {
            let key = standardwebhooks_key(secret);
            assert!(!sealed.windows(key.len()).any(|part| part == key), "kept as it is");
        }
    }
    let page = shop.page(app, "/merchant/webhooks").await;
    assert!(page.text().contains(&shop.endpoint_id));
    assert!(!page.text().contains("whsec_"), "shown once");
}

fn standardwebhooks_key(secret: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(&secret["whsec_".len()..]).unwrap()
}

async fn another_merchants_endpoint_is_not_there(app: &mut TestApp) {
    let shop = Shop::open(app).await;
    shop.ask(app, "test", &Value::Null).await;
    deliver(app).await;
    let event = shop.receiver.arrived().remove(0).id().to_owned();
    let other = Register::new(&app.app).await;
    let thief = Staff::new(&app.app, &other.merchant_id).await;
    let verbs = ["rotate", "switch", "remove", "test", "replay", &format!("events/{event}/replay")]
        .map(str::to_owned);
    for verb in verbs {
        let body = if verb == "switch" { json!({ "on": false }) } else { Value::Null };
        let path = format!("{WEBHOOKS}/{}/{verb}", shop.endpoint_id);
        thief.call(app, "POST", &path, &body).await.refused(Code::NotFound);
        let path = format!("{WEBHOOKS}/whe_00000000000000000000000000/{verb}");
        shop.staff.call(app, "POST", &path, &body).await.refused(Code::NotFound);
    }
    let page = thief.call(app, "GET", "/merchant/webhooks", &Value::Null).await;
    assert!(!page.text().contains(&shop.endpoint_id));
    assert_eq!(deliver(app).await, 0);
    shop.ask(app, "test", &Value::Null).await;
    assert_eq!(deliver(app).await, 1, "nothing was changed");
    shop.ask(app, "remove", &Value::Null).await;
    shop.register.top_up(app, "t", "999931000000000000000000", 1_000).await;
    assert_eq!(deliver(app).await, 0);
}

/// The attack: an address that makes this server post to where only it can reach.
async fn no_endpoint_is_inside(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://localhost/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.1.2.3/",
        "https://db.internal/",
        "https://shop.example@127.0.0.1/",
        "http://shop.example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://shop.example.com/a b",
        "https://shop.example.com/\r\nx: y",
        "",
    ] {
        let error = staff.call(app, "POST", WEBHOOKS, &json!({ "url": url })).await;
        let error = error.refused(Code::InvalidRequest);
        assert_eq!(error["fields"][0]["field"], "url", "{url}");
    }
    let long = format!("https://shop.example.com/{}", "a".repeat(1_024));
    staff.call(app, "POST", WEBHOOKS, &json!({ "url": long })).await.refused(Code::InvalidRequest);
    // What got into the row in another way is not gone to either.
    let shop = Shop::open(app).await;
    let moved = sql("UPDATE webhook_endpoint SET url = 'http://10.0.0.1/' WHERE endpoint_id = $1");
    app.app.stores.registry.execute(moved.bind(&shop.endpoint_id)).await.unwrap();
    shop.ask(app, "test", &Value::Null).await;
    assert_eq!(deliver(app).await, 1);
    let error = sql("SELECT last_error FROM webhook_delivery");
    let row = app.app.stores.registry.one(error).await.unwrap();
    assert_eq!(row.text("last_error").unwrap(), "not_allowed");
}

async fn sixteen_at_once_are_no_more_than_allowed(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    let asked = (0..16).map(|n| {
        let url = format!("https://shop.example.com/{n}");
        let request = staff.request("POST", WEBHOOKS, &json!({ "url": url }));
        let node = crate::support::app::Node::clone(app);
        async move { node.call(request).await }
    });
    let answers = at_once(asked).await;
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(made, 5);
    let more = json!({ "url": "https://shop.example.com/6" });
    staff.call(app, "POST", WEBHOOKS, &more).await.refused(Code::TooManyWebhooks);
}
