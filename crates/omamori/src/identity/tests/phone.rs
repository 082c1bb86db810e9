//! A phone: its keys, its session, its codes.

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use omamori_paycode::code::{
    CodeSecret, CustomerCode, DeviceNumber, Prefix, RefreshCount, TimeStep, one_time,
};
use p256::SecretKey;
use p256::ecdsa::SigningKey;
use serde_json::{Value, json};
use sha2::Sha256;

use super::authenticator::Authenticator;
use super::{House, NUMBER, ORIGIN, Reply, api, json_request};
use crate::clock::SECOND;
use crate::identity::dpop::tests::{jwk, jws};
use crate::identity::jwk::Jwk;
use crate::rng::{SystemRng, random};

pub struct Phone {
    pub authenticator: Authenticator,
    pub sign_key: SigningKey,
    pub agree_key: SecretKey,
    /// `name=token`, as the browser sends it.
    pub cookie: String,
    pub ath: String,
    pub enrolment: Value,
    pub recovery_codes: Vec<Value>,
}

impl Phone {
    pub fn new() -> Self {
        Self {
            authenticator: Authenticator::new(),
            sign_key: SigningKey::from_slice(&random::<32>(&SystemRng)).unwrap(),
            agree_key: SecretKey::from_slice(&random::<32>(&SystemRng)).unwrap(),
            cookie: String::new(),
            ath: String::new(),
            enrolment: Value::Null,
            recovery_codes: Vec::new(),
        }
    }

    /// A phone that went through the whole sign-up with [`NUMBER`].
    pub async fn signed_up(house: &House) -> Self {
        Self::signed_up_as(house, NUMBER).await
    }

    /// The same with another number.
    pub async fn signed_up_as(house: &House, number: &str) -> Self {
        let mut phone = Self::new();
        let signup_id = verified_signup(house, number, house.sms_count() + 1).await;
        let body = phone.finish_body(house, &signup_id).await;
        let reply = phone.finish(house, &body).await;
        phone.keep(reply);
        phone
    }

    /// What the last step of sign-up sends.
    pub async fn finish_body(&mut self, house: &House, signup_id: &str) -> Value {
        let asked = json!({ "signup_id": signup_id });
        let options = house.post("/signup/passkey/options", &asked).await.ok();
        let credential = self.authenticator.create(&options);
        let device = self.introduction("Pixel 11");
        json!({ "signup_id": signup_id, "credential": credential, "device": device })
    }

    /// What a phone that is to be bound says of itself.
    pub fn introduction(&self, name: &str) -> Value {
        let agree_key = serde_json::to_value(Jwk::of(&self.agree_key.public_key())).unwrap();
        json!({ "name": name, "sign_key": jwk(&self.sign_key), "agree_key": agree_key })
    }

    pub async fn finish(&self, house: &House, body: &Value) -> Reply {
        house.call(self.proved(house, "/signup/finish", body)).await
    }

    /// Takes in what the server says at the end of a sign-up.
    pub fn keep(&mut self, reply: Reply) {
        self.keep_session(&reply);
        let body = reply.ok();
        self.enrolment = body["device"].clone();
        self.recovery_codes = body["recovery_codes"].as_array().unwrap().clone();
    }

    pub fn keep_session(&mut self, reply: &Reply) {
        let cookie = reply.headers[header::SET_COOKIE].to_str().unwrap();
        self.cookie = cookie.split(';').next().unwrap().to_owned();
        self.ath = reply.body["session"]["ath"].as_str().unwrap().to_owned();
    }

    pub async fn sign_in(&mut self, house: &House) -> Reply {
        let options = house.post("/signin/options", &json!({})).await.ok();
        let credential = self.authenticator.get(&options);
        self.answer_signin(house, &credential).await
    }

    pub async fn answer_signin(&self, house: &House, credential: &Value) -> Reply {
        let body = json!({ "credential": credential });
        house.call(self.proved(house, "/signin/finish", &body)).await
    }

    /// A request without session, with a proof.
    pub fn proved(&self, house: &House, path: &str, body: &Value) -> Request<Body> {
        let mut request = json_request(path, body);
        let proof = self.proof(house, "POST", path, false);
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        request
    }

    pub fn proof(&self, house: &House, method: &str, path: &str, in_session: bool) -> String {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(&self.sign_key) });
        let mut claims = json!({
            "htm": method,
            "htu": format!("{ORIGIN}{}", api(path)),
            "iat": house.now_seconds(),
            "jti": URL_SAFE_NO_PAD.encode(random::<16>(&SystemRng)),
        });
        if in_session {
            claims["ath"] = json!(self.ath);
        }
        jws(&self.sign_key, &header, &claims)
    }

    /// A request in the session; `proof` as given, for those who cheat with it.
    pub async fn ask(&self, house: &House, method: &str, path: &str, proof: Option<&str>) -> Reply {
        let request = Request::builder().method(method).uri(api(path));
        let mut request = request.header(header::COOKIE, &self.cookie);
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        house.call(request.body(Body::empty()).unwrap()).await
    }

    pub async fn get(&self, house: &House, path: &str) -> Reply {
        self.ask(house, "GET", path, Some(&self.proof(house, "GET", path, true))).await
    }

    pub async fn post(&self, house: &House, path: &str, body: &Value) -> Reply {
        let mut request = json_request(path, body);
        let proof = self.proof(house, "POST", path, true);
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        request.headers_mut().insert(header::COOKIE, self.cookie.parse().unwrap());
        house.call(request).await
    }

    pub fn number(&self) -> DeviceNumber {
        let number = self.enrolment["device_number"].as_u64().unwrap();
        DeviceNumber::new(u32::try_from(number).unwrap()).unwrap()
    }

    /// The code that this phone shows `steps` steps from now, from what the server sent and its
    /// own key: the phone's side of the agreement, written down a second time.
    pub fn code(&self, house: &House, steps: i64) -> CustomerCode {
        let server: Jwk =
            serde_json::from_value(self.enrolment["server_agree_key"].clone()).unwrap();
        let shared = self.agree_key.diffie_hellman(&server.key().unwrap());
        let salt = URL_SAFE_NO_PAD.decode(self.enrolment["salt"].as_str().unwrap()).unwrap();
        let mut secret = [0; 32];
        let info = format!("omamori paycode v1{:09}", self.number().get());
        Hkdf::<Sha256>::new(Some(&salt), shared.raw_secret_bytes())
            .expand(info.as_bytes(), &mut secret)
            .unwrap();
        let step = u64::try_from(house.now_seconds() / 30 + steps).unwrap();
        CustomerCode {
            prefix: self.enrolment["prefix"].as_str().unwrap().parse::<Prefix>().unwrap(),
            device: self.number(),
            one_time: one_time(&CodeSecret::new(secret), TimeStep::new(step), RefreshCount::ZERO),
        }
    }
}

/// A sign-up whose number is verified, by the `count`th SMS of the house.
pub async fn verified_signup(house: &House, number: &str, count: usize) -> String {
    let started = house.post("/signup/start", &json!({ "phone": number })).await.ok();
    let code = six_digits(&house.sms(count).await);
    let body = json!({ "signup_id": started["signup_id"], "code": code });
    house.post("/signup/verify", &body).await.ok();
    started["signup_id"].as_str().unwrap().to_owned()
}

pub fn six_digits(sms: &str) -> String {
    let mut runs = sms.split(|c: char| !c.is_ascii_digit());
    runs.find(|run| run.len() == 6).unwrap().to_owned()
}

/// Microseconds of a number of seconds.
pub const fn seconds(count: i64) -> i64 {
    count * SECOND
}
