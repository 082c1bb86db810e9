//! Proofs of possession (RFC 9449, DPoP): each request is signed by the phone's key.
//!
//! Here: reading and checking one proof. Pure: the time is a parameter and replay is the caller's
//! ([`super::replay`]). A proof is bound to one method, one address, one minute, one use and, by
//! `ath`, one session; a page of another origin can make none, so it is the defence against
//! cross-site request forgery as well.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::jwk::{Jwk, Thumbprint};
use crate::clock::{Micros, SECOND};
use crate::secret::constant_time_eq;

/// How far the clock of a phone may be off, and how long a proof lives.
pub const TOLERANCE: Micros = 60 * SECOND;

/// No honest proof is longer; ours have about 500 characters.
const MAX_CHARACTERS: usize = 2_048;
const JTI_CHARACTERS: std::ops::RangeInclusive<usize> = 16..=64;

/// What the proof of a request must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Origin and path of the request: no query, no fragment.
    pub address: &'a str,
    /// The hash of the session's token; `None` where there is no session yet.
    pub token_hash: Option<&'a [u8; 32]>,
    /// Now.
    pub now: Micros,
}

/// A proof that is right for its request. Whether it was seen before is the next question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whose it is.
    pub thumbprint: Thumbprint,
    /// Names the proof: the same key and `jti`, the same name, whatever its signature looks like.
    pub id: u128,
}

/// Why a proof is refused, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not a compact JWS with the header and the claims of a proof and no others.
    #[error("the proof is malformed")]
    Malformed,
    /// The key in the header is no P-256 key.
    #[error("the key of the proof is not usable")]
    Key,
    /// The signature is not by the key in the header.
    #[error("the signature of the proof is wrong")]
    Signature,
    /// Made for another method or address.
    #[error("the proof is for another request")]
    Request,
    /// Made for another session, or for none.
    #[error("the proof is for another session")]
    Session,
    /// Too old, or from a phone whose clock is ahead.
    #[error("the proof is not of this minute")]
    Time,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    #[serde(rename = "typ")]
    _typ: Typ,
    #[serde(rename = "alg")]
    _alg: Alg,
    jwk: Jwk,
}

#[derive(Deserialize)]
enum Typ {
    #[serde(rename = "dpop+jwt")]
    DpopJwt,
}

/// One algorithm: there is nothing to choose, so nothing to be talked into.
#[derive(Deserialize)]
enum Alg {
    #[serde(rename = "ES256")]
    Es256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    htm: String,
    htu: String,
    /// Seconds since 1970 (NumericDate, RFC 7519 §2).
    iat: i64,
    jti: String,
    ath: Option<String>,
}

/// Checks the value of a `DPoP` header against its request.
///
/// # Errors
/// [`ProofError`].
pub fn verify(text: &str, expected: &Expected<'_>) -> Result<Proof, ProofError> {
    let (signed, header, claims, signature) = parse(text).ok_or(ProofError::Malformed)?;
    let key = header.jwk.key().ok_or(ProofError::Key)?;
    VerifyingKey::from(key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| ProofError::Signature)?;
    if claims.htm != expected.method || claims.htu != expected.address {
        return Err(ProofError::Request);
    }
    if !is_for_session(claims.ath.as_deref(), expected.token_hash) {
        return Err(ProofError::Session);
    }
    let issued_at = claims.iat.checked_mul(SECOND).ok_or(ProofError::Time)?;
    if issued_at.abs_diff(expected.now) > TOLERANCE.unsigned_abs() {
        return Err(ProofError::Time);
    }
    let thumbprint = header.jwk.thumbprint();
    Ok(Proof { thumbprint, id: name(&thumbprint, &claims.jti) })
}

/// The key that a proof claims to be by, unproven: enough to tell strangers apart before a
/// signature is computed for them, and for nothing else.
pub fn claimed_key(text: &str) -> Option<Thumbprint> {
    parse(text).map(|(_, header, ..)| header.jwk.thumbprint())
}

/// The three parts of a compact JWS (RFC 7515 §7.1), in canonical base64url, taken apart.
fn parse(text: &str) -> Option<(&str, Header, Claims, Signature)> {
    if text.len() > MAX_CHARACTERS {
        return None;
    }
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    let claims: Claims = serde_json::from_slice(&decode(claims)?).ok()?;
    if !JTI_CHARACTERS.contains(&claims.jti.len()) {
        return None;
    }
    let signature = Signature::from_slice(&decode(signature)?).ok()?;
    Some((signed, header, claims, signature))
}

fn is_for_session(claimed: Option<&str>, token_hash: Option<&[u8; 32]>) -> bool {
    match (claimed, token_hash) {
        (None, None) => true,
        (Some(ath), Some(hash)) => {
            URL_SAFE_NO_PAD.decode(ath).is_ok_and(|ath| constant_time_eq(&ath, hash))
        }
        _ => false,
    }
}

fn name(thumbprint: &Thumbprint, jti: &str) -> u128 {
    let digest: [u8; 32] =
        Sha256::new().chain_update(thumbprint).chain_update(jti).finalize().into();
    u128::from_be_bytes(std::array::from_fn(|index| digest[index]))
}

#[cfg(test)]
pub(super) mod tests {
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Micros = 1_800_000_000 * SECOND;
    const ADDRESS: &str = "https://pay.example.jp/api/wallet/v1/me";
    const TOKEN_HASH: [u8; 32] = [7; 32];
    const JTI: &str = "0123456789abcdef";

    pub fn key(seed: u8) -> SigningKey {
        SigningKey::from_slice(&[seed; 32]).unwrap()
    }

    pub fn jwk(key: &SigningKey) -> Value {
        serde_json::to_value(Jwk::of(&p256::PublicKey::from(key.verifying_key()))).unwrap()
    }

    /// A JWS as `key` signs it, whatever header and claims say.
    pub fn jws(key: &SigningKey, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature: Signature = key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn header(key: &SigningKey) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(key) })
    }

    fn claims() -> Value {
        let ath = URL_SAFE_NO_PAD.encode(TOKEN_HASH);
        json!({ "htm": "GET", "htu": ADDRESS, "iat": 1_800_000_000, "jti": JTI, "ath": ath })
    }

    fn with(mut value: Value, member: &str, to: impl Into<Value>) -> Value {
        value[member] = to.into();
        value
    }

    fn without(mut value: Value, member: &str) -> Value {
        value.as_object_mut().unwrap().remove(member).unwrap();
        value
    }

    fn check(text: &str) -> Result<Proof, ProofError> {
        let token_hash = Some(&TOKEN_HASH);
        verify(text, &Expected { method: "GET", address: ADDRESS, token_hash, now: NOW })
    }

    fn signed(header: &Value, claims: &Value) -> Result<Proof, ProofError> {
        check(&jws(&key(1), header, claims))
    }

    #[test]
    fn a_good_proof_names_its_key() {
        let proof = signed(&header(&key(1)), &claims()).unwrap();
        let jwk: Jwk = serde_json::from_value(jwk(&key(1))).unwrap();
        assert_eq!(proof.thumbprint, jwk.thumbprint());
    }

    #[test]
    fn a_header_that_is_not_a_proofs_is_malformed() {
        let good = header(&key(1));
        for bad in [
            with(good.clone(), "alg", "none"),
            with(good.clone(), "alg", "HS256"),
            with(good.clone(), "alg", "es256"),
            with(good.clone(), "typ", "JWT"),
            with(good.clone(), "crit", json!(["exp"])),
            without(good.clone(), "typ"),
            without(good.clone(), "jwk"),
            with(good, "jwk", json!({ "kty": "oct", "k": "AAAA" })),
        ] {
            assert_eq!(signed(&bad, &claims()), Err(ProofError::Malformed), "{bad}");
        }
    }

    #[test]
    fn claims_that_are_not_a_proofs_are_malformed() {
        for bad in [
            without(claims(), "htm"),
            without(claims(), "htu"),
            without(claims(), "iat"),
            without(claims(), "jti"),
            with(claims(), "jti", "short"),
            with(claims(), "jti", "x".repeat(65)),
            with(claims(), "iat", "1800000000"),
            with(claims(), "iat", 1_800_000_000.5),
            with(claims(), "sub", "cus_1"),
        ] {
            assert_eq!(signed(&header(&key(1)), &bad), Err(ProofError::Malformed), "{bad}");
        }
    }

    #[test]
    fn text_that_is_not_a_jws_is_malformed() {
        let good = jws(&key(1), &header(&key(1)), &claims());
        let (signed, _) = good.rsplit_once('.').unwrap();
        let long = format!("{good}{}", "A".repeat(MAX_CHARACTERS));
        let duplicate = format!(
            "{}.{}.{}",
            good.split('.').next().unwrap(),
            URL_SAFE_NO_PAD.encode(claims().to_string().replacen('{', r#"{"htm":"GET","#, 1)),
            good.rsplit('.').next().unwrap(),
        );
        for bad in [
            "",
            "..",
            "a.b.c",
            signed,
            &format!("{signed}."),
            &format!("{good}="),
            &long,
            &duplicate,
        ] {
            assert_eq!(check(bad), Err(ProofError::Malformed), "{bad}");
        }
    }

    #[test]
    fn only_the_key_in_the_header_can_sign() {
        let forged = jws(&key(2), &header(&key(1)), &claims());
        assert_eq!(check(&forged), Err(ProofError::Signature));
        let good = jws(&key(1), &header(&key(1)), &claims());
        let (head, rest) = good.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let later = with(claims(), "jti", "another0another0");
        let moved = format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(later.to_string()));
        assert_eq!(check(&moved), Err(ProofError::Signature));
        let off_curve = with(jwk(&key(1)), "y", URL_SAFE_NO_PAD.encode([1; 32]));
        assert_eq!(
            signed(&with(header(&key(1)), "jwk", off_curve), &claims()),
            Err(ProofError::Key)
        );
    }

    #[test]
    fn a_proof_is_for_one_method_and_one_address() {
        for (member, value) in [
            ("htm", "POST"),
            ("htm", "get"),
            ("htu", "https://pay.example.jp/api/wallet/v1/me?x=1"),
            ("htu", "https://pay.example.jp/api/wallet/v1/me/"),
            ("htu", "http://pay.example.jp/api/wallet/v1/me"),
            ("htu", "https://pay.example.jp.evil.example/api/wallet/v1/me"),
        ] {
            let other = with(claims(), member, value);
            assert_eq!(signed(&header(&key(1)), &other), Err(ProofError::Request), "{value}");
        }
    }

    #[test]
    fn a_proof_is_for_one_session() {
        let header = header(&key(1));
        let other = with(claims(), "ath", URL_SAFE_NO_PAD.encode([8; 32]));
        assert_eq!(signed(&header, &other), Err(ProofError::Session));
        assert_eq!(signed(&header, &without(claims(), "ath")), Err(ProofError::Session));
        let expected = Expected { method: "GET", address: ADDRESS, token_hash: None, now: NOW };
        let with_session = jws(&key(1), &header, &claims());
        assert_eq!(verify(&with_session, &expected), Err(ProofError::Session));
        let bare = jws(&key(1), &header, &without(claims(), "ath"));
        assert!(verify(&bare, &expected).is_ok());
    }

    #[test]
    fn a_proof_lives_for_a_minute() {
        for (iat, lives) in [(-60, true), (-61, false), (60, true), (61, false)] {
            let moved = with(claims(), "iat", 1_800_000_000 + iat);
            assert_eq!(signed(&header(&key(1)), &moved).is_ok(), lives, "{iat}");
        }
        for extreme in [i64::MAX, i64::MIN] {
            let moved = with(claims(), "iat", extreme);
            assert_eq!(signed(&header(&key(1)), &moved), Err(ProofError::Time));
        }
    }

    /// (r, −s) is as valid as (r, s): it must not make a second proof out of one.
    #[test]
    fn the_other_form_of_a_signature_is_the_same_proof() {
        let good = jws(&key(1), &header(&key(1)), &claims());
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let (r, s) = signature.split_scalars();
        let other = Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).unwrap();
        assert_ne!(other, signature);
        let other = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(other.to_bytes()));
        assert_eq!(check(&other).unwrap(), check(&good).unwrap());
    }
}
