//! Alerts: told once, to whom they should go, kept until they are over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use omamori::alert::{Kind, deliver_due, newest, round_now, standing};
use omamori::audit::{Actor, list};
use omamori::clock::{HOUR, MINUTE, SECOND};
use omamori::console::access::Role;
use omamori::control::{self, Closing, Door, Scope};
use omamori::secret::Secret;
use omamori::web::codes::Code;
use omamori_db::sql;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::shop::Register;
use crate::support::{on_both_engines, on_several_nodes};

on_both_engines!(
    an_alert_is_told_once_taken_up_and_over,
    each_condition_raises_its_kind,
    a_webhook_that_fails_is_tried_again_after_a_restart,
    an_alert_names_no_person_and_no_secret,
);
on_several_nodes!(two_nodes_tell_once);

/// A chat service: what was posted, and how it answers.
#[derive(Clone, Default)]
struct Chat {
    posted: Arc<Mutex<Vec<Value>>>,
    status: Arc<AtomicU16>,
}

impl Chat {
    /// On a port of its own.
    async fn open() -> (Self, String) {
        let chat = Self::default();
        chat.status.store(200, Ordering::SeqCst);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/services/T0/secret-part", listener.local_addr().unwrap());
        let router = Router::new().route("/services/T0/secret-part", post(take));
        let router = router.with_state(chat.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (chat, address)
    }

    fn texts(&self) -> Vec<String> {
        let text = |posted: &Value| posted["text"].as_str().unwrap().to_owned();
        self.posted.lock().iter().map(text).collect()
    }
}

async fn take(State(chat): State<Chat>, body: String) -> StatusCode {
    let status = StatusCode::from_u16(chat.status.load(Ordering::SeqCst)).unwrap();
    if status.is_success() {
        chat.posted.lock().push(serde_json::from_str(&body).unwrap());
    }
    status
}

async fn with_chat(app: &mut TestApp) -> Chat {
    let (chat, address) = Chat::open().await;
    app.restart_with(|config| {
        config.alerts.email = vec!["ops@example.jp".into()];
        config.alerts.webhooks = vec![Secret::new(address)];
        config.alerts.decline_payments = 5;
    })
    .await;
    chat
}

async fn close_payments(node: &Node) -> String {
    let closing = Closing {
        door: Door::Payment,
        scope: Scope::All,
        reason: "山田さんの端末 090-1234-5678".into(),
        notice_ja: String::new(),
        notice_en: String::new(),
        ends_at: None,
    };
    control::close(&node.app, &Actor::machine(), "鈴木", closing).await.unwrap()
}

fn mails(node: &Node) -> Vec<String> {
    let sent = node.app.identity.outbox().sandbox().unwrap().sent();
    let ours = sent.into_iter().filter(|sent| sent.to == "ops@example.jp");
    ours.map(|sent| sent.text).collect()
}

async fn state_of(app: &TestApp, kind: Kind) -> Option<String> {
    let all = newest(&app.app.stores.registry, 100).await.unwrap();
    all.into_iter().find(|alert| alert.kind == kind.as_str()).map(|alert| alert.state)
}

/// Goal: one mail and one post, however long it lasts; whose it is, is in the audit log; over by
/// itself; and what comes back at once is not news.
async fn an_alert_is_told_once_taken_up_and_over(app: &mut TestApp) {
    let chat = with_chat(app).await;
    round_now(&app.app).await.unwrap();
    assert_eq!(newest(&app.app.stores.registry, 10).await.unwrap(), [], "all is well");
    let control_id = close_payments(app).await;
    for _ in 0..3 {
        round_now(&app.app).await.unwrap();
        app.clock.advance(10 * SECOND);
    }
    assert_eq!((chat.texts().len(), mails(app).len()), (1, 1));
    assert!(chat.texts()[0].contains("/console/doors"), "{:?}", chat.texts());
    let alert = newest(&app.app.stores.registry, 10).await.unwrap().remove(0);
    assert_eq!((alert.kind.as_str(), alert.subject.as_str()), ("door_closed", &*control_id));
    let viewer = Person::new(&app.app, Role::Viewer).await;
    let page = viewer.get(app, "/console/alerts").await;
    assert!(page.text().contains("data-alert=\"door_closed\""));
    assert!(!page.text().contains("/acknowledge"), "who only looks has no button");
    let path = format!("/alerts/{}/acknowledge", alert.alert_id);
    let reason = json!({ "reason": "調べます" });
    assert_eq!(viewer.post(app, &path, &reason).await.status, StatusCode::FORBIDDEN);
    let support = Person::new(&app.app, Role::Support).await;
    assert_eq!(support.post(app, &path, &json!({ "reason": " " })).await.status, 400);
    assert_eq!(support.post(app, &path, &reason).await.status, StatusCode::NO_CONTENT);
    support.post(app, &path, &reason).await.refused(Code::NotFound);
    let written = list::about(&app.app.stores.registry, &alert.alert_id, 10).await.unwrap();
    assert_eq!((written.len(), written[0].act.as_str()), (1, "alert_acknowledge"));
    assert_eq!(written[0].actor, support.staff_id);
    round_now(&app.app).await.unwrap();
    assert_eq!(state_of(app, Kind::DoorClosed).await.as_deref(), Some("acknowledged"));
    assert_eq!(standing(&app.app.stores.registry).await.unwrap(), 0);
    let machine = Actor::machine();
    control::open(&app.app, &machine, "鈴木", &control_id, "済").await.unwrap();
    app.clock.advance(4 * MINUTE);
    round_now(&app.app).await.unwrap();
    assert_eq!(state_of(app, Kind::DoorClosed).await.as_deref(), Some("over"));
    assert_eq!((chat.texts().len(), mails(app).len()), (1, 1));
}

/// Goal: each thing that can go wrong here is seen, and a sound service raises nothing.
async fn each_condition_raises_its_kind(app: &mut TestApp) {
    with_chat(app).await;
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 1_000).await;
    round_now(&app.app).await.unwrap();
    assert_eq!(newest(&app.app.stores.registry, 10).await.unwrap(), []);
    for number in 0..6 {
        let id = format!("s-{number}");
        register.sell(app, &id, &customer.code(app.now()), 5_000).await;
    }
    let (registry, now) = (&app.app.stores.registry, app.now());
    let wave = sql("INSERT INTO attack_wave (wave_id, opened_at, last_seen_at, failures,
            turned_away, accounts, scopes) VALUES ('atk_1', $1, $1, CAST(99 AS BIGINT),
            CAST(0 AS BIGINT), CAST(50 AS BIGINT), '[]')");
    registry.execute(wave.bind(now)).await.unwrap();
    let stuck = sql("INSERT INTO delivery (delivery_id, customer_id, channel, state, attempts,
            next_at, created_at) VALUES ('dlv_1', $1, 'push', 'waiting', CAST(3 AS BIGINT), $2,
            $3)");
    let stuck = stuck.bind(&customer.customer_id).bind(now + HOUR).bind(now - HOUR);
    registry.execute(stuck).await.unwrap();
    let broken = "UPDATE audit_entry SET reason = 'mended' WHERE seq = 1";
    close_payments(app).await;
    assert_eq!(registry.execute(sql(broken)).await.unwrap(), 1);
    app.app.metrics.rule_hit("many-cards");
    app.app.metrics.rule_hit("many-cards");
    round_now(&app.app).await.unwrap();
    let found = newest(registry, 100).await.unwrap();
    for (kind, figure) in [
        (Kind::DeclineRatio, 100 * 6 / 6),
        (Kind::AttackWave, 99),
        (Kind::OutboxStuck, 60),
        (Kind::AuditBroken, 1),
        (Kind::RiskRule, 2),
        (Kind::DoorClosed, 1),
    ] {
        let alert = found.iter().find(|alert| alert.kind == kind.as_str());
        assert_eq!(alert.map(|alert| alert.figure), Some(figure), "{kind:?}");
    }
    assert_eq!(found.len(), 6, "{found:?}");
    app.clock.advance(11 * MINUTE);
    round_now(&app.app).await.unwrap();
    assert_eq!(state_of(app, Kind::DeclineRatio).await.as_deref(), Some("over"));
    let mended = "UPDATE audit_entry SET reason = $1 WHERE seq = 1";
    let words = "山田さんの端末 090-1234-5678";
    app.app.stores.registry.execute(sql(mended).bind(words)).await.unwrap();
}

/// Goal: an alert is not lost because the chat was down, or we were.
async fn a_webhook_that_fails_is_tried_again_after_a_restart(app: &mut TestApp) {
    let chat = with_chat(app).await;
    chat.status.store(503, Ordering::SeqCst);
    close_payments(app).await;
    round_now(&app.app).await.unwrap();
    assert_eq!((chat.texts().len(), mails(app).len()), (0, 1), "each way by itself");
    assert_eq!(deliver_due(&app.app).await.unwrap(), 0, "not before its pause is over");
    app.restart().await;
    app.clock.advance(MINUTE);
    assert_eq!(deliver_due(&app.app).await.unwrap(), 0, "still down");
    chat.status.store(200, Ordering::SeqCst);
    app.clock.advance(HOUR);
    assert_eq!(deliver_due(&app.app).await.unwrap(), 1);
    app.clock.advance(HOUR);
    assert_eq!(deliver_due(&app.app).await.unwrap(), 0);
    assert_eq!(chat.texts().len(), 1);
}

/// Attack: the chat is read by more people than should know whom an alert is about.
async fn an_alert_names_no_person_and_no_secret(app: &mut TestApp) {
    let chat = with_chat(app).await;
    close_payments(app).await;
    round_now(&app.app).await.unwrap();
    let texts = [chat.texts(), mails(app)].concat();
    assert_eq!(texts.len(), 2);
    for text in texts {
        for secret in ["山田", "鈴木", "090", "secret-part", "services"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert!(text.contains("http://localhost:8080/console/alerts"), "{text}");
    }
}

/// Race: both nodes see the same.
async fn two_nodes_tell_once(app: &mut TestApp) {
    let chat = with_chat(app).await;
    let other = app.another_node().await;
    close_payments(app).await;
    other.app.gate.controls().reload(&other.app.stores.registry).await.unwrap();
    for _ in 0..3 {
        let (one, two) = tokio::join!(round_now(&app.app), round_now(&other.app));
        one.unwrap();
        two.unwrap();
        app.clock.advance(10 * SECOND);
    }
    assert_eq!(newest(&app.app.stores.registry, 10).await.unwrap().len(), 1);
    assert_eq!(chat.texts().len(), 1);
    other.app.close().await;
}
