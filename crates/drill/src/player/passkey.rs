//! A passkey authenticator in software (WebAuthn Level 3 §6): of an honest customer, whose finger
//! is on the phone each time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// User present and verified.
const FLAGS: u8 = 0x05;
/// The answer carries a new credential.
const ATTESTED: u8 = 0x40;

/// One customer's passkey.
pub(crate) struct Passkey {
    key: SigningKey,
    id: [u8; 16],
    user_handle: String,
    counter: u32,
    origin: String,
}

impl Passkey {
    /// One that was not created yet.
    pub(crate) fn new(key: SigningKey, id: [u8; 16], origin: &str) -> Self {
        Self { key, id, user_handle: String::new(), counter: 0, origin: origin.to_owned() }
    }

    /// Answers `navigator.credentials.create()`.
    pub(crate) fn create(&mut self, options: &Value) -> Value {
        let options = &options["publicKey"];
        options["user"]["id"].as_str().unwrap_or_default().clone_into(&mut self.user_handle);
        let client_data = client_data("webauthn.create", options, &self.origin);
        let public = p256::PublicKey::from(self.key.verifying_key()).to_sec1_bytes();
        let mut data = self.authenticator_data(ATTESTED);
        data.extend([0; 16]); // AAGUID: none
        data.extend([0, 16]);
        data.extend(self.id);
        // COSE_Key: {1: EC2, 3: ES256, -1: P-256, -2: x, -3: y}
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&public[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&public[33..65]);
        // {"fmt": "none", "attStmt": {}, "authData": bytes}
        let mut attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        attestation.push(u8::try_from(data.len()).unwrap_or_default());
        attestation.extend(data);
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "response": {
                "attestationObject": text(&attestation),
                "clientDataJSON": text(client_data.as_bytes()),
            },
            "clientExtensionResults": { "credProps": { "rk": true } },
        })
    }

    /// Answers `navigator.credentials.get()`.
    pub(crate) fn get(&mut self, options: &Value) -> Value {
        let origin = self.origin.clone();
        self.get_on(&origin, options)
    }

    /// The same on a page of another origin, which a browser writes into the answer. (One that
    /// keeps to the standard would not even ask.)
    pub(crate) fn get_on(&mut self, origin: &str, options: &Value) -> Value {
        self.counter += 1;
        let client_data = client_data("webauthn.get", &options["publicKey"], origin);
        let data = self.authenticator_data(0);
        let signed = [&data[..], &Sha256::digest(&client_data)].concat();
        let signature: Signature = self.key.sign(&signed);
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "response": {
                "authenticatorData": text(&data),
                "clientDataJSON": text(client_data.as_bytes()),
                "signature": text(signature.to_der().as_bytes()),
                "userHandle": self.user_handle,
            },
            "clientExtensionResults": {},
        })
    }

    /// Hash of the relying party's id (the host of the origin), flags, counter.
    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let host = self.origin.split("://").nth(1).unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        let mut data = Sha256::digest(host).to_vec();
        data.push(FLAGS | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }
}

/// The passkey that follows from a name and a number.
pub(crate) fn passkey_of(name: &str, number: usize, origin: &str) -> Passkey {
    let id = Sha256::digest(format!("{name} {number} {origin}"));
    let id = std::array::from_fn(|place| id[place]);
    let place = u32::try_from(number).unwrap_or(u32::MAX);
    Passkey::new(crate::signin::key_of(name, place), id, origin)
}

fn client_data(kind: &str, options: &Value, origin: &str) -> String {
    let challenge = &options["challenge"];
    json!({ "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false })
        .to_string()
}

/// Base 64 as the web's standards write it.
pub(crate) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
