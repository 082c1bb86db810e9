//! Sign-ins with a password: a list of leaked pairs that is tried, and customers who meanwhile
//! want to get in.
//!
//! The attack is the one of July 2019, better equipped: every attempt carries a fresh key with a
//! valid proof, so it costs the server as much as an attempt can, and comes from one of thousands
//! of addresses, which a proxy in front of the service would have reported.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::load::{Answer, Request, Source};
use crate::player::TOOL;
use crate::sale::error_name;

const PATH: &str = "/api/wallet/v1/signin/password";
const WORK_PATH: &str = "/api/wallet/v1/signin/password/work";
const TIME_PATH: &str = "/api/wallet/v1/time";
/// RFC 6238.
const TOTP_STEP_SECONDS: u64 = 30;
/// One leaked pair in so many is right.
const ONE_RIGHT_IN: u32 = 50;
/// What browsers of customers call themselves.
const BROWSERS: [&str; 3] = [
    "Mozilla/5.0 (Linux; Android 16) Chrome/156",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) Safari/605",
    TOOL, // one in three looks like the attack, and must not be locked out with it
];

/// A customer with a password and an authenticator app, and the phone that is bound.
#[derive(Clone)]
pub struct Member {
    /// The telephone number, E.164.
    pub number: String,
    /// The password.
    pub password: String,
    /// The secret of the authenticator app.
    pub totp_secret: [u8; 20],
    /// The phone's key.
    pub sign_key: SigningKey,
}

/// How the attackers look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disguise {
    /// One tool on 2,000 machines in 100 networks.
    OneTool,
    /// No two attempts have a network, a key or a client in common.
    None,
}

/// The service as seen by its clients.
#[derive(Clone, Debug)]
pub struct Place {
    /// `public_url`: what proofs are made for.
    pub origin: String,
    /// The seconds since 1970-01-01 UTC at which the run begins.
    pub begins_at: u64,
}

/// Who sends a request, and from where.
struct Client {
    key: SigningKey,
    address: Ipv4Addr,
    agent: String,
}

impl Client {
    /// A proof of the key for one request (RFC 9449), named by `number`.
    fn proof(&self, place: &Place, at: u64, number: u64) -> String {
        let sec1 = p256::PublicKey::from(self.key.verifying_key()).to_sec1_bytes(); // 04 ‖ x ‖ y
        let (x, y) = (URL_SAFE_NO_PAD.encode(&sec1[1..33]), URL_SAFE_NO_PAD.encode(&sec1[33..65]));
        let header = format!(
            r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}}}"#
        );
        let claims = format!(
            r#"{{"htm":"POST","htu":"{}{PATH}","iat":{at},"jti":"drill-{at}-{number:016}"}}"#,
            place.origin
        );
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature: Signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn request(&self, method: &'static str, path: &str, body: String) -> Request {
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", self.agent.clone()),
            ("x-forwarded-for", self.address.to_string()),
        ];
        Request { method, path: path.to_owned(), headers, body: body.into_bytes() }
    }

    fn sign_in(&self, proof: String, (number, password, totp): (&str, &str, &str)) -> Request {
        let body = format!(r#"{{"phone":"{number}","password":"{password}","totp":"{totp}"}}"#);
        let mut request = self.request("POST", PATH, body);
        request.headers.push(("dpop", proof));
        request
    }
}

/// What became of requests, by how they were answered: `403 proof_failed`.
pub type Answers = BTreeMap<String, u64>;

/// A list of leaked pairs, one in fifty right, each tried once.
pub struct ListAttack {
    attempts: std::vec::IntoIter<Request>,
    /// How the attempts were answered.
    pub answers: Answers,
    /// Attempts that were let in.
    pub entered: u64,
}

impl ListAttack {
    /// Makes `count` attempts ready, to be sent at `per_second`: signing is the attackers' work
    /// and would take time from the server that is measured.
    ///
    /// # Panics
    /// If there are no members, whose pairs leaked.
    #[must_use]
    pub fn prepare(
        place: &Place,
        disguise: Disguise,
        members: &[Member],
        (count, per_second): (u32, u32),
    ) -> Self {
        let attempt = |n: u32| {
            let client = attacker(disguise, n);
            let at = place.begins_at + u64::from(n / per_second.max(1));
            let proof = client.proof(place, at, n.into());
            if n.is_multiple_of(ONE_RIGHT_IN) {
                let leaked = &members[(n / ONE_RIGHT_IN) as usize % members.len()];
                return client.sign_in(proof, (&leaked.number, &leaked.password, "123456"));
            }
            let number = format!("+8190{:08}", 10_000_000 + n);
            client.sign_in(proof, (&number, &format!("leaked pair {n}"), "123456"))
        };
        let attempts: Vec<_> = (0..count).map(attempt).collect();
        Self { attempts: attempts.into_iter(), answers: Answers::new(), entered: 0 }
    }
}

/// The machine that makes the `n`-th attempt.
fn attacker(disguise: Disguise, n: u32) -> Client {
    let machine = match disguise {
        Disguise::OneTool => n % 2_000,
        Disguise::None => n,
    };
    let address = match disguise {
        Disguise::OneTool => 0x2d00_0000 + ((machine % 100) << 8) + machine / 100 + 1,
        Disguise::None => 0x2e00_0000 + (machine << 8) + 1, // a /24 of its own
    };
    let agent = match disguise {
        Disguise::OneTool => TOOL.to_owned(),
        Disguise::None => format!("Mozilla/5.0 (attempt {n})"),
    };
    Client { key: key_of("attacker", machine), address: Ipv4Addr::from(address), agent }
}

/// One attempt with a leaked pair that is nobody's here, made with one tool from one of twenty
/// machines.
pub(crate) fn leaked_pair(origin: &str, pair: usize, at: u64) -> Request {
    let place = Place { origin: origin.to_owned(), begins_at: at };
    let pair = u32::try_from(pair).unwrap_or_default();
    let client = attacker(Disguise::OneTool, pair % 20);
    let proof = client.proof(&place, at, pair.into());
    let number = format!("+8180{:08}", 90_000_000 + pair);
    client.sign_in(proof, (&number, &format!("leaked pair {pair}"), "123456"))
}

/// The key that follows from a name and a number.
///
/// # Panics
/// Never: one hash in 2^128 is no key.
#[must_use]
pub fn key_of(name: &str, number: u32) -> SigningKey {
    let seed = Sha256::new().chain_update(name).chain_update(number.to_be_bytes()).finalize();
    let Ok(key) = SigningKey::from_slice(&seed) else { panic!("one hash in 2^128 is no key") };
    key
}

impl Source for ListAttack {
    type Ticket = ();

    fn next(&mut self) -> Option<(Request, ())> {
        self.attempts.next().map(|request| (request, ()))
    }

    /// Right is what was refused.
    fn judge(&mut self, (): (), answer: &Answer<'_>) -> Result<(), String> {
        let name = error_name(answer);
        *self.answers.entry(name.clone()).or_default() += 1;
        match answer.status {
            200..=299 => {
                self.entered += 1;
                Err("entered".to_owned())
            }
            500 | 501..=502 | 504.. => Err(name),
            _ => Ok(()),
        }
    }
}

/// Customers who sign in, each once. One request in three begins a sign-in; the two after it are
/// left for the work that the page does if it is asked to, and ask what time it is otherwise.
pub struct SignIns {
    place: Place,
    unix_seconds: Box<dyn Fn() -> u64 + Send>,
    members: std::vec::IntoIter<Member>,
    waiting: VecDeque<Step>,
    sent: u64,
    /// Customers who got in.
    pub entered: u64,
    /// Those of them who had to do work first.
    pub worked: u64,
    /// Customers who were refused, by how.
    pub refused: Answers,
}

/// Where a sign-in is.
enum Step {
    First(Attempt),
    Challenge(Attempt),
    Worked(Attempt, String),
}

/// One customer's sign-in: the same proof serves before and after the work.
struct Attempt {
    client: Client,
    member: Member,
    proof: String,
}

/// What was asked.
pub enum Asked {
    /// A step of a sign-in.
    SignIn(Box<Pending>),
    /// What time it is.
    Time,
}

/// A step whose answer is awaited.
pub struct Pending(Step);

impl SignIns {
    /// The sign-ins of these members, in their order.
    #[must_use]
    pub fn new(
        place: Place,
        members: Vec<Member>,
        unix_seconds: Box<dyn Fn() -> u64 + Send>,
    ) -> Self {
        Self {
            place,
            unix_seconds,
            members: members.into_iter(),
            waiting: VecDeque::new(),
            sent: 0,
            entered: 0,
            worked: 0,
            refused: Answers::new(),
        }
    }

    fn begin(&mut self) -> Option<Step> {
        let member = self.members.next()?;
        let number = self.sent;
        let agent = BROWSERS[(number / 3) as usize % BROWSERS.len()].to_owned();
        let address = Ipv4Addr::from(0x7e00_0000 + ((number as u32 & 0xffff) << 8) + 9);
        let client = Client { key: member.sign_key.clone(), address, agent };
        let proof = client.proof(&self.place, (self.unix_seconds)(), number);
        Some(Step::First(Attempt { client, member, proof }))
    }

    fn request(&self, step: &Step) -> Request {
        let sign_in = |Attempt { client, member, proof }: &Attempt| {
            let totp = totp(&member.totp_secret, (self.unix_seconds)());
            client.sign_in(proof.clone(), (&member.number, &member.password, &totp))
        };
        match step {
            Step::First(attempt) => sign_in(attempt),
            Step::Challenge(attempt) => attempt.client.request("POST", WORK_PATH, "{}".to_owned()),
            Step::Worked(attempt, work) => {
                let mut request = sign_in(attempt);
                request.headers.push(("omamori-work", work.clone()));
                request
            }
        }
    }
}

impl Source for SignIns {
    type Ticket = Asked;

    fn next(&mut self) -> Option<(Request, Asked)> {
        let step = if self.sent.is_multiple_of(3) {
            Some(self.begin().or_else(|| self.waiting.pop_front())?)
        } else {
            self.waiting.pop_front()
        };
        self.sent += 1;
        let Some(step) = step else {
            let headers = Vec::new();
            let path = TIME_PATH.to_owned();
            return Some((Request { method: "GET", path, headers, body: Vec::new() }, Asked::Time));
        };
        Some((self.request(&step), Asked::SignIn(Box::new(Pending(step)))))
    }

    fn judge(&mut self, asked: Asked, answer: &Answer<'_>) -> Result<(), String> {
        let Asked::SignIn(pending) = asked else { return Ok(()) };
        let name = error_name(answer);
        match (pending.0, answer.status) {
            (Step::First(_), 200) => self.entered += 1,
            (Step::Worked(..), 200) => {
                self.entered += 1;
                self.worked += 1;
            }
            (Step::First(attempt), _) if name.ends_with("work_required") => {
                self.waiting.push_back(Step::Challenge(attempt));
            }
            (Step::Challenge(attempt), 200) => {
                let Ok(Challenge { challenge, bits }) = serde_json::from_slice(answer.body) else {
                    return Err("answer_not_understood".to_owned());
                };
                let work = solve(challenge, &attempt.proof, bits);
                self.waiting.push_back(Step::Worked(attempt, work));
            }
            _ => {
                *self.refused.entry(name.clone()).or_default() += 1;
                return Err(name);
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Challenge<'a> {
    challenge: &'a str,
    bits: u32,
}

/// The hashcash that the page does.
pub(crate) fn solve(challenge: &str, proof: &str, bits: u32) -> String {
    let request = Sha256::digest(format!("{challenge}.{proof}"));
    let enough = |counter: &u64| {
        let hash = Sha256::new().chain_update(request).chain_update(counter.to_string()).finalize();
        let begin: [u8; 8] = std::array::from_fn(|place| hash[place]);
        u64::from_be_bytes(begin).leading_zeros() >= bits
    };
    let counter = (0..u64::MAX).find(enough).unwrap_or_default();
    format!("{challenge}.{counter}")
}

/// The six digits of the app (RFC 6238, RFC 4226 §5.3).
pub(crate) fn totp(secret: &[u8; 20], unix_seconds: u64) -> String {
    let Ok(mut mac) = <Hmac<Sha1>>::new_from_slice(secret) else {
        panic!("HMAC takes keys of any length");
    };
    mac.update(&(unix_seconds / TOTP_STEP_SECONDS).to_be_bytes());
    let hash: [u8; 20] = mac.finalize().into_bytes().into();
    let offset = usize::from(hash[19] & 15);
    let word = [hash[offset], hash[offset + 1], hash[offset + 2], hash[offset + 3]];
    format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, with six of its eight digits.
    #[test]
    fn the_app_shows_what_the_standard_says() {
        let secret = *b"12345678901234567890";
        for (at, digits) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
        {
            assert_eq!(totp(&secret, at), digits);
        }
    }

    #[test]
    fn no_two_attempts_have_anything_in_common_without_a_tool() {
        let clients: Vec<_> = (0..1_000).map(|n| attacker(Disguise::None, n)).collect();
        let networks: std::collections::HashSet<_> =
            clients.iter().map(|client| u32::from(client.address) >> 8).collect();
        assert_eq!(networks.len(), clients.len());
        let tools = (0..3_000).map(|n| attacker(Disguise::OneTool, n).address);
        assert_eq!(tools.collect::<std::collections::HashSet<_>>().len(), 2_000);
    }
}
