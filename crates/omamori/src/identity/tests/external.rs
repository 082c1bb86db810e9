//! External sign-in over HTTP: it stands in for the password, and every way to cheat with it.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use omamori_db::sql;
use serde_json::{Value, json};
use sha2::Sha256;

use super::House;
use super::external_issuer::{Elsewhere, Traveller, Twist, advance, claims, last_decision};
use super::phone::{Phone, verified_signup};
use crate::clock::{HOUR, MINUTE, SECOND};
use crate::identity::external::link;
use crate::identity::external::sandbox::{ID, Issuer};
use crate::identity::totp;

macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let elsewhere = super::Elsewhere::open().await;
                let house = super::House::with(|config| elsewhere.set(config)).await;
                super::$name(house, elsewhere).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                let elsewhere = super::Elsewhere::open().await;
                let house = super::House::on_postgres_with(|config| elsewhere.set(config)).await;
                super::$name(house, elsewhere).await;
            })+
        }
    };
}

on_both_engines!(
    an_account_elsewhere_stands_in_for_the_password_and_for_nothing_else,
    external_id_without_proof,
    a_misbehaving_issuer_proves_nothing,
    login_csrf_and_replay_a_return_is_for_one_browser_once,
    an_answer_of_another_issuer_is_none,
    a_known_and_an_unknown_identity_look_alike,
    linking_and_unlinking,
);

/// Longer than a code of the app lives.
const STEP: i64 = 90 * SECOND;

async fn an_account_elsewhere_stands_in_for_the_password_and_for_nothing_else(
    house: House,
    elsewhere: Elsewhere,
) {
    let mut owner = Traveller::signed_up(&house, &elsewhere, "a").await;
    owner.phone.get(&house, "/devices").await.ok();
    assert_eq!(house.notices().await, ["signed_up"]);
    advance(&house, &elsewhere, STEP);

    // Without the app's code: nothing, and the trip is still good.
    let back = owner.travel(&house, &elsewhere, "a").await;
    assert_eq!(owner.come_back(&house, &back).await.location, "/signin#external");
    for wrong in ["000000", "999999"] {
        let body = json!({ "totp": wrong });
        owner.post(&house, "/signin/external", &body).await.refused("proof_failed");
    }
    owner.post(&house, "/signin/external", &json!({})).await.refused("invalid_request");
    let reply = owner.sign_in(&house).await;
    owner.phone.keep_session(&reply);
    reply.ok();
    owner.phone.get(&house, "/devices").await.ok();
    let query = sql("SELECT strength FROM session ORDER BY created_at DESC LIMIT 1");
    let row = house.app.stores.registry.one(query).await.unwrap();
    assert_eq!(row.text("strength").unwrap(), "external");

    // The trip is over, the code of the app is too.
    owner.sign_in(&house).await.refused("proof_failed");
    advance(&house, &elsewhere, STEP);
    owner.sign_in(&house).await.refused("proof_failed");

    // All of it right, on another phone: nothing.
    let mut thief = Traveller::new();
    thief.secret.clone_from(&owner.secret);
    let back = thief.travel(&house, &elsewhere, "a").await;
    thief.come_back(&house, &back).await;
    thief.sign_in(&house).await.refused("proof_failed");
    // Nor with the owner's trip.
    let back = owner.travel(&house, &elsewhere, "a").await;
    owner.come_back(&house, &back).await;
    thief.cookie.clone_from(&owner.cookie);
    thief.sign_in(&house).await.refused("proof_failed");
    owner.sign_in(&house).await.ok();
}

/// 7pay: the server took an id that the app sent, and the number of the provider, for the person.
async fn external_id_without_proof(house: House, elsewhere: Elsewhere) {
    let owner = Traveller::signed_up(&house, &elsewhere, "a").await;
    advance(&house, &elsewhere, STEP);
    let totp = owner.totp(&house);
    for (name, value) in [
        ("sub", "sandbox-account-a"),
        ("id", "sandbox-account-a"),
        ("email", "a@example.com"),
        ("provider", ID),
        ("extIdSiteCd", "03"),
        ("id_token", "e30.e30."),
    ] {
        let body = json!({ "totp": totp, name: value });
        owner.post(&house, "/signin/external", &body).await.refused("invalid_request");
        let body = json!({ "id": value });
        owner.post(&house, "/signin/external/start", &body).await.refused("invalid_request");
    }
    // On the right phone, with the right code, and no trip, or one that has not come back.
    let mut caller = Traveller { phone: owner.phone, cookie: String::new(), secret: owner.secret };
    caller.sign_in(&house).await.refused("proof_failed");
    let unreturned = caller.travel(&house, &elsewhere, "a").await;
    caller.sign_in(&house).await.refused("proof_failed");
    // A code that was made up.
    let state = unreturned.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let issuer = form_urlencoded::byte_serialize(elsewhere.issuer.address.as_bytes());
    let made_up = format!(
        "/external/{ID}/callback?code=made-up&state={state}&iss={}",
        issuer.collect::<String>()
    );
    let returned = caller.come_back(&house, &made_up).await;
    assert_eq!(returned.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(last_decision(&house).await["detail"]["why"], "code_refused");
    caller.sign_in(&house).await.refused("proof_failed");
    // Another person there is another person here.
    let back = caller.travel(&house, &elsewhere, "b").await;
    caller.come_back(&house, &back).await;
    caller.sign_in(&house).await.refused("proof_failed");
}

/// An HMAC with the public key as its key, which some libraries have believed.
fn hmac_with_the_public_key(issuer: &Issuer, token: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"sandbox-1"}"#);
    let signed = format!("{header}.{}", token.split('.').nth(1).unwrap());
    let mut mac = <Hmac<Sha256>>::new_from_slice(&issuer.public_point()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn unsigned(_: &Issuer, token: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    format!("{header}.{}.", token.split('.').nth(1).unwrap())
}

fn signed_for_other_claims(_: &Issuer, token: &str) -> String {
    let mut claims = claims(token);
    claims["sub"] = json!("sandbox-account-b");
    let parts: Vec<&str> = token.split('.').collect();
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

fn set(value: &mut Value, name: &str, to: Value) {
    value[name] = to;
}

fn shift(claims: &mut Value, name: &str, seconds: i64) {
    claims[name] = json!(claims[name].as_i64().unwrap() + seconds);
}

async fn a_misbehaving_issuer_proves_nothing(house: House, elsewhere: Elsewhere) {
    let mut owner = Traveller::signed_up(&house, &elsewhere, "a").await;
    let wrong: [(&str, Twist); 20] = [
        ("id_token: algorithm", Twist::Token(unsigned)),
        ("id_token: algorithm", Twist::Token(hmac_with_the_public_key)),
        ("id_token: signature", Twist::Token(signed_for_other_claims)),
        ("id_token: malformed", Twist::Token(|_, _| "not a token".to_owned())),
        ("id_token: malformed", Twist::Token(|_, token| format!("{token}.x"))),
        ("id_token: issuer", Twist::Claims(|c| set(c, "iss", json!("https://evil.example.com")))),
        ("id_token: audience", Twist::Claims(|c| set(c, "aud", json!("somebody else")))),
        ("id_token: audience", Twist::Claims(|c| set(c, "aud", json!(["omamori", "other"])))),
        ("id_token: audience", Twist::Claims(|c| set(c, "azp", json!("other")))),
        ("id_token: nonce", Twist::Claims(|c| set(c, "nonce", json!("another trip's")))),
        ("id_token: nonce", Twist::Claims(|c| drop(c.as_object_mut().unwrap().remove("nonce")))),
        ("id_token: time", Twist::Claims(|c| shift(c, "exp", -3_600))),
        ("id_token: time", Twist::Claims(|c| shift(c, "iat", 3_600))),
        ("id_token: time", Twist::Claims(|c| shift(c, "iat", -3_600))),
        ("id_token: time", Twist::Claims(|c| set(c, "nbf", json!(4_000_000_000_u32)))),
        ("id_token: time", Twist::Claims(|c| set(c, "exp", json!("later")))),
        ("id_token: malformed", Twist::Claims(|c| set(c, "sub", json!("")))),
        ("id_token: malformed", Twist::Claims(|c| set(c, "sub", json!("x".repeat(256))))),
        ("unreached: it answers with status 302", Twist::Status(StatusCode::FOUND)),
        ("unreached: it answers with status 503", Twist::Status(StatusCode::SERVICE_UNAVAILABLE)),
    ];
    for (why, twist) in wrong {
        advance(&house, &elsewhere, STEP);
        elsewhere.twist(&[]);
        let back = owner.travel(&house, &elsewhere, "a").await;
        elsewhere.twist(&[twist]);
        let returned = owner.come_back(&house, &back).await;
        let record = last_decision(&house).await;
        assert_eq!(record["detail"]["why"], why);
        assert_eq!((&record["verdict"], &record["act"]), (&json!("refuse"), &json!("sign_in")));
        let (status, title) = match why.starts_with("unreached") {
            true => (StatusCode::SERVICE_UNAVAILABLE, "外部サービスにつながりません"),
            false => (StatusCode::UNPROCESSABLE_ENTITY, "確認できませんでした"),
        };
        assert_eq!((returned.status, &*returned.location), (status, ""), "{why}");
        assert!(returned.page.contains(title) && returned.page.contains("/signin"), "{why}");
        owner.sign_in(&house).await.refused("proof_failed");
    }
    // Nobody was locked out by all that, and the right way still works.
    elsewhere.twist(&[]);
    advance(&house, &elsewhere, HOUR);
    let back = owner.travel(&house, &elsewhere, "a").await;
    owner.come_back(&house, &back).await;
    owner.sign_in(&house).await.ok();
}

async fn login_csrf_and_replay_a_return_is_for_one_browser_once(
    house: House,
    elsewhere: Elsewhere,
) {
    let mut owner = Traveller::signed_up(&house, &elsewhere, "a").await;
    advance(&house, &elsewhere, STEP);
    let mut attacker = Traveller::new();
    let theirs = attacker.travel(&house, &elsewhere, "b").await;

    // The attacker's return in the owner's browser: with no trip, and in the middle of one.
    owner.cookie.clear();
    for _ in 0..2 {
        let returned = owner.come_back(&house, &theirs).await;
        assert_eq!(returned.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(returned.page.contains("もう一度やり直してください"));
        assert_eq!(last_decision(&house).await["detail"]["why"], "no_flow");
        owner.travel(&house, &elsewhere, "a").await;
    }
    // A state without the browser's cookie, or with another's.
    let back = owner.travel(&house, &elsewhere, "a").await;
    assert_eq!(attacker.come_back(&house, &back).await.location, "");
    // Once.
    assert_eq!(owner.come_back(&house, &back).await.location, "/signin#external");
    assert_eq!(owner.come_back(&house, &back).await.location, "");
    // A code that was used, in a trip that is new.
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let next = owner.travel(&house, &elsewhere, "a").await;
    let fresh = next.split("code=").nth(1).unwrap().split('&').next().unwrap();
    owner.come_back(&house, &next.replace(fresh, code)).await;
    assert_eq!(last_decision(&house).await["detail"]["why"], "code_refused");
    // A code of the attacker's own, put into the owner's trip: PKCE does not fit.
    let stolen = theirs.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let next = owner.travel(&house, &elsewhere, "a").await;
    let fresh = next.split("code=").nth(1).unwrap().split('&').next().unwrap();
    owner.come_back(&house, &next.replace(fresh, stolen)).await;
    assert_eq!(last_decision(&house).await["detail"]["why"], "code_refused");
    // Said no.
    let canceled = owner.travel(&house, &elsewhere, "cancel").await;
    let returned = owner.come_back(&house, &canceled).await;
    assert!(returned.page.contains("キャンセルされました"));
    assert_eq!(last_decision(&house).await["detail"]["why"], "canceled");
    // Too late.
    let late = owner.travel(&house, &elsewhere, "a").await;
    advance(&house, &elsewhere, 11 * MINUTE);
    owner.come_back(&house, &late).await;
    assert_eq!(last_decision(&house).await["detail"]["why"], "no_flow");
    // No open redirect: whatever is added to a return, it goes on where it always does.
    let back = owner.travel(&house, &elsewhere, "a").await;
    let bent = format!("{back}&redirect_uri=https://evil.example.com&next=//evil.example.com");
    assert_eq!(owner.come_back(&house, &bent).await.location, "/signin#external");
}

/// RFC 9207: an attacker who runs one issuer must not get the codes of another.
async fn an_answer_of_another_issuer_is_none(house: House, elsewhere: Elsewhere) {
    let mut owner = Traveller::signed_up(&house, &elsewhere, "a").await;
    advance(&house, &elsewhere, STEP);
    let at = |back: &str| back.find("&iss=").unwrap();
    let end = |back: &str| back.find("&code=").unwrap();
    for other in ["", "&iss=https%3A%2F%2Fevil.example.com"] {
        let back = owner.travel(&house, &elsewhere, "a").await;
        let bent = format!("{}{other}{}", &back[..at(&back)], &back[end(&back)..]);
        owner.come_back(&house, &bent).await;
        assert_eq!(last_decision(&house).await["detail"]["why"], "mix_up");
    }
    // Another issuer's callback path.
    let back = owner.travel(&house, &elsewhere, "a").await;
    owner.come_back(&house, &back.replace(ID, "other")).await;
    assert_eq!(last_decision(&house).await["detail"]["why"], "no_flow");
    owner.come_back(&house, &back).await;
    owner.sign_in(&house).await.ok();
}

async fn a_known_and_an_unknown_identity_look_alike(house: House, elsewhere: Elsewhere) {
    Traveller::signed_up(&house, &elsewhere, "a").await;
    advance(&house, &elsewhere, STEP);
    let mut answers = Vec::new();
    for account in ["a", "b"] {
        let mut stranger = Traveller::new();
        stranger.secret = "A".repeat(32);
        let back = stranger.travel(&house, &elsewhere, account).await;
        let returned = stranger.come_back(&house, &back).await;
        let reply = stranger.sign_in(&house).await;
        answers.push((returned.status, returned.location, reply.status, reply.code, reply.body));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].3, "proof_failed");
}

async fn linking_and_unlinking(house: House, elsewhere: Elsewhere) {
    let mut phone = Phone::signed_up(&house).await;
    let which = json!({ "provider": ID });
    // Without an app there would be no second factor.
    phone.confirmed(&house, "/external/link", Some(which.clone())).await.refused("forbidden");
    let registry = &house.app.stores.registry;
    let row = registry.one(sql("SELECT customer_id FROM customer")).await.unwrap();
    let customer_id = row.text("customer_id").unwrap();
    let mut tx = registry.begin().await.unwrap();
    let (verified, secret) = totp::Verified::of_software(&house.app);
    totp::set(&house.app, &mut tx, &customer_id, &verified, 0).await.unwrap();
    tx.commit().await.unwrap();

    let mut traveller = Traveller { phone, cookie: String::new(), secret };
    let reply = traveller.phone.confirmed(&house, "/external/link", Some(which.clone())).await;
    traveller.phone.keep_session(&reply);
    let address = traveller.set_out(reply);
    let finish = "/external/link/finish";
    in_session(&traveller, &house, finish).await.refused("proof_failed"); // not there yet
    let back = elsewhere.choose(&address, "a").await;
    assert_eq!(traveller.come_back(&house, &back).await.location, "/settings#external");
    // In another customer's session, it links nothing.
    let other = Phone::signed_up_as(&house, "080-1111-2222").await;
    let mut thief =
        Traveller { phone: other, cookie: traveller.cookie.clone(), secret: String::new() };
    in_session(&thief, &house, finish).await.refused("proof_failed");
    in_session(&traveller, &house, finish).await.ok();
    assert_eq!(house.notices().await.last().unwrap(), "factor_changed");
    in_session(&traveller, &house, finish).await.refused("proof_failed"); // once

    // It opens the account, with the app and the phone.
    advance(&house, &elsewhere, STEP);
    let back = traveller.travel(&house, &elsewhere, "a").await;
    traveller.come_back(&house, &back).await;
    traveller.sign_in(&house).await.ok();

    // It is nobody else's any more: a sign-up with it leads nowhere.
    let signup_id = verified_signup(&house, "080-3333-4444", house.sms_count() + 1).await;
    let asked = json!({ "provider": ID, "signup_id": signup_id });
    let address = thief.set_out(house.post("/signup/external/start", &asked).await);
    let back = elsewhere.choose(&address, "a").await;
    thief.phone = Phone::new();
    thief.come_back(&house, &back).await;
    let offer = thief.post(&house, "/signup/external/options", &json!({})).await.ok();
    thief.secret = offer["secret"].as_str().unwrap().to_owned();
    let body = thief.finish_body(&house, &signup_id);
    thief.post(&house, "/signup/external/finish", &body).await.refused("proof_failed");
    assert_eq!(house.count("customer").await, 2);

    // With a passkey left, it may go.
    traveller.phone.confirmed(&house, "/external/unlink", Some(which.clone())).await.ok();
    advance(&house, &elsewhere, STEP);
    let back = traveller.travel(&house, &elsewhere, "a").await;
    traveller.come_back(&house, &back).await;
    traveller.sign_in(&house).await.refused("proof_failed");
}

async fn in_session(traveller: &Traveller, house: &House, path: &str) -> super::Reply {
    let mut request = super::json_request(path, &json!({}));
    let proof = traveller.phone.proof(house, "POST", path, true);
    let cookies = format!("{}; {}", traveller.phone.cookie, traveller.cookie);
    request.headers_mut().insert("dpop", proof.parse().unwrap());
    request.headers_mut().insert("cookie", cookies.parse().unwrap());
    house.call(request).await
}

#[tokio::test]
async fn the_last_way_in_cannot_be_unlinked() {
    let elsewhere = Elsewhere::open().await;
    let house = House::with(|config| elsewhere.set(config)).await;
    Traveller::signed_up(&house, &elsewhere, "a").await;
    let registry = &house.app.stores.registry;
    let row = registry.one(sql("SELECT customer_id FROM customer")).await.unwrap();
    let customer_id = row.text("customer_id").unwrap();
    let mut tx = registry.begin().await.unwrap();
    let refused = link::delete(&mut tx, &customer_id, ID).await.unwrap_err();
    assert_eq!(refused.code(), crate::web::codes::Code::Forbidden);
}

#[tokio::test]
async fn keys_may_change_and_made_up_ones_do_not_make_us_ask_again_and_again() {
    let elsewhere = Elsewhere::open().await;
    let house = House::with(|config| elsewhere.set(config)).await;
    let mut owner = Traveller::signed_up(&house, &elsewhere, "a").await;
    advance(&house, &elsewhere, STEP);
    let read = || elsewhere.keys_read.load(Ordering::Relaxed);
    assert_eq!(read(), 1);
    // A made-up key: asked for once more, and not again for a minute.
    let other = Twist::Token(|issuer, token| issuer.sign_as("other", &claims(token)));
    elsewhere.twist(&[other]);
    for _ in 0..3 {
        let back = owner.travel(&house, &elsewhere, "a").await;
        owner.come_back(&house, &back).await;
        assert_eq!(last_decision(&house).await["detail"]["why"], "id_token: unknown_key");
    }
    assert_eq!(read(), 2);
    // The issuer has it now: the first token with it is believed.
    advance(&house, &elsewhere, STEP);
    let published = Twist::Keys(|_, set| set["keys"][0]["kid"] = json!("other"));
    elsewhere.twist(&[other, published]);
    let back = owner.travel(&house, &elsewhere, "a").await;
    assert_eq!(owner.come_back(&house, &back).await.location, "/signin#external");
    assert_eq!(read(), 3);
    owner.sign_in(&house).await.ok();
}

#[tokio::test]
async fn a_document_that_is_not_the_issuers_own_or_leads_elsewhere_is_refused() {
    let wrong: [fn(&mut Value); 5] = [
        |document| set(document, "issuer", json!("https://evil.example.com")),
        |document| set(document, "jwks_uri", json!("http://169.254.169.254/latest/meta-data")),
        |document| set(document, "token_endpoint", json!("http://10.0.0.1/token")),
        |document| set(document, "token_endpoint", json!("file:///etc/passwd")),
        |document| drop(document.as_object_mut().unwrap().remove("jwks_uri")),
    ];
    for change in wrong {
        let elsewhere = Elsewhere::open().await;
        let house = House::with(|config| elsewhere.set(config)).await;
        elsewhere.twist(&[Twist::Document(change)]);
        let phone = Traveller::new();
        let asked = json!({ "provider": ID });
        phone.post(&house, "/signin/external/start", &asked).await.refused("busy");
    }
}

#[tokio::test]
async fn while_the_issuer_is_down_or_closed_passkeys_work() {
    let elsewhere = Elsewhere::open().await;
    let mut settings = elsewhere.issuer.settings();
    (settings.id, settings.enabled) = ("closed".into(), false);
    let house = House::with(|config| {
        elsewhere.set(config);
        config.external_sign_in.push(settings);
    })
    .await;
    let mut owner = Phone::signed_up(&house).await;
    let phone = Traveller::new();
    let start = "/signin/external/start";
    phone.post(&house, start, &json!({ "provider": "closed" })).await.refused("function_closed");
    phone.post(&house, start, &json!({ "provider": "none" })).await.refused("not_found");
    elsewhere.goes_away().await;
    let reply = phone.post(&house, start, &json!({ "provider": ID })).await;
    reply.refused("busy");
    assert!(reply.headers.contains_key("retry-after"));
    owner.sign_in(&house).await.ok();
}

#[tokio::test]
async fn of_who_somebody_is_elsewhere_only_a_keyed_hash_is_kept() {
    let elsewhere = Elsewhere::open().await;
    let house = House::with(|config| elsewhere.set(config)).await;
    Traveller::signed_up(&house, &elsewhere, "a").await;
    let query = sql("SELECT identity_hash, customer_id, provider FROM external_identity");
    let row = house.app.stores.registry.one(query).await.unwrap();
    let hash = row.bytes("identity_hash").unwrap();
    assert_eq!((hash.len(), row.text("provider").unwrap().as_str()), (32, ID));
    let plain =
        crate::secret::token_hash(&format!("{}sandbox-account-a", elsewhere.issuer.address));
    assert_ne!(hash, plain);
}
