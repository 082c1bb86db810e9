//! Step-up: a confirmation is for one request of one session, once; and the token changes.

use axum::http::header;
use serde_json::{Value, json};

use super::phone::Phone;
use super::{House, Reply, on_both_engines};
use crate::clock::MINUTE;

on_both_engines!(
    session_fixation_the_token_changes_with_the_strength,
    a_confirmation_of_one_act_confirms_no_other,
    a_confirmation_is_for_its_parameters_its_session_and_five_minutes,
    a_confirmation_of_another_customer_confirms_nothing,
    sessions_are_ended_by_their_owner_only,
    a_phone_is_renamed_by_its_owner_only,
    csrf_no_act_goes_without_the_phones_proof,
);

impl Phone {
    /// Asks for options at `path`/options, answers them, and sends the request.
    pub async fn confirmed(&mut self, house: &House, path: &str, request: Option<Value>) -> Reply {
        let asked = request.unwrap_or_else(|| json!({}));
        let options = self.post(house, &format!("{path}/options"), &asked).await;
        let options = options.ok();
        assert!(options["confirm"].as_str().unwrap().chars().count() > 5, "{options}");
        let body = self.confirms(&options, &asked);
        self.post(house, path, &body).await
    }

    /// The request with the passkey's answer to an offer.
    pub fn confirms(&mut self, options: &Value, request: &Value) -> Value {
        json!({ "request": request, "proof": { "passkey": self.authenticator.get(options) } })
    }
}

async fn session_fixation_the_token_changes_with_the_strength(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let (cookie, ath) = (phone.cookie.clone(), phone.ath.clone());
    let renewed = phone.confirmed(&house, "/recovery-codes", None).await;
    assert!(renewed.headers[header::SET_COOKIE].to_str().unwrap().contains("HttpOnly"));
    phone.keep_session(&renewed);
    assert_ne!((&phone.cookie, &phone.ath), (&cookie, &ath));
    phone.get(&house, "/devices").await.ok();
    (phone.cookie, phone.ath) = (cookie, ath);
    phone.get(&house, "/devices").await.refused("unauthorized");
    assert_eq!(house.count("session").await, 1);
}

async fn a_confirmation_of_one_act_confirms_no_other(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    phone.post(&house, "/account/stop", &json!({})).await.ok();
    let options = phone.post(&house, "/recovery-codes/options", &json!({})).await.ok();
    let body = phone.confirms(&options, &json!({}));
    phone.post(&house, "/account/resume", &body).await.refused("proof_failed");
    // Used up by the wrong try.
    phone.post(&house, "/recovery-codes", &body).await.refused("proof_failed");
}

async fn a_confirmation_is_for_its_parameters_its_session_and_five_minutes(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let one = json!({ "kind": "phone", "value": "080-1111-2222" });
    let other = json!({ "kind": "phone", "value": "080-3333-4444" });
    let options = phone.post(&house, "/contacts/change/options", &one).await.ok();
    assert!(options["confirm"].as_str().unwrap().contains("080-1111-2222"), "{options}");
    let body = phone.confirms(&options, &other);
    phone.post(&house, "/contacts/change", &body).await.refused("proof_failed");

    let options = phone.post(&house, "/recovery-codes/options", &json!({})).await.ok();
    let body = phone.confirms(&options, &json!({}));
    let first = (phone.cookie.clone(), phone.ath.clone());
    let reply = phone.sign_in(&house).await;
    phone.keep_session(&reply);
    phone.post(&house, "/recovery-codes", &body).await.refused("proof_failed");
    (phone.cookie, phone.ath) = first;

    let options = phone.post(&house, "/recovery-codes/options", &json!({})).await.ok();
    let body = phone.confirms(&options, &json!({}));
    house.clock.advance(5 * MINUTE);
    phone.post(&house, "/recovery-codes", &body).await.refused("proof_failed");
}

async fn a_confirmation_of_another_customer_confirms_nothing(house: House) {
    let mut owner = Phone::signed_up(&house).await;
    let mut other = Phone::signed_up_as(&house, "080-1111-2222").await;
    let options = owner.post(&house, "/recovery-codes/options", &json!({})).await.ok();
    let body = other.confirms(&options, &json!({}));
    owner.post(&house, "/recovery-codes", &body).await.refused("proof_failed");
    let options = owner.post(&house, "/recovery-codes/options", &json!({})).await.ok();
    let body = owner.confirms(&options, &json!({}));
    other.post(&house, "/recovery-codes", &body).await.refused("proof_failed");
}

async fn sessions_are_ended_by_their_owner_only(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let (first, first_ath) = (phone.cookie.clone(), phone.ath.clone());
    let reply = phone.sign_in(&house).await;
    phone.keep_session(&reply);
    let listed = phone.get(&house, "/devices").await.ok();
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let older = sessions.iter().find(|session| session["current"] == false).unwrap();
    let body = json!({ "session_id": older["session_id"] });
    let stranger = Phone::signed_up_as(&house, "080-1111-2222").await;
    stranger.post(&house, "/sessions/end", &body).await.ok();
    assert_eq!(house.count("session").await, 3, "another's session stands");
    phone.post(&house, "/sessions/end", &body).await.ok();
    phone.post(&house, "/sessions/end", &body).await.ok();
    let old =
        Phone { cookie: first, ath: first_ath, sign_key: phone.sign_key.clone(), ..Phone::new() };
    old.get(&house, "/devices").await.refused("unauthorized");

    let (second, second_ath) = (phone.cookie.clone(), phone.ath.clone());
    let reply = phone.sign_in(&house).await;
    phone.keep_session(&reply);
    phone.post(&house, "/sessions/end-others", &json!({})).await.ok();
    (phone.cookie, phone.ath) = (second, second_ath);
    phone.get(&house, "/devices").await.refused("unauthorized");
    stranger.get(&house, "/devices").await.ok();
}

async fn a_phone_is_renamed_by_its_owner_only(house: House) {
    let phone = Phone::signed_up(&house).await;
    let stranger = Phone::signed_up_as(&house, "080-1111-2222").await;
    let id = &phone.enrolment["device_id"];
    let rename = |name: &str| json!({ "device_id": id, "name": name });
    stranger.post(&house, "/devices/rename", &rename("Mine")).await.refused("not_found");
    for bad in ["", " ", "a\u{0}b", &"x".repeat(65)] {
        phone.post(&house, "/devices/rename", &rename(bad)).await.refused("invalid_request");
    }
    phone.post(&house, "/devices/rename", &rename(" 仕事用 ")).await.ok();
    let listed = phone.get(&house, "/devices").await.ok();
    assert_eq!(listed["devices"][0]["name"], "仕事用");
}

/// Cross-site forgery: with the cookie alone, which a browser adds by itself, nothing is done.
async fn csrf_no_act_goes_without_the_phones_proof(house: House) {
    let phone = Phone::signed_up(&house).await;
    for path in [
        "/account/stop",
        "/account/resume",
        "/devices/rename",
        "/devices/end",
        "/sessions/end",
        "/sessions/end-others",
        "/move/undo",
        "/recover/cancel",
        "/recovery-codes",
        "/contacts/change",
        "/contacts/confirm",
    ] {
        phone.ask(&house, "POST", path, None).await.refused("unauthorized");
        let other = phone.proof(&house, "POST", "/signout", true);
        phone.ask(&house, "POST", path, Some(&other)).await.refused("unauthorized");
    }
    assert_eq!(house.count("session").await, 1);
}
