//! Moving to another phone, undoing it, and what a thief makes of both (domain: "any phone could
//! use the account", a second phone that takes over silently).

use omamori_db::sql;
use serde_json::{Value, json};

use super::phone::{Phone, six_digits};
use super::{House, Reply, on_both_engines};
use crate::clock::{DAY, MINUTE, SECOND};

on_both_engines!(
    the_new_phone_pays_and_the_old_one_does_not_and_all_channels_are_told,
    a_passkey_alone_and_an_sms_alone_move_nothing,
    a_recovery_code_stands_in_for_the_sms_and_works_once,
    second_phone_taking_over_silently_is_told_and_thrown_out_by_one_tap,
    undo_abuse_a_found_phone_stops_the_account_and_gains_nothing,
    undoing_a_move_stops_what_the_thief_claimed,
    undo_ends_after_three_days_or_when_the_settled_owner_ends_it,
    two_moves_at_once_leave_one_phone_that_pays,
    an_answer_that_got_lost_is_given_again_to_the_same_phone,
    a_stopped_account_pays_nothing_until_the_passkey_is_shown,
);

impl Phone {
    /// A new phone of somebody with the same passkey: it is synced, or it was phished.
    pub fn with_passkey_of(other: &Phone) -> Self {
        Self { authenticator: other.authenticator.clone(), ..Self::new() }
    }

    /// The first step of a move, on the new phone.
    pub async fn start_move(&mut self, house: &House) -> Reply {
        let options = house.post("/move/options", &json!({})).await.ok();
        let credential = self.authenticator.get(&options);
        let body = json!({ "credential": credential, "device": self.introduction("Pixel 12") });
        house.call(self.proved(house, "/move/start", &body)).await
    }

    pub async fn finish_move(&self, house: &House, move_id: &Value, code: &str) -> Reply {
        let body = json!({ "move_id": move_id, "code": code });
        house.call(self.proved(house, "/move/finish", &body)).await
    }

    /// The whole of it, by SMS.
    pub async fn moved_from(house: &House, old: &Phone) -> Self {
        let mut new = Self::with_passkey_of(old);
        let sent = house.sms_count();
        let started = new.start_move(house).await.ok();
        let code = six_digits(&house.sms(sent + 1).await);
        let reply = new.finish_move(house, &started["move_id"], &code).await;
        new.keep_enrolment(reply);
        new
    }

    pub fn keep_enrolment(&mut self, reply: Reply) {
        self.keep_session(&reply);
        self.enrolment = reply.ok()["device"].clone();
    }

    async fn undo(&self, house: &House) -> Reply {
        self.post(house, "/move/undo", &json!({})).await
    }

    async fn pays(&self, house: &House) -> Result<(), &'static str> {
        let checked = house.app.identity.codes.check(&house.app, &self.code(house, 0), 1).await;
        checked.map(drop).map_err(|error| error.code().as_str())
    }
}

async fn the_new_phone_pays_and_the_old_one_does_not_and_all_channels_are_told(house: House) {
    let old = Phone::signed_up(&house).await;
    house.clock.advance(30 * DAY - MINUTE);
    let new = Phone::moved_from(&house, &old).await;
    assert_eq!(new.pays(&house).await, Ok(()));
    assert_eq!(old.pays(&house).await, Err("code_wrong"));
    old.get(&house, "/devices").await.refused("device_not_enrolled");
    let listed = new.get(&house, "/devices").await.ok();
    let phones = listed["devices"].as_array().unwrap();
    assert_eq!(phones.len(), 2);
    assert_eq!(phones.iter().filter(|phone| phone["active"] == true).count(), 1);
    assert_eq!(house.notices().await.last().unwrap(), "device_moved");

    // The first day's limits count from the move.
    let code = new.code(&house, 0);
    let device = house.app.identity.codes.check(&house.app, &code, 1).await.unwrap().device;
    assert_eq!(device.enrolled_at, crate::clock::Clock::now(&*house.clock));
}

async fn a_passkey_alone_and_an_sms_alone_move_nothing(house: House) {
    let owner = Phone::signed_up(&house).await;
    let mut thief = Phone::with_passkey_of(&owner);
    let started = thief.start_move(&house).await.ok();
    let right = six_digits(&house.sms(2).await);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        thief.finish_move(&house, &started["move_id"], wrong).await.refused("proof_failed");
    }
    thief.finish_move(&house, &started["move_id"], &right).await.refused("proof_failed");

    // Who swapped the SIM reads the code, but has begun nothing: it is bound to the key.
    let started = thief.start_move(&house).await.ok();
    let code = six_digits(&house.sms(3).await);
    let swapper = Phone::new();
    swapper.finish_move(&house, &started["move_id"], &code).await.refused("proof_failed");
    let mut swapper = Phone::new();
    swapper.start_move(&house).await.refused("proof_failed");
    house.clock.advance(10 * MINUTE);
    thief.finish_move(&house, &started["move_id"], &code).await.refused("proof_failed");
    assert_eq!(owner.pays(&house).await, Ok(()));
}

async fn a_recovery_code_stands_in_for_the_sms_and_works_once(house: House) {
    let owner = Phone::signed_up(&house).await;
    let code = owner.recovery_codes[0].as_str().unwrap().to_lowercase();
    let mut new = Phone::with_passkey_of(&owner);
    let started = new.start_move(&house).await.ok();
    let stranger = "0000-0000-0000-0000";
    new.finish_move(&house, &started["move_id"], stranger).await.refused("proof_failed");
    let reply = new.finish_move(&house, &started["move_id"], &code).await;
    new.keep_enrolment(reply);
    assert_eq!(new.pays(&house).await, Ok(()));

    let mut third = Phone::with_passkey_of(&new);
    let started = third.start_move(&house).await.ok();
    third.finish_move(&house, &started["move_id"], &code).await.refused("proof_failed");
}

async fn second_phone_taking_over_silently_is_told_and_thrown_out_by_one_tap(house: House) {
    let owner = Phone::signed_up(&house).await;
    house.clock.advance(2 * DAY);
    let mut thief = Phone::moved_from(&house, &owner).await;

    // On its first day the newcomer changes nothing that would outlive the undoing.
    let confirmed = thief.confirmed(&house, "/recovery-codes", None).await;
    confirmed.refused("too_soon");
    let owners = owner.enrolment["device_id"].clone();
    let ended = thief.confirmed(&house, "/devices/end", Some(json!({ "device_id": owners }))).await;
    ended.refused("too_soon");
    thief.post(&house, "/sessions/end-others", &json!({})).await.ok();
    let third = Phone::moved_from(&house, &thief).await; // nor does moving on help
    assert_eq!(third.pays(&house).await, Ok(()));

    owner.undo(&house).await.ok();
    owner.undo(&house).await.ok(); // two taps
    for gone in [&thief, &third] {
        gone.get(&house, "/devices").await.refused("unauthorized");
        assert!(gone.pays(&house).await.is_err());
    }
    let mut again = Phone::with_passkey_of(&third);
    again.start_move(&house).await.refused("too_soon");
    house.clock.advance(DAY);
    again.start_move(&house).await.ok();
}

async fn undo_abuse_a_found_phone_stops_the_account_and_gains_nothing(house: House) {
    let mut old = Phone::signed_up(&house).await;
    let new = Phone::moved_from(&house, &old).await;
    for path in ["/recovery-codes/options", "/sessions/end-others", "/account/resume/options"] {
        old.post(&house, path, &json!({})).await.refused("device_not_enrolled");
    }
    old.undo(&house).await.ok();
    assert_eq!(old.pays(&house).await, Err("account_frozen"));
    old.authenticator.verifies_user = false; // the finder's finger
    old.confirmed(&house, "/account/resume", None).await.refused("proof_failed");
    assert_eq!(old.pays(&house).await, Err("account_frozen"));
    old.authenticator.verifies_user = true;
    let resumed = old.confirmed(&house, "/account/resume", None).await;
    old.keep_session(&resumed);
    assert_eq!(old.pays(&house).await, Ok(()));
    new.get(&house, "/devices").await.refused("unauthorized");
}

/// Attack: a thief with the phone for a day has claimed all that was in the account for closing it.
async fn undoing_a_move_stops_what_the_thief_claimed(house: House) {
    let owner = Phone::signed_up(&house).await;
    Phone::moved_from(&house, &owner).await;
    house.clock.advance(DAY + MINUTE);
    let registry = &house.app.stores.registry;
    let shut = "UPDATE customer SET status = 'frozen', stopped_by = 'refund'";
    registry.execute(sql(shut)).await.unwrap();
    owner.undo(&house).await.ok();
    let row = registry.one(sql("SELECT stopped_by FROM customer")).await.unwrap();
    assert_eq!(row.text("stopped_by").unwrap(), "undo");
}

async fn undo_ends_after_three_days_or_when_the_settled_owner_ends_it(house: House) {
    let first = Phone::signed_up(&house).await;
    let mut second = Phone::moved_from(&house, &first).await;
    second.undo(&house).await.refused("forbidden");
    house.clock.advance(DAY + SECOND);
    let device = json!({ "device_id": first.enrolment["device_id"] });
    let ended = second.confirmed(&house, "/devices/end", Some(device)).await;
    second.keep_session(&ended);
    ended.ok();
    first.undo(&house).await.refused("unauthorized");

    let third = Phone::moved_from(&house, &second).await;
    house.clock.advance(3 * DAY);
    second.undo(&house).await.refused("forbidden");
    assert_eq!(third.pays(&house).await, Ok(()));
}

async fn two_moves_at_once_leave_one_phone_that_pays(house: House) {
    let old = Phone::signed_up(&house).await;
    let mut phones = [Phone::with_passkey_of(&old), Phone::with_passkey_of(&old)];
    phones[1].authenticator.counter = 50;
    let mut ways = Vec::new();
    for (index, phone) in phones.iter_mut().enumerate() {
        let started = phone.start_move(&house).await.ok();
        let code = six_digits(&house.sms(2 + index).await);
        ways.push((started["move_id"].clone(), code));
    }
    let finish = |index: usize| {
        let (phone, (move_id, code)) = (&phones[index], &ways[index]);
        phone.finish_move(&house, move_id, code)
    };
    let (a, b) = tokio::join!(finish(0), finish(1));
    assert!(a.status.is_success() || b.status.is_success());
    assert_eq!(house.paying().await, 1);
}

async fn an_answer_that_got_lost_is_given_again_to_the_same_phone(house: House) {
    let old = Phone::signed_up(&house).await;
    let mut new = Phone::with_passkey_of(&old);
    let started = new.start_move(&house).await.ok();
    let code = six_digits(&house.sms(2).await);
    new.finish_move(&house, &started["move_id"], &code).await.ok();
    let reply = new.finish_move(&house, &started["move_id"], &code).await;
    new.keep_enrolment(reply);
    assert_eq!((new.pays(&house).await, house.paying().await), (Ok(()), 1));
    let other = Phone::with_passkey_of(&old);
    other.finish_move(&house, &started["move_id"], &code).await.refused("proof_failed");
}

async fn a_stopped_account_pays_nothing_until_the_passkey_is_shown(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    for _ in 0..2 {
        phone.post(&house, "/account/stop", &json!({})).await.ok();
    }
    assert_eq!(phone.pays(&house).await, Err("account_frozen"));
    let told = house.notices().await;
    assert_eq!(told.iter().filter(|kind| *kind == "account_stopped").count(), 1, "{told:?}");
    let resumed = phone.confirmed(&house, "/account/resume", None).await;
    phone.keep_session(&resumed);
    assert_eq!(phone.pays(&house).await, Ok(()));
}
