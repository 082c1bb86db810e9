//! Changing a contact, and how an account would be walked away with.

use serde_json::{Value, json};

use super::phone::{Phone, six_digits};
use super::{House, on_both_engines};
use crate::clock::{DAY, SECOND};
use crate::identity::account;

on_both_engines!(
    a_number_changes_with_the_passkey_and_a_code_to_the_new_one,
    the_old_number_recovers_for_seven_days_and_no_longer,
    a_newcomer_by_a_move_changes_no_contact_on_its_first_day,
    a_number_of_another_account_is_not_taken_over,
    what_is_no_address_is_refused_before_the_passkey,
);

const NEW_NUMBER: &str = "080-1111-2222";

impl Phone {
    async fn change_number(&mut self, house: &House, to: &str) -> (Value, String) {
        let sent = house.sms_count();
        let request = json!({ "kind": "phone", "value": to });
        let begun = self.confirmed(house, "/contacts/change", Some(request)).await;
        self.keep_session(&begun);
        let check_id = begun.ok()["check_id"].clone();
        (check_id, six_digits(&house.sms(sent + 1).await))
    }

    async fn confirm_number(&self, house: &House, check_id: &Value, code: &str) -> super::Reply {
        let body = json!({ "check_id": check_id, "code": code });
        self.post(house, "/contacts/confirm", &body).await
    }
}

async fn number(house: &House, phone: &Phone) -> String {
    let code = phone.code(house, 0);
    let device = house.app.identity.codes.check(&house.app, &code, 1).await.unwrap().device;
    let account = account::find(&house.app.stores.registry, &device.customer_id).await.unwrap();
    account.phone.as_str().to_owned()
}

async fn a_number_changes_with_the_passkey_and_a_code_to_the_new_one(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let (check_id, code) = phone.change_number(&house, NEW_NUMBER).await;
    assert_eq!(number(&house, &phone).await, "+819012345678", "not yet");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    phone.confirm_number(&house, &check_id, wrong).await.refused("proof_failed");
    let stranger = Phone::signed_up_as(&house, "070-3333-4444").await;
    stranger.confirm_number(&house, &check_id, &code).await.refused("proof_failed");
    phone.confirm_number(&house, &check_id, &code).await.ok();
    phone.confirm_number(&house, &check_id, &code).await.refused("proof_failed");
    assert_eq!(number(&house, &phone).await, "+818011112222");
    assert_eq!(house.notices().await.last().unwrap(), "contact_changed");
}

async fn the_old_number_recovers_for_seven_days_and_no_longer(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let (check_id, code) = phone.change_number(&house, NEW_NUMBER).await;
    phone.confirm_number(&house, &check_id, &code).await.ok();
    let asks = Phone::new();
    for (days, sends) in [(6, 1), (1, 0)] {
        house.clock.advance(days * DAY);
        let sent = house.sms_count();
        let body = json!({
            "phone": super::NUMBER, "recovery_code": phone.recovery_codes[0],
            "device": asks.introduction("iPhone"),
        });
        house.call(asks.proved(&house, "/recover/start", &body)).await.ok();
        if sends == 1 {
            house.sms(sent + 1).await;
        }
        house.nothing_more_was_sent_than(sent + sends).await;
    }
}

async fn a_newcomer_by_a_move_changes_no_contact_on_its_first_day(house: House) {
    let owner = Phone::signed_up(&house).await;
    let mut thief = Phone::moved_from(&house, &owner).await;
    let sent = house.sms_count();
    let request = json!({ "kind": "phone", "value": NEW_NUMBER });
    let refused = thief.confirmed(&house, "/contacts/change", Some(request)).await;
    refused.refused("too_soon");
    house.nothing_more_was_sent_than(sent).await;
    house.clock.advance(DAY + SECOND);
    let (check_id, code) = thief.change_number(&house, NEW_NUMBER).await;
    thief.confirm_number(&house, &check_id, &code).await.ok();
}

async fn a_number_of_another_account_is_not_taken_over(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let other = Phone::signed_up_as(&house, NEW_NUMBER).await;
    let (check_id, code) = phone.change_number(&house, NEW_NUMBER).await;
    phone.confirm_number(&house, &check_id, &code).await.refused("proof_failed");
    assert_eq!(number(&house, &other).await, "+818011112222");
    assert_eq!(number(&house, &phone).await, "+819012345678");
}

async fn what_is_no_address_is_refused_before_the_passkey(house: House) {
    let phone = Phone::signed_up(&house).await;
    for (kind, value) in [("phone", "03-1234-5678"), ("email", "hanako"), ("fax", "1")] {
        let body = json!({ "kind": kind, "value": value });
        phone.post(&house, "/contacts/change/options", &body).await.refused("invalid_request");
    }
}
