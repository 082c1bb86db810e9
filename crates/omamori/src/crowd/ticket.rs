//! The ticket: when its holder is let in, signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock::{MINUTE, Micros};
use crate::rng::{Rng, random};
use crate::secret::Vault;

/// How long after its time a ticket is good.
pub(super) const GOOD_FOR: Micros = 10 * MINUTE;

const ID_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const PURPOSE: &str = "waiting room ticket v1";

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// Unpredictable; what a use is counted under.
    pub(super) id: [u8; ID_BYTES],
    /// When its holder is let in.
    pub(super) admitted_at: Micros,
}

impl Ticket {
    pub(super) fn new(rng: &dyn Rng, admitted_at: Micros) -> Self {
        Self { id: random(rng), admitted_at }
    }

    fn signature(&self, vault: &Vault) -> Hmac<Sha256> {
        let key = vault.derive(PURPOSE);
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_slice()) else {
            unreachable!("HMAC takes a key of any length")
        };
        mac.update(&self.id);
        mac.update(&self.admitted_at.to_be_bytes());
        mac
    }

    /// As the cookie carries it.
    pub(super) fn text(&self, vault: &Vault) -> String {
        let mut bytes = self.id.to_vec();
        bytes.extend(self.admitted_at.to_be_bytes());
        bytes.extend(self.signature(vault).finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// From a cookie; none if we did not make it.
    pub(super) fn read(text: &str, vault: &Vault) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, rest) = bytes.split_first_chunk::<ID_BYTES>()?;
        let (time, signature) = rest.split_first_chunk::<TIME_BYTES>()?;
        let ticket = Self { id: *id, admitted_at: Micros::from_be_bytes(*time) };
        ticket.signature(vault).verify_slice(signature).ok()?;
        Some(ticket)
    }

    /// Whether it still leads in, now or later.
    pub(super) const fn is_good(&self, now: Micros) -> bool {
        now < self.admitted_at + GOOD_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    #[test]
    fn a_ticket_is_ours_whole_or_none() {
        let vault = Vault::new(&[7; 32]);
        let ticket = Ticket::new(&SystemRng, 1_800_000_000_000_000);
        let text = ticket.text(&vault);
        assert_eq!(Ticket::read(&text, &vault), Some(ticket));
        let sooner = Ticket { admitted_at: ticket.admitted_at - 1, ..ticket };
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        let mut forged = sooner.id.to_vec();
        forged.extend(sooner.admitted_at.to_be_bytes());
        forged.extend(&bytes[ID_BYTES + TIME_BYTES..]);
        assert_eq!(Ticket::read(&URL_SAFE_NO_PAD.encode(forged), &vault), None);
        for byte in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[byte] ^= 1;
            assert_eq!(Ticket::read(&URL_SAFE_NO_PAD.encode(bent), &vault), None, "{byte}");
        }
        assert_eq!(Ticket::read(&text, &Vault::new(&[8; 32])), None);
        for short in ["", "AAAA", "no base64!"] {
            assert_eq!(Ticket::read(short, &vault), None);
        }
    }
}
