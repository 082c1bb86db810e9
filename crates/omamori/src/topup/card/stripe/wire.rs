//! Stripe's objects: what we read of them, and nothing else.

use serde_json::Value;

use crate::clock::SECOND;
use crate::topup::card::gateway::{
    CardDetails, ChargeState, ConsentState, GatewayError, Reason, ReportLine, SetupState,
};

fn strange(what: &str) -> GatewayError {
    GatewayError::Unknown(format!("no {what} where one must be"))
}

/// A text that must be there.
pub fn text(object: &Value, name: &str) -> Result<String, GatewayError> {
    object[name].as_str().map(str::to_owned).ok_or_else(|| strange(name))
}

/// The id of an object. It becomes a part of addresses.
pub fn id(object: &Value) -> Result<String, GatewayError> {
    let id = text(object, "id")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if id.len() <= 255 && id.bytes().all(plain) { Ok(id) } else { Err(strange("plain id")) }
}

/// The word for an error: `decline_code` says more than `code`, and `code` more than `type`.
pub fn error_code(error: &Value) -> String {
    let word = ["decline_code", "code", "type"].iter().find_map(|name| error[name].as_str());
    word.unwrap_or("unknown").chars().take(64).collect()
}

/// What it means for us that a card said no.
pub fn reason(error: &Value) -> Reason {
    let is = |word: &str| error["code"] == word || error["decline_code"] == word;
    if is("payment_intent_authentication_failure")
        || is("authentication_required")
        || is("setup_intent_authentication_failure")
    {
        Reason::AuthenticationFailed
    } else {
        Reason::Declined
    }
}

/// The state of a payment intent, its `latest_charge` expanded.
pub fn charge_state(intent: &Value) -> Result<ChargeState, GatewayError> {
    Ok(match intent["status"].as_str() {
        Some("succeeded") => {
            let charge = &intent["latest_charge"];
            if !charge.is_object() {
                return Err(strange("latest_charge"));
            }
            let details = &charge["payment_method_details"]["card"];
            ChargeState::Paid { authenticated: is_authenticated(details) }
        }
        Some("processing") => ChargeState::Processing,
        Some("canceled") => ChargeState::Canceled,
        Some("requires_confirmation") => ChargeState::Open,
        Some("requires_action") => {
            let action = &intent["next_action"]["redirect_to_url"];
            ChargeState::Challenge { url: text(action, "url")? }
        }
        Some("requires_payment_method") => match &intent["last_payment_error"] {
            Value::Null => ChargeState::Open,
            error => ChargeState::Failed(reason(error)),
        },
        _ => return Err(strange("known status")),
    })
}

/// The state of a setup intent, its `latest_attempt` expanded.
pub fn consent_state(intent: &Value) -> Result<ConsentState, GatewayError> {
    Ok(match intent["status"].as_str() {
        Some("succeeded") => {
            let attempt = &intent["latest_attempt"];
            if !attempt.is_object() {
                return Err(strange("latest_attempt"));
            }
            let card = &attempt["payment_method_details"]["card"];
            ConsentState::Given { authenticated: is_authenticated(card) }
        }
        Some("requires_action") => {
            let action = &intent["next_action"]["redirect_to_url"];
            ConsentState::Challenge { url: text(action, "url")? }
        }
        Some("processing" | "requires_confirmation") => ConsentState::Waiting,
        Some("canceled") => ConsentState::Failed(Reason::Abandoned),
        Some("requires_payment_method") => match &intent["last_setup_error"] {
            Value::Null => ConsentState::Failed(Reason::Declined),
            error => ConsentState::Failed(reason(error)),
        },
        _ => return Err(strange("known status")),
    })
}

/// Whether 3-D Secure has shown that it is the holder. An attempt that the bank merely took note
/// of, an exemption and its absence are not enough.
fn is_authenticated(card: &Value) -> bool {
    card["three_d_secure"]["result"] == "authenticated"
}

/// The state of a checkout session for a setup, with its setup intent expanded.
pub fn setup_state(session: &Value) -> Result<SetupState, GatewayError> {
    match session["status"].as_str() {
        Some("open") => Ok(SetupState::Open { url: session["url"].as_str().map(str::to_owned) }),
        Some("expired") => Ok(SetupState::Expired),
        Some("complete") => {
            let intent = &session["setup_intent"];
            if intent["status"] != "succeeded" {
                return Err(strange("succeeded setup_intent"));
            }
            let attempt = &intent["latest_attempt"]["payment_method_details"]["card"];
            let card = card_details(&intent["payment_method"])?;
            Ok(SetupState::Done { card, authenticated: is_authenticated(attempt) })
        }
        _ => Err(strange("known status")),
    }
}

fn card_details(method: &Value) -> Result<CardDetails, GatewayError> {
    let card = &method["card"];
    let number = |name: &str| card[name].as_i64().ok_or_else(|| strange(name));
    let last4 = text(card, "last4")?;
    if last4.len() != 4 || !last4.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(strange("last4"));
    }
    let brand: String = text(card, "brand")?.chars().take(32).collect();
    if !brand.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
        return Err(strange("brand"));
    }
    Ok(CardDetails {
        token: id(method)?,
        brand,
        last4,
        exp_month: number("exp_month")?,
        exp_year: number("exp_year")?,
        fingerprint: text(card, "fingerprint")?,
    })
}

/// Whether our refund is among those of a charge, and did not fail. One page has them all: a
/// charge is refunded by few acts.
pub fn has_refund(page: &Value, id: &str) -> Result<bool, GatewayError> {
    let made = page["data"].as_array().ok_or_else(|| strange("data"))?;
    let counts = |one: &&Value| !matches!(one["status"].as_str(), Some("failed" | "canceled"));
    let found = made.iter().filter(counts).any(|one| one["metadata"]["refund_id"] == id);
    match found || page["has_more"] != true {
        true => Ok(found),
        false => Err(GatewayError::Unknown("more refunds than a page".to_owned())),
    }
}

/// Reads a page of balance transactions into `lines`; gives the id of its last one. What is neither
/// a charge nor something that went back, nor a refund that failed later and is here again (as to a
/// card that was closed), is left out: payouts, fees of the account
/// (<https://docs.stripe.com/reports/balance-transaction-types>).
pub fn report(page: &Value, lines: &mut Vec<ReportLine>) -> Result<Option<String>, GatewayError> {
    let booked = page["data"].as_array().ok_or_else(|| strange("data"))?;
    for one in booked {
        let number = |name: &str| one[name].as_i64().ok_or_else(|| strange(name));
        let of_charge = matches!(
            one["type"].as_str(),
            Some("charge" | "payment" | "refund" | "payment_refund" | "refund_failure")
        ) || one["source"]["object"] == "dispute";
        if !of_charge {
            continue;
        }
        lines.push(ReportLine {
            reference: text(&one["source"], "payment_intent")?,
            yen: number("amount")?,
            fee: number("fee")?,
            at: number("created")?.saturating_mul(SECOND),
        });
    }
    booked.last().map(id).transpose()
}
