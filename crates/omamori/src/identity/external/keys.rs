//! An issuer's public keys (RFC 7517), and what they have signed (RFC 7515).
//!
//! ring, which TLS brings anyway, checks the signatures. A signature is only ever checked with a
//! public key and by an algorithm of the list: `none` and the HMACs, which would make a public key
//! a password, have no variant.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, EcdsaVerificationAlgorithm,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// More are no key set.
const KEYS_MAX: usize = 64;

/// How a token may be signed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(super) enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "PS256")]
    Ps256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "ES384")]
    Es384,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// A key that signs tokens, of a kind that is known here.
#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    /// If the key says what it is for.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Uncompressed points (SEC 1 §2.3.3).
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// The keys of an issuer.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(Vec<Key>);

/// What came of looking for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Right,
    Wrong,
    /// None of the keys is the one that is named: there may be new ones.
    Unknown,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// Members that are not used here are for others (RFC 7517 §4).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads a key set. Keys of other kinds and for other uses are passed over (RFC 7517 §5).
    pub fn parse(document: &[u8]) -> Option<Self> {
        let set: Set = serde_json::from_slice(document).ok()?;
        Some(Self(set.keys.into_iter().take(KEYS_MAX).filter_map(Key::read).collect()))
    }

    /// Checks a signature. A token that names no key is checked with the only one that fits.
    pub fn check(
        &self,
        key_id: Option<&str>,
        algorithm: Algorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> Checked {
        let named = |key: &&Key| key_id.is_none_or(|id| key.id.as_deref() == Some(id));
        let fits = |key: &&Key| {
            key.algorithm.is_none_or(|own| own == algorithm) && key.material.fits(algorithm)
        };
        if !self.0.iter().any(|key| named(&key)) {
            return Checked::Unknown;
        }
        let mut fitting = self.0.iter().filter(named).filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) if key.verifies(algorithm, signed, signature) => Checked::Right,
            _ => Checked::Wrong,
        }
    }
}

impl Key {
    fn read(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let algorithm = match jwk.alg {
            Some(name) => Some(serde_json::from_value(Value::String(name)).ok()?),
            None => None,
        };
        let bytes =
            |text: &Option<String>| text.as_ref().and_then(|t| URL_SAFE_NO_PAD.decode(t).ok());
        let point = |size: usize| {
            let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
            let sized = x.len() == size && y.len() == size;
            sized.then(|| [&[4][..], &x, &y].concat())
        };
        let material = match (&*jwk.kty, jwk.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: bytes(&jwk.n)?, e: bytes(&jwk.e)? },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(&jwk.x)?),
            _ => return None,
        };
        Some(Self { id: jwk.kid, algorithm, material })
    }

    fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let ecdsa = |by: &'static EcdsaVerificationAlgorithm, point: &[u8]| {
            UnparsedPublicKey::new(by, point).verify(signed, signature)
        };
        let verified = match (&self.material, algorithm) {
            (Material::Rsa { n, e }, Algorithm::Rs256) => {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
            }
            (Material::Rsa { n, e }, Algorithm::Ps256) => {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(&RSA_PSS_2048_8192_SHA256, signed, signature)
            }
            (Material::P256(point), Algorithm::Es256) => ecdsa(&ECDSA_P256_SHA256_FIXED, point),
            (Material::P384(point), Algorithm::Es384) => ecdsa(&ECDSA_P384_SHA384_FIXED, point),
            (Material::Ed25519(key), Algorithm::EdDsa) => {
                UnparsedPublicKey::new(&ED25519, key).verify(signed, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

impl Material {
    const fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(
            (self, algorithm),
            (Self::Rsa { .. }, Algorithm::Rs256 | Algorithm::Ps256)
                | (Self::P256(_), Algorithm::Es256)
                | (Self::P384(_), Algorithm::Es384)
                | (Self::Ed25519(_), Algorithm::EdDsa)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Made by another implementation: see the file.
    fn vectors() -> Value {
        serde_json::from_str(include_str!("keys_vectors.json")).unwrap()
    }

    fn keys(set: &Value) -> Keys {
        Keys::parse(json!({ "keys": set }).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn signatures_of_another_implementation_are_right_with_their_own_algorithm_only() {
        let vectors = vectors();
        let signed = vectors["signed"].as_str().unwrap().as_bytes();
        let mut seen = 0;
        for vector in vectors["signatures"].as_array().unwrap() {
            let signature = URL_SAFE_NO_PAD.decode(vector["signature"].as_str().unwrap()).unwrap();
            let keys = keys(&json!([vector["jwk"]]));
            for name in ["RS256", "PS256", "ES256", "ES384", "EdDSA"] {
                let algorithm = serde_json::from_value(json!(name)).unwrap();
                let own = name == vector["alg"];
                let expected = if own { Checked::Right } else { Checked::Wrong };
                let id = vector["jwk"]["kid"].as_str();
                assert_eq!(keys.check(id, algorithm, signed, &signature), expected, "{name}");
                assert_eq!(keys.check(None, algorithm, signed, &signature), expected, "{name}");
                assert_eq!(keys.check(Some("x"), algorithm, signed, &signature), Checked::Unknown);
                assert_eq!(keys.check(id, algorithm, b"other", &signature), Checked::Wrong);
                seen += usize::from(own);
            }
        }
        assert_eq!(seen, 5);
    }

    #[test]
    fn a_key_signs_only_what_it_is_for() {
        let vectors = vectors();
        let signed = vectors["signed"].as_str().unwrap().as_bytes();
        let vector = &vectors["signatures"][0];
        let signature = URL_SAFE_NO_PAD.decode(vector["signature"].as_str().unwrap()).unwrap();
        let check = |name: &str, value: &str| {
            let mut jwk = vector["jwk"].clone();
            jwk[name] = json!(value);
            keys(&json!([jwk])).check(Some("rsa"), Algorithm::Rs256, signed, &signature)
        };
        assert_eq!(check("use", "sig"), Checked::Right);
        assert_eq!(check("alg", "RS256"), Checked::Right);
        assert_eq!(check("alg", "PS256"), Checked::Wrong);
        for (name, value) in [("use", "enc"), ("alg", "HS256"), ("kty", "oct"), ("n", "?")] {
            assert_eq!(check(name, value), Checked::Unknown, "{name} {value}");
        }
    }

    #[test]
    fn there_is_no_algorithm_without_a_public_key() {
        for name in ["none", "None", "HS256", "HS384", "HS512", "RS1", "dir", ""] {
            assert!(serde_json::from_value::<Algorithm>(json!(name)).is_err(), "{name}");
        }
    }
}
