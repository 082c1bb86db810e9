//! A copy of all data, and the end of an account: over HTTP, with those who cheat.

use axum::http::header;
use omamori_db::sql;
use serde_json::{Value, json};

use super::phone::Phone;
use super::{House, on_both_engines};
use crate::audit::Actor;
use crate::clock::{DAY, Micros, SECOND};
use crate::identity::standing;
use crate::notify::{AccountStopper, deliver_due};
use crate::privacy::{NewHold, carry_out_due, export_of, place_hold, release_holds};

on_both_engines!(
    a_copy_has_everything_but_secrets_and_is_told,
    a_copy_is_not_for_a_stolen_cookie_nor_of_somebody_else,
    a_thief_s_deletion_is_told_and_called_off_by_the_owner,
    the_new_owner_of_a_number_sees_nothing,
    what_forbids_a_closing_is_said,
    what_comes_up_in_the_grace_keeps_the_account,
);

const EXPORT: &str = "/account/export";
const CLOSE: &str = "/account/close";

fn nothing() -> Option<Value> {
    Some(json!({}))
}

async fn status(house: &House, phone: &Phone) -> String {
    let query = sql("SELECT c.status FROM customer c JOIN device d
         ON d.customer_id = c.customer_id WHERE d.device_number = $1");
    let number = i64::from(phone.number().get());
    let row = house.app.stores.registry.one(query.bind(number)).await.unwrap();
    row.text("status").unwrap()
}

async fn customer_id(house: &House, number: &str) -> String {
    standing::find(&house.app, number).await.unwrap().unwrap()
}

async fn a_copy_has_everything_but_secrets_and_is_told(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    let reply = phone.confirmed(&house, EXPORT, nothing()).await;
    assert_eq!(
        reply.headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"omamori-export.json\""
    );
    assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
    phone.keep_session(&reply);
    let body = reply.ok();
    let copy = &body["export"];
    assert_eq!(copy["profile"][0]["phone"], "+819012345678");
    assert_eq!(copy["phones"][0]["name"], "Pixel 11");
    assert_eq!(copy["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!((&copy["complete"], &copy["balance"]), (&json!(true), &json!(0)));
    let acts: Vec<_> =
        copy["decisions"].as_array().unwrap().iter().map(|one| one["act"].clone()).collect();
    assert_eq!(acts.last(), Some(&json!("data_export")), "{acts:?}");
    let text = copy.to_string();
    for secret in phone.recovery_codes.iter().map(|code| code.as_str().unwrap()) {
        assert!(!text.contains(secret));
    }
    for secret in [phone.ath.as_str(), phone.cookie.split('=').nth(1).unwrap()] {
        assert!(!text.contains(secret));
    }
    assert!(house.notices().await.contains(&"data_exported".to_owned()));
    phone.get(&house, "/devices").await.ok();
}

async fn a_copy_is_not_for_a_stolen_cookie_nor_of_somebody_else(house: House) {
    let phone = Phone::signed_up(&house).await;
    let mut other = Phone::signed_up_as(&house, "080-1111-2222").await;
    for path in [EXPORT, CLOSE, "/account/export/options", "/account/close/options"] {
        phone.ask(&house, "POST", path, None).await.refused("unauthorized");
        let elsewhere = phone.proof(&house, "POST", "/signout", true);
        phone.ask(&house, "POST", path, Some(&elsewhere)).await.refused("unauthorized");
    }
    // No address takes somebody else's id.
    let body = json!({ "customer_id": customer_id(&house, super::NUMBER).await });
    for path in ["/account/export/options", "/account/close/options"] {
        other.post(&house, path, &body).await.refused("invalid_request");
    }
    // The other's own passkey confirms nothing of this one's.
    for path in [EXPORT, CLOSE] {
        let options = phone.post(&house, &format!("{path}/options"), &json!({})).await.ok();
        let credential = other.authenticator.get(&options);
        let body = json!({ "request": {}, "proof": { "passkey": credential } });
        phone.post(&house, path, &body).await.refused("proof_failed");
    }
    // One confirmation is for one act.
    let options = other.post(&house, "/account/export/options", &json!({})).await.ok();
    let credential = other.authenticator.get(&options);
    let body = json!({ "request": {}, "proof": { "passkey": credential } });
    other.post(&house, CLOSE, &body).await.refused("proof_failed");
    let copy = other.confirmed(&house, EXPORT, nothing()).await.ok().to_string();
    assert!(copy.contains("+818011112222") && !copy.contains("9012345678"), "{copy}");
}

async fn a_thief_s_deletion_is_told_and_called_off_by_the_owner(house: House) {
    let mut phone = Phone::signed_up(&house).await;
    // Whoever has the unlocked phone in the hand, with its passkey.
    let reply = phone.confirmed(&house, CLOSE, nothing()).await;
    let due_at = reply.ok()["due_at"].as_str().unwrap().to_owned();
    assert!(due_at.ends_with('Z'), "{due_at}");
    assert_eq!((status(&house, &phone).await, house.count("session").await), ("frozen".into(), 0));
    phone.get(&house, "/devices").await.refused("unauthorized");
    deliver_due(&house.app).await.unwrap();
    assert!(house.sms(2).await.contains("退会を受け付けました"), "told by SMS");
    house.clock.advance(7 * DAY - SECOND);
    carry_out_due(&house.app).await.unwrap();
    assert_eq!(status(&house, &phone).await, "frozen", "seven days are whole");

    let reply = phone.sign_in(&house).await;
    phone.keep_session(&reply);
    assert_eq!(status(&house, &phone).await, "active");
    let told = house.notices().await;
    assert!(told.ends_with(&["closing_canceled".into(), "new_session".into()]), "{told:?}");
    house.clock.advance(30 * DAY - 2 * SECOND);
    carry_out_due(&house.app).await.unwrap();
    assert_eq!(status(&house, &phone).await, "active");
    phone.get(&house, "/devices").await.ok();
    phone.confirmed(&house, CLOSE, nothing()).await.ok();
}

async fn the_new_owner_of_a_number_sees_nothing(house: House) {
    let mut old = Phone::signed_up(&house).await;
    let id = customer_id(&house, super::NUMBER).await;
    let code = old.code(&house, 0);
    old.confirmed(&house, CLOSE, nothing()).await.ok();
    house.clock.advance(7 * DAY);
    carry_out_due(&house.app).await.unwrap();
    carry_out_due(&house.app).await.unwrap();

    old.sign_in(&house).await.refused("proof_failed");
    assert!(house.app.identity.device(&house.app, code.device).await.unwrap().is_none());
    assert_eq!(
        standing::find(&house.app, super::NUMBER).await.unwrap(),
        None,
        "the number is free"
    );
    let left = house.app.stores.evidence.all(sql("SELECT body FROM decision_batch")).await.unwrap();
    for row in left {
        for line in row.text("body").unwrap().lines().filter(|line| line.contains(&id)) {
            let line: Value = serde_json::from_str(line).unwrap();
            assert!(line["device"].is_null() && line["detail"]["ip"].is_null(), "{line}");
        }
    }

    let mut new = Phone::signed_up(&house).await;
    let new_id = customer_id(&house, super::NUMBER).await;
    assert_ne!(new_id, id);
    let copy = new.confirmed(&house, EXPORT, nothing()).await.ok().to_string();
    assert!(copy.contains(&new_id) && !copy.contains(&id), "{copy}");
    assert_eq!(copy.matches("Pixel 11").count(), 3, "its own phone, passkey and notice: {copy}");
    let old_copy = export_of(&house.app, &id).await.unwrap().to_string();
    assert!(!old_copy.contains("9012345678") && !old_copy.contains("Pixel"), "{old_copy}");
}

async fn hold(house: &House, id: &str, span: Micros) {
    let until = house.app.clock.now() + span;
    let hold = NewHold { reason: "court", until, by: "legal" };
    place_hold(&house.app, &Actor::machine(), id, &hold).await.unwrap();
}

async fn what_forbids_a_closing_is_said(house: House) {
    let phone = Phone::signed_up(&house).await;
    let id = customer_id(&house, super::NUMBER).await;
    let path = "/account/close/options";
    hold(&house, &id, DAY).await;
    phone.post(&house, path, &json!({})).await.refused("closing_held");
    assert_eq!(release_holds(&house.app, &Actor::machine(), &id).await.unwrap(), 1);
    phone.post(&house, path, &json!({})).await.ok();
    hold(&house, &id, DAY).await;
    house.clock.advance(DAY);
    phone.post(&house, path, &json!({})).await.ok();
    phone.post(&house, "/account/stop", &json!({})).await.ok();
    phone.post(&house, path, &json!({})).await.refused("account_frozen");
}

/// A hold, and a stop by staff, in the seven days: the account stays, and its holder is told.
async fn what_comes_up_in_the_grace_keeps_the_account(house: House) {
    let mut held = Phone::signed_up(&house).await;
    let id = customer_id(&house, super::NUMBER).await;
    held.confirmed(&house, CLOSE, nothing()).await.ok();
    hold(&house, &id, 30 * DAY).await;
    house.clock.advance(7 * DAY);
    carry_out_due(&house.app).await.unwrap();
    assert_eq!(status(&house, &held).await, "active");
    assert_eq!(house.notices().await.last().unwrap(), "closing_canceled");

    let mut stopped = Phone::signed_up_as(&house, "080-1111-2222").await;
    let id = customer_id(&house, "080-1111-2222").await;
    stopped.confirmed(&house, CLOSE, nothing()).await.ok();
    standing::freeze(&house.app, &id, AccountStopper::Staff).await.unwrap();
    house.clock.advance(7 * DAY);
    carry_out_due(&house.app).await.unwrap();
    assert_eq!(status(&house, &stopped).await, "frozen", "by staff");
    stopped.sign_in(&house).await.ok();
    assert_eq!(status(&house, &stopped).await, "frozen", "a sign-in does not start it");
}
