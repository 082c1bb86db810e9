//! Password and authenticator app: the way in for phones without passkeys, and its wrong turns.

use serde_json::json;

use super::password_phone::{PASSWORD, PasswordPhone};
use super::phone::{Phone, verified_signup};
use super::{House, NUMBER};
use crate::clock::{MINUTE, SECOND};

const STEP: i64 = 30 * SECOND;

#[tokio::test]
async fn a_customer_without_passkeys_comes_to_be_and_signs_in() {
    let house = House::open().await;
    let mut customer = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    assert_eq!(customer.phone.recovery_codes.len(), 10);
    let code = customer.phone.code(&house, 0);
    assert!(house.app.identity.codes.check(&house.app, &code, 1).await.is_ok());
    customer.phone.get(&house, "/devices").await.ok();

    house.clock.advance(STEP);
    let reply = customer.sign_in(&house).await;
    customer.phone.keep_session(&reply);
    reply.ok();
    customer.phone.get(&house, "/devices").await.ok();
    house.clock.advance(STEP);
    let full_width = "柳とねこの夢　ｋｑ７";
    customer.sign_in_with(&house, full_width, &customer.totp(&house, 0)).await.ok();
}

#[tokio::test]
async fn there_is_no_account_with_a_password_alone() {
    let house = House::open().await;
    let mut phone = PasswordPhone::stranger(NUMBER, PASSWORD);
    let signup_id = verified_signup(&house, NUMBER, 1).await;
    let unasked = phone.finish_body(&house, &signup_id);
    phone.finish(&house, &unasked).await.refused("proof_failed");
    phone.take_secret(&house, &signup_id).await.ok();
    for totp in [phone.totp(&house, 2), phone.totp(&house, -2)] {
        let mut body = phone.finish_body(&house, &signup_id);
        body["totp"] = json!(totp);
        phone.finish(&house, &body).await.refused("proof_failed");
    }
    let mut body = phone.finish_body(&house, &signup_id);
    body.as_object_mut().unwrap().remove("totp");
    phone.finish(&house, &body).await.refused("invalid_request");
    assert_eq!(house.count("customer").await, 0);

    let body = phone.finish_body(&house, &signup_id);
    house.post("/signup/password/finish", &body).await.refused("unauthorized");
    phone.finish(&house, &body).await.ok();
    assert_eq!(house.count("customer").await, 1);
}

#[tokio::test]
async fn common_and_breached_passwords_are_refused_at_both_steps() {
    let house = House::open().await;
    let signup_id = verified_signup(&house, NUMBER, 1).await;
    let mut phone = PasswordPhone::stranger(NUMBER, PASSWORD);
    phone.take_secret(&house, &signup_id).await.ok();
    for (bad, why) in [
        ("password1", "too_common"),
        ("xx12345678", "too_common"), // the number's own digits
        ("7 chars", "out_of_range"),
    ] {
        phone.password = bad.into();
        let reply = phone.take_secret(&house, &signup_id).await;
        reply.refused("invalid_request");
        let body = phone.finish_body(&house, &signup_id);
        phone.finish(&house, &body).await.refused("invalid_request");
        let parsed = crate::identity::password::Password::parse(bad);
        assert_eq!(parsed.is_err(), why == "out_of_range", "{bad}");
    }
    assert_eq!(house.count("customer").await, 0);
}

#[tokio::test]
async fn totp_replay() {
    let house = House::open().await;
    let customer = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    // The code that made the account is used up.
    customer.sign_in(&house).await.refused("proof_failed");
    house.clock.advance(2 * STEP);
    let code = customer.totp(&house, 0);
    customer.sign_in_with(&house, PASSWORD, &code).await.ok();
    customer.sign_in_with(&house, PASSWORD, &code).await.refused("proof_failed");
    // An older one does not work after a newer one.
    let older = customer.totp(&house, -1);
    customer.sign_in_with(&house, PASSWORD, &older).await.refused("proof_failed");
    // At once, from the same phone: one of ten.
    house.clock.advance(STEP);
    let code = customer.totp(&house, 0);
    let tries = (0..10).map(|_| customer.sign_in_with(&house, PASSWORD, &code));
    let replies = futures_util::future::join_all(tries).await;
    assert_eq!(replies.iter().filter(|reply| reply.status.is_success()).count(), 1);
}

/// The password is right, the code is right, and it is all the same another phone.
#[tokio::test]
async fn second_phone_taking_over_silently() {
    let house = House::open().await;
    let owner = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    house.clock.advance(STEP);
    let mut thief = PasswordPhone::stranger(NUMBER, PASSWORD);
    thief.secret.clone_from(&owner.secret);
    thief.sign_in(&house).await.refused("proof_failed");
    // It used nothing up, and locked nothing.
    for _ in 0..20 {
        house.clock.advance(10 * SECOND);
        thief.sign_in_with(&house, "wrong password", "000000").await;
    }
    owner.sign_in(&house).await.ok();
}

#[tokio::test]
async fn nobody_is_locked_out_from_afar_and_guessing_on_the_phone_locks_this_way_only() {
    let house = House::open().await;
    let customer = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    for _ in 0..10 {
        house.clock.advance(10 * SECOND);
        customer.sign_in_with(&house, "wrong password", "000000").await.refused("proof_failed");
    }
    house.clock.advance(10 * SECOND);
    let locked = customer.sign_in(&house).await;
    locked.refused("too_many_requests");
    assert!(locked.headers.contains_key("retry-after"));
    let query = omamori_db::sql("SELECT signin_failures, signin_locked_until FROM customer");
    let row = house.app.stores.registry.one(query).await.unwrap();
    let of_passkeys = (row.int("signin_failures"), row.int("signin_locked_until"));
    assert_eq!((of_passkeys.0.unwrap(), of_passkeys.1.unwrap()), (0, 0));
    house.clock.advance(MINUTE);
    customer.sign_in(&house).await.ok();
}

#[tokio::test]
async fn enumeration_of_accounts_by_signin() {
    let house = House::open().await;
    let mut owner = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    house.clock.advance(STEP);
    let mut answers = Vec::new();
    for (number, password) in
        [(NUMBER, PASSWORD), (NUMBER, "wrong password"), ("080-9999-0000", PASSWORD)]
    {
        let hashes = house.app.identity.passwords.computed();
        let stranger = PasswordPhone::stranger(number, password);
        let reply = stranger.sign_in_with(&house, password, &owner.totp(&house, 0)).await;
        reply.refused("proof_failed");
        let names: Vec<_> = reply.headers.keys().cloned().collect();
        answers.push((names, reply.body, house.app.identity.passwords.computed() - hashes));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // Not even the owner's phone learns of other numbers.
    owner.number = "080-9999-0000".into();
    let reply = owner.sign_in(&house).await;
    reply.refused("proof_failed");
    assert_eq!(reply.body, answers[0].1);
}

/// Time follows from the work that is done: the same for a number with an account, one without
/// and one that has a passkey instead. The clock is printed, not asserted.
#[tokio::test]
async fn timing_of_unknown_accounts() {
    let house = House::open().await;
    let known = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    let with_passkey = Phone::new();
    let mut owner = PasswordPhone::stranger("080-1111-2222", PASSWORD);
    owner.phone = with_passkey;
    let signup_id = verified_signup(&house, "080-1111-2222", 2).await;
    let body = owner.phone.finish_body(&house, &signup_id).await;
    owner.phone.finish(&house, &body).await.ok();

    let hashes = async |phone: &PasswordPhone| {
        let before = house.app.identity.passwords.computed();
        phone.sign_in_with(&house, "wrong password", "000000").await.refused("proof_failed");
        house.app.identity.passwords.computed() - before
    };
    assert_eq!(hashes(&PasswordPhone::stranger(NUMBER, "")).await, 0);
    assert_eq!(hashes(&PasswordPhone::stranger("080-9999-0000", "")).await, 0);
    assert_eq!(hashes(&known).await, 1, "on the bound phone, whatever is wrong");
    assert_eq!(hashes(&owner).await, 1, "also if its account has no password");

    for (what, number) in [("known", NUMBER), ("unknown", "080-9999-0000")] {
        let mut micros = Vec::new();
        for n in 0..60u8 {
            let mut stranger = PasswordPhone::stranger(number, "");
            stranger.peer.set_ip([198, 51, n, 1].into());
            stranger.agent = ["a", "b", "c", "d"][usize::from(n % 4)];
            let password = format!("wrong password {n}");
            let began = std::time::Instant::now();
            stranger.sign_in_with(&house, &password, "000000").await;
            micros.push(began.elapsed().as_micros());
        }
        micros.sort_unstable();
        println!("{what}: median {} µs, 9th decile {} µs", micros[30], micros[54]);
    }
}

/// 7pay's second password was the first one again. Here is one, and money is bound to the phone.
#[tokio::test]
async fn charge_password_equal_to_login_password() {
    // A passcode that opens one link with money, and nothing else, is no password of an account.
    let steps = crate::db::REGISTRY.iter().filter(|step| step.name != "sends");
    let tables: Vec<&str> = steps.map(|step| step.text).collect();
    let schema = tables.concat().to_lowercase();
    assert_eq!(schema.matches("create table password ").count(), 1);
    for second in ["pin ", "passcode", "charge_password", "payment_password", "secret_question"] {
        assert!(!schema.contains(second), "{second}");
    }
}

/// Nothing that is printed on documents, or has a default, proves who somebody is.
#[test]
fn birth_date_default() {
    let schema: String = crate::db::REGISTRY.iter().map(|step| step.text.to_lowercase()).collect();
    let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")).unwrap();
    let forms = pages.filter_map(|page| std::fs::read_to_string(page.unwrap().path()).ok());
    let all: String = forms.map(|text| text.to_lowercase()).chain([schema]).collect();
    assert!(all.contains("<input") && all.contains("create table customer"));
    for word in ["birth", "生年月日", "bday", "maiden", "mother"] {
        assert!(!all.contains(word), "{word}");
    }
}

#[tokio::test]
async fn enumeration_of_accounts_by_signup() {
    let house = House::open().await;
    let owner = PasswordPhone::signed_up(&house, NUMBER, 1).await;
    let known = house.post("/signup/start", &json!({ "phone": NUMBER })).await.ok();
    let mut thief = PasswordPhone::stranger(NUMBER, PASSWORD);
    let mut answers = Vec::new();
    for signup_id in [known["signup_id"].as_str().unwrap(), "sup_00000000000000000000000000"] {
        let options = thief.take_secret(&house, signup_id).await;
        options.refused("proof_failed");
        let finish = thief.finish(&house, &thief.finish_body(&house, signup_id)).await;
        finish.refused("proof_failed");
        answers.push((options.body, finish.body));
    }
    assert_eq!(answers[0], answers[1]);
    owner.phone.get(&house, "/devices").await.ok();
}

#[tokio::test]
async fn a_lost_answer_is_given_again_to_the_same_phone() {
    let house = House::open().await;
    let mut phone = PasswordPhone::stranger(NUMBER, PASSWORD);
    let signup_id = verified_signup(&house, NUMBER, 1).await;
    phone.take_secret(&house, &signup_id).await.ok();
    let body = phone.finish_body(&house, &signup_id);
    phone.finish(&house, &body).await.ok(); // lost
    let reply = phone.finish(&house, &body).await;
    phone.phone.keep(reply);
    assert_eq!(house.count("customer").await, 1);
    phone.phone.get(&house, "/devices").await.ok();
    PasswordPhone::stranger(NUMBER, PASSWORD)
        .finish(&house, &PasswordPhone::stranger(NUMBER, PASSWORD).finish_body(&house, &signup_id))
        .await
        .refused("proof_failed");
}
