//! Money is told: each top-up, payment, refund and cancel once, to those who want it.

use omamori::app::App;
use omamori::clock::DAY;
use omamori::notify::{Channel, Sent, deliver_due};
use omamori_db::sql;
use serde_json::json;

use crate::notices::send;
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::shop::Register;
use crate::support::{on_both_engines, on_several_nodes};

on_both_engines!(
    all_that_moves_money_is_told_by_push,
    e_mail_is_a_choice_and_security_is_not,
    who_wants_nothing_costs_nothing,
    a_process_that_dies_loses_and_doubles_nothing,
    small_payments_silence_no_notice_of_the_account,
);
on_several_nodes!(two_nodes_tell_once);

const PUSH: &str = "/api/wallet/v1/push";
const MAIL: &str = "/api/wallet/v1/notices/money-mail";

/// A phone that takes push; the keys are those of RFC 8291, Appendix A.
async fn subscribed(app: &TestApp) -> Customer {
    let customer = Customer::new(&app.app).await;
    let subscription = json!({ "endpoint": "https://push.example.net/p/1", "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg" } });
    assert!(send(app, &customer, "POST", PUSH, &subscription).await.status.is_success());
    customer
}

/// Waits until the follower stands at the end of the journal.
async fn followed(node: &Node) {
    loop {
        let query = sql("SELECT seq FROM ledger_follower WHERE name = 'money_notices'");
        let row = node.app.stores.registry.optional(query).await.unwrap();
        let seq = row.map_or(0, |row| row.int("seq").unwrap());
        if seq >= node.journal_entries().await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Rows of the outbox about money.
async fn queued(app: &App) -> i64 {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM delivery WHERE about = 'money'");
    app.stores.registry.one(query).await.unwrap().int("n").unwrap()
}

async fn sent(app: &TestApp) -> Vec<Sent> {
    followed(app).await;
    deliver_due(&app.app).await.unwrap();
    app.app.identity.outbox().sandbox().unwrap().sent()
}

async fn all_that_moves_money_is_told_by_push(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, subscribed(app).await);
    register.top_up(app, "t-1", &customer.code(app.now()), 3_000).await.ok();
    register.sell(app, "s-1", &customer.code(app.now()), 1_280).await.ok();
    register.refund(app, "r-1", "s-1", 280).await.ok();
    let mut texts: Vec<_> = sent(app).await.iter().map(|sent| sent.text.clone()).collect();
    texts.sort();
    let store = name(&app.app).await;
    let mut expected = [
        format!("{store}で ¥3,000 チャージしました"),
        format!("{store}で ¥1,280 支払いました"),
        format!("{store}から ¥280 返金されました"),
    ];
    expected.sort();
    assert_eq!(texts, expected);
    for text in texts {
        assert!(!text.contains("http") && !text.contains("://"), "no links: {text}");
    }
    assert_eq!(queued(&app.app).await, 3, "one row a transfer");
}

async fn name(app: &App) -> String {
    app.stores.registry.one(sql("SELECT name FROM store")).await.unwrap().text("name").unwrap()
}

async fn e_mail_is_a_choice_and_security_is_not(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    let contact = sql("INSERT INTO contact (contact_id, customer_id, kind, value, verified_at) \
                       VALUES ('con_1', $1, 'email', 'hanako@example.jp', $2)");
    let contact = contact.bind(&customer.customer_id).bind(app.now());
    app.app.stores.registry.execute(contact).await.unwrap();
    register.top_up(app, "t-1", &customer.code(app.now()), 3_000).await.ok();
    assert!(sent(app).await.is_empty());
    for (on, payments) in [(true, 1), (true, 2), (false, 2)] {
        let answer = send(app, &customer, "POST", MAIL, &json!({ "on": on })).await;
        assert_eq!(answer.status.as_u16(), 204);
        let id = format!("s-{on}-{payments}");
        register.sell(app, &id, &customer.code(app.now()), 100).await.ok();
        let sent = sent(app).await;
        assert_eq!(sent.len(), payments, "{on}");
        assert!(sent.iter().all(|sent| sent.channel == Channel::Email));
    }
    assert!(customer.get(app, "/settings").await.text().contains("data-money-mail"));
    crate::notices::tell_moved(app, &customer).await;
    let all = sent(app).await;
    assert!(all.iter().any(|sent| sent.text.contains("iPhone") && sent.channel == Channel::Email));
}

async fn who_wants_nothing_costs_nothing(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 3_000).await;
    register.sell(app, "s-1", &customer.code(app.now()), 1_280).await.ok();
    followed(app).await;
    assert_eq!(queued(&app.app).await, 0);
}

/// Goal: what was paid while nobody followed is told after the start; a lost position tells
/// nothing twice, and does not tell of what is no news.
async fn a_process_that_dies_loses_and_doubles_nothing(app: &mut TestApp) {
    let (register, customer) = (Register::new(&app.app).await, subscribed(app).await);
    for round in 0..3 {
        register.top_up(app, &format!("t-{round}"), &customer.code(app.now()), 1_000).await.ok();
        // Without waiting for the follower: it may or may not have been there.
        app.restart().await;
    }
    register.top_up(app, "t-3", &customer.code(app.now()), 1_000).await.ok();
    followed(app).await;
    assert_eq!(queued(&app.app).await, 4);
    let forget = || sql("DELETE FROM ledger_follower WHERE name = 'money_notices'");
    app.app.stores.registry.execute(forget()).await.unwrap();
    app.restart_without_views().await;
    followed(app).await;
    assert_eq!(queued(&app.app).await, 4, "told before");
    deliver_due(&app.app).await.unwrap();

    app.clock.advance(8 * DAY);
    omamori::privacy::retain(&app.app).await.unwrap();
    assert_eq!(queued(&app.app).await, 0);
    app.app.stores.registry.execute(forget()).await.unwrap();
    app.restart().await;
    followed(app).await;
    assert_eq!(queued(&app.app).await, 0, "no news");
}

/// Goal: the thief who pays a hundred times one yen does not use up what tells of the break-in.
async fn small_payments_silence_no_notice_of_the_account(app: &mut TestApp) {
    let customer = subscribed(app).await;
    for number in 0..150 {
        let insert =
            sql("INSERT INTO delivery (delivery_id, customer_id, channel, message, state, \
                          attempts, next_at, created_at, done_at, about) \
                          VALUES ($1, $2, 'push', NULL, 'sent', 1, $3, $3, $3, 'money')");
        let insert = insert.bind(format!("dlv_{number}")).bind(&customer.customer_id);
        app.app.stores.registry.execute(insert.bind(app.now())).await.unwrap();
    }
    crate::notices::tell_moved(app, &customer).await;
    assert!(sent(app).await.iter().any(|sent| sent.channel == Channel::Push));
}

/// Goal: one message a payment, whichever node took it and however many follow.
async fn two_nodes_tell_once(app: &mut TestApp) {
    let other = app.another_node().await;
    let (register, customer) = (Register::new(&app.app).await, subscribed(app).await);
    for number in 0..4 {
        let id = format!("t-{number}");
        let node: &Node = [&**app, &other][number % 2];
        register.top_up(node, &id, &customer.code(app.now()), 1_000).await.ok();
    }
    followed(app).await;
    assert_eq!(queued(&app.app).await, 4);
    other.app.close().await;
    register.top_up(app, "t-last", &customer.code(app.now()), 1_000).await.ok();
    followed(app).await;
    assert_eq!(queued(&app.app).await, 5, "the one that is left goes on");
}
