//! Message encryption for web push: RFC 8291 over RFC 8188 (`aes128gcm`), one record.
//!
//! Written here because it is a page of code over ciphers that we have anyway; the crates for it
//! bring a second HTTP client or a second generation of the ciphers. The test is RFC 8291's own.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};
use hkdf::Hkdf;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What every push service takes (RFC 8030 §7.2) holds this much text (RFC 8291 §4).
pub const TEXT_BYTES_MAX: usize = 3_993;
const RECORD_SIZE: u32 = 4_096;
/// Delimiter of the last record (RFC 8188 §2).
const LAST_RECORD: u8 = 2;

/// The browser's half of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserKeys {
    /// Its public key.
    pub p256dh: PublicKey,
    /// Its authentication secret.
    pub auth: [u8; 16],
}

/// Encrypts `text` for one browser, with a key pair and a salt that are used for nothing else.
///
/// # Panics
/// If the text is longer than [`TEXT_BYTES_MAX`].
#[must_use]
#[expect(clippy::expect_used, reason = "lengths are fixed or asserted")]
pub fn encrypt(text: &[u8], to: &BrowserKeys, ours: &SecretKey, salt: &[u8; 16]) -> Vec<u8> {
    assert!(text.len() <= TEXT_BYTES_MAX, "a push message has one record");
    let our_public = uncompressed(&ours.public_key());
    let secret = shared_secret(to, ours, &our_public);
    let hkdf = Hkdf::<Sha256>::new(Some(salt), secret.as_slice());
    let (mut key, mut nonce) = (Zeroizing::new([0; 16]), [0; 12]);
    hkdf.expand(b"Content-Encoding: aes128gcm\0", key.as_mut_slice()).expect("16 bytes");
    hkdf.expand(b"Content-Encoding: nonce\0", &mut nonce).expect("12 bytes");

    let cipher = Aes128Gcm::new_from_slice(key.as_slice()).expect("16 bytes");
    let record = Zeroizing::new([text, &[LAST_RECORD]].concat());
    let sealed = cipher.encrypt(&Nonce::from(nonce), record.as_slice()).expect("a short text");
    let mut body = Vec::with_capacity(86 + sealed.len());
    body.extend_from_slice(salt);
    body.extend_from_slice(&RECORD_SIZE.to_be_bytes());
    body.push(65); // the key id is our public key
    body.extend_from_slice(&our_public);
    body.extend_from_slice(&sealed);
    body
}

/// RFC 8291 §3.3 and §3.4: the shared secret, mixed with the authentication secret.
#[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8,160 bytes")]
fn shared_secret(to: &BrowserKeys, ours: &SecretKey, our_public: &[u8; 65]) -> Zeroizing<[u8; 32]> {
    let shared = ours.diffie_hellman(&to.p256dh);
    let hkdf = Hkdf::<Sha256>::new(Some(&to.auth), shared.raw_secret_bytes());
    let info = [b"WebPush: info\0".as_slice(), &uncompressed(&to.p256dh), our_public].concat();
    let mut secret = Zeroizing::new([0; 32]);
    hkdf.expand(&info, secret.as_mut_slice()).expect("32 bytes");
    secret
}

/// SEC 1 §2.3.3, uncompressed: 04 ‖ x ‖ y.
#[must_use]
pub fn uncompressed(key: &PublicKey) -> [u8; 65] {
    let point = key.to_sec1_point(false);
    let mut bytes = [0; 65];
    bytes.copy_from_slice(point.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
    }

    /// RFC 8291, Appendix A.
    #[test]
    fn the_example_of_the_rfc_comes_out() {
        let p256dh: [u8; 65] = bytes(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        );
        let to = BrowserKeys {
            p256dh: PublicKey::from_sec1_bytes(&p256dh).unwrap(),
            auth: bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        };
        let ours: [u8; 32] = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let ours = SecretKey::from_slice(&ours).unwrap();
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw");
        let text = b"When I grow up, I want to be a watermelon";
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIg\
                        Dll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVB\
                        St2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(encrypt(text, &to, &ours, &salt)), expected);
    }
}
