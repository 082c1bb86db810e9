//! Acts that take two people, and the ways around that.

use axum::http::StatusCode;
use omamori_db::sql;
use serde_json::json;

use super::Desk;
use crate::clock::{Clock, DAY, HOUR};
use crate::console::access::Role;
use crate::console::staff;
use crate::identity::tests::{House, on_both_engines};

on_both_engines!(
    an_act_takes_another_person_with_the_role,
    a_signed_word_is_good_for_one_approval_and_one_verdict,
    of_two_who_decide_at_once_one_does,
    an_approval_is_used_once_and_by_the_one_who_asked,
    an_approval_expires,
    what_a_removed_person_gave_is_worth_nothing,
    an_approval_whose_row_was_changed_is_not_carried_out,
);

/// Attack: one person alone; a colleague without the role; a role that was not given.
async fn an_act_takes_another_person_with_the_role(house: House) {
    let desk = Desk::new(house);
    let asking = desk.person(Role::Admin).await;
    let approval = desk.asks_to_invite(&asking, Role::Admin).await;
    let options = format!("/approvals/{approval}/options");
    let give = json!({ "verdict": "give" });
    desk.post(&asking, &options, &give).await.refused("second_person_needed");
    for role in [Role::Viewer, Role::Support, Role::Fraud, Role::Finance] {
        let colleague = desk.person(role).await;
        desk.post(&colleague, &options, &give).await.refused("forbidden");
        let invite = json!({ "name": "友人", "role": "admin", "reason": "x" });
        desk.post(&colleague, "/staff/invite", &invite).await.refused("forbidden");
        desk.carries_out(&colleague, &approval).await.refused("forbidden");
    }
    desk.carries_out(&asking, &approval).await.refused("approval_closed");
    let nameless = json!({ "name": "新人", "role": "viewer", "reason": "  " });
    desk.post(&asking, "/staff/invite", &nameless).await.refused("invalid_request");

    let mut second = desk.person(Role::Admin).await;
    desk.decides(&mut second, &approval, "give").await.ok();
    let done = desk.carries_out(&asking, &approval).await.ok();
    let newcomer = desk.enrol(done["secret"].as_str().unwrap()).await;
    assert!(desk.is_in(&newcomer).await);

    let other = desk.asks_to_invite(&asking, Role::Viewer).await;
    desk.decides(&mut second, &other, "refuse").await.ok();
    desk.carries_out(&asking, &other).await.refused("approval_closed");
    desk.post(&second, &format!("/approvals/{other}/options"), &give)
        .await
        .refused("approval_closed");
}

/// Attack: the answer to one question is sent as the answer to another.
async fn a_signed_word_is_good_for_one_approval_and_one_verdict(house: House) {
    let desk = Desk::new(house);
    let (asking, mut second) = (desk.person(Role::Admin).await, desk.person(Role::Admin).await);
    let harmless = desk.asks_to_invite(&asking, Role::Viewer).await;
    let grave = desk.asks_to_invite(&asking, Role::Admin).await;
    let word = desk.signs(&mut second, &harmless, "give").await;
    desk.post(&second, &format!("/approvals/{grave}/decide"), &word).await.refused("proof_failed");
    let mut word = desk.signs(&mut second, &grave, "refuse").await;
    word["verdict"] = json!("give");
    desk.post(&second, &format!("/approvals/{grave}/decide"), &word).await.refused("proof_failed");
    // Another's session, with the right answer of the wrong person.
    let third = desk.person(Role::Admin).await;
    let word = desk.signs(&mut second, &grave, "give").await;
    desk.post(&third, &format!("/approvals/{grave}/decide"), &word).await.refused("proof_failed");
    // And no answer is one twice.
    let word = desk.signs(&mut second, &grave, "give").await;
    let decide = format!("/approvals/{grave}/decide");
    desk.post(&second, &decide, &word).await.ok();
    desk.post(&second, &decide, &word).await.refused("proof_failed");
}

/// Race: two approvers, then the same one who asked, at two screens.
async fn of_two_who_decide_at_once_one_does(house: House) {
    let desk = Desk::new(house);
    let asking = desk.person(Role::Admin).await;
    let (mut one, mut two) = (desk.person(Role::Admin).await, desk.person(Role::Admin).await);
    let approval = desk.asks_to_invite(&asking, Role::Viewer).await;
    let decide = format!("/approvals/{approval}/decide");
    let yes = desk.signs(&mut one, &approval, "give").await;
    let no = desk.signs(&mut two, &approval, "refuse").await;
    let (first, other) =
        tokio::join!(desk.post(&one, &decide, &yes), desk.post(&two, &decide, &no));
    let done = [first.status, other.status].iter().filter(|status| status.is_success()).count();
    assert_eq!(done, 1, "{} {}", first.body, other.body);
    let lost = if first.status.is_success() { other } else { first };
    lost.refused("approval_closed");
}

async fn an_approval_is_used_once_and_by_the_one_who_asked(house: House) {
    let desk = Desk::new(house);
    let (asking, mut second) = (desk.person(Role::Admin).await, desk.person(Role::Admin).await);
    let approval = desk.asks_to_invite(&asking, Role::Viewer).await;
    desk.decides(&mut second, &approval, "give").await.ok();
    desk.carries_out(&second, &approval).await.refused("approval_closed");
    let people = staff::list(&desk.house.app.stores.registry).await.unwrap().len();
    let (first, other) =
        tokio::join!(desk.carries_out(&asking, &approval), desk.carries_out(&asking, &approval));
    let done = [first.status, other.status].iter().filter(|status| status.is_success()).count();
    assert_eq!(done, 1, "{} {}", first.body, other.body);
    desk.carries_out(&asking, &approval).await.refused("approval_closed");
    let now = staff::list(&desk.house.app.stores.registry).await.unwrap().len();
    assert_eq!(now, people + 1);
}

async fn an_approval_expires(house: House) {
    let desk = Desk::new(house);
    let (mut asking, mut second) = (desk.person(Role::Admin).await, desk.person(Role::Admin).await);
    let (open, given) = (
        desk.asks_to_invite(&asking, Role::Viewer).await,
        desk.asks_to_invite(&asking, Role::Viewer).await,
    );
    let asked_at = desk.house.clock.now();
    desk.house.clock.advance(DAY - HOUR);
    desk.signs_in(&mut second).await.ok();
    desk.decides(&mut second, &given, "give").await.ok();
    desk.house.clock.advance(HOUR);
    assert_eq!(desk.house.clock.now(), asked_at + DAY);
    desk.signs_in(&mut asking).await.ok();
    desk.signs_in(&mut second).await.ok();
    let options = format!("/approvals/{open}/options");
    desk.post(&second, &options, &json!({ "verdict": "give" })).await.refused("approval_closed");
    desk.carries_out(&asking, &given).await.refused("approval_closed");
}

/// Attack: a person who is on the way out leaves yes-words behind.
async fn what_a_removed_person_gave_is_worth_nothing(house: House) {
    let desk = Desk::new(house);
    let (asking, mut second) = (desk.person(Role::Admin).await, desk.person(Role::Admin).await);
    let approval = desk.asks_to_invite(&asking, Role::Admin).await;
    desk.decides(&mut second, &approval, "give").await.ok();
    staff::remove(&desk.house.app, &second.staff_id).await.unwrap();
    desk.carries_out(&asking, &approval).await.refused("approval_closed");
}

/// Attack: who can write the database lets a viewer's invitation become an admin's.
async fn an_approval_whose_row_was_changed_is_not_carried_out(house: House) {
    let desk = Desk::new(house);
    let (asking, mut second) = (desk.person(Role::Admin).await, desk.person(Role::Admin).await);
    let approval = desk.asks_to_invite(&asking, Role::Viewer).await;
    desk.decides(&mut second, &approval, "give").await.ok();
    let change = sql("UPDATE approval SET proposal = $1 WHERE approval_id = $2");
    let change = change.bind(r#"{"act":"invite_staff","name":"新人","role":"admin"}"#);
    desk.house.app.stores.registry.execute(change.bind(&approval)).await.unwrap();
    let refused = desk.carries_out(&asking, &approval).await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
}
