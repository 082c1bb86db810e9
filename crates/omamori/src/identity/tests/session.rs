//! Sessions: what a cookie is worth with and without the phone's key, and for how long.

use axum::http::StatusCode;

use super::phone::Phone;
use super::{House, api};
use crate::clock::{DAY, SECOND};

#[tokio::test]
async fn a_cookie_without_the_phones_key_opens_nothing() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house).await;
    phone.ask(&house, "GET", "/devices", None).await.refused("unauthorized");
    phone.ask(&house, "GET", "/devices", Some("x.y.z")).await.refused("unauthorized");

    let mut thief = Phone { cookie: phone.cookie.clone(), ath: phone.ath.clone(), ..Phone::new() };
    thief.get(&house, "/devices").await.refused("unauthorized");
    thief.sign_key = phone.sign_key.clone();
    thief.get(&house, "/devices").await.ok();
}

#[tokio::test]
async fn a_proof_works_once_and_for_its_request() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house).await;
    let proof = phone.proof(&house, "GET", "/devices", true);
    phone.ask(&house, "GET", "/devices", Some(&proof)).await.ok();
    phone.ask(&house, "GET", "/devices", Some(&proof)).await.refused("unauthorized");

    let other_address = phone.proof(&house, "GET", "/me", true);
    phone.ask(&house, "GET", "/devices", Some(&other_address)).await.refused("unauthorized");
    let other_method = phone.proof(&house, "POST", "/devices", true);
    phone.ask(&house, "GET", "/devices", Some(&other_method)).await.refused("unauthorized");
    let without_session = phone.proof(&house, "GET", "/devices", false);
    phone.ask(&house, "GET", "/devices", Some(&without_session)).await.refused("unauthorized");
    let old = phone.proof(&house, "GET", "/devices", true);
    house.clock.advance(61 * SECOND);
    phone.ask(&house, "GET", "/devices", Some(&old)).await.refused("unauthorized");

    // The query is no part of the address; two proofs are none.
    let with_query = phone.proof(&house, "GET", "/devices", true);
    phone.ask(&house, "GET", "/devices?x=1", Some(&with_query)).await.ok();
    let two = [(); 2].map(|()| phone.proof(&house, "GET", "/devices", true));
    let mut request = axum::http::Request::get(api("/devices")).header("cookie", &phone.cookie);
    for proof in &two {
        request = request.header("dpop", proof);
    }
    house.call(request.body(axum::body::Body::empty()).unwrap()).await.refused("unauthorized");
}

#[tokio::test]
async fn a_proof_of_another_session_of_the_same_phone_is_refused() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house).await;
    let first_cookie = phone.cookie.clone();
    let reply = phone.sign_in(&house).await;
    phone.keep_session(&reply);
    phone.get(&house, "/devices").await.ok();
    phone.cookie = first_cookie;
    phone.get(&house, "/devices").await.refused("unauthorized");
}

#[tokio::test]
async fn a_session_ends_after_thirty_idle_days_and_after_ninety_in_use() {
    let house = House::open().await;
    let idle = Phone::signed_up(&house).await;
    house.clock.advance(30 * DAY - SECOND);
    idle.get(&house, "/devices").await.ok();
    house.clock.advance(30 * DAY);
    idle.get(&house, "/devices").await.refused("unauthorized");

    let mut used = idle;
    let reply = used.sign_in(&house).await;
    used.keep_session(&reply);
    for _ in 0..4 {
        house.clock.advance(22 * DAY);
        used.get(&house, "/devices").await.ok();
    }
    house.clock.advance(2 * DAY);
    used.get(&house, "/devices").await.refused("unauthorized");
}

#[tokio::test]
async fn sign_out_ends_the_session_and_clears_the_cookie() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house).await;
    phone.ask(&house, "POST", "/signout", None).await.refused("unauthorized");
    let proof = phone.proof(&house, "POST", "/signout", true);
    let reply = phone.ask(&house, "POST", "/signout", Some(&proof)).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert!(reply.headers["set-cookie"].to_str().unwrap().starts_with("omamori=; "));
    assert_eq!(house.count("session").await, 0);
    phone.get(&house, "/devices").await.refused("unauthorized");
}
