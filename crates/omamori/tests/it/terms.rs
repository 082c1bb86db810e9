//! What the law wants customers to be able to read: whole, for everybody, and never changed.

use omamori::clock::DAY;
use omamori::terms::{Kind, PublishError, broken, publish, versions};
use omamori_db::sql;

use crate::support::app::TestApp;
use crate::support::on_both_engines;

on_both_engines!(
    everybody_reads_each_version_for_ever,
    a_text_without_an_item_of_the_law_is_refused,
    a_changed_version_is_found,
);

const TERMS: &str = include_str!("../../../../deploy/texts/terms.example.toml");
const COMPENSATION: &str = include_str!("../../../../deploy/texts/compensation.example.toml");

async fn published(app: &TestApp, kind: Kind, text: &str) -> i64 {
    let registry = &app.app.stores.registry;
    publish(registry, kind, text, "test", app.now()).await.unwrap().version
}

/// Goal: no sign-in; the newest first; an old one stays as it was, in both languages; what is
/// written is text, never markup.
async fn everybody_reads_each_version_for_ever(app: &mut TestApp) {
    assert!(app.get("/terms").await.text().contains("まだ公表されていません"));
    assert_eq!(app.get("/terms/1").await.status, 404);
    let first = TERMS.replace("（発行者の商号）", "<b>例株式会社</b>");
    assert_eq!(published(app, Kind::Terms, &first).await, 1);
    assert_eq!(published(app, Kind::Compensation, COMPENSATION).await, 1);
    let old = app.get("/terms").await.text().to_owned();
    assert!(old.contains("例株式会社") && !old.contains("<b>"), "{old}");
    for title in ["発行者", "支払可能金額等", "発行保証金の保全の方法"] {
        assert!(old.contains(title), "{title}");
    }
    app.clock.advance(100 * DAY);
    assert_eq!(published(app, Kind::Terms, TERMS).await, 2);
    let new = app.get("/terms").await.text().to_owned();
    assert!(new.contains("（発行者の商号）") && new.contains("href=\"/terms/1\""), "{new}");
    let again = app.get("/terms/1").await;
    assert!(again.text().contains("例株式会社") && again.text().contains("href=\"/terms\""));
    let policy = app.get("/compensation").await.text().to_owned();
    for title in
        ["補償する場合・内容・要件", "補償の手続", "連携先との分担", "補償の窓口", "公表の基準"]
    {
        assert!(policy.contains(title), "{title}");
    }
    for path in
        ["/terms/0", "/terms/3", "/terms/x", "/compensation/2", "/terms/9999999999999999999"]
    {
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
    for page in ["/", "/signin", "/signup", "/status"] {
        let page = app.get(page).await;
        assert!(page.text().contains("href=\"/compensation\""), "{}", page.text());
    }
}

/// Goal: nothing the law names can be forgotten, in either language.
async fn a_text_without_an_item_of_the_law_is_refused(app: &mut TestApp) {
    let registry = &app.app.stores.registry;
    for (kind, text) in [(Kind::Terms, TERMS), (Kind::Compensation, COMPENSATION)] {
        for item in kind.items() {
            for (place, _) in text.match_indices(&format!("\n{item} = ")) {
                let without = format!("{}\nother_{}", &text[..place], &text[place + 1..]);
                let refused = publish(registry, kind, &without, "test", app.now()).await;
                let Err(PublishError::Body(why)) = refused else { panic!("{item}: {refused:?}") };
                assert!(why.contains(item), "{why}");
            }
        }
        let unknown = format!("{text}\nother = \"x\"\n");
        let refused = publish(registry, kind, &unknown, "test", app.now()).await;
        assert!(matches!(refused, Err(PublishError::Body(_))), "{refused:?}");
        let refused = publish(registry, kind, "[ja]", "test", app.now()).await;
        assert!(matches!(refused, Err(PublishError::Form(_))), "{refused:?}");
        assert!(versions(registry, kind).await.unwrap().is_empty());
    }
}

/// Attack: whoever can write the database changes a text, its date, its number, or takes one out.
async fn a_changed_version_is_found(app: &mut TestApp) {
    for _ in 0..3 {
        published(app, Kind::Terms, TERMS).await;
        app.clock.advance(DAY);
    }
    let registry = &app.app.stores.registry;
    assert_eq!(broken(registry, Kind::Terms).await.unwrap(), None);
    let changes = [
        (
            sql("UPDATE published_text SET published_at = published_at + 1 WHERE version = 2"),
            sql("UPDATE published_text SET published_at = published_at - 1 WHERE version = 2"),
            2,
        ),
        (
            sql(
                "UPDATE published_text SET body = REPLACE(body, '49,000', '59,000') WHERE version = 1",
            ),
            sql(
                "UPDATE published_text SET body = REPLACE(body, '59,000', '49,000') WHERE version = 1",
            ),
            1,
        ),
        (
            sql("UPDATE published_text SET version = 4 WHERE version = 3"),
            sql("UPDATE published_text SET version = 3 WHERE version = 4"),
            3,
        ),
    ];
    for (change, back, number) in changes {
        assert_eq!(registry.execute(change).await.unwrap(), 1);
        assert_eq!(broken(registry, Kind::Terms).await.unwrap(), Some(number));
        registry.execute(back).await.unwrap();
        assert_eq!(broken(registry, Kind::Terms).await.unwrap(), None);
    }
    registry.execute(sql("DELETE FROM published_text WHERE version = 1")).await.unwrap();
    assert_eq!(broken(registry, Kind::Terms).await.unwrap(), Some(1));
}
