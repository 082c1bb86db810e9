//! Terminals: made and revoked in the back office; a revoked one stops on every node.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use omamori::web::codes::Code;
use serde_json::{Value, json};

use crate::support::app::{Node, TestApp};
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::support::{on_both_engines, on_several_nodes};

on_both_engines!(
    a_terminal_is_made_and_revoked_in_the_back_office,
    a_web_register_ends_with_its_terminal,
    another_merchants_terminal_cannot_be_revoked,
);
on_several_nodes!(a_revoked_terminal_stops_on_the_other_node);

fn revoke(terminal_id: &str) -> String {
    format!("/api/merchant/v1/terminals/{terminal_id}/revoke")
}

/// Goal: the key that was shown once works until the terminal is revoked, and never again.
async fn a_terminal_is_made_and_revoked_in_the_back_office(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    let wish = json!({ "store_id": register.store_id, "name": "レジ2", "kind": "pos" });
    let made = staff.call(app, "POST", "/api/merchant/v1/terminals", &wish).await.ok();
    let second = Register {
        terminal_id: made["terminal"]["terminal_id"].as_str().unwrap().to_owned(),
        key: made["api_key"].as_str().unwrap().to_owned(),
        ..register.clone()
    };
    let who = second.get(app, "/terminal").await.ok();
    assert_eq!(who["terminal"]["name"], "レジ2");
    assert_eq!(who["store"]["store_id"], register.store_id.as_str());
    assert!(staff.call(app, "GET", "/merchant", &Value::Null).await.text().contains("レジ2"));

    staff.call(app, "POST", &revoke(&second.terminal_id), &Value::Null).await.ok();
    second.get(app, "/terminal").await.refused(Code::Unauthorized);
    staff.call(app, "POST", &revoke(&second.terminal_id), &Value::Null).await.ok();
    app.restart().await;
    second.get(app, "/terminal").await.refused(Code::Unauthorized);
    register.get(app, "/terminal").await.ok();
}

/// Asks who the web register with this cookie is.
async fn web_register(
    node: &Node,
    cookie: &str,
    header_of_ours: bool,
) -> crate::support::answer::Answer {
    let mut request = Request::get("/api/pos/v1/terminal").header(header::COOKIE, cookie);
    if header_of_ours {
        request = request.header("x-omamori-till", "1");
    }
    node.call(request.body(Body::empty()).unwrap()).await
}

/// Goal: the browser that was given a key works by its cookie and our script's header, never by
/// the cookie alone, and stops with the terminal; a cookie opens no further browser.
async fn a_web_register_ends_with_its_terminal(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let open = |key: &str| {
        let body = json!({ "api_key": key }).to_string();
        Request::post("/till/session")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap()
    };
    let opened = app.call(open(&register.key)).await;
    assert_eq!(opened.status, 204);
    let cookie = opened.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let who = web_register(app, &cookie, true).await.ok();
    assert_eq!(who["terminal"]["terminal_id"], register.terminal_id.as_str());
    web_register(app, &cookie, false).await.refused(Code::Unauthorized);
    let token = cookie.split('=').nth(1).unwrap();
    assert_eq!(app.call(open(token)).await.status, 401);
    assert_eq!(app.call(open("omk_wrong")).await.status, 401);

    let staff = Staff::new(&app.app, &register.merchant_id).await;
    staff.call(app, "POST", &revoke(&register.terminal_id), &Value::Null).await.ok();
    web_register(app, &cookie, true).await.refused(Code::Unauthorized);
    assert_eq!(app.call(open(&register.key)).await.status, 401);
}

/// Goal: back offices see and change their own terminals only.
async fn another_merchants_terminal_cannot_be_revoked(app: &mut TestApp) {
    let (register, stranger) = (Register::new(&app.app).await, Register::new(&app.app).await);
    let staff = Staff::new(&app.app, &stranger.merchant_id).await;
    let path = revoke(&register.terminal_id);
    staff.call(app, "POST", &path, &Value::Null).await.refused(Code::NotFound);
    let wish = json!({ "store_id": register.store_id, "name": "X", "kind": "pos" });
    staff.call(app, "POST", "/api/merchant/v1/terminals", &wish).await.refused(Code::NotFound);
    register.get(app, "/terminal").await.ok();

    let own = Staff::new(&app.app, &register.merchant_id).await;
    let mut elsewhere = own.request("POST", &path, &Value::Null);
    elsewhere.headers_mut().insert(header::ORIGIN, "https://evil.example".parse().unwrap());
    app.call(elsewhere).await.refused(Code::Forbidden);
    register.get(app, "/terminal").await.ok();
}

/// Goal: a node that has the key in memory is told by the database and forgets it.
async fn a_revoked_terminal_stops_on_the_other_node(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let other = app.another_node().await;
    register.get(app, "/terminal").await.ok();
    register.get(&other, "/terminal").await.ok();
    let staff = Staff::new(&app.app, &register.merchant_id).await;
    staff.call(app, "POST", &revoke(&register.terminal_id), &Value::Null).await.ok();
    register.get(app, "/terminal").await.refused(Code::Unauthorized);
    let refused = async { while register.get(&other, "/terminal").await.status.is_success() {} };
    // Not a measurement: only so that a node that never learns it fails the test.
    tokio::time::timeout(Duration::from_secs(60), refused).await.unwrap();
    register.get(&other, "/terminal").await.refused(Code::Unauthorized);
    other.app.close().await;
}
