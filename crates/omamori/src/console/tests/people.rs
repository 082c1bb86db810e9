//! Invitations, sign-in, sessions.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;

use super::{Desk, ORIGIN};
use crate::clock::{Clock, HOUR, MINUTE};
use crate::console::access::Role;
use crate::console::staff;
use crate::identity::tests::{House, authenticator::Authenticator, on_both_engines};

on_both_engines!(
    an_invitation_works_once_and_for_an_hour,
    a_session_ends_by_idleness_and_by_age,
    a_passkey_without_the_finger_or_of_a_stranger_opens_nothing,
    a_page_of_another_origin_changes_nothing,
    who_was_removed_or_has_another_role_is_out_at_once,
);

/// Attack: somebody finds an invitation that was used, or is old.
async fn an_invitation_works_once_and_for_an_hour(house: House) {
    let desk = Desk::new(house);
    let invite = staff::invite(&desk.house.app, "佐藤", Role::Admin).await.unwrap();
    let person = desk.enrol(&invite).await;
    assert!(desk.is_in(&person).await);
    let invited = json!({ "invite": invite });
    desk.anybody("/enrol/options", &invited).await.refused("proof_failed");

    let late = staff::invite(&desk.house.app, "鈴木", Role::Viewer).await.unwrap();
    let invited = json!({ "invite": late });
    let options = desk.anybody("/enrol/options", &invited).await.ok();
    let credential = Authenticator::new().create(&options);
    desk.house.clock.advance(HOUR);
    desk.anybody("/enrol/options", &invited).await.refused("proof_failed");
    let finish = json!({ "invite": late, "credential": credential });
    desk.anybody("/enrol/finish", &finish).await.refused("proof_failed");
    let none = json!({ "invite": "" });
    desk.anybody("/enrol/options", &none).await.refused("proof_failed");
}

/// Goal: a quarter of an hour without a person, or half a day with one. A page that refreshes
/// itself is no person.
async fn a_session_ends_by_idleness_and_by_age(house: House) {
    let desk = Desk::new(house);
    let mut person = desk.person(Role::Viewer).await;
    for _ in 0..4 {
        desk.house.clock.advance(10 * MINUTE);
        assert!(desk.is_in(&person).await);
    }
    let live = || {
        let page = Request::get("/console?live").header(header::COOKIE, &person.cookie);
        page.body(Body::empty()).unwrap()
    };
    desk.house.clock.advance(10 * MINUTE);
    assert_eq!(desk.call(live()).await.status, StatusCode::OK);
    desk.house.clock.advance(10 * MINUTE);
    assert_eq!(desk.call(live()).await.status, StatusCode::UNAUTHORIZED);
    assert!(!desk.is_in(&person).await);

    assert_eq!(desk.signs_in(&mut person).await.status, StatusCode::NO_CONTENT);
    let began = desk.house.clock.now();
    while desk.house.clock.now() < began + 12 * HOUR - 10 * MINUTE {
        desk.house.clock.advance(10 * MINUTE);
        assert!(desk.is_in(&person).await);
    }
    desk.house.clock.advance(10 * MINUTE);
    assert!(!desk.is_in(&person).await);
    let out = desk.signs_in(&mut person).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    desk.post(&person, "/signout", &json!({})).await.ok();
    assert!(!desk.is_in(&person).await);
}

/// Attack: a stolen authenticator without its owner; a passkey that nobody invited.
async fn a_passkey_without_the_finger_or_of_a_stranger_opens_nothing(house: House) {
    let desk = Desk::new(house);
    let mut person = desk.person(Role::Admin).await;
    person.authenticator.verifies_user = false;
    desk.signs_in(&mut person).await.refused("proof_failed");
    person.authenticator.verifies_user = true;
    let mine = person.authenticator.clone();
    person.authenticator = Authenticator::new();
    person.authenticator.user_handle = mine.user_handle.clone();
    desk.signs_in(&mut person).await.refused("proof_failed");
    person.authenticator = mine;
    assert_eq!(desk.signs_in(&mut person).await.status, StatusCode::NO_CONTENT);
}

/// Attack: cross-site request forgery with a signed-in browser.
async fn a_page_of_another_origin_changes_nothing(house: House) {
    let desk = Desk::new(house);
    let person = desk.person(Role::Admin).await;
    for origin in [None, Some("https://evil.example"), Some("null"), Some("http://localhost")] {
        let mut request = Request::post("/api/admin/v1/signout")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, &person.cookie);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        desk.call(request.body(Body::from("{}")).unwrap()).await.refused("forbidden");
    }
    assert!(desk.is_in(&person).await);
    assert_eq!(ORIGIN, desk.house.app.config.public_url);
}

/// Goal: access ends in the same instant on all screens.
async fn who_was_removed_or_has_another_role_is_out_at_once(house: House) {
    let desk = Desk::new(house);
    let (asking, mut second) = (desk.person(Role::Admin).await, desk.person(Role::Admin).await);
    let mut other = desk.person(Role::Support).await;
    let path = |what: &str| format!("/staff/{}/{what}", other.staff_id);
    let change = json!({ "role": "viewer", "reason": "異動" });
    let asked = desk.post(&asking, &path("role"), &change).await.ok();
    let approval = asked["approval_id"].as_str().unwrap();
    desk.decides(&mut second, approval, "give").await.ok();
    assert!(desk.is_in(&other).await);
    desk.carries_out(&asking, approval).await.ok();
    assert!(!desk.is_in(&other).await);
    let asked = desk.post(&asking, &path("remove"), &json!({ "reason": "退職" })).await.ok();
    assert_eq!(desk.signs_in(&mut other).await.status, StatusCode::NO_CONTENT);
    let approval = asked["approval_id"].as_str().unwrap();
    desk.decides(&mut second, approval, "give").await.ok();
    desk.carries_out(&asking, approval).await.ok();
    assert!(!desk.is_in(&other).await);
    desk.signs_in(&mut other).await.refused("proof_failed");
    let gone = format!("/staff/{}/remove", other.staff_id);
    desk.post(&asking, &gone, &json!({ "reason": "退職" })).await.refused("not_found");
}
