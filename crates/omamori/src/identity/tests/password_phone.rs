//! A phone without passkeys: its password, its authenticator app, where it is and what it calls
//! itself.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use omamori_db::sql;
use p256::ecdsa::SigningKey;
use serde_json::{Value, json};

use super::phone::{Phone, verified_signup};
use super::{House, Reply, json_request};
use crate::clock::SECOND;
use crate::gate::chart::wallet_account_id;
use crate::id::Kind;
use crate::identity::attack::work;
use crate::identity::binding::{self, Checked};
use crate::identity::dpop::tests::jwk;
use crate::identity::jwk::Jwk;
use crate::identity::password;
use crate::identity::phc;
use crate::identity::totp::{self, Secret};
use crate::rng::{SystemRng, random};

pub const PASSWORD: &str = "柳とねこの夢 kq7";

pub struct PasswordPhone {
    pub phone: Phone,
    pub number: String,
    pub password: String,
    /// The app's secret in base 32.
    pub secret: String,
    pub peer: SocketAddr,
    pub agent: &'static str,
}

impl PasswordPhone {
    pub fn stranger(number: &str, password: &str) -> Self {
        Self {
            phone: Phone::new(),
            number: number.to_owned(),
            password: password.to_owned(),
            secret: "A".repeat(32),
            peer: SocketAddr::from(([192, 0, 2, 7], 40_000)),
            agent: "Mozilla/5.0 (Linux; Android 16) Chrome/156",
        }
    }

    /// Through the whole sign-up with `number`, with the house's `sms`th message.
    pub async fn signed_up(house: &House, number: &str, sms: usize) -> Self {
        let mut this = Self::stranger(number, PASSWORD);
        let signup_id = verified_signup(house, number, sms).await;
        this.take_secret(house, &signup_id).await.ok();
        let body = this.finish_body(house, &signup_id);
        let reply = this.finish(house, &body).await;
        this.phone.keep(reply);
        this
    }

    pub async fn take_secret(&mut self, house: &House, signup_id: &str) -> Reply {
        let asked = json!({ "signup_id": signup_id, "password": self.password });
        let reply = house.post("/signup/password/options", &asked).await;
        if let Some(secret) = reply.body["secret"].as_str() {
            self.secret = secret.to_owned();
        }
        reply
    }

    pub fn finish_body(&self, house: &House, signup_id: &str) -> Value {
        let agree_key = Jwk::of(&self.phone.agree_key.public_key());
        json!({
            "signup_id": signup_id,
            "password": self.password,
            "totp": self.totp(house, 0),
            "device": {
                "name": "Mate 9",
                "sign_key": jwk(&self.phone.sign_key),
                "agree_key": serde_json::to_value(agree_key).unwrap(),
            },
        })
    }

    pub async fn finish(&self, house: &House, body: &Value) -> Reply {
        let path = "/signup/password/finish";
        let mut request = json_request(path, body);
        let proof = self.phone.proof(house, "POST", path, false);
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        house.call(request).await
    }

    /// The same phone, for a test that changes where it is.
    pub fn again(&self) -> Self {
        let mut again = Self::stranger(&self.number, &self.password);
        again.phone.sign_key = self.phone.sign_key.clone();
        again.secret.clone_from(&self.secret);
        again
    }

    /// What the app shows, `steps` steps from now.
    pub fn totp(&self, house: &House, steps: i64) -> String {
        Secret::digits(&self.secret, house.now_seconds() / 30 + steps)
    }

    pub async fn sign_in(&self, house: &House) -> Reply {
        self.sign_in_with(house, &self.password, &self.totp(house, 0)).await
    }

    pub async fn sign_in_with(&self, house: &House, password: &str, totp: &str) -> Reply {
        house.call(self.request(house, password, totp)).await
    }

    /// As the page does: if it is asked for work, it does it and asks again.
    pub async fn sign_in_patiently(&self, house: &House) -> Reply {
        let request = self.request(house, &self.password, &self.totp(house, 0));
        let proof = request.headers()["dpop"].to_str().unwrap().to_owned();
        let reply = house.call(request).await;
        if reply.code != "work_required" {
            return reply;
        }
        let mut request = self.request(house, &self.password, &self.totp(house, 0));
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        let work = work::solve(&self.challenge(house).await, &proof);
        request.headers_mut().insert(work::HEADER, work.parse().unwrap());
        house.call(request).await
    }

    pub async fn challenge(&self, house: &House) -> String {
        let mut request = json_request("/signin/password/work", &json!({}));
        request.extensions_mut().insert(ConnectInfo(self.peer));
        house.call(request).await.ok()["challenge"].as_str().unwrap().to_owned()
    }

    pub fn request(&self, house: &House, password: &str, totp: &str) -> Request<Body> {
        let path = "/signin/password";
        let body = json!({ "phone": self.number, "password": password, "totp": totp });
        let mut request = json_request(path, &body);
        let proof = self.phone.proof(house, "POST", path, false);
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        request.headers_mut().insert("user-agent", self.agent.parse().unwrap());
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request
    }
}

/// Customers with passwords, put into the registry: many come to be faster so.
pub async fn seeded(house: &House, count: u32) -> Vec<PasswordPhone> {
    let (app, now) = (&house.app, house.now_seconds() * 1_000_000);
    let mut seeded = Vec::new();
    for n in 0..count {
        let number = format!("0801{n:07}");
        let phone = PasswordPhone::stranger(&number, &format!("leaked once, {n} times"));
        let hash = phc(&app.vault, &phone.password, &random(&SystemRng)).unwrap();
        seeded.push((phone, hash));
    }
    let mut tx = app.stores.registry.begin().await.unwrap();
    for (phone, hash) in &mut seeded {
        let customer_id = Kind::Customer.random_text(&SystemRng);
        let wallet = wallet_account_id(&customer_id).to_be_bytes();
        let insert =
            sql("INSERT INTO customer (customer_id, phone, status, language, wallet_account,
                               signin_failures, signin_locked_until, created_at)
             VALUES ($1, $2, 'active', 'ja', $3, CAST(0 AS BIGINT), CAST(0 AS BIGINT), $4)");
        let e164 = format!("+81{}", &phone.number[1..]);
        tx.execute(insert.bind(&customer_id).bind(e164).bind(wallet).bind(now)).await.unwrap();
        password::set(&mut tx, &customer_id, hash, now).await.unwrap();
        let (verified, secret) = totp::Verified::of_software(app);
        totp::set(app, &mut tx, &customer_id, &verified, now).await.unwrap();
        phone.secret = secret;
        let key = SigningKey::from_slice(&random::<32>(&SystemRng)).unwrap();
        let thumbprint = Jwk::of(&p256::PublicKey::from(key.verifying_key())).thumbprint();
        phone.phone.sign_key = key;
        let agree_key = phone.phone.agree_key.public_key();
        let checked = Checked { name: "Mate 9".into(), thumbprint, agree_key };
        let device_id = Kind::Device.random_text(&SystemRng);
        binding::bind(app, &mut tx, &customer_id, device_id, &checked).await.unwrap();
    }
    tx.commit().await.unwrap();
    seeded.into_iter().map(|(phone, _)| phone).collect()
}

/// Step-up with the authenticator app.
impl PasswordPhone {
    /// An offer for `path`, and the request with the code that the app shows now.
    pub async fn offered(&self, house: &House, path: &str, request: &Value) -> Value {
        let options = self.phone.post(house, &format!("{path}/options"), request).await.ok();
        assert!(options["publicKey"].is_null(), "there is no passkey to ask for: {options}");
        self.confirms(&options, request, &self.totp(house, 0))
    }

    pub fn confirms(&self, options: &Value, request: &Value, code: &str) -> Value {
        let totp = json!({ "challenge": options["totp"], "code": code });
        json!({ "request": request, "proof": { "totp": totp } })
    }

    /// The whole of it, with the next code of the app.
    pub async fn confirmed(&mut self, house: &House, path: &str, request: Value) -> Reply {
        house.clock.advance(30 * SECOND);
        let body = self.offered(house, path, &request).await;
        let reply = self.phone.post(house, path, &body).await;
        if reply.status.is_success() {
            self.phone.keep_session(&reply);
        }
        reply
    }
}
