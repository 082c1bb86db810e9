//! An authenticator app (RFC 6238), written down a second time.

use hmac::{Hmac, KeyInit, Mac};
use omamori::clock::{Clock, SECOND, SystemClock};
use sha1::Sha1;

/// Holds one secret. Each code it gives is newer than the one before, so that none is a replay.
pub struct App {
    secret: Vec<u8>,
    last_step: i64,
}

impl App {
    /// Takes the secret as a person types it: base 32, in groups.
    pub fn new(typed: &str) -> Self {
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let digits: Vec<u64> = typed
            .chars()
            .filter_map(|c| ALPHABET.find(c).map(|place| u64::try_from(place).unwrap()))
            .collect();
        let mut secret = Vec::new();
        for group in digits.chunks_exact(8) {
            let bits = group.iter().fold(0, |bits, digit| bits << 5 | digit);
            secret.extend(&bits.to_be_bytes()[3..]);
        }
        assert_eq!(secret.len(), 20, "{typed}");
        Self { secret, last_step: 0 }
    }

    /// The next code that the server takes: from the step before this one on, as for a slow typist,
    /// but not when this step is about to end, for then that code would be too old on its arrival.
    /// After three in one step it waits for the clock.
    pub async fn code(&mut self) -> String {
        let step = super::browser::until("a step of the clock", async || {
            let at = SystemClock.now();
            let now = at / (30 * SECOND);
            let ends_soon = at % (30 * SECOND) > 15 * SECOND;
            let oldest = if ends_soon { now } else { now - 1 };
            let next = (self.last_step + 1).max(oldest);
            (next <= now + 1).then_some(next)
        });
        self.last_step = step.await;
        self.at(self.last_step)
    }

    /// The newest code that was given, once more.
    pub fn last_code(&self) -> String {
        self.at(self.last_step)
    }

    fn at(&self, step: i64) -> String {
        let mut mac = <Hmac<Sha1>>::new_from_slice(&self.secret).unwrap();
        mac.update(&step.to_be_bytes());
        let hash: [u8; 20] = mac.finalize().into_bytes().into();
        let start = usize::from(hash[19] & 15);
        let word = u32::from_be_bytes(hash[start..start + 4].try_into().unwrap());
        format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
    }
}
