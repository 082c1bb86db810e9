//! Getting back in, and who else tries to (domain: reset to another address, SIM swap, race).

use serde_json::{Value, json};

use super::authenticator::Authenticator;
use super::phone::{Phone, six_digits};
use super::{House, NUMBER, Reply, on_both_engines};
use crate::clock::{DAY, MINUTE};

on_both_engines!(
    two_proofs_and_a_day_bring_a_new_passkey_and_phone_and_end_all_else,
    reset_to_another_address_sends_nothing_there,
    sim_swap_an_sms_alone_gives_nothing,
    a_recovery_code_alone_gives_nothing,
    any_phone_of_the_account_cancels_and_the_code_is_spent,
    recovery_race_the_later_one_ends_the_earlier_and_waits_its_own_day,
    recovery_race_a_move_ends_it_and_so_does_its_undoing,
    a_finish_whose_answer_got_lost_is_given_again_and_a_weak_passkey_never,
);

impl Phone {
    pub async fn start_recovery(&self, house: &House, number: &str, code: &Value) -> Reply {
        let device = self.introduction("iPhone 18");
        let body = json!({ "phone": number, "recovery_code": code, "device": device });
        house.call(self.proved(house, "/recover/start", &body)).await
    }

    async fn verify_recovery(&self, house: &House, id: &Value, code: &str) -> Reply {
        let body = json!({ "recovery_id": id, "code": code });
        house.call(self.proved(house, "/recover/verify", &body)).await
    }

    /// A recovery whose day has begun.
    pub async fn cooling(&self, house: &House, code: &Value) -> Value {
        let sent = house.sms_count();
        let started = self.start_recovery(house, NUMBER, code).await.ok();
        let code = six_digits(&house.sms(sent + 1).await);
        self.verify_recovery(house, &started["recovery_id"], &code).await.ok();
        started["recovery_id"].clone()
    }

    pub async fn finish_recovery(&mut self, house: &House, id: &Value) -> Reply {
        let asked = json!({ "recovery_id": id });
        let options = house.call(self.proved(house, "/recover/passkey/options", &asked)).await;
        if !options.status.is_success() {
            return options;
        }
        let credential = self.authenticator.create(&options.ok());
        let body = json!({ "recovery_id": id, "credential": credential });
        house.call(self.proved(house, "/recover/finish", &body)).await
    }
}

async fn two_proofs_and_a_day_bring_a_new_passkey_and_phone_and_end_all_else(house: House) {
    let mut lost = Phone::signed_up(&house).await;
    let mut new = Phone::new();
    let id = new.cooling(&house, &lost.recovery_codes[3]).await;
    assert_eq!(house.notices().await.last().unwrap(), "recovery_started");
    lost.get(&house, "/devices").await.ok();
    house.clock.advance(DAY - 1);
    new.finish_recovery(&house, &id).await.refused("recovery_cooling");
    house.clock.advance(1);
    let reply = new.finish_recovery(&house, &id).await;
    let codes = reply.body["recovery_codes"].as_array().unwrap().clone();
    new.keep(reply);
    new.get(&house, "/devices").await.ok();
    new.sign_in(&house).await.ok();
    lost.get(&house, "/devices").await.refused("unauthorized");
    lost.sign_in(&house).await.refused("proof_failed");
    assert_eq!(house.paying().await, 1);
    assert_eq!(house.notices().await.iter().filter(|k| *k == "recovery_finished").count(), 1);

    // All old codes are gone, and the day is asked of everybody.
    let again = Phone::new();
    let sent = house.sms_count();
    again.start_recovery(&house, NUMBER, &lost.recovery_codes[4]).await.ok();
    house.nothing_more_was_sent_than(sent).await;
    let next = again.cooling(&house, &codes[0]).await;
    Phone { ..again }.finish_recovery(&house, &next).await.refused("recovery_cooling");
}

async fn reset_to_another_address_sends_nothing_there(house: House) {
    let owner = Phone::signed_up(&house).await;
    let thief = Phone::new();
    let code = &owner.recovery_codes[0];
    let sent = house.sms_count();
    for number in ["080-9999-0000", "070-1234-5678", "+44 7700 900123"] {
        let reply = thief.start_recovery(&house, number, code).await.ok();
        assert!(reply["recovery_id"].as_str().unwrap().starts_with("rec_"));
    }
    house.nothing_more_was_sent_than(sent).await;
}

async fn sim_swap_an_sms_alone_gives_nothing(house: House) {
    let owner = Phone::signed_up(&house).await;
    let sent = house.sms_count();
    let thief = Phone::new();
    let unknown = json!("0000-0000-0000-0000");
    let wrong = thief.start_recovery(&house, NUMBER, &unknown).await.ok();
    let nobody = thief.start_recovery(&house, "080-1111-2222", &unknown).await.ok();
    let keys = |reply: &Value| reply.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((keys(&wrong), &wrong["expires_at"]), (keys(&nobody), &nobody["expires_at"]));
    house.nothing_more_was_sent_than(sent).await;
    for id in [&wrong["recovery_id"], &nobody["recovery_id"]] {
        for code in ["000000", "123456"] {
            thief.verify_recovery(&house, id, code).await.refused("proof_failed");
        }
    }
    owner.get(&house, "/devices").await.ok();
}

async fn a_recovery_code_alone_gives_nothing(house: House) {
    let owner = Phone::signed_up(&house).await;
    let mut thief = Phone::new();
    let started = thief.start_recovery(&house, NUMBER, &owner.recovery_codes[0]).await.ok();
    let right = six_digits(&house.sms(2).await);
    let id = &started["recovery_id"];
    Phone::new().verify_recovery(&house, id, &right).await.refused("proof_failed");
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        thief.verify_recovery(&house, id, wrong).await.refused("proof_failed");
    }
    thief.verify_recovery(&house, id, &right).await.refused("proof_failed");
    thief.finish_recovery(&house, id).await.refused("proof_failed");

    let started = thief.start_recovery(&house, NUMBER, &owner.recovery_codes[0]).await.ok();
    let code = six_digits(&house.sms(3).await);
    house.clock.advance(10 * MINUTE);
    thief.verify_recovery(&house, &started["recovery_id"], &code).await.refused("proof_failed");
}

async fn any_phone_of_the_account_cancels_and_the_code_is_spent(house: House) {
    let owner = Phone::signed_up(&house).await;
    let mut thief = Phone::new();
    let id = thief.cooling(&house, &owner.recovery_codes[0]).await;
    for _ in 0..2 {
        owner.post(&house, "/recover/cancel", &json!({})).await.ok();
    }
    house.clock.advance(DAY);
    thief.finish_recovery(&house, &id).await.refused("proof_failed");
    let sent = house.sms_count();
    thief.start_recovery(&house, NUMBER, &owner.recovery_codes[0]).await.ok();
    house.nothing_more_was_sent_than(sent).await;

    // A phone that was replaced can cancel too.
    let id = thief.cooling(&house, &owner.recovery_codes[1]).await;
    let new = Phone::moved_from(&house, &owner).await;
    thief.finish_recovery(&house, &id).await.refused("proof_failed");
    let id = thief.cooling(&house, &owner.recovery_codes[2]).await;
    owner.post(&house, "/recover/cancel", &json!({})).await.ok();
    house.clock.advance(DAY);
    thief.finish_recovery(&house, &id).await.refused("proof_failed");
    new.get(&house, "/devices").await.ok();
}

async fn recovery_race_the_later_one_ends_the_earlier_and_waits_its_own_day(house: House) {
    let owner = Phone::signed_up(&house).await;
    let (mut thief, mut new) = (Phone::new(), Phone::new());
    let first = thief.cooling(&house, &owner.recovery_codes[0]).await;
    house.clock.advance(DAY - MINUTE);
    let second = new.cooling(&house, &owner.recovery_codes[1]).await;
    house.clock.advance(MINUTE);
    thief.finish_recovery(&house, &first).await.refused("proof_failed");
    new.finish_recovery(&house, &second).await.refused("recovery_cooling");
    house.clock.advance(DAY);
    let reply = new.finish_recovery(&house, &second).await;
    new.keep(reply);
    assert_eq!(house.paying().await, 1);
}

async fn recovery_race_a_move_ends_it_and_so_does_its_undoing(house: House) {
    let owner = Phone::signed_up(&house).await;
    let mut thief = Phone::new();
    let id = thief.cooling(&house, &owner.recovery_codes[0]).await;
    Phone::moved_from(&house, &owner).await;
    house.clock.advance(DAY);
    thief.finish_recovery(&house, &id).await.refused("proof_failed");
    let id = thief.cooling(&house, &owner.recovery_codes[1]).await;
    owner.post(&house, "/move/undo", &json!({})).await.ok();
    house.clock.advance(DAY);
    thief.finish_recovery(&house, &id).await.refused("proof_failed");
    owner.get(&house, "/devices").await.ok();
}

async fn a_finish_whose_answer_got_lost_is_given_again_and_a_weak_passkey_never(house: House) {
    let owner = Phone::signed_up(&house).await;
    let mut new = Phone::new();
    let id = new.cooling(&house, &owner.recovery_codes[0]).await;
    house.clock.advance(DAY);
    new.authenticator.verifies_user = false;
    new.finish_recovery(&house, &id).await.refused("proof_failed");
    new.authenticator = Authenticator::new();
    let asked = json!({ "recovery_id": id });
    let options = house.call(new.proved(&house, "/recover/passkey/options", &asked)).await.ok();
    let credential = new.authenticator.create(&options);
    let body = json!({ "recovery_id": id, "credential": credential });
    house.call(new.proved(&house, "/recover/finish", &body)).await.ok();
    let reply = house.call(new.proved(&house, "/recover/finish", &body)).await;
    new.keep(reply);
    new.get(&house, "/devices").await.ok();
    assert_eq!((house.paying().await, house.count("session").await), (1, 1));
}
