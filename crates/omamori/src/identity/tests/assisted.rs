//! Recovery with support's help, recoveries called off by a contact, and what is told.

use omamori_db::sql;
use serde_json::{Value, json};

use super::phone::Phone;
use super::{House, Reply, json_request, on_both_engines};
use crate::clock::{DAY, MINUTE};
use crate::identity::moves::settle::settle_past;
use crate::identity::{recover, standing};
use crate::notify::deliver_due;
use crate::web::error::Error;

on_both_engines!(
    a_ticket_of_two_of_staff_stands_in_for_a_recovery_code_once,
    a_ticket_shortens_no_day_takes_no_other_number_and_moves_no_phone,
    one_of_staff_alone_makes_no_ticket,
    any_contact_calls_a_recovery_off_with_what_it_was_sent,
    a_cancel_code_does_nothing_else_and_cannot_be_guessed_at,
    the_end_of_the_time_to_undo_is_told_and_the_old_phone_is_out,
    starting_again_is_told_whoever_did_it,
    sms_to_one_number_are_counted_once_for_all_customers,
);

impl Phone {
    async fn customer_id(&self, house: &House) -> String {
        let query = sql("SELECT customer_id FROM device WHERE device_number = $1");
        let query = query.bind(i64::from(self.number().get()));
        house.app.stores.registry.one(query).await.unwrap().text("customer_id").unwrap()
    }

    async fn ticket(&self, house: &House) -> Value {
        let id = self.customer_id(house).await;
        let mut tx = house.app.stores.registry.begin().await.unwrap();
        let staff = ["sato", "suzuki"];
        let ticket = recover::assisted(&house.app, &mut tx, &id, staff).await.unwrap();
        tx.commit().await.unwrap();
        json!(ticket)
    }
}

async fn cancel(house: &House, code: &str) -> Reply {
    house.call(json_request("/recover/cancel/code", &json!({ "code": code }))).await
}

/// The cancel code in the newest SMS, once the outbox was emptied.
async fn cancel_code(house: &House) -> String {
    deliver_due(&house.app).await.unwrap();
    let sent = house.app.identity.outbox().sandbox().unwrap().sent();
    let is_code = |word: &&str| word.len() == 19 && word.matches('-').count() == 3;
    let words = sent.iter().flat_map(|sms| sms.text.split([' ', '。']));
    words.into_iter().find(is_code).unwrap().to_owned()
}

async fn a_ticket_of_two_of_staff_stands_in_for_a_recovery_code_once(house: House) {
    let lost = Phone::signed_up(&house).await;
    let ticket = lost.ticket(&house).await;
    assert_eq!(house.notices().await.last().unwrap(), "recovery_assisted");
    let mut new = Phone::new();
    let id = new.cooling(&house, &ticket).await;
    new.finish_recovery(&house, &id).await.refused("recovery_cooling");
    house.clock.advance(DAY);
    let reply = new.finish_recovery(&house, &id).await;
    new.keep(reply);
    lost.get(&house, "/devices").await.refused("unauthorized");
    let sent = house.sms_count();
    let again = Phone::new();
    again.start_recovery(&house, super::NUMBER, &ticket).await.ok();
    house.nothing_more_was_sent_than(sent).await;
}

async fn a_ticket_shortens_no_day_takes_no_other_number_and_moves_no_phone(house: House) {
    let owner = Phone::signed_up(&house).await;
    let ticket = owner.ticket(&house).await;
    let sent = house.sms_count();
    let thief = Phone::new();
    thief.start_recovery(&house, "080-9999-0000", &ticket).await.ok();
    house.nothing_more_was_sent_than(sent).await;
    let mut moving = Phone::with_passkey_of(&owner);
    let started = moving.start_move(&house).await.ok();
    let code = ticket.as_str().unwrap();
    moving.finish_move(&house, &started["move_id"], code).await.refused("proof_failed");
    // A later ticket ends the earlier; none lives longer than a day.
    let later = owner.ticket(&house).await;
    let sent = house.sms_count();
    thief.start_recovery(&house, super::NUMBER, &ticket).await.ok();
    house.clock.advance(DAY + MINUTE);
    thief.start_recovery(&house, super::NUMBER, &later).await.ok();
    house.nothing_more_was_sent_than(sent).await;
}

async fn one_of_staff_alone_makes_no_ticket(house: House) {
    let owner = Phone::signed_up(&house).await;
    let id = owner.customer_id(&house).await;
    let mut tx = house.app.stores.registry.begin().await.unwrap();
    let refused = recover::assisted(&house.app, &mut tx, &id, ["sato", "sato"]).await;
    assert!(matches!(refused, Err(Error::Refused(_))));
}

async fn any_contact_calls_a_recovery_off_with_what_it_was_sent(house: House) {
    let owner = Phone::signed_up(&house).await;
    let mut thief = Phone::new();
    let id = thief.cooling(&house, &owner.recovery_codes[0]).await;
    let code = cancel_code(&house).await;
    let inbox = sql("SELECT params FROM notice");
    for row in house.app.stores.registry.all(inbox).await.unwrap() {
        assert!(!row.text("params").unwrap().contains(&code), "the app's notice holds no code");
    }
    for _ in 0..2 {
        cancel(&house, &code.to_lowercase()).await.ok();
    }
    let canceled = house.notices().await;
    assert_eq!(canceled.iter().filter(|kind| *kind == "recovery_canceled").count(), 1);
    house.clock.advance(DAY);
    thief.finish_recovery(&house, &id).await.refused("proof_failed");
    owner.get(&house, "/devices").await.ok();
}

async fn a_cancel_code_does_nothing_else_and_cannot_be_guessed_at(house: House) {
    let owner = Phone::signed_up(&house).await;
    let mut new = Phone::new();
    let id = new.cooling(&house, &owner.recovery_codes[0]).await;
    let code = cancel_code(&house).await;
    cancel(&house, "0000-0000-0000-0000").await.refused("proof_failed");
    cancel(&house, "123456").await.refused("invalid_request");
    cancel(&house, owner.recovery_codes[1].as_str().unwrap()).await.refused("proof_failed");
    let sent = house.sms_count();
    Phone::new().start_recovery(&house, super::NUMBER, &json!(code)).await.ok();
    house.nothing_more_was_sent_than(sent).await;
    for _ in 0..20 {
        cancel(&house, "0000-0000-0000-0001").await;
    }
    cancel(&house, &code).await.refused("too_many_requests");
    house.clock.advance(DAY);
    let reply = new.finish_recovery(&house, &id).await;
    new.keep(reply);
    cancel(&house, &code).await.refused("proof_failed");
}

async fn the_end_of_the_time_to_undo_is_told_and_the_old_phone_is_out(house: House) {
    let old = Phone::signed_up(&house).await;
    let new = Phone::moved_from(&house, &old).await;
    house.clock.advance(3 * DAY - 1);
    settle_past(&house.app).await.unwrap();
    assert_eq!(house.notices().await.last().unwrap(), "device_moved");
    house.clock.advance(1);
    for _ in 0..2 {
        settle_past(&house.app).await.unwrap();
    }
    let told = house.notices().await;
    assert_eq!(told.iter().filter(|kind| *kind == "device_move_settled").count(), 1);
    old.post(&house, "/move/undo", &json!({})).await.refused("unauthorized");
    new.get(&house, "/devices").await.ok();
}

async fn starting_again_is_told_whoever_did_it(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    phone.post(&house, "/account/stop", &json!({})).await.ok();
    let resumed = phone.confirmed(&house, "/account/resume", None).await;
    phone.keep_session(&resumed);
    assert_eq!(house.notices().await.last().unwrap(), "account_resumed");
    phone.post(&house, "/account/stop", &json!({})).await.ok();
    let id = phone.customer_id(&house).await;
    for is_stopped in [true, false] {
        let mut tx = house.app.stores.registry.begin().await.unwrap();
        let started = standing::unfreeze_in(&house.app, &mut tx, &id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(started, is_stopped.then_some("active"));
    }
    let told = house.notices().await;
    assert_eq!(told.iter().filter(|kind| *kind == "account_resumed").count(), 2);
}

async fn sms_to_one_number_are_counted_once_for_all_customers(house: House) {
    let to = json!({ "kind": "phone", "value": "080-5555-6666" });
    let mut sent = 0;
    for number in ["070-1111-0001", "070-1111-0002"] {
        let mut phone = Phone::signed_up_as(&house, number).await;
        sent += 1;
        for _ in 0..3 {
            let begun = phone.confirmed(&house, "/contacts/change", Some(to.clone())).await;
            if begun.status.is_success() {
                phone.keep_session(&begun);
                sent += 1;
            } else {
                begun.refused("too_many_requests");
                assert_eq!(number, "070-1111-0002");
            }
        }
        // Codes are sent beside the requests: the next sign-up counts from all of them.
        house.sms(sent).await;
    }
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM sms_sent
         WHERE phone = '+818055556666'");
    assert_eq!(house.app.stores.registry.one(query).await.unwrap().int("n").unwrap(), 5);
}
