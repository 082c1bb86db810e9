//! A terminal's key takes the place of another.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use omamori::clock::{HOUR, SECOND};
use omamori::merchant::keys::{By, rotate};
use omamori::web::codes::Code;
use serde_json::{Value, json};

use crate::support::app::{Node, TestApp};
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::support::{on_both_engines, on_several_nodes};

on_both_engines!(
    both_keys_work_for_a_day,
    a_key_that_somebody_has_ends_at_once,
    a_registers_session_ends_with_its_key,
    a_second_change_ends_the_first_key,
    another_merchants_key_is_not_changed,
);
on_several_nodes!(an_old_key_ends_on_the_other_node);

fn path(register: &Register, act: &str) -> String {
    format!("/api/merchant/v1/terminals/{}/{act}", register.terminal_id)
}

/// Gives the register a new key, and says the old one.
async fn changed(app: &TestApp, staff: &Staff, register: &Register, at_once: bool) -> Register {
    let wish = json!({ "at_once": at_once });
    let made = staff.call(app, "POST", &path(register, "rotate"), &wish).await.ok();
    assert_eq!(made["old_key_until"].is_string(), !at_once);
    Register { key: made["api_key"].as_str().unwrap().to_owned(), ..register.clone() }
}

async fn works(node: &Node, register: &Register) -> bool {
    let answer = register.get(node, "/terminal").await;
    assert!(matches!(answer.status.as_u16(), 200 | 401), "{}", answer.status);
    answer.status == 200
}

/// Goal: for 24 hours both keys are the same terminal, and the page says that the old one is still
/// used; in the next second the old one is nobody's, on a node that knew it and after a restart.
async fn both_keys_work_for_a_day(app: &mut TestApp) {
    let old = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &old.merchant_id).await;
    assert!(works(app, &old).await);
    let new = changed(app, &staff, &old, false).await;
    let unused = staff.call(app, "GET", "/merchant", &Value::Null).await.text().to_owned();
    assert!(unused.contains("前のキーは使われていません"), "{unused}");
    let (by_old, by_new) = (old.get(app, "/terminal").await.ok(), new.get(app, "/terminal").await);
    assert_eq!(by_old, by_new.ok());
    app.clock.advance(HOUR);
    old.get(app, "/terminal").await.ok();
    let staff = Staff::new(&app.app, &old.merchant_id).await; // the session was idle for too long
    let used = staff.call(app, "GET", "/merchant", &Value::Null).await.text().to_owned();
    assert!(used.contains("前のキーの最終利用 2026/04/01 13:00"), "{used}");
    assert!(!used.contains(&new.key) && !used.contains(&old.key));
    app.clock.advance(23 * HOUR - SECOND);
    assert!(works(app, &old).await);
    app.clock.advance(SECOND);
    assert!(!works(app, &old).await && works(app, &new).await);
    app.restart().await;
    assert!(!works(app, &old).await && works(app, &new).await);
}

/// Goal: the thief's copy is worth nothing from the answer on, whether the owner says so with the
/// change or after it.
async fn a_key_that_somebody_has_ends_at_once(app: &mut TestApp) {
    let old = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &old.merchant_id).await;
    assert!(works(app, &old).await);
    let second = changed(app, &staff, &old, true).await;
    assert!(!works(app, &old).await && works(app, &second).await);
    let third = changed(app, &staff, &second, false).await;
    assert!(works(app, &second).await && works(app, &third).await);
    for _ in 0..2 {
        let ended = staff.call(app, "POST", &path(&old, "end-old-key"), &Value::Null).await;
        assert_eq!(ended.status, 204);
        assert!(!works(app, &second).await && works(app, &third).await);
    }
}

/// Opens a web register; gives its cookie.
async fn open(app: &TestApp, key: &str) -> String {
    let request = Request::post("/till/session").header(header::CONTENT_TYPE, "application/json");
    let body = json!({ "api_key": key }).to_string();
    let opened = app.call(request.body(Body::from(body)).unwrap()).await;
    let cookie = opened.headers[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn is_open(app: &TestApp, cookie: &str) -> bool {
    let request = Request::get("/api/pos/v1/terminal").header(header::COOKIE, cookie);
    let request = request.header("x-omamori-till", "1").body(Body::empty()).unwrap();
    app.call(request).await.status == 200
}

/// Goal: a key that is on its way out lends its life to no session: neither one that was opened
/// before the change nor one that a thief opens meanwhile outlives it.
async fn a_registers_session_ends_with_its_key(app: &mut TestApp) {
    let old = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &old.merchant_id).await;
    let before = open(app, &old.key).await;
    let new = changed(app, &staff, &old, false).await;
    let (meanwhile, after) = (open(app, &old.key).await, open(app, &new.key).await);
    for cookie in [&before, &meanwhile, &after] {
        assert!(is_open(app, cookie).await);
    }
    app.clock.advance(24 * HOUR);
    assert!(!is_open(app, &before).await && !is_open(app, &meanwhile).await);
    assert!(is_open(app, &after).await);
    let staff = Staff::new(&app.app, &old.merchant_id).await;
    let newest = changed(app, &staff, &new, true).await;
    assert!(!is_open(app, &after).await && works(app, &newest).await);
}

/// Goal: of three keys the first has ended when the third is made, with what it opened.
async fn a_second_change_ends_the_first_key(app: &mut TestApp) {
    let first = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &first.merchant_id).await;
    let session = open(app, &first.key).await;
    let second = changed(app, &staff, &first, false).await;
    let third = changed(app, &staff, &second, false).await;
    assert!(!works(app, &first).await && !is_open(app, &session).await);
    assert!(works(app, &second).await && works(app, &third).await);
}

/// Goal: a terminal of another merchant is not there, a revoked one neither; no key changes.
async fn another_merchants_key_is_not_changed(app: &mut TestApp) {
    let (mine, theirs) = (Register::new(&app.app).await, Register::new(&app.app).await);
    let staff = Staff::new(&app.app, &mine.merchant_id).await;
    let wish = json!({ "at_once": true });
    let tried = staff.call(app, "POST", &path(&theirs, "rotate"), &wish).await;
    tried.refused(Code::NotFound);
    let tried = staff.call(app, "POST", &path(&theirs, "end-old-key"), &Value::Null).await;
    tried.refused(Code::NotFound);
    assert!(works(app, &theirs).await);
    staff.call(app, "POST", &path(&mine, "revoke"), &Value::Null).await.ok();
    let tried = staff.call(app, "POST", &path(&mine, "rotate"), &wish).await;
    tried.refused(Code::NotFound);
    let by = By { merchant_id: None, who: "machine" };
    let by_command = rotate(&app.app, by, &theirs.terminal_id, false).await.unwrap();
    let new = Register { key: by_command.0.api_key, ..theirs.clone() };
    assert!(works(app, &new).await && works(app, &theirs).await);
}

/// Goal: a node that knows the old key forgets it when another node ends it.
async fn an_old_key_ends_on_the_other_node(app: &mut TestApp) {
    let other = app.another_node().await;
    let old = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &old.merchant_id).await;
    assert!(works(&other, &old).await);
    let new = changed(app, &staff, &old, true).await;
    let forgotten = async {
        while works(&other, &old).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), forgotten).await.unwrap();
    assert!(works(&other, &new).await);
    other.app.close().await;
}
