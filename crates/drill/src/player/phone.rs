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
use crate::signin::{key_of, solve, totp};

pub(crate) const API: &str = "/api/wallet/v1";
/// A person looks at the phone so often until the SMS is there.
const LOOKS_MAX: u32 = 2_000;
const LOOK_EVERY: Duration = Duration::from_millis(5);
const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 Version/26.1 \
     Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 16; Pixel 11) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 \
     Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; SH-54E) AppleWebKit/537.36 Chrome/155.0 Mobile Safari/537.36",
];
const NAMES: [&str; 4] = ["iPhone", "Pixel 11", "iPhone", "AQUOS"];

/// A customer with a phone.
pub(crate) struct Phone {
    number: usize,
    /// Whose telephone number it has: its own, or another customer's.
    line: usize,
    /// Whose network it is in: its own, or another customer's.
    network: usize,
    customer_id: String,
    sign_key: SigningKey,
    agree_key: SecretKey,
    passkey: Passkey,
    cookie: String,
    /// The session as its proofs name it.
    ath: String,
    codes: Option<Codes>,
    proofs: u64,
    /// Where there is a password instead of a passkey: it, and the secret of the app.
    password: Option<(String, [u8; 20])>,
}

/// A session as a thief has it: the cookie, and how proofs name it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) cookie: String,
    pub(crate) ath: String,
}

/// What makes codes.
struct Codes {
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

    /// A request in the session without any proof.
    pub(crate) fn request(&self, method: &'static str, path: &str, body: &str) -> Request {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", BROWSERS[self.number % BROWSERS.len()].to_owned()),
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

    /// Asks without a proof.
    pub(crate) async fn plain(
        &self,
        http: &Http,
        path: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let request = self.request("POST", &format!("{API}{path}"), &body.to_string());
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
        let request = self.ready(server, (method, &format!("{API}{path}")), (body, at));
        let reply = http.ask(&request).await?;
        if let (true, Some(cookie)) = (reply.is_ok(), &reply.cookie)
            && let Some(ath) = reply.json()["session"]["ath"].as_str()
        {
            cookie.clone_into(&mut self.cookie);
            ath.clone_into(&mut self.ath);
        }
        Ok(reply)
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

    /// Posts JSON and confirms it with the passkey.
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
        let credential = self.passkey.get(&options.json());
        let body = json!({ "request": asked, "proof": { "passkey": credential } });
        self.post(server, path, (&body, at)).await
    }

    /// The whole way: number, SMS code, passkey, phone.
    pub(crate) async fn sign_up(
        &mut self,
        (http, server): (&Http, &Server),
        at: u64,
    ) -> Result<(), Failure> {
        let signup_id = &self.show_number(http).await?;
        let asked = json!({ "signup_id": signup_id });
        let options = self.plain(http, "/signup/passkey/options", &asked).await?;
        let body = json!({
            "signup_id": signup_id,
            "credential": self.passkey.create(&options),
            "device": self.keys(),
        });
        let finished = self.post((http, server), "/signup/finish", (&body, at)).await?;
        let finished = expect_ok("/signup/finish", &finished)?;
        self.finished(&finished)
    }

    /// The whole way with a password and an authenticator app.
    pub(crate) async fn sign_up_with(
        &mut self,
        (http, server): (&Http, &Server),
        password: &str,
        at: u64,
    ) -> Result<(), Failure> {
        let signup_id = self.show_number(http).await?;
        let asked = json!({ "signup_id": signup_id, "password": password });
        let offer = self.plain(http, "/signup/password/options", &asked).await?;
        let secret = base32(offer["secret"].as_str().unwrap_or_default());
        let secret = secret.ok_or(Failure::NotUnderstood("the secret of an app"))?;
        self.password = Some((password.to_owned(), secret));
        let body = json!({ "signup_id": signup_id, "password": password,
            "totp": totp(&secret, at), "device": self.keys() });
        let path = "/signup/password/finish";
        let finished = self.post((http, server), path, (&body, at)).await?;
        self.finished(&expect_ok(path, &finished)?)
    }

    fn finished(&mut self, answer: &Value) -> Result<(), Failure> {
        answer["customer_id"].as_str().unwrap_or_default().clone_into(&mut self.customer_id);
        let codes = self.agree(&answer["device"]);
        self.codes = Some(codes.ok_or(Failure::NotUnderstood("the answer to a sign-up"))?);
        Ok(())
    }

    /// A number, and the code that came by SMS: the id of the sign-up.
    async fn show_number(&self, http: &Http) -> Result<Value, Failure> {
        let telephone = Self::telephone(self.line);
        let started = self.plain(http, "/signup/start", &json!({ "phone": telephone })).await?;
        let signup_id = &started["signup_id"];
        let code = self.sms_code(http, &telephone).await?;
        self.plain(http, "/signup/verify", &json!({ "signup_id": signup_id, "code": code }))
            .await?;
        Ok(signup_id.clone())
    }

    /// Brings the work that a page does when an attack is on.
    pub(crate) async fn worked(
        &mut self,
        http: &Http,
        mut request: Request,
    ) -> Result<Reply, Failure> {
        let asked = self.plain(http, "/signin/password/work", &json!({})).await?;
        let challenge = asked["challenge"].as_str().unwrap_or_default();
        let bits = asked["bits"].as_u64().and_then(|bits| u32::try_from(bits).ok());
        let proof = request.headers.iter().find(|(name, _)| *name == "dpop");
        let proof = proof.map(|(_, proof)| proof.clone()).unwrap_or_default();
        let work = solve(challenge, &proof, bits.unwrap_or_default());
        request.headers.push(("omamori-work", work));
        Ok(http.ask(&request).await?)
    }

    /// Reads the six digits off the page on which the sandbox shows its messages.
    pub(crate) async fn sms_code(&self, http: &Http, telephone: &str) -> Result<String, Failure> {
        let request = self.request("GET", "/demo/sms", "");
        for _ in 0..LOOKS_MAX {
            let page = http.ask(&request).await?;
            let page = String::from_utf8_lossy(&page.body);
            if let Some(code) = newest_code(&page, telephone) {
                return Ok(code.to_owned());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(Failure::NotUnderstood("the page of messages: no SMS came"))
    }

    /// The phone's side of the agreement on a secret.
    fn agree(&self, device: &Value) -> Option<Codes> {
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

/// RFC 4648 §6, of a secret of 160 bits.
fn base32(text: &str) -> Option<[u8; 20]> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::with_capacity(20));
    for letter in text.bytes().filter(|letter| letter.is_ascii_alphanumeric()) {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes.try_into().ok()
}

/// The code in the newest message to a number.
fn newest_code<'a>(page: &'a str, telephone: &str) -> Option<&'a str> {
    let mut messages = page.split("<li class=\"message\"");
    let mine = messages.find(|message| message.contains(telephone))?;
    mine.split("data-sms-code>").nth(1)?.split('<').next()
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

    /// RFC 4648 §10, and the secret of RFC 6238 appendix B.
    #[test]
    fn the_secret_of_an_app_is_read() {
        let secret = base32("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(secret, Some(*b"12345678901234567890"));
        assert_eq!(base32("GEZDGNBV"), None, "too short");
        assert_eq!(base32("1EZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), None, "no such letter");
    }

    #[test]
    fn the_code_of_the_newest_message_to_the_number_is_read() {
        let page = "<ul><li class=\"message\" x>+81901 <span data-sms-code>111111</span></li>\
                    <li class=\"message\" x>+81902 <span data-sms-code>222222</span></li>\
                    <li class=\"message\" x>+81902 <span data-sms-code>333333</span></li></ul>";
        assert_eq!(newest_code(page, "+81902"), Some("222222"));
        assert_eq!(newest_code(page, "+81903"), None);
    }
}
