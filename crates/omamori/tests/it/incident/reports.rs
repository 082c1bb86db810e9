//! What is told: figures of the cohort, in both languages, to those whom it concerns.

use omamori::clock::MINUTE;
use omamori::web::filters::yen_text;
use serde_json::json;

use super::{stolen, world};
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;

on_both_engines!(
    reports_say_what_the_cohort_says,
    a_letter_names_its_own_customers_payments_only,
    customers_see_what_was_published,
);

async fn reports_say_what_the_cohort_says(app: &mut TestApp) {
    let world = world(app, 3).await;
    world.confirmed(app).await;
    let facts = json!({ "what": "facts", "cause": "リスト型攻撃", "standing": "決済を再開",
        "first_event_at": app.now() - 30 * MINUTE });
    world.fraud.post(app, &world.path("write"), &facts).await;
    let loss = yen_text((0..3).map(stolen).sum());
    for (kind, lang, needs) in [
        ("public", "ja", vec!["お客様", &*loss]),
        ("public", "en", vec!["largest extent", &*loss]),
        ("authority", "ja", vec!["Ⅱ-3-1-1-2", &*loss, "リスト型攻撃", "決済を再開"]),
        ("authority", "en", vec!["largest possible extent", &*loss, "リスト型攻撃"]),
        ("board", "ja", vec![&*loss, "店舗別", "電子タバコ"]),
        ("board", "en", vec![&*loss, "By store", "over time"]),
        ("letter", "ja", vec!["お詫び"]),
        ("letter", "en", vec!["apologies"]),
    ] {
        let path = format!("/console/incidents/{}/reports/{kind}?lang={lang}", world.incident);
        let page = world.second.get(app, &path).await;
        assert_eq!(page.status, 200, "{path}");
        for need in &needs {
            assert!(page.text().contains(need), "{kind} {lang} lacks {need}");
        }
        let file = world.second.get(app, &format!("{path}&format=md")).await;
        assert!(file.text().starts_with("# "), "{}", file.text());
        assert_eq!(kind != "letter", file.text().contains(&loss), "{kind} {lang}");
        assert!(!file.text().contains('{'), "{kind} {lang}: a hole in {}", file.text());
    }
    let none = format!("/console/incidents/{}/reports/none", world.incident);
    assert_eq!(world.fraud.get(app, &none).await.status, 404);
}

async fn a_letter_names_its_own_customers_payments_only(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    let path = |customer: &str| {
        format!("/console/incidents/{}/reports/letter?customer={customer}", world.incident)
    };
    let letter = world.fraud.get(app, &path(&world.victims[1].customer_id)).await;
    assert!(letter.text().contains(&yen_text(stolen(1))));
    assert!(!letter.text().contains(&yen_text(stolen(0))));
    let stranger = Customer::new(&app.app).await;
    assert_eq!(world.fraud.get(app, &path(&stranger.customer_id)).await.status, 404);
}

async fn customers_see_what_was_published(app: &mut TestApp) {
    let world = world(app, 1).await;
    let stranger = Customer::new(&app.app).await;
    world.count(app, &world.conditions()).await;
    let (safe, affected) = ("data-standing=\"safe\"", "data-standing=\"affected\"");
    assert!(!stranger.get(app, "/affected").await.text().contains("data-standing"));
    let publish = json!({ "what": "publish", "reason": "被害を確認" });
    assert_eq!(world.fraud.post(app, &world.path("write"), &publish).await.status, 204);
    assert!(stranger.get(app, "/affected").await.text().contains(safe));
    // Who is only suspected is not warned by it: it may be a thief.
    assert!(world.victims[0].get(app, "/affected").await.text().contains(safe));
    world.confirmed(app).await;
    let page = world.victims[0].get(app, "/affected").await;
    assert!(page.text().contains(affected) && page.text().contains(&yen_text(stolen(0))));
}
