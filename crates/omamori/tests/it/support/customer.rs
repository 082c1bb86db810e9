//! A customer whose phone is in the registry already, keys in hand: what sign-up leads to.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori::app::App;
use omamori::clock::{DAY, Micros, SECOND};
use omamori::gate::chart::wallet_account_id;
use omamori::id::Kind;
use omamori::rng::random;
use omamori::secret::token_hash;
use omamori_db::sql;
use omamori_paycode::code::{
    CodeSecret, CustomerCode, DeviceNumber, RefreshCount, STEP_SECONDS, TimeStep, one_time,
};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::app::{Node, TestApp};
use super::shop::Register;

/// Codes that are right at one moment: three steps with four refreshes each.
pub const CODES_AT_ONCE: u64 = 12;

/// A customer with a phone.
pub struct Customer {
    pub customer_id: String,
    pub device_id: String,
    pub device_number: DeviceNumber,
    pub wallet_account: u128,
    /// The session's cookie.
    pub token: String,
    sign_key: SigningKey,
    secret: CodeSecret,
    /// The codes that were shown, as numbers rising with time.
    next_code: AtomicU64,
    next_proof: AtomicU64,
}

impl Customer {
    /// One whose phone was enrolled two days ago.
    pub async fn new(app: &App) -> Self {
        Self::enrolled_at(app, app.clock.now() - 2 * DAY).await
    }

    /// One whose phone was enrolled at a given instant.
    pub async fn enrolled_at(app: &App, enrolled_at: Micros) -> Self {
        let rng = app.rng.as_ref();
        let customer_id = Kind::Customer.random_text(rng);
        let secret: [u8; 32] = random(rng);
        let number = u32::from_be_bytes(random(rng)) % 1_000_000_000;
        let customer = Self {
            wallet_account: wallet_account_id(&customer_id),
            customer_id,
            device_id: Kind::Device.random_text(rng),
            device_number: DeviceNumber::new(number).unwrap(),
            token: format!("oms_{}", URL_SAFE_NO_PAD.encode(random::<32>(rng))),
            sign_key: new_key(app),
            secret: CodeSecret::new(secret),
            next_code: AtomicU64::new(0),
            next_proof: AtomicU64::new(0),
        };
        customer.insert(app, &secret, enrolled_at).await;
        customer
    }

    async fn insert(&self, app: &App, secret: &[u8; 32], enrolled_at: Micros) {
        let mut tx = app.stores.registry.begin().await.unwrap();
        let phone = format!("+81{}", &self.phone()[1..]);
        let customer = sql("INSERT INTO customer (customer_id, phone, status, language, \
                            wallet_account, signin_failures, signin_locked_until, created_at) \
                            VALUES ($1, $2, 'active', 'ja', $3, 0, 0, $4)")
        .bind(&self.customer_id)
        .bind(phone)
        .bind(self.wallet_account.to_be_bytes())
        .bind(enrolled_at);
        tx.execute(customer).await.unwrap();
        let place = format!("device.secret/{}", self.device_id);
        let device = sql("INSERT INTO device (device_id, device_number, customer_id, name, \
                          sign_key_thumbprint, code_secret, state, enrolled_at, last_used_at) \
                          VALUES ($1, $2, $3, 'Pixel', $4, $5, 'active', $6, $6)")
        .bind(&self.device_id)
        .bind(i64::from(self.device_number.get()))
        .bind(&self.customer_id)
        .bind(thumbprint(&self.sign_key))
        .bind(app.vault.seal(app.rng.as_ref(), &place, secret))
        .bind(enrolled_at);
        tx.execute(device).await.unwrap();
        let session = sql("INSERT INTO session (token_hash, session_id, customer_id, device_id, \
                           strength, created_at, last_used_at, expires_at) \
                           VALUES ($1, $2, $3, $4, 'passkey', $5, $5, $6)")
        .bind(token_hash(&self.token))
        .bind(Kind::Session.random_text(app.rng.as_ref()))
        .bind(&self.customer_id)
        .bind(&self.device_id)
        .bind(app.clock.now())
        .bind(app.clock.now() + 90 * DAY);
        tx.execute(session).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The number that they signed up with, as people write it.
    pub fn phone(&self) -> String {
        format!("090{:08}", 10_000_000 + self.device_number.get() % 90_000_000)
    }

    /// The code of one step and refresh count.
    pub fn code_of(&self, step: u64, count: u8) -> String {
        let count = RefreshCount::new(count).unwrap();
        CustomerCode {
            prefix: omamori_paycode::code::Prefix::DEFAULT,
            device: self.device_number,
            one_time: one_time(&self.secret, TimeStep::new(step), count),
        }
        .to_string()
    }

    /// A code that is right now and was not shown before. There are [`CODES_AT_ONCE`].
    pub fn code(&self, now: Micros) -> String {
        self.code_if_any(now).unwrap_or_else(|| panic!("all codes of this moment were shown"))
    }

    /// The same, or `None` if all were shown.
    pub fn code_if_any(&self, now: Micros) -> Option<String> {
        let step = step_at(now);
        let (oldest, newest) = ((step - 1) * 4, (step + 1) * 4 + 3);
        let shown = self.next_code.load(Ordering::Relaxed).max(oldest);
        if shown > newest {
            return None;
        }
        self.next_code.store(shown + 1, Ordering::Relaxed);
        Some(self.code_of(shown / 4, u8::try_from(shown % 4).unwrap()))
    }

    /// What can be spent.
    pub fn balance(&self, node: &Node) -> i64 {
        node.app.gate.balance(self.wallet_account)
    }

    /// Loads cash at a register, a day ahead of the test where limits ask for it.
    pub async fn load(&self, app: &TestApp, register: &Register, amount: i64) {
        let mut left = amount;
        while left > 0 {
            let part = left.min(49_000);
            let code = self.code(app.now());
            let id = format!("load-{}", &code[15..]);
            register.top_up(app, &id, &code, part).await.ok();
            left -= part;
        }
    }

    /// A proof of this phone's key for one request of the wallet.
    pub fn proof(&self, method: &str, path: &str, now: Micros) -> String {
        self.proof_by(&self.sign_key, method, path, now)
    }

    /// A proof by a key, for a request without a session.
    pub fn fresh_proof(&self, key: &SigningKey, method: &str, path: &str, now: Micros) -> String {
        self.signed(key, (method, path), now, None)
    }

    /// A proof by any key.
    pub fn proof_by(&self, key: &SigningKey, method: &str, path: &str, now: Micros) -> String {
        let hash = URL_SAFE_NO_PAD.encode(token_hash(&self.token));
        self.signed(key, (method, path), now, Some(hash))
    }

    fn signed(
        &self,
        key: &SigningKey,
        (method, path): (&str, &str),
        now: Micros,
        ath: Option<String>,
    ) -> String {
        let number = self.next_proof.fetch_add(1, Ordering::Relaxed);
        let (x, y) = coordinates(key);
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256",
            "jwk": { "kty": "EC", "crv": "P-256", "x": x, "y": y } });
        let path = path.split('?').next().unwrap();
        let mut claims = json!({ "htm": method, "htu": format!("http://localhost:8080{path}"),
            "iat": now / SECOND, "jti": format!("proof-number-{number:08}") });
        if let Some(hash) = ath {
            claims["ath"] = hash.into();
        }
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature: Signature = key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// A request of the wallet with the session's cookie and, if given, a proof.
    pub fn request(&self, method: &str, path: &str, proof: Option<&str>) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, format!("omamori={}", self.token));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        request.body(Body::empty()).unwrap()
    }

    /// Asks for a page or for JSON, as this customer on this phone.
    pub async fn get(&self, node: &Node, path: &str) -> Answer {
        let proof = self.proof("GET", path, node.app.clock.now());
        node.call(self.request("GET", path, Some(&proof))).await
    }
}

impl Customer {
    /// Posts JSON below `/api/wallet/v1`, as this customer on this phone.
    pub async fn post(&self, node: &Node, path: &str, body: &serde_json::Value) -> Answer {
        let path = format!("/api/wallet/v1{path}");
        let proof = self.proof("POST", &path, node.app.clock.now());
        let mut request = self.request("POST", &path, Some(&proof));
        let json = header::HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        *request.body_mut() = Body::from(body.to_string());
        node.call(request).await
    }
}

/// The time step of an instant.
pub fn step_at(now: Micros) -> u64 {
    u64::try_from(now / SECOND).unwrap() / STEP_SECONDS
}

/// A key that no phone has.
pub fn new_key(app: &App) -> SigningKey {
    SigningKey::from_slice(&random::<32>(app.rng.as_ref())).unwrap()
}

/// A public key as the phone sends it.
pub fn jwk(key: &SigningKey) -> serde_json::Value {
    let (x, y) = coordinates(key);
    json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
}

/// Both coordinates of the public key, in base64url.
pub fn coordinates(key: &SigningKey) -> (String, String) {
    let sec1 = p256::PublicKey::from(key.verifying_key()).to_sec1_bytes(); // 04 ‖ x ‖ y
    (URL_SAFE_NO_PAD.encode(&sec1[1..33]), URL_SAFE_NO_PAD.encode(&sec1[33..65]))
}

/// RFC 7638.
fn thumbprint(key: &SigningKey) -> [u8; 32] {
    let (x, y) = coordinates(key);
    Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)).into()
}
