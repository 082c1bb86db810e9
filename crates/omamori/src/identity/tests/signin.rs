//! Sign-in: the passkey on the bound phone, and everything less.

use serde_json::json;

use super::House;
use super::authenticator::Authenticator;
use super::phone::Phone;
use crate::clock::MINUTE;

#[tokio::test]
async fn the_bound_phone_signs_in_with_its_passkey() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house).await;
    phone
        .ask(&house, "POST", "/signout", Some(&phone.proof(&house, "POST", "/signout", true)))
        .await
        .ok();
    phone.get(&house, "/devices").await.refused("unauthorized");
    let reply = phone.sign_in(&house).await;
    phone.keep_session(&reply);
    reply.ok();
    phone.get(&house, "/devices").await.ok();
}

#[tokio::test]
async fn a_copied_passkey_does_not_open_the_account_on_another_phone() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house).await;
    let mut thief = Phone { authenticator: phone.authenticator.clone(), ..Phone::new() };
    let reply = thief.sign_in(&house).await;
    reply.refused("device_not_enrolled");
    assert_eq!(reply.status, 403);
    assert!(!reply.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn an_answer_counts_once_for_its_challenge_and_its_origin() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house).await;
    let options = house.post("/signin/options", &json!({})).await.ok();
    let credential = phone.authenticator.get(&options);
    phone.answer_signin(&house, &credential).await.ok();
    phone.answer_signin(&house, &credential).await.refused("proof_failed");

    let late = house.post("/signin/options", &json!({})).await.ok();
    let credential = phone.authenticator.get(&late);
    house.clock.advance(5 * MINUTE);
    phone.answer_signin(&house, &credential).await.refused("proof_failed");

    phone.authenticator.origin = "https://pay.example.evil".into();
    phone.sign_in(&house).await.refused("proof_failed");
}

#[tokio::test]
async fn a_weaker_answer_is_refused() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house).await;
    phone.sign_in(&house).await.ok();
    let good = phone.authenticator.clone();

    phone.authenticator.verifies_user = false;
    phone.sign_in(&house).await.refused("proof_failed");

    phone.authenticator = Authenticator { counter: 0, ..good.clone() };
    phone.sign_in(&house).await.refused("proof_failed");

    phone.authenticator = good.clone();
    let options = house.post("/signin/options", &json!({})).await.ok();
    let mut credential = phone.authenticator.get(&options);
    credential["response"]["userHandle"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    phone.answer_signin(&house, &credential).await.refused("proof_failed");

    // A passkey that nobody has gets the same answer.
    phone.authenticator = Authenticator::new();
    phone.sign_in(&house).await.refused("proof_failed");
    phone.authenticator = Authenticator { counter: 9, ..good };
    phone.sign_in(&house).await.ok();
}

#[tokio::test]
async fn ten_failures_in_a_row_lock_and_the_lock_ends() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house).await;
    phone.authenticator.verifies_user = false;
    for _ in 0..10 {
        phone.sign_in(&house).await.refused("proof_failed");
    }
    phone.authenticator.verifies_user = true;
    let locked = phone.sign_in(&house).await;
    locked.refused("too_many_requests");
    assert_eq!(locked.headers["retry-after"], "61");
    house.clock.advance(MINUTE);
    phone.sign_in(&house).await.ok();
}

#[tokio::test]
async fn new_recovery_codes_need_the_passkey_now() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house).await;
    let options = phone.post(&house, "/recovery-codes/options", &json!({})).await.ok();
    let body = phone.confirms(&options, &json!({}));
    let renewed = phone.post(&house, "/recovery-codes", &body).await;
    phone.keep_session(&renewed);
    let renewed = renewed.ok();
    let codes = renewed["recovery_codes"].as_array().unwrap();
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| !phone.recovery_codes.contains(code)));
    phone.post(&house, "/recovery-codes", &body).await.refused("proof_failed");

    // The answer to a sign-in challenge confirms nothing.
    let options = house.post("/signin/options", &json!({})).await.ok();
    let body = phone.confirms(&options, &json!({}));
    phone.post(&house, "/recovery-codes", &body).await.refused("proof_failed");
}
