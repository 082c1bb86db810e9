//! Against objects in the form that Stripe documents.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::client::{self, Reply};
use super::event::{self, SIGNATURE, sign};
use super::wire;
use crate::clock::{MINUTE, Micros, SECOND};
use crate::secret::Secret;
use crate::topup::card::gateway::{
    ChargeState, Dispute, Event, GatewayError, Reason, SetupState, Unsigned,
};

const SUCCEEDED: &str = include_str!("fixtures/payment_intent_succeeded.json");
const REQUIRES_ACTION: &str = include_str!("fixtures/payment_intent_requires_action.json");
const SESSION: &str = include_str!("fixtures/checkout_session_complete.json");
const DISPUTE: &str = include_str!("fixtures/dispute_created.json");
const DECLINED: &str = include_str!("fixtures/card_declined.json");
const NOW: Micros = 1_680_650_000 * SECOND;

fn object(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn secret() -> Secret {
    Secret::new("whsec_test_secret".to_owned())
}

#[test]
fn only_an_authenticated_charge_counts_as_one() {
    let mut intent = object(SUCCEEDED);
    let state = wire::charge_state(&intent).unwrap();
    assert_eq!(state, ChargeState::Paid { authenticated: true });
    let place = "/latest_charge/payment_method_details/card/three_d_secure";
    let others =
        ["attempt_acknowledged", "exempted", "failed", "not_supported", "processing_error"];
    for result in others {
        intent.pointer_mut(place).unwrap()["result"] = json!(result);
        let state = wire::charge_state(&intent).unwrap();
        assert_eq!(state, ChargeState::Paid { authenticated: false }, "{result}");
    }
    *intent.pointer_mut(place).unwrap() = Value::Null;
    let state = wire::charge_state(&intent).unwrap();
    assert_eq!(state, ChargeState::Paid { authenticated: false });
    intent["latest_charge"] = json!("ch_not_expanded");
    assert!(wire::charge_state(&intent).is_err(), "what cannot be seen is unknown");
}

#[test]
fn every_state_of_a_charge_is_known_or_an_error() {
    let mut intent = object(REQUIRES_ACTION);
    let Ok(ChargeState::Challenge { url }) = wire::charge_state(&intent) else { panic!() };
    assert!(url.starts_with("https://hooks.stripe.com/"), "{url}");
    let states = [
        ("processing", ChargeState::Processing),
        ("canceled", ChargeState::Canceled),
        ("requires_confirmation", ChargeState::Open),
        ("requires_payment_method", ChargeState::Open),
    ];
    for (status, expected) in states {
        intent["status"] = json!(status);
        assert_eq!(wire::charge_state(&intent).unwrap(), expected);
    }
    intent["last_payment_error"] = json!({ "code": "payment_intent_authentication_failure" });
    let failed = ChargeState::Failed(Reason::AuthenticationFailed);
    assert_eq!(wire::charge_state(&intent).unwrap(), failed);
    for strange in [json!("requires_capture"), json!("new"), Value::Null] {
        intent["status"] = strange;
        assert!(matches!(wire::charge_state(&intent), Err(GatewayError::Unknown(_))));
    }
}

#[test]
fn a_registration_gives_a_card_and_no_number() {
    let session = object(SESSION);
    let Ok(SetupState::Done { card, authenticated: true }) = wire::setup_state(&session) else {
        panic!()
    };
    assert_eq!((card.brand.as_str(), card.last4.as_str()), ("visa", "4242"));
    assert_eq!((card.exp_month, card.exp_year), (8, 2034));
    assert_eq!(card.token, "pm_1MqLiJLkdIwHu7ixUEgbFdYF");
    let mut strange = session.clone();
    strange["setup_intent"]["payment_method"]["card"]["last4"] = json!("4242424242424242");
    assert!(wire::setup_state(&strange).is_err());
    strange = session.clone();
    strange["setup_intent"]["payment_method"]["id"] = json!("pm_1/../../v1/refunds");
    assert!(wire::setup_state(&strange).is_err(), "an id becomes a part of addresses");
    strange = session;
    strange["setup_intent"]["latest_attempt"] = Value::Null;
    let state = wire::setup_state(&strange).unwrap();
    assert!(matches!(state, SetupState::Done { authenticated: false, .. }));
}

#[test]
fn only_a_certain_no_is_a_refusal() {
    assert!(matches!(client::read(200, "{}"), Ok(Reply::Done(_))));
    let Ok(Reply::CardError(error)) = client::read(402, DECLINED) else { panic!() };
    assert_eq!(wire::reason(&error), Reason::Declined);
    assert_eq!(wire::error_code(&error), "generic_decline");
    let invalid = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
    let Err(GatewayError::Refused { status: 404, code }) = client::read(404, invalid) else {
        panic!()
    };
    assert_eq!(code, "resource_missing");
    for (status, body) in [
        (409, invalid),
        (429, invalid),
        (500, invalid),
        (503, ""),
        (200, "<html>"),
        (302, "{}"),
        (400, "{}"),
    ] {
        let read = client::read(status, body);
        assert!(matches!(read, Err(GatewayError::Unknown(_))), "{status} {body}");
    }
}

fn read(signature: &str, body: &[u8], now: Micros) -> Result<Event, Unsigned> {
    let mut headers = HeaderMap::new();
    headers.insert(SIGNATURE, signature.parse().unwrap());
    event::read(&headers, body, &secret(), now)
}

#[test]
fn a_chargeback_is_read_from_a_signed_message() {
    let signature = sign(DISPUTE.as_bytes(), &secret(), NOW);
    let event = read(&signature, DISPUTE.as_bytes(), NOW + MINUTE).unwrap();
    assert_eq!(
        event,
        Event::Dispute(Dispute {
            id: "du_1MtJUT2eZvKYlo2CNaw2HvEv".to_owned(),
            reference: "pi_3MtwBwLkdIwHu7ix28a3tqPa".to_owned(),
            amount: 10_000,
            reason: "fraudulent".to_owned(),
        })
    );
}

#[test]
fn a_message_that_is_not_signed_now_by_the_gateway_is_refused() {
    let body = DISPUTE.as_bytes();
    let good = sign(body, &secret(), NOW);
    let (time, signature) = good.split_once(',').unwrap();
    let another = sign(body, &Secret::new("whsec_other".to_owned()), NOW);
    assert!(read(&good, body, NOW).is_ok());
    // While a secret is being changed there are two signatures.
    let both = format!("{another},{signature}");
    assert!(read(&both, body, NOW).is_ok());
    let bad = [
        String::new(),
        time.to_owned(),
        signature.to_owned(),
        another,
        format!("{time},v0={}", &signature[3..]),
        format!("t=1,{signature}"),
        format!("{time},{time},{signature}"),
        format!("{time},v1="),
        format!("{time},{}", signature.to_uppercase()),
        format!("{time},{}", &signature[..signature.len() - 2]),
        format!("t=x,{signature}"),
    ];
    for line in bad {
        assert!(read(&line, body, NOW).is_err(), "{line}");
    }
    assert!(read(&good, &body[1..], NOW).is_err(), "another body");
    assert!(read(&good, body, NOW + 6 * MINUTE).is_err(), "old");
    assert!(read(&good, body, NOW - 6 * MINUTE).is_err(), "not yet");
    let mut twice = HeaderMap::new();
    twice.append(SIGNATURE, good.parse().unwrap());
    twice.append(SIGNATURE, good.parse().unwrap());
    assert!(event::read(&twice, body, &secret(), NOW).is_err(), "two headers");
    assert!(event::read(&HeaderMap::new(), body, &secret(), NOW).is_err(), "none");
}

/// Goal: a refund that fails later is here again: the reconciliation shows it.
#[test]
fn a_refund_that_failed_is_in_the_report() {
    let line = |kind: &str, yen: i64| {
        json!({ "id": format!("txn_{kind}"), "amount": yen, "fee": 0, "created": 1_680_650_000,
            "type": kind, "source": { "id": "re_1", "object": "refund",
                "payment_intent": "pi_1" } })
    };
    let page = json!({ "data": [line("refund_failure", 10_000), line("refund", -10_000),
        line("payout", -5_000)] });
    let mut lines = Vec::new();
    assert_eq!(wire::report(&page, &mut lines).unwrap().as_deref(), Some("txn_payout"));
    let yen: Vec<_> = lines.iter().map(|line| (&*line.reference, line.yen)).collect();
    assert_eq!(yen, [("pi_1", 10_000), ("pi_1", -10_000)]);
}
