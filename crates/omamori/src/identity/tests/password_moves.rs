//! A customer without passkeys moves to another phone and gets back in after a loss.

use serde_json::{Value, json};

use super::password_phone::{PASSWORD, PasswordPhone};
use super::phone::{Phone, six_digits};
use super::{House, Reply, on_both_engines};
use crate::clock::{DAY, SECOND};

on_both_engines!(
    number_code_password_and_app_move_and_the_old_phone_takes_it_back,
    list_attack_a_right_password_moves_nothing_without_the_owners_messages,
    sim_swap_the_messages_alone_move_nothing_and_guessing_locks,
    who_asks_about_a_number_is_told_nothing,
    a_recovery_ends_with_a_new_password_and_app,
    a_recovery_by_password_asks_for_the_day_and_the_new_apps_code,
);

const NUMBER: &str = "070-1234-0001";

impl PasswordPhone {
    /// A new phone of the same person, or of somebody who knows as much.
    fn new_phone(&self) -> Self {
        let mut new = Self::stranger(&self.number, &self.password);
        new.secret.clone_from(&self.secret);
        new
    }

    async fn start_move(&self, house: &House) -> Reply {
        let device = self.phone.introduction("Mate 10");
        let body = json!({ "phone": self.number, "device": device });
        house.call(self.phone.proved(house, "/move/password/start", &body)).await
    }

    async fn finish_move(&self, house: &House, started: &Value, code: &str) -> Reply {
        let body = json!({
            "move_id": started["move_id"], "code": code,
            "password": self.password, "totp": self.totp(house, 0),
        });
        house.call(self.phone.proved(house, "/move/finish", &body)).await
    }

    async fn cooling(&self, house: &House, recovery_code: &Value) -> Value {
        let sent = house.sms_count();
        let device = self.phone.introduction("Mate 10");
        let body =
            json!({ "phone": self.number, "recovery_code": recovery_code, "device": device });
        let started = house.call(self.phone.proved(house, "/recover/start", &body)).await.ok();
        let code = six_digits(&house.sms(sent + 1).await);
        let body = json!({ "recovery_id": started["recovery_id"], "code": code });
        house.call(self.phone.proved(house, "/recover/verify", &body)).await.ok();
        started["recovery_id"].clone()
    }

    async fn take_recovery_secret(&mut self, house: &House, id: &Value) -> Reply {
        let body = json!({ "recovery_id": id, "password": self.password });
        let path = "/recover/password/options";
        let reply = house.call(self.phone.proved(house, path, &body)).await;
        if let Some(secret) = reply.body["secret"].as_str() {
            self.secret = secret.to_owned();
        }
        reply
    }

    async fn finish_recovery(&self, house: &House, id: &Value, totp: &str) -> Reply {
        let body = json!({ "recovery_id": id, "password": self.password, "totp": totp });
        house.call(self.phone.proved(house, "/recover/password/finish", &body)).await
    }
}

async fn number_code_password_and_app_move_and_the_old_phone_takes_it_back(house: House) {
    let mut old = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    house.clock.advance(30 * SECOND);
    let mut new = old.new_phone();
    let started = new.start_move(&house).await.ok();
    let code = six_digits(&house.sms(2).await);
    let reply = new.finish_move(&house, &started, &code).await;
    new.phone.keep_enrolment(reply);
    new.phone.get(&house, "/devices").await.ok();
    old.phone.get(&house, "/devices").await.refused("device_not_enrolled");
    assert_eq!((house.paying().await, house.notices().await.last().unwrap().as_str()), {
        (1, "device_moved")
    });
    new.confirmed(&house, "/recovery-codes", json!({})).await.refused("too_soon");
    // The answer may get lost: the same phone gets it again.
    let again = new.finish_move(&house, &started, &code).await;
    new.phone.keep_enrolment(again);

    old.phone.post(&house, "/move/undo", &json!({})).await.ok();
    new.phone.get(&house, "/devices").await.refused("unauthorized");
    old.confirmed(&house, "/account/resume", json!({})).await.ok();
    assert_eq!(
        house.notices().await.iter().filter(|kind| *kind == "device_move_undone").count(),
        1
    );
}

async fn list_attack_a_right_password_moves_nothing_without_the_owners_messages(house: House) {
    let owner = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    house.clock.advance(30 * SECOND);
    let thief = owner.new_phone();
    let started = thief.start_move(&house).await.ok();
    let code = six_digits(&house.sms(2).await);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        thief.finish_move(&house, &started, wrong).await.refused("proof_failed");
    }
    thief.finish_move(&house, &started, &code).await.refused("proof_failed");
    // None of it was looked at, so the owner's way in is as it was.
    owner.sign_in(&house).await.ok();
    // A code read by the owner is good on no other phone.
    let started = thief.start_move(&house).await.ok();
    let code = six_digits(&house.sms(3).await);
    let other = owner.new_phone();
    other.finish_move(&house, &started, &code).await.refused("proof_failed");
}

async fn sim_swap_the_messages_alone_move_nothing_and_guessing_locks(house: House) {
    let owner = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    house.clock.advance(30 * SECOND);
    let mut thief = PasswordPhone::stranger(NUMBER, "a guess of mine");
    let mut sms = 1;
    for _ in 0..2 {
        let started = thief.start_move(&house).await.ok();
        sms += 1;
        let code = six_digits(&house.sms(sms).await);
        let bare = json!({ "move_id": started["move_id"], "code": code });
        let request = thief.phone.proved(&house, "/move/finish", &bare);
        house.call(request).await.refused("proof_failed");
        for _ in 0..4 {
            thief.finish_move(&house, &started, &code).await.refused("proof_failed");
        }
    }
    thief.password = PASSWORD.to_owned();
    let started = thief.start_move(&house).await.ok();
    let code = six_digits(&house.sms(sms + 1).await);
    for _ in 0..2 {
        thief.finish_move(&house, &started, &code).await.refused("proof_failed");
    }
    thief.secret.clone_from(&owner.secret);
    thief.finish_move(&house, &started, &code).await.refused("too_many_requests");
    assert_eq!(house.paying().await, 1);
    owner.phone.get(&house, "/devices").await.ok();
}

async fn who_asks_about_a_number_is_told_nothing(house: House) {
    PasswordPhone::signed_up(&house, NUMBER, 1).await;
    let passkey = Phone::signed_up_as(&house, "070-1234-0002").await;
    let sent = house.sms_count();
    let mut shapes = Vec::new();
    for number in ["070-1234-0002", "070-1234-0003"] {
        let asks = PasswordPhone::stranger(number, PASSWORD);
        let started = asks.start_move(&house).await.ok();
        shapes.push((started.as_object().unwrap().len(), started["expires_at"].clone()));
        asks.finish_move(&house, &started, "123456").await.refused("proof_failed");
        let code = passkey.recovery_codes[0].as_str().unwrap();
        asks.finish_move(&house, &started, code).await.refused("proof_failed");
    }
    let known = PasswordPhone::stranger(NUMBER, PASSWORD).start_move(&house).await.ok();
    shapes.push((known.as_object().unwrap().len(), known["expires_at"].clone()));
    assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{shapes:?}");
    // The one message that was sent is the last that was asked for.
    house.sms(sent + 1).await;
    house.nothing_more_was_sent_than(sent + 1).await;
}

async fn a_recovery_ends_with_a_new_password_and_app(house: House) {
    let lost = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    let mut new = PasswordPhone::stranger(NUMBER, "ひとりで歩く夜の犬");
    let id = new.cooling(&house, &lost.phone.recovery_codes[0]).await;
    house.clock.advance(DAY);
    new.take_recovery_secret(&house, &id).await.ok();
    let code = new.totp(&house, 0);
    let reply = new.finish_recovery(&house, &id, &code).await;
    new.phone.keep(reply);
    lost.phone.get(&house, "/devices").await.refused("unauthorized");
    lost.sign_in(&house).await.refused("proof_failed");
    house.clock.advance(30 * SECOND);
    new.sign_in(&house).await.ok();
    let again = new.finish_recovery(&house, &id, &code).await;
    new.phone.keep(again);
    assert_eq!((house.paying().await, house.count("session").await), (1, 1));
}

async fn a_recovery_by_password_asks_for_the_day_and_the_new_apps_code(house: House) {
    let lost = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    let mut new = PasswordPhone::stranger(NUMBER, "ひとりで歩く夜の犬");
    let id = new.cooling(&house, &lost.phone.recovery_codes[0]).await;
    new.take_recovery_secret(&house, &id).await.refused("recovery_cooling");
    house.clock.advance(DAY);
    let old_app = lost.totp(&house, 0);
    new.finish_recovery(&house, &id, &old_app).await.refused("proof_failed");
    new.password = "password".to_owned();
    new.take_recovery_secret(&house, &id).await.refused("invalid_request");
    new.password = "ひとりで歩く夜の犬".to_owned();
    new.take_recovery_secret(&house, &id).await.ok();
    new.finish_recovery(&house, &id, &old_app).await.refused("proof_failed");
    let other = new.new_phone();
    let code = new.totp(&house, 0);
    other.finish_recovery(&house, &id, &code).await.refused("proof_failed");
    assert_eq!(house.paying().await, 1);
    lost.phone.get(&house, "/devices").await.ok();
    new.finish_recovery(&house, &id, &code).await.ok();
}
