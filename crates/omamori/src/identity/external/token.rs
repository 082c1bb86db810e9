//! ID tokens: what an issuer says of who signed in (OpenID Connect Core §2), and every reason not
//! to believe it (§3.1.3.7). Pure: time and keys are parameters.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::keys::{Algorithm, Checked, Keys};
use crate::clock::{MINUTE, Micros, SECOND};
use crate::secret::constant_time_eq;

/// No honest token is longer.
const CHARACTERS_MAX: usize = 16_384;
/// OpenID Connect Core §2: `sub` has at most 255 ASCII characters.
const SUB_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=255;
/// How far the issuer's clock may be off.
const LEEWAY: Micros = MINUTE;
/// We ask for the token right after it was made. An older one is somebody's collection.
const AGE_MAX: Micros = 5 * MINUTE;

/// What the token of one trip must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now: Micros,
}

/// Why a token is not believed, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotBelieved {
    #[error("malformed")]
    Malformed,
    /// `none`, an HMAC, or one that nobody knows.
    #[error("algorithm")]
    Algorithm,
    /// By none of the issuer's keys, these being as new as they may be.
    #[error("unknown_key")]
    UnknownKey,
    #[error("signature")]
    Signature,
    #[error("issuer")]
    Issuer,
    #[error("audience")]
    Audience,
    #[error("nonce")]
    Nonce,
    /// Expired, not yet valid, or made long ago.
    #[error("time")]
    Time,
}

/// Members that are not used here are for others (RFC 7515 §4), but `crit` is for everyone.
#[derive(Deserialize)]
struct Header {
    alg: Value,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    nonce: Option<String>,
    /// Seconds since 1970 (NumericDate, RFC 7519 §2), here and below.
    exp: Value,
    iat: Value,
    nbf: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Checks a token. Gives the subject, which together with the issuer says who it is.
///
/// # Errors
/// [`NotBelieved`]; with [`NotBelieved::UnknownKey`], newer keys may help.
pub(super) fn believe(
    text: &str,
    keys: &Keys,
    expected: &Expected<'_>,
) -> Result<String, NotBelieved> {
    let (signed, header, signature) = parse(text).ok_or(NotBelieved::Malformed)?;
    if header.crit.is_some() {
        return Err(NotBelieved::Malformed); // an extension that we do not know (RFC 7515 §4.1.11)
    }
    let algorithm: Algorithm =
        serde_json::from_value(header.alg).map_err(|_| NotBelieved::Algorithm)?;
    match keys.check(header.kid.as_deref(), algorithm, signed.as_bytes(), &signature) {
        Checked::Right => {}
        Checked::Wrong => return Err(NotBelieved::Signature),
        Checked::Unknown => return Err(NotBelieved::UnknownKey),
    }
    let claims = signed.split_once('.').and_then(|(_, part)| decode::<Claims>(part));
    claims.ok_or(NotBelieved::Malformed)?.check(expected)
}

impl Claims {
    fn check(self, expected: &Expected<'_>) -> Result<String, NotBelieved> {
        if self.iss != expected.issuer {
            return Err(NotBelieved::Issuer);
        }
        let authorized = self.azp.as_deref();
        let (is_for_us, others) = match &self.aud {
            Audience::One(one) => (one == expected.client_id, false),
            Audience::Several(all) => {
                (all.iter().any(|one| one == expected.client_id), all.len() > 1)
            }
        };
        let azp_is_us = authorized == Some(expected.client_id);
        if !is_for_us || (others || authorized.is_some()) && !azp_is_us {
            return Err(NotBelieved::Audience);
        }
        let nonce = self.nonce.unwrap_or_default();
        if !constant_time_eq(nonce.as_bytes(), expected.nonce.as_bytes()) {
            return Err(NotBelieved::Nonce);
        }
        let not_before = self.nbf.as_ref().map_or(Some(Micros::MIN), instant);
        let times = instant(&self.exp).zip(instant(&self.iat)).zip(not_before);
        let ((expires, issued), not_before) = times.ok_or(NotBelieved::Time)?;
        let now = expected.now;
        let in_time = now < expires.saturating_add(LEEWAY)
            && issued <= now + LEEWAY
            && issued >= now - AGE_MAX - LEEWAY
            && not_before <= now + LEEWAY;
        if !in_time {
            return Err(NotBelieved::Time);
        }
        if !SUB_CHARACTERS.contains(&self.sub.len()) || !self.sub.is_ascii() {
            return Err(NotBelieved::Malformed);
        }
        Ok(self.sub)
    }
}

/// Whole seconds; what some issuers write behind the point is left out.
fn instant(value: &Value) -> Option<Micros> {
    let text = value.as_number()?.to_string();
    let seconds: i64 = text.split('.').next()?.parse().ok()?;
    seconds.checked_mul(SECOND)
}

/// The signed part, the header and the signature of a compact JWS (RFC 7515 §7.1).
fn parse(text: &str) -> Option<(&str, Header, Vec<u8>)> {
    if text.len() > CHARACTERS_MAX {
        return None;
    }
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    if claims.contains('.') {
        return None;
    }
    Some((signed, decode(header)?, URL_SAFE_NO_PAD.decode(signature).ok()?))
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
