//! The shared secret, its codes, and the text in which authenticator apps take it.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use crate::app::App;
use crate::rng::{Rng, random};
use crate::secret::constant_time_eq;
use crate::web::error::{Error, Result};

/// 160 bits, the length that RFC 4226 §4 recommends.
const BYTES: usize = 20;
const DIGITS: usize = 6;

/// RFC 4648 §6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What the app and we share.
pub(in crate::identity) struct Secret(Zeroizing<[u8; BYTES]>);

/// Six digits that somebody typed.
#[derive(Clone, Copy)]
pub(in crate::identity) struct Code([u8; DIGITS]);

impl Code {
    /// # Errors
    /// The field is malformed: not six digits.
    pub(in crate::identity) fn parse(typed: &str, field: &str) -> Result<Self> {
        let digits: Option<[u8; DIGITS]> = typed.as_bytes().try_into().ok();
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_digit));
        digits.map(Self).ok_or_else(|| Error::field(field, "malformed"))
    }
}

impl Secret {
    pub(super) fn random(rng: &dyn Rng) -> Self {
        Self(Zeroizing::new(random(rng)))
    }

    pub(super) fn seal(&self, app: &App, place: &str) -> Vec<u8> {
        app.vault.seal(app.rng.as_ref(), place, self.0.as_slice())
    }

    pub(super) fn open(app: &App, place: &str, sealed: &[u8]) -> Result<Self> {
        let opened = app.vault.open(place, sealed)?;
        let bytes = opened.as_slice().try_into();
        let bytes = bytes.map_err(|_| Error::fault("a TOTP secret has another length"))?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The newest of `steps` that this is the code of. All are computed, right or wrong.
    pub(super) fn step_of(&self, code: Code, steps: impl Iterator<Item = i64>) -> Option<i64> {
        let right = |step: &i64| constant_time_eq(&self.code(*step), &code.0);
        steps.filter(right).last()
    }

    /// HOTP of the step (RFC 4226 §5.3).
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn code(&self, step: i64) -> [u8; DIGITS] {
        let mut mac = <Hmac<Sha1>>::new_from_slice(self.0.as_slice()).expect("any length");
        mac.update(&step.to_be_bytes());
        let hash: [u8; 20] = mac.finalize().into_bytes().into();
        let offset = usize::from(hash[19] & 15);
        let word = [hash[offset], hash[offset + 1], hash[offset + 2], hash[offset + 3]];
        let mut number = u32::from_be_bytes(word) & 0x7fff_ffff;
        let mut digits = [0; DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
        digits
    }

    /// As people copy it by hand.
    pub(super) fn base32(&self) -> String {
        let mut text = String::with_capacity(BYTES * 8 / 5);
        for group in self.0.chunks_exact(5) {
            let bits = group.iter().fold(0u64, |bits, &byte| bits << 8 | u64::from(byte));
            for place in (0..8).rev() {
                text.push(char::from(BASE32[(bits >> (place * 5) & 31) as usize]));
            }
        }
        text
    }

    /// As apps take it from a QR code (the format of Google Authenticator, "Key URI Format").
    pub(super) fn address(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (percent(issuer), percent(account));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.base32())
    }

    /// The digits of a step, for an app in software.
    #[cfg(test)]
    pub(in crate::identity) fn digits(base32: &str, step: i64) -> String {
        let values: Vec<u8> = base32
            .bytes()
            .map(|b| u8::try_from(BASE32.iter().position(|&c| c == b).unwrap()).unwrap())
            .collect();
        let mut bytes = Vec::new();
        for group in values.chunks_exact(8) {
            let bits = group.iter().fold(0u64, |bits, &five| bits << 5 | u64::from(five));
            bytes.extend(&bits.to_be_bytes()[3..]);
        }
        let secret = Self(Zeroizing::new(bytes.try_into().unwrap()));
        String::from_utf8(secret.code(step).to_vec()).unwrap()
    }
}

/// All but the unreserved characters of RFC 3986 §2.3, as `%XX`.
fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc() -> Secret {
        Secret(Zeroizing::new(*b"12345678901234567890"))
    }

    /// RFC 6238, appendix B, the rows of SHA-1; the last six of their eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let vectors = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, digits) in vectors {
            assert_eq!(rfc().code(seconds / 30), digits.as_bytes(), "{seconds}");
        }
    }

    #[test]
    fn the_texts_are_those_that_apps_read() {
        // RFC 4648 §10 has no vector of this length; this one is that of RFC 6238's secret.
        assert_eq!(rfc().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(Secret::digits(&rfc().base32(), 1), "287082");
        assert_eq!(
            rfc().address("お守り Pay", "090-1234-5678"),
            "otpauth://totp/%E3%81%8A%E5%AE%88%E3%82%8A%20Pay:090-1234-5678\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=%E3%81%8A%E5%AE%88%E3%82%8A%20Pay"
        );
    }

    #[test]
    fn a_code_is_found_in_its_step_only() {
        let code = Code::parse("287082", "totp").unwrap();
        assert_eq!(rfc().step_of(code, 0..=2), Some(1));
        assert_eq!(rfc().step_of(code, 2..=4), None);
        for bad in ["", "28708", "2870820", "28708a", "２８７０８２"] {
            assert!(Code::parse(bad, "totp").is_err(), "{bad}");
        }
    }
}
