//! Factors come, go and change; what a thief on the phone makes of that.

use omamori_db::sql;
use serde_json::{Value, json};

use super::authenticator::Authenticator;
use super::password_phone::PasswordPhone;
use super::phone::Phone;
use super::{House, Reply, on_both_engines};
use crate::clock::{DAY, SECOND};

on_both_engines!(
    a_customer_with_an_app_gains_a_passkey_and_leaves_the_password,
    the_last_strong_factor_stays_even_when_two_are_removed_at_once,
    a_passkey_is_added_only_by_the_session_that_confirmed,
    another_app_takes_the_place_of_the_one_before,
    another_password_ends_the_other_sessions,
    a_password_confirmed_is_the_one_that_is_set,
    nothing_changes_on_the_first_day_of_a_moved_or_recovered_phone,
    an_app_beside_a_passkey_opens_nothing_alone,
    there_is_no_password_to_change_beside_a_passkey_alone,
);

const NUMBER: &str = "070-1234-0001";

impl Phone {
    async fn finish_passkey(&mut self, house: &House, confirmed: &Value) -> Reply {
        let mut made = Authenticator::new();
        let credential = made.create(&confirmed["creation"]);
        let body = json!({ "credential": credential });
        let reply = self.post(house, "/factors/passkeys/finish", &body).await;
        if reply.status.is_success() {
            self.authenticator = made;
        }
        reply
    }
}

async fn passkey_ids(house: &House) -> Vec<String> {
    let query = sql("SELECT customer_id FROM customer ORDER BY created_at");
    let id = house.app.stores.registry.one(query).await.unwrap().text("customer_id").unwrap();
    let listed = crate::identity::passkeys_of::list(&house.app.stores.registry, &id).await;
    listed.unwrap().into_iter().map(|passkey| passkey.id).collect()
}

async fn signed_up(house: &House) -> PasswordPhone {
    PasswordPhone::signed_up(house, NUMBER, 1).await
}

async fn a_customer_with_an_app_gains_a_passkey_and_leaves_the_password(house: House) {
    let mut this = signed_up(&house).await;
    this.confirmed(&house, "/factors/password/remove", json!({})).await.refused("forbidden");
    let confirmed = this.confirmed(&house, "/factors/passkeys", json!({})).await.ok();
    this.phone.finish_passkey(&house, &confirmed).await.ok();
    assert_eq!(house.notices().await.last().unwrap(), "factor_changed");
    this.phone.sign_in(&house).await.ok();

    // Both work now, for the same act.
    let path = "/factors/password/remove";
    let options = this.phone.post(&house, &format!("{path}/options"), &json!({})).await.ok();
    assert!(options["publicKey"].is_object() && options["totp"].is_string(), "{options}");
    let removed = this.phone.confirmed(&house, path, None).await;
    this.phone.keep_session(&removed);
    house.clock.advance(30 * SECOND);
    this.sign_in(&house).await.refused("proof_failed");
    let options = this.phone.post(&house, "/recovery-codes/options", &json!({})).await.ok();
    assert!(options["totp"].is_null(), "{options}");
    let stale = this.confirms(&options, &json!({}), &this.totp(&house, 0));
    this.phone.post(&house, "/recovery-codes", &stale).await.refused("invalid_request");
}

async fn the_last_strong_factor_stays_even_when_two_are_removed_at_once(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let first = passkey_ids(&house).await.remove(0);
    let remove = |id: &str| json!({ "passkey": id });
    let path = "/factors/passkeys/remove";
    phone.confirmed(&house, path, Some(remove(&first))).await.refused("forbidden");
    let old = phone.authenticator.clone();
    let confirmed = phone.confirmed(&house, "/factors/passkeys", None).await;
    phone.keep_session(&confirmed);
    phone.finish_passkey(&house, &confirmed.ok()).await.ok();

    let ids = passkey_ids(&house).await;
    assert_eq!(ids.len(), 2);
    let mut bodies = Vec::new();
    for (id, authenticator) in ids.iter().zip([old, phone.authenticator.clone()]) {
        phone.authenticator = authenticator;
        let options = phone.post(&house, &format!("{path}/options"), &remove(id)).await.ok();
        bodies.push(phone.confirms(&options, &remove(id)));
    }
    let replies = bodies.iter().map(|body| phone.post(&house, path, body));
    let replies = futures_util::future::join_all(replies).await;
    assert_eq!(replies.iter().filter(|reply| reply.status.is_success()).count(), 1);
    assert_eq!(passkey_ids(&house).await.len(), 1);
    let stranger = Phone::signed_up_as(&house, "080-1111-2222").await;
    let left = passkey_ids(&house).await.remove(0);
    let asked = remove(&left);
    stranger.post(&house, &format!("{path}/options"), &asked).await.refused("not_found");
}

async fn a_passkey_is_added_only_by_the_session_that_confirmed(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let confirmed = phone.confirmed(&house, "/factors/passkeys", None).await;
    phone.keep_session(&confirmed);
    let confirmed = confirmed.ok();
    let mut stranger = Phone::signed_up_as(&house, "080-1111-2222").await;
    stranger.finish_passkey(&house, &confirmed).await.refused("proof_failed");
    phone.finish_passkey(&house, &confirmed).await.refused("proof_failed");
    // Nor with the challenge of a sign-up, which anybody gets.
    let other = super::phone::verified_signup(&house, "080-3333-4444", 3).await;
    let asked = json!({ "signup_id": other });
    let options = house.post("/signup/passkey/options", &asked).await.ok();
    phone.finish_passkey(&house, &json!({ "creation": options })).await.refused("proof_failed");
    assert_eq!(passkey_ids(&house).await.len(), 1);
}

async fn another_app_takes_the_place_of_the_one_before(house: House) {
    let mut this = signed_up(&house).await;
    let body = json!({ "totp": "123456" });
    this.phone.post(&house, "/factors/totp/finish", &body).await.refused("proof_failed");
    let confirmed = this.confirmed(&house, "/factors/totp", json!({})).await.ok();
    let old = this.secret.clone();
    let body = json!({ "totp": this.totp(&house, 1) });
    this.phone.post(&house, "/factors/totp/finish", &body).await.refused("proof_failed");
    this.secret = confirmed["offer"]["secret"].as_str().unwrap().to_owned();
    let body = json!({ "totp": this.totp(&house, 0) });
    this.phone.post(&house, "/factors/totp/finish", &body).await.ok();
    this.phone.post(&house, "/factors/totp/finish", &body).await.refused("proof_failed");
    house.clock.advance(30 * SECOND);
    this.sign_in(&house).await.ok();
    this.secret = old;
    house.clock.advance(30 * SECOND);
    this.sign_in(&house).await.refused("proof_failed");
}

async fn another_password_ends_the_other_sessions(house: House) {
    let mut this = signed_up(&house).await;
    house.clock.advance(30 * SECOND);
    let reply = this.sign_in(&house).await;
    let first = (this.phone.cookie.clone(), this.phone.ath.clone());
    this.phone.keep_session(&reply);
    let weak = json!({ "password": "password" });
    let path = "/factors/password/options";
    this.phone.post(&house, path, &weak).await.refused("invalid_request");
    let new = json!({ "password": "ひとりで歩く夜の犬" });
    this.confirmed(&house, "/factors/password", new).await.ok();
    assert_eq!(house.count("session").await, 1);
    assert_eq!(house.notices().await.last().unwrap(), "factor_changed");
    house.clock.advance(30 * SECOND);
    this.sign_in(&house).await.refused("proof_failed");
    this.password = "ひとりで歩く夜の犬".to_owned();
    house.clock.advance(30 * SECOND);
    this.sign_in(&house).await.ok();
    (this.phone.cookie, this.phone.ath) = first;
    this.phone.get(&house, "/devices").await.refused("unauthorized");
}

async fn a_password_confirmed_is_the_one_that_is_set(house: House) {
    let this = signed_up(&house).await;
    house.clock.advance(30 * SECOND);
    let mut body = {
        let asked = json!({ "password": "ひとりで歩く夜の犬" });
        this.offered(&house, "/factors/password", &asked).await
    };
    body["request"]["password"] = json!("the thief's own words");
    this.phone.post(&house, "/factors/password", &body).await.refused("proof_failed");
    this.sign_in(&house).await.ok();
}

async fn nothing_changes_on_the_first_day_of_a_moved_or_recovered_phone(house: House) {
    let owner = Phone::signed_up(&house).await;
    let mut thief = Phone::moved_from(&house, &owner).await;
    thief.confirmed(&house, "/factors/passkeys", None).await.refused("too_soon");
    let mut new = Phone::new();
    let id = new.cooling(&house, &owner.recovery_codes[0]).await;
    house.clock.advance(DAY);
    let reply = new.finish_recovery(&house, &id).await;
    new.keep(reply);
    for path in ["/factors/passkeys", "/recovery-codes"] {
        new.confirmed(&house, path, None).await.refused("too_soon");
    }
    // The first day's limits count from the recovery, too.
    let code = new.code(&house, 0);
    let device = house.app.identity.codes.check(&house.app, &code, 1).await.unwrap().device;
    assert_eq!(device.enrolled_at, crate::clock::Clock::now(&*house.clock));
    house.clock.advance(DAY + SECOND);
    new.confirmed(&house, "/factors/passkeys", None).await.ok();
}

async fn an_app_beside_a_passkey_opens_nothing_alone(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let added = phone.confirmed(&house, "/factors/totp", None).await;
    phone.keep_session(&added);
    let mut this = PasswordPhone::stranger(NUMBER, "");
    this.secret = added.ok()["offer"]["secret"].as_str().unwrap().to_owned();
    let body = json!({ "totp": this.totp(&house, 0) });
    phone.post(&house, "/factors/totp/finish", &body).await.ok();
    assert_eq!(house.notices().await.last().unwrap(), "factor_changed");
    // The passkey is still the only way in: neither it nor a password that is not there may go.
    let only = json!({ "passkey": passkey_ids(&house).await[0] });
    let path = "/factors/passkeys/remove";
    phone.confirmed(&house, path, Some(only)).await.refused("forbidden");
    phone.confirmed(&house, "/factors/password/remove", None).await.refused("forbidden");
    // And it confirms, as the passkey does.
    let options = phone.post(&house, "/recovery-codes/options", &json!({})).await.ok();
    assert!(options["totp"].is_string(), "{options}");
}

async fn there_is_no_password_to_change_beside_a_passkey_alone(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let new = json!({ "password": "ひとりで歩く夜の犬" });
    phone.confirmed(&house, "/factors/password", Some(new)).await.refused("forbidden");
    phone.confirmed(&house, "/factors/password/remove", None).await.refused("forbidden");
}
