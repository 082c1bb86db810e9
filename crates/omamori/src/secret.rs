//! Secrets: never printed, sealed before they are stored, compared in constant time.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::Hmac;
use p256::SecretKey;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::rng::{Rng, random};

/// A value that `Debug` does not show and that is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. Each use is a place to review.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The SHA-256 of a token of at least 128 random bits, which is what tables keep of it.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// HMAC-SHA-256, which takes a key of any length.
#[must_use]
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
pub fn hmac_sha256(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256>>::new_from_slice(key).expect("any length")
}

/// Compares without telling by the time it takes where two values differ.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// A new private key of P-256.
#[must_use]
pub fn random_key(rng: &dyn Rng) -> SecretKey {
    loop {
        let bytes = Zeroizing::new(random::<32>(rng));
        // 32 bytes are a scalar of P-256 but for one time in 2^32.
        if let Ok(key) = SecretKey::from_slice(bytes.as_slice()) {
            return key;
        }
    }
}

/// The key that seals what must be stored and read again (device secrets).
pub struct Vault {
    cipher: XChaCha20Poly1305,
    derivation: Hkdf<Sha256>,
}

/// A sealed value does not open: wrong key, wrong place or changed bytes.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value does not open")]
pub struct CannotOpen;

const NONCE_BYTES: usize = 24;

impl Vault {
    /// A vault with this master key.
    #[must_use]
    pub fn new(master_key: &[u8; 32]) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&Key::from(*master_key)),
            derivation: Hkdf::new(None, master_key),
        }
    }

    /// The key for one purpose (HKDF-SHA-256, RFC 5869): it says nothing about the master key or
    /// another purpose's key.
    ///
    /// # Panics
    /// Never: HKDF gives up to 8,160 bytes.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8,160 bytes")]
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        self.derivation.expand(purpose.as_bytes(), key.as_mut_slice()).expect("32 bytes");
        key
    }

    /// Seals `plain`. `place` (table, column and row) is authenticated with it, so that a sealed
    /// value cannot be moved to another row.
    ///
    /// # Panics
    /// Never for values that fit in memory.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the cipher fails only beyond 256 GiB")]
    pub fn seal(&self, rng: &dyn Rng, place: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = random(rng);
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).expect("short plaintext");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what [`Vault::seal`] made for the same place.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (nonce, body) = sealed.split_at_checked(NONCE_BYTES).ok_or(CannotOpen)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| CannotOpen)?;
        let payload = Payload { msg: body, aad: place.as_bytes() };
        let plain = self.cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| CannotOpen)?;
        Ok(Zeroizing::new(plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    #[test]
    fn a_sealed_value_opens_only_in_its_place() {
        let vault = Vault::new(&[7; 32]);
        let sealed = vault.seal(&SystemRng, "device.secret/1", b"key");
        assert_eq!(vault.open("device.secret/1", &sealed).unwrap().as_slice(), b"key");
        assert!(vault.open("device.secret/2", &sealed).is_err());
        assert!(Vault::new(&[8; 32]).open("device.secret/1", &sealed).is_err());
        let mut changed = sealed;
        *changed.last_mut().unwrap() ^= 1;
        assert!(vault.open("device.secret/1", &changed).is_err());
        assert!(vault.open("device.secret/1", b"short").is_err());
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let vault = Vault::new(&[7; 32]);
        assert_eq!(vault.derive("a"), Vault::new(&[7; 32]).derive("a"));
        assert_ne!(vault.derive("a"), vault.derive("b"));
        assert_ne!(vault.derive("a"), Vault::new(&[8; 32]).derive("a"));
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "***");
    }
}
