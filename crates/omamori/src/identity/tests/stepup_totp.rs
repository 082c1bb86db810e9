//! Step-up with a code of the authenticator app: as good for one act as a passkey, and no better.

use serde_json::{Value, json};

use super::password_phone::PasswordPhone;
use super::phone::six_digits;
use super::{House, on_both_engines};
use crate::clock::{MINUTE, SECOND};

on_both_engines!(
    a_code_confirms_everything_that_asks_for_a_step_up,
    a_code_given_for_one_act_or_address_confirms_no_other,
    totp_replay_a_code_confirms_once,
    a_code_without_an_offer_or_with_anothers_confirms_nothing,
    guessing_codes_locks_however_many_guesses_come_at_once,
    a_known_app_buys_no_tries_at_the_password,
);

const NUMBER: &str = "070-1234-0001";

async fn signed_up(house: &House) -> PasswordPhone {
    let phone = PasswordPhone::signed_up(house, NUMBER, 1).await;
    house.clock.advance(30 * SECOND);
    phone
}

async fn a_code_confirms_everything_that_asks_for_a_step_up(house: House) {
    let mut phone = signed_up(&house).await;
    let before = (phone.phone.cookie.clone(), phone.phone.ath.clone());
    phone.confirmed(&house, "/recovery-codes", json!({})).await.ok();
    assert_ne!((&phone.phone.cookie, &phone.phone.ath), (&before.0, &before.1));
    phone.phone.post(&house, "/account/stop", &json!({})).await.ok();
    phone.confirmed(&house, "/account/resume", json!({})).await.ok();
    let change = json!({ "kind": "phone", "value": "080-1111-2222" });
    let sent = house.sms_count();
    let begun = phone.confirmed(&house, "/contacts/change", change).await.ok();
    let code = six_digits(&house.sms(sent + 1).await);
    let body = json!({ "check_id": begun["check_id"], "code": code });
    phone.phone.post(&house, "/contacts/confirm", &body).await.ok();
}

async fn a_code_given_for_one_act_or_address_confirms_no_other(house: House) {
    let mut phone = signed_up(&house).await;
    let stop = phone.phone.post(&house, "/account/stop", &json!({})).await;
    stop.ok();
    let body = phone.offered(&house, "/recovery-codes", &json!({})).await;
    phone.phone.post(&house, "/account/resume", &body).await.refused("proof_failed");
    // The offer is used up by the wrong act, the code is not.
    phone.phone.post(&house, "/recovery-codes", &body).await.refused("proof_failed");

    let (one, other) = ("080-1111-2222", "080-3333-4444");
    let change = |value: &str| json!({ "kind": "phone", "value": value });
    let options = phone.phone.post(&house, "/contacts/change/options", &change(one)).await.ok();
    assert!(options["confirm"].as_str().unwrap().contains(one), "{options}");
    let body = phone.confirms(&options, &change(other), &phone.totp(&house, 0));
    let sent = house.sms_count();
    phone.phone.post(&house, "/contacts/change", &body).await.refused("proof_failed");
    house.nothing_more_was_sent_than(sent).await;
    phone.confirmed(&house, "/recovery-codes", json!({})).await.ok();
}

async fn totp_replay_a_code_confirms_once(house: House) {
    let phone = signed_up(&house).await;
    phone.sign_in(&house).await.ok();
    let body = phone.offered(&house, "/recovery-codes", &json!({})).await;
    phone.phone.post(&house, "/recovery-codes", &body).await.refused("proof_failed");
    house.clock.advance(30 * SECOND);
    let body = phone.offered(&house, "/recovery-codes", &json!({})).await;
    let mut phone = phone;
    let reply = phone.phone.post(&house, "/recovery-codes", &body).await;
    phone.phone.keep_session(&reply);
    reply.ok();
    let again = phone.offered(&house, "/recovery-codes", &json!({})).await;
    phone.phone.post(&house, "/recovery-codes", &again).await.refused("proof_failed");
    let code = phone.totp(&house, 0);
    phone.sign_in_with(&house, &phone.password, &code).await.refused("proof_failed");
}

async fn a_code_without_an_offer_or_with_anothers_confirms_nothing(house: House) {
    let phone = signed_up(&house).await;
    let other = PasswordPhone::signed_up(&house, "070-1234-0002", 2).await;
    house.clock.advance(30 * SECOND);
    let own = |challenge: &Value| {
        let options = json!({ "totp": challenge });
        phone.confirms(&options, &json!({}), &phone.totp(&house, 0))
    };
    let theirs = other.phone.post(&house, "/recovery-codes/options", &json!({})).await.ok();
    for challenge in [json!(""), json!("AAAA"), json!("not base 64"), theirs["totp"].clone()] {
        let body = own(&challenge);
        phone.phone.post(&house, "/recovery-codes", &body).await.refused("proof_failed");
    }
    let options = phone.phone.post(&house, "/recovery-codes/options", &json!({})).await.ok();
    house.clock.advance(5 * MINUTE);
    let late = own(&options["totp"]);
    phone.phone.post(&house, "/recovery-codes", &late).await.refused("proof_failed");
    for code in ["12345", "1234567", "12345a", ""] {
        let body = phone.confirms(&options, &json!({}), code);
        phone.phone.post(&house, "/recovery-codes", &body).await.refused("invalid_request");
    }
}

async fn guessing_codes_locks_however_many_guesses_come_at_once(house: House) {
    let phone = signed_up(&house).await;
    let right = phone.totp(&house, 0);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let mut guesses = Vec::new();
    for _ in 0..14 {
        let options = phone.phone.post(&house, "/recovery-codes/options", &json!({})).await.ok();
        guesses.push(phone.confirms(&options, &json!({}), wrong));
    }
    let sent = guesses.iter().map(|body| phone.phone.post(&house, "/recovery-codes", body));
    let replies = futures_util::future::join_all(sent).await;
    let looked_at = replies.iter().filter(|reply| reply.code == "proof_failed").count();
    assert_eq!(looked_at, 10, "the others found the door closed");
    assert!(replies.iter().all(|reply| !reply.status.is_success()));
    let path = "/recovery-codes/options";
    phone.phone.post(&house, path, &json!({})).await.refused("too_many_requests");
    assert_eq!(house.notices().await.last().unwrap(), "signin_locked");
    house.clock.advance(MINUTE + 30 * SECOND);
    let body = phone.offered(&house, "/recovery-codes", &json!({})).await;
    phone.phone.post(&house, "/recovery-codes", &body).await.ok();
}

async fn a_known_app_buys_no_tries_at_the_password(house: House) {
    let mut phone = signed_up(&house).await;
    for _ in 0..9 {
        let code = phone.totp(&house, 0);
        phone.sign_in_with(&house, "not the password", &code).await.refused("proof_failed");
    }
    phone.confirmed(&house, "/recovery-codes", json!({})).await.ok();
    let code = phone.totp(&house, 0);
    phone.sign_in_with(&house, "not the password", &code).await.refused("proof_failed");
    phone.sign_in(&house).await.refused("too_many_requests");
}
