//! Letters to a merchant's people that wait: for a newer version, for the mail server, for somebody
//! who is gone meanwhile.

use omamori::alert::{newest, round_now};
use omamori::clock::{DAY, HOUR, MINUTE};
use omamori::config::{Mail, MailTls, Smtp};
use omamori::merchant::MerchantNotice;
use omamori::merchant::access::Role;
use omamori::merchant::notice::{deliver_due, tell, tell_all};
use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::json;

use super::notices::{EMAIL, PEOPLE, asked, at, letters, page, person, told};
use crate::support::app::{Node, TestApp};
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::support::staff::Staff;

on_both_engines!(
    what_a_newer_version_wrote_stops_nothing,
    who_is_gone_meanwhile_hears_of_nothing_but_that,
    everybody_and_nobody_else_hears_of_the_end,
    no_flood_pushes_the_account_off_the_page,
    nobody_blocks_an_address_that_is_somebodys,
    another_address_is_written_to_in_the_same_language,
);

/// Tells a merchant of something.
async fn tells(node: &Node, merchant_id: &str, notice: &MerchantNotice) {
    let mut tx = node.app.stores.registry.begin().await.unwrap();
    tell(&node.app, &mut tx, merchant_id, "", notice).await.unwrap();
    tx.commit().await.unwrap();
}

fn key_created(name: &str) -> MerchantNotice {
    MerchantNotice::KeyCreated { terminal: name.to_owned() }
}

/// Why letters were given up, and how many.
async fn given_up(node: &Node, why: &str) -> i64 {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM merchant_letter
         WHERE state = 'given_up' AND last_error = $1");
    node.app.stores.registry.one(query.bind(why)).await.unwrap().int("n").unwrap()
}

/// What a node of a later version wrote.
async fn from_the_future(node: &Node, merchant_id: &str, (count, passed_on): (usize, bool)) {
    let now = node.app.clock.now();
    for place in 0..count {
        let insert = sql("INSERT INTO merchant_notice
                 (notice_id, merchant_id, kind, params, by_name, at, passed_on_at)
             VALUES ($1, $2, 'from_the_future', '{}', '', $3, $4)");
        let insert = insert.bind(format!("mnt_future_{passed_on}_{place:03}")).bind(merchant_id);
        let insert = insert.bind(now).bind(passed_on.then_some(now));
        node.app.stores.registry.execute(insert).await.unwrap();
    }
    let insert = sql("INSERT INTO merchant_letter
             (notice_id, contact_id, state, attempts, next_at, created_at)
         SELECT n.notice_id, c.contact_id, 'waiting', CAST(0 AS BIGINT), n.at, n.at
         FROM merchant_notice n, merchant_contact c
         WHERE n.kind = 'from_the_future' AND n.passed_on_at IS NOT NULL");
    if passed_on {
        node.app.stores.registry.execute(insert).await.unwrap();
    }
}

/// Goal: while nodes are replaced one by one, those of before meet notices and letters that they
/// cannot read, more than they take at once: what they can read goes out, the operator is told of
/// what waits, and after three days it waits no more.
async fn what_a_newer_version_wrote_stops_nothing(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    person(app, &register, Role::Owner, "owner@example.jp").await;
    let known = told(app, "owner@example.jp").await.len();
    from_the_future(app, &register.merchant_id, (120, false)).await;
    from_the_future(app, &register.merchant_id, (20, true)).await;
    app.clock.advance(MINUTE);
    tells(app, &register.merchant_id, &key_created("レジ2")).await;
    assert_eq!(told(app, "owner@example.jp").await.len(), known + 1);
    let (subject, _) = letters(app, "owner@example.jp").pop().unwrap();
    assert!(subject.contains("端末が追加されました"), "{subject}");
    assert_eq!(deliver_due(&app.app).await.unwrap(), 0, "not again at once");

    let passed_on = sql("UPDATE merchant_letter SET state = 'given_up' WHERE state = 'waiting'");
    app.app.stores.registry.execute(passed_on).await.unwrap();
    app.clock.advance(HOUR);
    round_now(&app.app).await.unwrap();
    let alerts = newest(&app.app.stores.registry, 9).await.unwrap();
    assert!(alerts.iter().any(|alert| alert.subject == "email_merchants"), "{alerts:?}");
    let again = sql("UPDATE merchant_letter SET state = 'waiting' WHERE state = 'given_up'");
    app.app.stores.registry.execute(again).await.unwrap();
    app.clock.advance(3 * DAY);
    deliver_due(&app.app).await.unwrap();
    assert_eq!(given_up(app, "too_old").await, 20);
    let waiting = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM merchant_notice
         WHERE passed_on_at IS NULL");
    assert_eq!(app.app.stores.registry.one(waiting).await.unwrap().int("n").unwrap(), 0);
}

fn down() -> Mail {
    Mail::Smtp(Smtp {
        host: "127.0.0.1".to_owned(),
        port: Some(1),
        tls: MailTls::None,
        from: "no-reply@pay.example".to_owned(),
        user: None,
        password: None,
    })
}

/// Goal: while the mail server is down, one manager is removed, one becomes a clerk and one wants
/// no statements any more. When it is there again, the first hears of the removal alone, the second
/// of what concerns security, the third of all but the statement.
async fn who_is_gone_meanwhile_hears_of_nothing_but_that(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = person(app, &register, Role::Owner, "owner@example.jp").await;
    let gone = person(app, &register, Role::Manager, "gone@example.jp").await;
    let clerk = person(app, &register, Role::Manager, "clerk@example.jp").await;
    let moved = person(app, &register, Role::Manager, "moved@example.jp").await;
    app.restart_with(|config| config.mail = down()).await;
    app.clock.advance(1);
    let closing_on = "2026-04-30".to_owned();
    let statement = MerchantNotice::Statement { closing_on, payout: 1 };
    tells(app, &register.merchant_id, &statement).await;
    tells(app, &register.merchant_id, &key_created("レジ2")).await;
    assert_eq!(deliver_due(&app.app).await.unwrap(), 8, "two to each, none taken");
    let remove = format!("{PEOPLE}/{}/remove", gone.user_id);
    assert_eq!(owner.confirmed(app, &remove, &json!({})).await.status, 204);
    let role = format!("{PEOPLE}/{}/role", clerk.user_id);
    let changed = owner.confirmed(app, &role, &json!({ "role": "clerk" })).await;
    assert_eq!(changed.status, 204);
    let off = json!({ "on": ["payout", "webhook", "service"], "language": "ja" });
    let choose = format!("{EMAIL}/choices");
    assert_eq!(moved.call(app, "POST", &choose, &off).await.status, 204);

    app.restart_with(|config| config.mail = Mail::Sandbox).await;
    app.clock.advance(HOUR);
    let has = |subjects: &[String], word: &str| subjects.iter().any(|one| one.contains(word));
    let (sheet, key) = ("精算書ができました", "端末が追加されました");
    for (to, expected) in [
        ("owner@example.jp", (true, true)),
        ("gone@example.jp", (false, false)),
        ("clerk@example.jp", (false, true)),
        ("moved@example.jp", (false, true)),
    ] {
        let subjects = told(app, to).await;
        assert_eq!((has(&subjects, sheet), has(&subjects, key)), expected, "{to}: {subjects:?}");
    }
    let subjects = told(app, "gone@example.jp").await;
    assert!(subjects.len() == 1 && has(&subjects, "外されました"), "{subjects:?}");
    assert_eq!(given_up(app, "not_wanted").await, 4);
}

/// Goal: what every merchant is told goes to every merchant, what one is told to nobody else.
async fn everybody_and_nobody_else_hears_of_the_end(app: &mut TestApp) {
    let (register, rival) = (Register::new(&app.app).await, Register::new(&app.app).await);
    person(app, &register, Role::Owner, "owner@example.jp").await;
    person(app, &rival, Role::Clerk, "rival@example.jp").await;
    app.clock.advance(1);
    tells(app, &register.merchant_id, &key_created("レジ2")).await;
    let mut tx = app.app.stores.registry.begin().await.unwrap();
    tell_all(&app.app, &mut tx, &MerchantNotice::ServiceStays {}).await.unwrap();
    tx.commit().await.unwrap();
    for (to, expected) in [("owner@example.jp", 3), ("rival@example.jp", 2)] {
        let subjects = told(app, to).await;
        assert_eq!(subjects.len(), expected, "with that of the address: {subjects:?}");
        assert!(subjects.iter().any(|one| one.contains("サービスを継続します")), "{subjects:?}");
    }
}

/// Attack: with a manager's session keys are made, changed and stopped hundreds of times, so that
/// the owner does not see on the page where the money goes, or what was done to their address.
async fn no_flood_pushes_the_account_off_the_page(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let owner = person(app, &register, Role::Owner, "owner@example.jp").await;
    let (last_digits, terminal) = ("567".to_owned(), || "レジ".to_owned());
    let account = MerchantNotice::PayoutAccountChanged { last_digits, usable_at: app.now() };
    tells(app, &register.merchant_id, &account).await;
    app.clock.advance(MINUTE);
    let mut tx = app.app.stores.registry.begin().await.unwrap();
    for _ in 0..250 {
        for notice in [
            MerchantNotice::KeyCreated { terminal: terminal() },
            MerchantNotice::KeyRotated { terminal: terminal(), old_until: None },
            MerchantNotice::KeyRevoked { terminal: terminal() },
        ] {
            tell(&app.app, &mut tx, &register.merchant_id, "", &notice).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let page = page(app, &owner).await;
    for word in ["振込先が変更されました", "お知らせ先のメールアドレスが変わりました"]
    {
        assert!(page.contains(word), "{word}");
    }
    assert_eq!(page.matches("端末が追加されました").count(), 20);
}

/// Attack: five accounts ask for codes to the address of somebody who is about to set it again.
/// Nobody else gets further ones, in whatever case.
async fn nobody_blocks_an_address_that_is_somebodys(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = person(app, &register, Role::Owner, "owner@example.jp").await;
    app.clock.advance(DAY + MINUTE);
    for _ in 0..5 {
        let mut other = Staff::with_passkey(&app.app, &register.merchant_id, Role::Clerk).await;
        asked(app, &mut other, "owner@example.jp").await;
    }
    let mut other = Staff::with_passkey(&app.app, &register.merchant_id, Role::Clerk).await;
    let wish = json!({ "email": "Owner@example.jp" });
    other.confirmed(app, EMAIL, &wish).await.refused(Code::TooManyRequests);
    owner.token.push('x'); // a session of the next day
    owner.sign_in(&app.app).await;
    asked(app, &mut owner, "owner@example.jp").await;
}

/// Goal: who reads English letters goes on reading them at another address, from a page in
/// Japanese; whose they are stands before the subject as in every message in English.
async fn another_address_is_written_to_in_the_same_language(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let mut owner = person(app, &register, Role::Owner, "a@example.jp").await;
    let english = json!({ "on": [], "language": "en" });
    let choose = format!("{EMAIL}/choices");
    assert_eq!(owner.call(app, "POST", &choose, &english).await.status, 204);
    app.clock.advance(1);
    at(app, &mut owner, "b@example.jp").await;
    let subjects = told(app, "b@example.jp").await;
    assert_eq!(subjects, ["お守りPay: Your e-mail address was changed"]);
}
