//! Proof of work (hashcash): some seconds of the client's processor for one request.
//!
//! We give out a challenge: a random number, until when it holds, and for which network, under a
//! MAC, so that nothing is kept for it. The client looks for a counter such that
//! `SHA-256(SHA-256(challenge "." proof) counter)` begins with enough zero bits, where *proof* is
//! the `DPoP` header of the very request. So work is done after the challenge was given out
//! (not precomputed), for one request (not moved to another), and counts once (not reused).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::clock::{Micros, SECOND};
use crate::identity::rate::Network;
use crate::identity::replay::{Admitted, ReplayCache};
use crate::rng::random;
use crate::secret::hmac_sha256;

/// Where the client hands it in: `challenge.counter`.
pub(in crate::identity) const HEADER: &str = "omamori-work";

/// The work that is asked for: 32,768 hashes in the mean, a second of a phone.
pub(in crate::identity) const BITS: u32 = 15;

/// How long a challenge holds; no longer than the cache of spent ones remembers.
const LIFE: Micros = 120 * SECOND;

const NONCE_BYTES: usize = 16;
const MAC_BYTES: usize = 16;
const CHALLENGE_BYTES: usize = 8 + NONCE_BYTES + MAC_BYTES;
const COUNTER_DIGITS_MAX: usize = 12;

/// A challenge for the next request from `network`.
pub(in crate::identity) fn challenge(app: &App, network: Network, now: Micros) -> String {
    let mut bytes = (now + LIFE).to_be_bytes().to_vec();
    bytes.extend(random::<NONCE_BYTES>(app.rng.as_ref()));
    bytes.extend(mac(app, network, &bytes));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether the header holds work for a request with this proof from this network: enough, in time
/// and for the first time.
pub(super) fn is_done(
    app: &App,
    spent: &ReplayCache,
    header: &str,
    (proof, network): (&str, Network),
    now: Micros,
) -> bool {
    let Some((challenge, counter)) = header.split_once('.') else { return false };
    let enough = is_counter(counter) && leading_zeros(challenge, proof, counter) >= BITS;
    let nonce = || nonce_of(app, challenge, network, now);
    enough && nonce().is_some_and(|nonce| spent.admit(nonce, now) == Admitted::New)
}

fn is_counter(text: &str) -> bool {
    (1..=COUNTER_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// The random number of a challenge that is ours, for this network, and holds.
fn nonce_of(app: &App, challenge: &str, network: Network, now: Micros) -> Option<u128> {
    let bytes: [u8; CHALLENGE_BYTES] = URL_SAFE_NO_PAD.decode(challenge).ok()?.try_into().ok()?;
    let (said, tag) = bytes.split_at(CHALLENGE_BYTES - MAC_BYTES);
    if !crate::secret::constant_time_eq(tag, &mac(app, network, said)) {
        return None;
    }
    let (until, nonce) = said.split_first_chunk::<8>()?;
    if Micros::from_be_bytes(*until) <= now {
        return None;
    }
    Some(u128::from_be_bytes(nonce.try_into().ok()?))
}

/// The zero bits at the beginning of the hash.
fn leading_zeros(challenge: &str, proof: &str, counter: &str) -> u32 {
    let request = Sha256::digest(format!("{challenge}.{proof}"));
    let hash = Sha256::new().chain_update(request).chain_update(counter).finalize();
    let begin: [u8; 8] = std::array::from_fn(|place| hash[place]);
    u64::from_be_bytes(begin).leading_zeros()
}

fn mac(app: &App, network: Network, said: &[u8]) -> [u8; MAC_BYTES] {
    let key = app.vault.derive("attack.work");
    let mut mac = hmac_sha256(key.as_slice());
    mac.update(said);
    mac.update(network.address().to_string().as_bytes());
    let whole = mac.finalize().into_bytes();
    std::array::from_fn(|place| whole[place])
}

/// Does the work, as a client does.
#[cfg(test)]
pub(in crate::identity) fn solve(challenge: &str, proof: &str) -> String {
    let enough = |counter: &u64| leading_zeros(challenge, proof, &counter.to_string()) >= BITS;
    let counter = (0..).find(enough).unwrap();
    format!("{challenge}.{counter}")
}
