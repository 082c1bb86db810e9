//! What the law wants customers to be able to read: whole, for everybody, and never changed.

use omamori::audit::Actor;
use omamori::clock::{DAY, MINUTE};
use omamori::terms::{Kind, PublishError, broken, publish, publish_as, versions};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use crate::atm;
use crate::cardtopup::world::World;
use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(
    everybody_reads_each_version_for_ever,
    a_text_without_an_item_of_the_law_is_refused,
    a_changed_version_is_found,
    no_way_to_top_up_goes_past_the_terms,
    no_card_is_charged_before_the_terms,
    publishing_is_in_the_audit_log,
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

/// Goal: once terms are published, a register, an ATM and the pages are in nobody's way who has
/// confirmed them, and are for everybody else: nothing is loaded, the pages show the text. An older
/// version is not confirmed. A later version asks nobody again.
async fn no_way_to_top_up_goes_past_the_terms(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let (customer, other) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    other.load(app, &register, 1_000).await; // before anything is published
    published(app, Kind::Terms, TERMS).await;
    app.clock.advance(DAY);
    published(app, Kind::Terms, TERMS).await;
    let atm = atm::atm(app).await;
    let moved = app.journal_entries().await;
    let code = customer.code(app.now());
    register.top_up(app, "t-1", &code, 1_000).await.refused(Code::TermsUnconfirmed);
    let session = atm::session(app, &atm, "a-1").await.ok();
    let number = session["session"]["number"].as_str().unwrap().to_owned();
    let asked = json!({ "number": number });
    let found = customer.post(app, "/atm/find", &asked).await.ok();
    let claim = json!({ "number": number, "session_id": found["session_id"] });
    customer.post(app, "/atm/claim", &claim).await.refused(Code::TermsUnconfirmed);
    for way in ["/topup", "/topup/register", "/topup/atm"] {
        let page = customer.get(app, way).await.text().to_owned();
        assert!(page.contains("data-terms-form") && page.contains("発行保証金"), "{way}: {page}");
    }
    assert_eq!(app.journal_entries().await, moved);

    let old = json!({ "version": 1 });
    customer.post(app, "/terms/confirm", &old).await.refused(Code::TermsUnconfirmed);
    let newest = json!({ "version": 2 });
    for _ in 0..2 {
        assert_eq!(customer.post(app, "/terms/confirm", &newest).await.status, 204);
    }
    let stands = customer.get(app, "/api/wallet/v1/terms").await.ok();
    assert_eq!((&stands["to_confirm"], &stands["confirmed"]["version"]), (&json!(null), &json!(2)));
    app.clock.advance(MINUTE);
    register.top_up(app, "t-2", &customer.code(app.now()), 1_000).await.ok();
    published(app, Kind::Terms, TERMS).await;
    app.clock.advance(MINUTE);
    register.top_up(app, "t-3", &customer.code(app.now()), 1_000).await.ok();
    assert!(!customer.get(app, "/topup").await.text().contains("data-terms-form"));
    // Who pays with what they have is not asked; who loads again is.
    register.sell(app, "s-1", &other.code(app.now()), 400).await.ok();
    let code = other.code(app.now());
    register.top_up(app, "t-4", &code, 1_000).await.refused(Code::TermsUnconfirmed);
    let kept = sql("SELECT c.version, c.hash, t.hash AS published FROM terms_confirmation c
         JOIN published_text t ON t.version = c.version AND t.kind = 'terms'
         WHERE c.customer_id = $1");
    let kept = app.app.stores.registry.one(kept.bind(&customer.customer_id)).await.unwrap();
    assert_eq!(kept.int("version").unwrap(), 2);
    assert_eq!(kept.bytes("hash").unwrap(), kept.bytes("published").unwrap());
}

/// Goal: a card is not asked for money by somebody who has not confirmed.
async fn no_card_is_charged_before_the_terms(app: &mut TestApp) {
    let mut world = World::new(app).await;
    let card = world.card(app, "4242424242424242").await;
    published(app, Kind::Terms, TERMS).await;
    world.ask(app, &card, 1_000).await.refused(Code::TermsUnconfirmed);
    for way in ["/topup/card", "/topup/auto"] {
        let page = world.customer.get(app, way).await.text().to_owned();
        assert!(page.contains("data-terms-form"), "{way}: {page}");
    }
    assert_eq!((world.balance(app), world.sandbox.taken()), (0, (0, 0)));
    let newest = json!({ "version": 1 });
    assert_eq!(world.customer.post(app, "/terms/confirm", &newest).await.status, 204);
    assert_eq!(world.top_up(app, &card, 1_000).await["status"], "credited");
}

/// Goal: who published what is in the audit log, with the hash that the page shows; a text that is
/// refused leaves no entry.
async fn publishing_is_in_the_audit_log(app: &mut TestApp) {
    let actor = Actor::machine();
    let made = publish_as(&app.app, &actor, Kind::Terms, TERMS).await.unwrap();
    publish_as(&app.app, &actor, Kind::Terms, "[ja]\n[en]\n").await.unwrap_err();
    let entries = sql("SELECT after_state FROM audit_entry WHERE act = 'terms_publish'");
    let entries = app.app.stores.registry.all(entries).await.unwrap();
    assert_eq!(entries.len(), 1);
    let hash: String = made.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(entries[0].text("after_state").unwrap().contains(&hash));
    assert!(app.get("/terms").await.text().contains(&hash));
}
