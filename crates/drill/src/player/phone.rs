//! A customer with a phone: signs up as the page does, signs each request with the phone's key,
//! shows codes without asking anybody.

use std::net::Ipv4Addr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use omamori_paycode::code::{
    CodeSecret, CustomerCode, DeviceNumber, Prefix, RefreshCount, TimeStep, one_time,
};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::{PublicKey, SecretKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{Http, Reply};
use super::passkey::{Passkey, text};
use super::{Failure, Server};
use crate::load::Request;
use crate::signin::{key_of, totp};

pub(crate) const API: &str = "/api/wallet/v1";
/// What a page of a service without its controls says.
const BASELINE: &str = "baseline-2019";
const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 Version/26.1 \
     Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 16; Pixel 11) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 \
     Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; SH-54E) AppleWebKit/537.36 Chrome/155.0 Mobile Safari/537.36",
];
/// Somebody who is told that the service is busy tries again after so long, and after so long.
const BUSY_PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];
/// What attackers work with.
pub(crate) const TOOL: &str = "python-requests/2.32";
const NAMES: [&str; 4] = ["iPhone", "Pixel 11", "iPhone", "AQUOS"];

/// A customer with a phone.
pub(crate) struct Phone {
    number: usize,
    /// Whose telephone number it has: its own, or another customer's.
    pub(super) line: usize,
    /// Whose network it is in: its own, or another customer's.
    network: usize,
    pub(super) customer_id: String,
    sign_key: SigningKey,
    agree_key: SecretKey,
    pub(super) passkey: Passkey,
    cookie: String,
    /// The session as its proofs name it.
    ath: String,
    pub(super) codes: Option<Codes>,
    proofs: u64,
    agent: &'static str,
    /// Where there is a password instead of a passkey: it, and the secret of the app.
    pub(super) password: Option<(String, [u8; 20])>,
}

/// A session as a thief has it: the cookie, and how proofs name it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) cookie: String,
    pub(crate) ath: String,
}

/// What makes codes.
pub(super) struct Codes {
    prefix: Prefix,
    device: DeviceNumber,
    secret: CodeSecret,
    /// The step of the last code, and how many of it were shown.
    step: u64,
    shown: u8,
}

impl Phone {
    /// The phone of the `number`-th customer, fresh out of its box.
    pub(crate) fn new(number: usize, network: usize, server: &Server) -> Self {
        let place = u32::try_from(number).unwrap_or(u32::MAX);
        let id = Sha256::digest(format!("passkey {number} {}", server.origin));
        let passkey_id = std::array::from_fn(|index| id[index]);
        let agree_key = key_of("month agree", place);
        Self {
            number,
            line: number,
            network,
            customer_id: String::new(),
            sign_key: key_of("month sign", place),
            agree_key: SecretKey::from(agree_key.as_nonzero_scalar()),
            passkey: Passkey::new(key_of("month passkey", place), passkey_id, &server.origin),
            cookie: String::new(),
            ath: String::new(),
            codes: None,
            proofs: 0,
            agent: BROWSERS[number % BROWSERS.len()],
            password: None,
        }
    }

    /// E.164. No two customers have numbers of the same ten thousand until there are thousands.
    pub(crate) fn telephone(number: usize) -> String {
        let mixed = number as u64 * 7_919;
        format!(
            "+8190{:04}{:04}",
            1_000 + mixed % 9_000,
            (mixed * 31 + number as u64 / 9_000) % 10_000
        )
    }

    /// `cus_…`, once there is an account.
    pub(crate) fn customer_id(&self) -> &str {
        &self.customer_id
    }

    fn address(&self) -> Ipv4Addr {
        let place = u32::try_from(self.network).unwrap_or_default() & 0xffff;
        Ipv4Addr::from(0x7e00_0000 + (place << 8) + 9)
    }

    /// Its place among all that this drill plays.
    pub(crate) const fn number(&self) -> usize {
        self.number
    }

    /// Lets it have the telephone number of another: its SIM card was swapped.
    pub(crate) const fn call_itself(&mut self, number: usize) {
        self.line = number;
    }

    /// The session, as malware on the phone or a leaked log would give it away.
    pub(crate) fn session(&self) -> Session {
        Session { cookie: self.cookie.clone(), ath: self.ath.clone() }
    }

    /// Puts another's session into this phone's browser.
    pub(crate) fn put_session(&mut self, session: &Session) {
        self.cookie.clone_from(&session.cookie);
        self.ath.clone_from(&session.ath);
    }

    /// The password, if the account has one.
    pub(crate) fn password(&self) -> &str {
        self.password.as_ref().map_or("", |(password, _)| password)
    }

    /// What the authenticator app shows.
    pub(crate) fn totp(&self, at: u64) -> String {
        self.password.as_ref().map(|(_, secret)| totp(secret, at)).unwrap_or_default()
    }

    /// The passkey's answer to a challenge, on a page of `origin`.
    pub(crate) fn passkey_on(&mut self, origin: &str, options: &Value) -> Value {
        self.passkey.get_on(origin, options)
    }

    /// What introduces the phone's keys.
    pub(crate) fn keys(&self) -> Value {
        json!({
            "name": NAMES[self.number % NAMES.len()],
            "sign_key": jwk(&PublicKey::from(self.sign_key.verifying_key())),
            "agree_key": jwk(&self.agree_key.public_key()),
        })
    }

    /// A request with a proof, ready to be sent.
    pub(crate) fn ready(
        &mut self,
        server: &Server,
        (method, path): (&'static str, &str),
        (body, at): (&Value, u64),
    ) -> Request {
        let proof = self.proof(server, method, path, at);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut request = self.request(method, path, &body);
        request.headers.push(("dpop", proof));
        request
    }

    /// The same as somebody sends it who is not signed in yet.
    pub(crate) fn ready_outside(
        &mut self,
        server: &Server,
        asked: (&'static str, &str),
        with: (&Value, u64),
    ) -> Request {
        let session = self.session();
        self.put_session(&Session { cookie: String::new(), ath: String::new() });
        let request = self.ready(server, asked, with);
        self.put_session(&session);
        request
    }

    /// A request in the session without any proof.
    pub(crate) fn request(&self, method: &'static str, path: &str, body: &str) -> Request {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", self.agent.to_owned()),
            ("x-forwarded-for", self.address().to_string()),
        ];
        if !self.cookie.is_empty() {
            headers.push(("cookie", self.cookie.clone()));
        }
        Request { method, path: path.to_owned(), headers, body: body.as_bytes().to_vec() }
    }

    /// A proof of the phone's key for one request (RFC 9449).
    fn proof(&mut self, server: &Server, method: &str, path: &str, at: u64) -> String {
        self.proofs += 1;
        let jwk = jwk(&PublicKey::from(self.sign_key.verifying_key()));
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let mut claims = json!({
            "htm": method, "htu": format!("{}{path}", server.origin), "iat": at,
            "jti": format!("month-{at}-{:08}-{:08}", self.number, self.proofs),
        });
        if !self.ath.is_empty() {
            claims["ath"] = json!(self.ath);
        }
        let signed = format!(
            "{}.{}",
            text(header.to_string().as_bytes()),
            text(claims.to_string().as_bytes())
        );
        let signature: Signature = self.sign_key.sign(signed.as_bytes());
        format!("{signed}.{}", text(&signature.to_bytes()))
    }

    /// Whether the service's pages say that its controls are absent.
    pub(crate) async fn meets_baseline(&self, http: &Http) -> Result<bool, Failure> {
        let page = http.ask(&self.request("GET", "/signin", "")).await?;
        Ok(String::from_utf8_lossy(&page.body).contains(BASELINE))
    }

    /// Asks without a proof.
    pub(crate) async fn plain(
        &self,
        http: &Http,
        path: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let request = self.request("POST", &format!("{API}{path}"), &body.to_string());
        for pause in BUSY_PAUSES {
            let reply = http.ask(&request).await?;
            if !reply.is_busy() {
                return expect_ok(path, &reply);
            }
            tokio::time::sleep(pause).await;
        }
        expect_ok(path, &http.ask(&request).await?)
    }

    /// Asks with a proof, in the session if there is one, and keeps the session's new token.
    async fn proved(
        &mut self,
        (http, server): (&Http, &Server),
        method: &'static str,
        path: &str,
        (body, at): (&Value, u64),
    ) -> Result<Reply, Failure> {
        let asked = (method, &*format!("{API}{path}"));
        let mut reply = http.ask(&self.ready(server, asked, (body, at))).await?;
        for pause in BUSY_PAUSES {
            if !reply.is_busy() {
                break;
            }
            tokio::time::sleep(pause).await;
            reply = http.ask(&self.ready(server, asked, (body, at))).await?;
        }
        self.keep_session(&reply);
        Ok(reply)
    }

    /// Takes over the session that an answer brings, if there is one.
    pub(crate) fn keep_session(&mut self, reply: &Reply) {
        if let (true, Some(cookie)) = (reply.is_ok(), &reply.cookie)
            && let Some(ath) = reply.json()["session"]["ath"].as_str()
        {
            cookie.clone_into(&mut self.cookie);
            ath.clone_into(&mut self.ath);
        }
    }

    /// Posts JSON in the session.
    pub(crate) async fn post(
        &mut self,
        server: (&Http, &Server),
        path: &str,
        (body, at): (&Value, u64),
    ) -> Result<Reply, Failure> {
        self.proved(server, "POST", path, (body, at)).await
    }

    /// Asks for JSON in the session.
    pub(crate) async fn get(
        &mut self,
        server: (&Http, &Server),
        path: &str,
        at: u64,
    ) -> Result<Reply, Failure> {
        self.proved(server, "GET", path, (&Value::Null, at)).await
    }

    /// Posts JSON and confirms it with the passkey, or with the app.
    pub(crate) async fn confirmed(
        &mut self,
        server: (&Http, &Server),
        path: &str,
        (asked, at): (&Value, u64),
    ) -> Result<Reply, Failure> {
        let options = self.post(server, &format!("{path}/options"), (asked, at)).await?;
        if !options.is_ok() {
            return Ok(options);
        }
        let options = options.json();
        let proof = match (&self.password, options["totp"].as_str()) {
            (Some((_, secret)), Some(challenge)) => {
                json!({ "totp": { "challenge": challenge, "code": totp(secret, at) } })
            }
            _ => json!({ "passkey": self.passkey.get(&options) }),
        };
        let body = json!({ "request": asked, "proof": proof });
        self.post(server, path, (&body, at)).await
    }

    /// What it says it is, instead of a browser.
    pub(crate) const fn with_tool(mut self) -> Self {
        self.agent = TOOL;
        self
    }

    /// The phone's side of the agreement on a secret.
    pub(super) fn agree(&self, device: &Value) -> Option<Codes> {
        let number = u32::try_from(device["device_number"].as_u64()?).ok()?;
        let server = &device["server_agree_key"];
        let mut point = vec![4];
        for coordinate in ["x", "y"] {
            point.extend(URL_SAFE_NO_PAD.decode(server[coordinate].as_str()?).ok()?);
        }
        let shared = self.agree_key.diffie_hellman(&PublicKey::from_sec1_bytes(&point).ok()?);
        let salt = URL_SAFE_NO_PAD.decode(device["salt"].as_str()?).ok()?;
        let mut secret = [0; 32];
        let info = format!("omamori paycode v1{number:09}");
        let derived = Hkdf::<Sha256>::new(Some(&salt), shared.raw_secret_bytes());
        derived.expand(info.as_bytes(), &mut secret).ok()?;
        Some(Codes {
            prefix: device["prefix"].as_str()?.parse().ok()?,
            device: DeviceNumber::new(number)?,
            secret: CodeSecret::new(secret),
            step: 0,
            shown: 0,
        })
    }

    /// The next code of the phone at an instant.
    pub(crate) fn code(&mut self, at: u64) -> Result<CustomerCode, Failure> {
        let codes = self.codes.as_mut().ok_or(Failure::NotUnderstood("a phone without codes"))?;
        let step = TimeStep::at(at).get();
        if codes.step < step {
            (codes.step, codes.shown) = (step, 0);
        }
        let count = RefreshCount::new(codes.shown);
        let count = count.ok_or(Failure::NotUnderstood("a fifth code within thirty seconds"))?;
        codes.shown += 1;
        Ok(codes.at(TimeStep::new(step), count))
    }

    /// The code that was shown last, once more.
    pub(crate) fn last_code(&self) -> Result<CustomerCode, Failure> {
        let codes = self.codes.as_ref().ok_or(Failure::NotUnderstood("a phone without codes"))?;
        let count = RefreshCount::new(codes.shown.saturating_sub(1));
        Ok(codes.at(TimeStep::new(codes.step), count.unwrap_or(RefreshCount::ZERO)))
    }

    /// A code from the past, as a screenshot shows it.
    pub(crate) fn old_code(&self, at: u64) -> Result<CustomerCode, Failure> {
        let codes = self.codes.as_ref().ok_or(Failure::NotUnderstood("a phone without codes"))?;
        Ok(codes.at(TimeStep::at(at), RefreshCount::ZERO))
    }
}

impl Codes {
    fn at(&self, step: TimeStep, count: RefreshCount) -> CustomerCode {
        let one_time = one_time(&self.secret, step, count);
        CustomerCode { prefix: self.prefix, device: self.device, one_time }
    }
}

/// The JSON of an answer that must not be a refusal.
pub(crate) fn expect_ok(path: &str, reply: &Reply) -> Result<Value, Failure> {
    if reply.is_ok() {
        return Ok(reply.json());
    }
    Err(Failure::Refused { path: path.to_owned(), code: reply.code() })
}

fn jwk(key: &PublicKey) -> Value {
    let point = key.to_sec1_bytes(); // 04 ‖ x ‖ y
    json!({ "kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..65]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_well_formed_and_nobody_shares_one() {
        let numbers: std::collections::HashSet<_> = (0..20_000).map(Phone::telephone).collect();
        assert_eq!(numbers.len(), 20_000);
        assert!(numbers.iter().all(|number| number.len() == 13), "+81 90 and eight digits");
    }
}
