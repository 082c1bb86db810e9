//! How a phone gets an account: its own by signing up, or another's by a move.

use serde_json::{Value, json};

use super::http::{Http, Reply};
use super::phone::{API, Phone, expect_ok};
use super::{Failure, Server};
use crate::load::Request;
use crate::signin::{solve, totp};

impl Phone {
    /// The whole way: number, SMS code, passkey, phone.
    pub(crate) async fn sign_up(
        &mut self,
        server: (&Http, &Server),
        at: u64,
    ) -> Result<(), Failure> {
        self.sign_up_alone(server, at).await?;
        self.confirm_terms(server, at).await
    }

    /// The same without confirming the terms.
    pub(crate) async fn sign_up_alone(
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
        self.finished(&expect_ok("/signup/finish", &finished)?)
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
        self.finished(&expect_ok(path, &finished)?)?;
        self.confirm_terms((http, server), at).await
    }

    /// Confirms the terms, as the wallet asks before the first top-up; where none are published
    /// there is nothing to confirm.
    async fn confirm_terms(&mut self, server: (&Http, &Server), at: u64) -> Result<(), Failure> {
        let body = json!({ "version": 1 });
        let answer = self.post(server, "/terms/confirm", (&body, at)).await?;
        let confirmed = answer.is_ok() || answer.status == 404;
        confirmed.then_some(()).ok_or(Failure::NotUnderstood("the confirmation of the terms"))
    }

    fn finished(&mut self, answer: &Value) -> Result<(), Failure> {
        answer["customer_id"].as_str().unwrap_or_default().clone_into(&mut self.customer_id);
        let codes = self.agree(&answer["device"]);
        self.codes = Some(codes.ok_or(Failure::NotUnderstood("the answer to a sign-up"))?);
        Ok(())
    }

    /// A number, and the code that came by SMS: the id of the sign-up. Where the message has none,
    /// because the number has an account, one is guessed.
    async fn show_number(&self, http: &Http) -> Result<Value, Failure> {
        let telephone = Self::telephone(self.line);
        let mut before = String::new();
        if self.line != self.number() {
            before = self.newest_message(http, &telephone).await?;
        }
        let started = self.plain(http, "/signup/start", &json!({ "phone": telephone })).await?;
        let signup_id = &started["signup_id"];
        let code = self.next_code(http, &telephone, &before).await?;
        let code = code.unwrap_or_else(|| "000000".to_owned());
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
        let path = format!("{API}/signin/password/work");
        let asked = http.ask(&self.request("POST", &path, "{}")).await?;
        if !asked.is_ok() {
            return Ok(asked);
        }
        let asked = asked.json();
        let challenge = asked["challenge"].as_str().unwrap_or_default();
        let bits = asked["bits"].as_u64().and_then(|bits| u32::try_from(bits).ok());
        let proof = request.headers.iter().find(|(name, _)| *name == "dpop");
        let proof = proof.map(|(_, proof)| proof.clone()).unwrap_or_default();
        let work = solve(challenge, &proof, bits.unwrap_or_default());
        request.headers.push(("omamori-work", work));
        Ok(http.ask(&request).await?)
    }

    /// Signs in again on the bound phone: with the passkey, or with password and app.
    pub(crate) async fn sign_in_again(
        &mut self,
        (http, server): (&Http, &Server),
        at: u64,
    ) -> Result<Reply, Failure> {
        let (path, body) = if let Some((password, secret)) = &self.password {
            let telephone = Self::telephone(self.line);
            let code = totp(secret, at);
            let body = json!({ "phone": telephone, "password": password, "totp": code });
            ("/signin/password", body)
        } else {
            let options = self.plain(http, "/signin/options", &json!({})).await?;
            ("/signin/finish", json!({ "credential": self.passkey.get(&options) }))
        };
        let path = format!("{API}{path}");
        let request = self.ready_outside(server, ("POST", &path), (&body, at));
        let mut reply = http.ask(&request).await?;
        if reply.code() == "work_required" {
            let request = self.ready_outside(server, ("POST", &path), (&body, at));
            reply = self.worked(http, request).await?;
        }
        self.keep_session(&reply);
        Ok(reply)
    }

    /// A move to this phone with number and password, as it was enough in 2019: the code of the SMS
    /// and that of the app are guessed. What came back at last.
    pub(crate) async fn take_over(
        &mut self,
        place: (&Http, &Server),
        (telephone, password): (&str, &str),
        at: u64,
    ) -> Result<Reply, Failure> {
        let body = json!({ "phone": telephone, "device": self.keys() });
        let started = self.post(place, "/move/password/start", (&body, at)).await?;
        if !started.is_ok() {
            return Ok(started);
        }
        let body = json!({ "move_id": started.json()["move_id"], "code": "000000",
            "password": password, "totp": "000000" });
        let finished = self.post(place, "/move/finish", (&body, at)).await?;
        if finished.is_ok() {
            let codes = self.agree(&finished.json()["device"]);
            self.codes = Some(codes.ok_or(Failure::NotUnderstood("the answer to a move"))?);
        }
        Ok(finished)
    }

    /// The same by a user's id and a provider's two digits, at the address that only the baseline
    /// has.
    pub(crate) async fn take_over_by_id(
        &mut self,
        place: (&Http, &Server),
        (telephone, provider): (&str, &str),
        at: u64,
    ) -> Result<Reply, Failure> {
        let body = json!({ "userId": telephone, "extIdSiteCd": provider, "device": self.keys() });
        let taken = self.post(place, "/2019/external/phone", (&body, at)).await?;
        if taken.is_ok() {
            let codes = self.agree(&taken.json()["device"]);
            self.codes = Some(codes.ok_or(Failure::NotUnderstood("the answer to a sign-in"))?);
        }
        Ok(taken)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10, and the secret of RFC 6238 appendix B.
    #[test]
    fn the_secret_of_an_app_is_read() {
        let secret = base32("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(secret, Some(*b"12345678901234567890"));
        assert_eq!(base32("GEZDGNBV"), None, "too short");
        assert_eq!(base32("1EZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), None, "no such letter");
    }
}
