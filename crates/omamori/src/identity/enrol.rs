//! Agreeing with a phone on the secret of its payment codes.
//!
//! Both sides have a P-256 key; ours is made for this once and thrown away. The secret is
//! HKDF-SHA-256 (RFC 5869) over the shared x coordinate, with a
//! random salt, bound to the purpose and the device number. The phone derives it into a key that
//! it cannot export; we seal ours.

use hkdf::Hkdf;
use omamori_paycode::code::DeviceNumber;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::jwk::Jwk;
use crate::rng::{Rng, random};
use crate::secret::random_key;

const PURPOSE: &str = "omamori paycode v1";

/// What both sides need, and what they agreed on.
pub(super) struct Agreement {
    /// The secret of the payment codes.
    pub secret: Zeroizing<[u8; 32]>,
    /// Our side's key of this agreement, for the phone.
    pub server_key: Jwk,
    /// For the phone.
    pub salt: [u8; 16],
}

/// Agrees with the phone that holds the private key of `phone_key`.
pub(super) fn agree(rng: &dyn Rng, phone_key: &PublicKey, number: DeviceNumber) -> Agreement {
    let our_key = random_key(rng);
    let salt: [u8; 16] = random(rng);
    Agreement {
        secret: derive(&our_key, phone_key, &salt, number),
        server_key: Jwk::of(&our_key.public_key()),
        salt,
    }
}

#[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8,160 bytes")]
fn derive(
    ours: &SecretKey,
    theirs: &PublicKey,
    salt: &[u8; 16],
    number: DeviceNumber,
) -> Zeroizing<[u8; 32]> {
    let shared = ours.diffie_hellman(theirs);
    let mut secret = Zeroizing::new([0; 32]);
    let info = format!("{PURPOSE}{number}");
    Hkdf::<Sha256>::new(Some(salt), shared.raw_secret_bytes())
        .expand(info.as_bytes(), secret.as_mut_slice())
        .expect("32 bytes");
    secret
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    #[test]
    fn the_phone_comes_to_the_same_secret() {
        let phone = random_key(&SystemRng);
        let number = DeviceNumber::new(12_345).unwrap();
        let ours = agree(&SystemRng, &phone.public_key(), number);
        let server_key = ours.server_key.key().unwrap();
        assert_eq!(derive(&phone, &server_key, &ours.salt, number), ours.secret);
        let other = DeviceNumber::new(12_346).unwrap();
        assert_ne!(derive(&phone, &server_key, &ours.salt, other), ours.secret);
        assert_ne!(derive(&phone, &server_key, &[0; 16], number), ours.secret);
    }

    /// Computed with the browser's WebCrypto: `deriveBits` of ECDH, then of HKDF.
    #[test]
    fn the_derivation_is_that_of_the_browser() {
        let ours = SecretKey::from_slice(&[1; 32]).unwrap();
        let theirs = SecretKey::from_slice(&[2; 32]).unwrap().public_key();
        let secret = derive(&ours, &theirs, &[3; 16], DeviceNumber::new(12_345).unwrap());
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "50dc69bc99afd9749eb3c5c9c5bc66d859e889d9c2fa6b60d356695039825672");
    }
}
