//! A customer who can confirm: a passkey authenticator in software beside the phone's keys.

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori::app::App;
use omamori::clock::Micros;
use omamori::identity::passkey::{Holder, Purpose};
use omamori_db::sql;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::app::Node;
use super::customer::{Customer, new_key};

const USER_PRESENT_AND_VERIFIED: u8 = 0x05;
const ATTESTED: u8 = 0x40;

/// Holds one passkey (WebAuthn Level 3 §6).
pub struct Authenticator {
    key: SigningKey,
    id: [u8; 16],
    handle: String,
    counter: u32,
}

impl Authenticator {
    /// One without a passkey yet.
    pub fn new(app: &App) -> Self {
        let id = omamori::rng::random(app.rng.as_ref());
        Self { key: new_key(app), id, handle: String::new(), counter: 0 }
    }

    /// Answers `navigator.credentials.create()`.
    pub fn create(&mut self, options: &Value) -> Value {
        self.handle = options["publicKey"]["user"]["id"].as_str().unwrap().to_owned();
        let client_data = client_data("webauthn.create", options);
        let public = p256::PublicKey::from(self.key.verifying_key()).to_sec1_bytes();
        let mut data = self.data(ATTESTED);
        data.extend([0; 16]); // AAGUID
        data.extend([0, 16]);
        data.extend(self.id);
        // COSE_Key: {1: EC2, 3: ES256, -1: P-256, -2: x, -3: y}
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&public[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&public[33..65]);
        let mut attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        attestation.push(u8::try_from(data.len()).unwrap());
        attestation.extend(data);
        json!({ "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "response": { "attestationObject": text(&attestation),
                "clientDataJSON": text(client_data.as_bytes()) },
            "clientExtensionResults": { "credProps": { "rk": true } } })
    }

    /// Answers `navigator.credentials.get()`.
    pub fn get(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let client_data = client_data("webauthn.get", options);
        let data = self.data(0);
        let signature: Signature =
            self.key.sign(&[&data[..], &Sha256::digest(&client_data)].concat());
        json!({ "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "response": { "authenticatorData": text(&data),
                "clientDataJSON": text(client_data.as_bytes()),
                "signature": text(signature.to_der().as_bytes()), "userHandle": self.handle },
            "clientExtensionResults": {} })
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest("localhost").to_vec();
        data.push(USER_PRESENT_AND_VERIFIED | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }
}

fn client_data(kind: &str, options: &Value) -> String {
    let challenge = &options["publicKey"]["challenge"];
    json!({ "type": kind, "challenge": challenge, "origin": "http://localhost:8080",
        "crossOrigin": false })
    .to_string()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A customer with a passkey.
pub struct Person {
    pub customer: Customer,
    authenticator: Authenticator,
}

impl Person {
    /// One whose phone was enrolled two days ago.
    pub async fn new(app: &App) -> Self {
        Self::of(app, Customer::new(app).await).await
    }

    /// One whose phone was enrolled at a given instant.
    pub async fn enrolled_at(app: &App, at: Micros) -> Self {
        Self::of(app, Customer::enrolled_at(app, at).await).await
    }

    async fn of(app: &App, customer: Customer) -> Self {
        let mut authenticator = Authenticator::new(app);
        let id = authenticator.id;
        let now = app.clock.now();
        let number = omamori::id::Kind::Customer.parse(&customer.customer_id).unwrap();
        let holder = Holder { id: number, name: "x", display_name: "x" };
        let passkeys = &app.identity.passkeys;
        let options =
            passkeys.offer_registration((Purpose::Signup, "x"), holder, vec![], now).await.unwrap();
        let answer = serde_json::from_value(authenticator.create(&options)).unwrap();
        let made = passkeys.accept_registration(Purpose::Signup, &answer, now).await.unwrap();
        let insert = sql("INSERT INTO passkey (credential_id, customer_id, credential, counter, \
                          name, created_at, last_used_at) VALUES ($1, $2, $3, 0, 'Pixel', $4, $4)")
        .bind(id)
        .bind(&customer.customer_id)
        .bind(serde_json::to_string(&made.1).unwrap())
        .bind(now);
        app.stores.registry.execute(insert).await.unwrap();
        Self { customer, authenticator }
    }

    /// A request of the wallet with JSON.
    pub fn request(&self, path: &str, body: &Value, now: Micros) -> Request<Body> {
        let path = format!("/api/wallet/v1{path}");
        let proof = self.customer.proof("POST", &path, now);
        let (mut parts, _) = self.customer.request("POST", &path, Some(&proof)).into_parts();
        parts.headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        Request::from_parts(parts, Body::from(body.to_string()))
    }

    /// Posts JSON.
    pub async fn post(&self, node: &Node, path: &str, body: &Value) -> Answer {
        node.call(self.request(path, body, node.app.clock.now())).await
    }

    /// Asks for JSON.
    pub async fn get(&self, node: &Node, path: &str) -> Answer {
        self.customer.get(node, &format!("/api/wallet/v1{path}")).await
    }

    /// The body that confirms `request` at `path`, or the refusal of its options.
    pub async fn confirmation(
        &mut self,
        node: &Node,
        path: &str,
        request: &Value,
    ) -> Result<Value, Answer> {
        let options = self.post(node, &format!("{path}/options"), request).await;
        if !options.status.is_success() {
            return Err(options);
        }
        let credential = self.authenticator.get(&options.json());
        Ok(json!({ "request": request, "proof": { "passkey": credential } }))
    }

    /// Confirms `request` at `path`, and goes on with the token that the answer brings.
    pub async fn confirmed(&mut self, node: &Node, path: &str, request: &Value) -> Answer {
        let body = match self.confirmation(node, path, request).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let answer = self.post(node, path, &body).await;
        self.keep(&answer);
        answer
    }

    /// Takes the new token of an answer over.
    pub fn keep(&mut self, answer: &Answer) {
        if let Some(cookie) = answer.headers.get(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            self.customer.token = cookie.split_once('=').unwrap().1.to_owned();
        }
    }
}
