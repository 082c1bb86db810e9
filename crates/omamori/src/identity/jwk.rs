//! Public keys of phones: P-256, as JSON Web Keys (RFC 7517, RFC 7518 §6.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::PublicKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A JSON Web Key of the one kind that is used here. Any other member is refused: a private key
/// that was sent by mistake too.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    kty: Kty,
    crv: Crv,
    x: String,
    y: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
enum Kty {
    #[serde(rename = "EC")]
    EllipticCurve,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
enum Crv {
    #[serde(rename = "P-256")]
    P256,
}

/// The SHA-256 thumbprint of a key (RFC 7638): its name wherever it is stored or compared.
pub type Thumbprint = [u8; 32];

impl Jwk {
    /// The JWK of a key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        let sec1 = key.to_sec1_bytes(); // 04 ‖ x ‖ y
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Self {
            kty: Kty::EllipticCurve,
            crv: Crv::P256,
            x: text(&sec1[1..33]),
            y: text(&sec1[33..65]),
        }
    }

    /// The key, if both coordinates are 32 bytes in canonical base64url and name a point of the
    /// curve other than infinity.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        let mut sec1 = [0; 65];
        sec1[0] = 4; // uncompressed (SEC 1 §2.3.3)
        for (text, place) in [(&self.x, 1..33), (&self.y, 33..65)] {
            let coordinate = URL_SAFE_NO_PAD.decode(text).ok()?;
            if coordinate.len() != 32 {
                return None;
            }
            sec1[place].copy_from_slice(&coordinate);
        }
        PublicKey::from_sec1_bytes(&sec1).ok()
    }

    /// RFC 7638 §3: the required members in order of their names, without white space. The
    /// coordinates are base64url once [`Jwk::key`] has read them, so nothing needs escaping.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        let (x, y) = (&self.x, &self.y);
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Sha256::digest(canonical).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the thumbprint in the examples of RFC 9449 §4.1 and §6.1.
    const RFC_9449: &str = r#"{"kty":"EC","crv":"P-256",
        "x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#;

    fn parse(json: &str) -> Option<Jwk> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let jwk = parse(RFC_9449).unwrap();
        let thumbprint = URL_SAFE_NO_PAD.encode(jwk.thumbprint());
        assert_eq!(thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!(Jwk::of(&jwk.key().unwrap()), jwk);
    }

    #[test]
    fn no_other_key_is_read() {
        assert!(parse(&RFC_9449.replace("EC", "RSA")).is_none());
        assert!(parse(&RFC_9449.replace("P-256", "P-384")).is_none());
        assert!(parse(&RFC_9449.replace(r#""kty""#, r#""d":"AA","kty""#)).is_none(), "private");
        let wrong = [
            ("GRDA", "GRDB"),   // not on the curve
            ("GRDA", "GRDA="),  // padded
            ("GRDA", "GRD"),    // 31 bytes and a bit
            ("l8tF", "AAl8tF"), // 33 bytes and a bit
        ];
        for (from, to) in wrong {
            let jwk = parse(&RFC_9449.replace(from, to)).unwrap();
            assert!(jwk.key().is_none(), "{from} → {to}");
        }
    }
}
