//! Signed webhooks: <https://docs.stripe.com/webhooks#verify-manually>.

use axum::http::HeaderMap;
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::wire;
use crate::clock::{MINUTE, Micros, SECOND};
use crate::secret::{Secret, hmac_sha256};
use crate::topup::card::gateway::{Dispute, Event, Unsigned};

/// The header with the signature.
pub const SIGNATURE: &str = "stripe-signature";
/// How old a message may be, and how far ahead the gateway's clock.
const TOLERANCE: Micros = 5 * MINUTE;
/// Signatures of one message: two while a secret is being changed.
const SIGNATURES_MAX: usize = 8;

/// Reads a message after its signature was checked over the bytes that came.
pub fn read(
    headers: &HeaderMap,
    body: &[u8],
    secret: &Secret,
    now: Micros,
) -> Result<Event, Unsigned> {
    let mut lines = headers.get_all(SIGNATURE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(Unsigned("not one header"));
    };
    verify(line.to_str().unwrap_or_default(), body, secret, now)?;
    let event: Value = serde_json::from_slice(body).map_err(|_| Unsigned("no JSON"))?;
    Ok(of(&event))
}

/// The header of a message with this body: what the gateway does.
#[must_use]
pub fn sign(body: &[u8], secret: &Secret, now: Micros) -> String {
    let seconds = (now / SECOND).to_string();
    let signature = mac(&seconds, body, secret).finalize().into_bytes();
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

fn verify(line: &str, body: &[u8], secret: &Secret, now: Micros) -> Result<(), Unsigned> {
    let mut seconds = None;
    let mut signatures = Vec::new();
    for part in line.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) if seconds.is_none() => seconds = Some(value),
            Some(("t", _)) => return Err(Unsigned("two timestamps")),
            Some(("v1", value)) => signatures.push(value),
            _ => {} // another scheme, as v0 of tests
        }
    }
    let seconds = seconds.ok_or(Unsigned("no timestamp"))?;
    let at: i64 = seconds.parse().map_err(|_| Unsigned("no timestamp"))?;
    let age = now.saturating_sub(at.saturating_mul(SECOND));
    if age.saturating_abs() > TOLERANCE {
        return Err(Unsigned("not of now"));
    }
    let mac = mac(seconds, body, secret);
    let is_right = |hex: &&str| {
        // In constant time.
        unhex(hex).is_some_and(|signature| mac.clone().verify_slice(&signature).is_ok())
    };
    let found = signatures.iter().take(SIGNATURES_MAX).any(is_right);
    if found { Ok(()) } else { Err(Unsigned("no right signature")) }
}

fn mac(seconds: &str, body: &[u8], secret: &Secret) -> Hmac<Sha256> {
    let mut mac = hmac_sha256(secret.reveal().as_bytes());
    mac.update(seconds.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32).map(|place| u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).ok()).collect()
}

fn of(event: &Value) -> Event {
    let object = &event["data"]["object"];
    let of_object = |name: &str| wire::text(object, name).ok();
    match event["type"].as_str() {
        Some(kind) if kind.starts_with("payment_intent.") => {
            of_object("id").map_or(Event::Other, |reference| Event::Charge { reference })
        }
        Some(kind) if kind.starts_with("checkout.session.") => {
            of_object("id").map_or(Event::Other, |reference| Event::Setup { reference })
        }
        Some("setup_intent.setup_failed") if object["metadata"]["setup_id"].is_string() => {
            let setup_id = wire::text(&object["metadata"], "setup_id");
            setup_id.map_or(Event::Other, |setup_id| Event::SetupFailed { setup_id })
        }
        // Others of a registration are none of our consents, and nothing is found for them.
        Some(kind) if kind.starts_with("setup_intent.") => {
            of_object("id").map_or(Event::Other, |reference| Event::Consent { reference })
        }
        Some("charge.dispute.created" | "charge.dispute.funds_withdrawn") => {
            let dispute = || {
                Some(Dispute {
                    id: wire::id(object).ok()?,
                    reference: of_object("payment_intent")?,
                    amount: object["amount"].as_i64()?,
                    reason: of_object("reason")?.chars().take(64).collect(),
                })
            };
            dispute().map_or(Event::Other, Event::Dispute)
        }
        _ => Event::Other,
    }
}
