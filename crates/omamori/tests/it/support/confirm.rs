//! A passkey of a customer, in software: what answers a step-up (WebAuthn Level 3 §6).

use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::header;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori::app::App;
use omamori::rng::random;
use omamori_db::sql;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::app::Node;
use super::customer::{Customer, coordinates, new_key};

/// User present and verified.
const FLAGS: u8 = 0x05;

/// A customer's passkey.
pub struct Passkey {
    key: SigningKey,
    id: [u8; 16],
    counter: AtomicU32,
}

impl Passkey {
    /// Gives a customer one.
    pub async fn of(app: &App, customer: &Customer) -> Self {
        let key = new_key(app);
        let id: [u8; 16] = random(app.rng.as_ref());
        let (x, y) = coordinates(&key);
        let credential = json!({ "cred": {
            "cred_id": text(&id),
            "cred": { "type_": "ES256",
                "key": { "EC_EC2": { "curve": "SECP256R1", "x": x, "y": y } } },
            "counter": 0, "transports": null, "user_verified": true, "backup_eligible": false,
            "backup_state": false, "registration_policy": "required", "extensions": {},
            "attestation": { "data": "None", "metadata": "None" }, "attestation_format": "none",
        } });
        let insert = sql("INSERT INTO passkey (credential_id, customer_id, credential, counter, \
                          name, created_at, last_used_at) \
                          VALUES ($1, $2, $3, CAST(0 AS BIGINT), 'Pixel', $4, $4)");
        let insert = insert.bind(id).bind(&customer.customer_id).bind(credential.to_string());
        app.stores.registry.execute(insert.bind(app.clock.now())).await.unwrap();
        Self { key, id, counter: AtomicU32::new(0) }
    }

    /// Answers `navigator.credentials.get()`.
    pub fn get(&self, options: &Value) -> Value {
        let count = self.counter.fetch_add(1, Ordering::Relaxed) + 1;
        let client_data = json!({ "type": "webauthn.get",
            "challenge": options["publicKey"]["challenge"], "origin": "http://localhost:8080",
            "crossOrigin": false })
        .to_string();
        let mut data = Sha256::digest("localhost").to_vec();
        data.push(FLAGS);
        data.extend(count.to_be_bytes());
        let signed = [&data[..], &Sha256::digest(&client_data)].concat();
        let signature: Signature = self.key.sign(&signed);
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "response": {
                "authenticatorData": text(&data),
                "clientDataJSON": text(client_data.as_bytes()),
                "signature": text(signature.to_der().as_bytes()),
                "userHandle": null,
            },
            "clientExtensionResults": {},
        })
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Customer {
    /// [`Customer::post`], confirmed with the passkey.
    pub async fn confirmed(
        &mut self,
        node: &Node,
        passkey: &Passkey,
        path: &str,
        request: Option<&Value>,
    ) -> Answer {
        let asked = request.cloned().unwrap_or_else(|| json!({}));
        let options = self.post(node, &format!("{path}/options"), &asked).await;
        if !options.status.is_success() {
            return options;
        }
        let credential = passkey.get(&options.json());
        let body = match request {
            Some(request) => json!({ "request": request, "proof": { "passkey": credential } }),
            None => json!({ "request": {}, "proof": { "passkey": credential } }),
        };
        let answer = self.post(node, path, &body).await;
        self.keep_session(&answer);
        answer
    }

    /// Takes over the session's new token, if the answer brings one.
    pub fn keep_session(&mut self, answer: &Answer) {
        let Some(cookie) = answer.headers.get(header::SET_COOKIE) else { return };
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
        self.token = cookie.split_once('=').unwrap().1.to_owned();
    }
}
