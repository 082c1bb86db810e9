//! Sign-up: the whole way, and every wrong turn.

use std::collections::HashSet;

use serde_json::json;

use super::phone::{Phone, six_digits, verified_signup};
use super::{House, NUMBER};
use crate::clock::{DAY, MINUTE};
use crate::identity::account;

#[tokio::test]
async fn a_customer_comes_to_be_whole() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house).await;
    let listed = phone.get(&house, "/devices").await.ok();
    assert_eq!(listed["devices"][0]["name"], "Pixel 11");
    assert_eq!(listed["devices"][0]["current"], true);
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(phone.recovery_codes.iter().map(|c| c.as_str()).collect::<HashSet<_>>().len(), 10);
    let verified = house.app.identity.codes.check(&house.app, &phone.code(&house, 0), 1).await;
    let device = verified.unwrap().device;
    assert_eq!(*device.device_id, *phone.enrolment["device_id"].as_str().unwrap());
    let account = account::find(&house.app.stores.registry, &device.customer_id).await.unwrap();
    assert_eq!(account.phone.as_str(), "+819012345678");
    assert_eq!(account.wallet_account, device.wallet_account);
}

#[tokio::test]
async fn five_wrong_codes_end_a_signup_also_when_they_come_at_once() {
    let house = House::open().await;
    let started = house.post("/signup/start", &json!({ "phone": NUMBER })).await.ok();
    let right = six_digits(&house.sms(1).await);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let guess = json!({ "signup_id": started["signup_id"], "code": wrong });
    for reply in
        futures_util::future::join_all((0..20).map(|_| house.post("/signup/verify", &guess))).await
    {
        reply.refused("proof_failed");
    }
    let right = json!({ "signup_id": started["signup_id"], "code": right });
    house.post("/signup/verify", &right).await.refused("proof_failed");
}

#[tokio::test]
async fn a_code_is_for_one_signup_and_ten_minutes() {
    let house = House::open().await;
    let first = house.post("/signup/start", &json!({ "phone": NUMBER })).await.ok();
    let code = six_digits(&house.sms(1).await);
    let other = house.post("/signup/start", &json!({ "phone": "080-1111-2222" })).await.ok();
    let elsewhere = json!({ "signup_id": other["signup_id"], "code": code });
    house.post("/signup/verify", &elsewhere).await.refused("proof_failed");
    house.clock.advance(10 * MINUTE);
    let late = json!({ "signup_id": first["signup_id"], "code": code });
    house.post("/signup/verify", &late).await.refused("proof_failed");
    for bad in ["12345", "1234567", "12345a", "------", ""] {
        let body = json!({ "signup_id": first["signup_id"], "code": bad });
        house.post("/signup/verify", &body).await.refused("invalid_request");
    }
}

#[tokio::test]
async fn a_number_with_an_account_is_answered_alike_and_cannot_be_taken_over() {
    let house = House::open().await;
    let owner = Phone::signed_up(&house).await;
    let known = house.post("/signup/start", &json!({ "phone": NUMBER })).await.ok();
    let unknown = house.post("/signup/start", &json!({ "phone": "080-1111-2222" })).await.ok();
    assert_eq!(known["expires_at"], unknown["expires_at"]);
    assert_eq!(
        known.as_object().unwrap().keys().collect::<Vec<_>>(),
        unknown.as_object().unwrap().keys().collect::<Vec<_>>()
    );
    let sms = house.sms(2).await;
    assert!(sms.contains("登録済み") && !sms.chars().any(|c| c.is_ascii_digit()), "{sms}");
    let options = json!({ "signup_id": known["signup_id"] });
    house.post("/signup/passkey/options", &options).await.refused("proof_failed");
    owner.get(&house, "/devices").await.ok();
}

/// Both begin before either ends: the number is free at every step but the last.
#[tokio::test]
async fn of_two_signups_of_one_number_one_succeeds() {
    let house = House::open().await;
    let (mut first, mut second) = (Phone::new(), Phone::new());
    let first_id = verified_signup(&house, NUMBER, 1).await;
    let second_id = verified_signup(&house, NUMBER, 2).await;
    let first_body = first.finish_body(&house, &first_id).await;
    let second_body = second.finish_body(&house, &second_id).await;
    let reply = second.finish(&house, &second_body).await;
    second.keep(reply);
    first.finish(&house, &first_body).await.refused("proof_failed");
    assert_eq!(house.count("customer").await, 1);
    second.get(&house, "/devices").await.ok();
}

#[tokio::test]
async fn a_number_gets_five_sms_in_a_day() {
    let house = House::open().await;
    let start = json!({ "phone": NUMBER });
    for _ in 0..5 {
        house.post("/signup/start", &start).await.ok();
    }
    let refused = house.post("/signup/start", &json!({ "phone": "+81 90-1234-5678" })).await;
    refused.refused("too_many_requests");
    assert!(refused.headers.contains_key("retry-after"));
    house.post("/signup/start", &json!({ "phone": "080-1111-2222" })).await.ok();
    house.clock.advance(DAY);
    house.post("/signup/start", &start).await.ok();
}

#[tokio::test]
async fn one_network_starts_few_signups() {
    let house = House::open().await;
    for number in 0..10 {
        let start = json!({ "phone": format!("090111122{number:02}") });
        house.post("/signup/start", &start).await.ok();
    }
    let start = json!({ "phone": NUMBER });
    house.post("/signup/start", &start).await.refused("too_many_requests");
    house.clock.advance(2 * MINUTE);
    house.post("/signup/start", &start).await.ok();
}

#[tokio::test]
async fn steps_come_in_order() {
    let house = House::open().await;
    let started = house.post("/signup/start", &json!({ "phone": NUMBER })).await.ok();
    let options = json!({ "signup_id": started["signup_id"] });
    house.post("/signup/passkey/options", &options).await.refused("proof_failed");
    let unknown = json!({ "signup_id": "sup_00000000000000000000000000" });
    house.post("/signup/passkey/options", &unknown).await.refused("proof_failed");
    let code =
        json!({ "signup_id": started["signup_id"], "code": six_digits(&house.sms(1).await) });
    house.post("/signup/verify", &code).await.ok();
    house.post("/signup/verify", &code).await.refused("proof_failed");
}

#[tokio::test]
async fn a_passkey_that_proves_too_little_makes_no_account() {
    let house = House::open().await;
    let signup_id = verified_signup(&house, NUMBER, 1).await;
    let other_id = verified_signup(&house, "080-1111-2222", 2).await;

    let mut unverified = Phone::new();
    unverified.authenticator.verifies_user = false;
    let body = unverified.finish_body(&house, &signup_id).await;
    unverified.finish(&house, &body).await.refused("proof_failed");

    let mut phished = Phone::new();
    phished.authenticator.origin = "http://localhost:8081".into();
    let body = phished.finish_body(&house, &signup_id).await;
    phished.finish(&house, &body).await.refused("proof_failed");

    let mut phone = Phone::new();
    let mut body = phone.finish_body(&house, &other_id).await;
    body["signup_id"] = json!(signup_id);
    phone.finish(&house, &body).await.refused("proof_failed");

    let mut not_discoverable = Phone::new();
    let mut body = not_discoverable.finish_body(&house, &signup_id).await;
    body["credential"]["clientExtensionResults"]["credProps"]["rk"] = json!(false);
    not_discoverable.finish(&house, &body).await.refused("proof_failed");
    assert_eq!(house.count("customer").await, 0);
}

#[tokio::test]
async fn a_phone_must_hold_the_keys_that_it_names() {
    let house = House::open().await;
    let signup_id = verified_signup(&house, NUMBER, 1).await;
    let mut phone = Phone::new();
    let body = phone.finish_body(&house, &signup_id).await;
    Phone::new().finish(&house, &body).await.refused("proof_failed");
    house.post("/signup/finish", &body).await.refused("unauthorized");
    let mut one_key = body.clone();
    one_key["device"]["agree_key"] = one_key["device"]["sign_key"].clone();
    phone.finish(&house, &one_key).await.refused("invalid_request");
    let mut nameless = body.clone();
    nameless["device"]["name"] = json!(" \t");
    phone.finish(&house, &nameless).await.refused("invalid_request");
    let reply = phone.finish(&house, &body).await;
    phone.keep(reply);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_to_the_same_phone() {
    let house = House::open().await;
    let signup_id = verified_signup(&house, NUMBER, 1).await;
    let mut phone = Phone::new();
    let body = phone.finish_body(&house, &signup_id).await;
    let lost = phone.finish(&house, &body).await;
    let mut lost_phone = Phone { authenticator: phone.authenticator.clone(), ..Phone::new() };
    lost_phone.sign_key = phone.sign_key.clone();
    lost_phone.keep(lost);

    let reply = phone.finish(&house, &body).await;
    phone.keep(reply);
    assert_eq!(house.count("customer").await, 1);
    phone.get(&house, "/devices").await.ok();
    lost_phone.get(&house, "/devices").await.refused("unauthorized");
    assert_eq!(phone.enrolment["device_id"], lost_phone.enrolment["device_id"]);
    assert_ne!(phone.recovery_codes, lost_phone.recovery_codes);
    let code = phone.code(&house, 0);
    assert!(house.app.identity.codes.check(&house.app, &code, 1).await.is_ok());

    let mut stranger = Phone::new();
    let mut body = body;
    body["device"]["sign_key"] = crate::identity::dpop::tests::jwk(&stranger.sign_key);
    stranger.finish(&house, &body).await.refused("proof_failed");
    house.clock.advance(10 * MINUTE);
    stranger.sign_key = phone.sign_key.clone();
    phone.finish(&house, &body).await.refused("proof_failed");
}
