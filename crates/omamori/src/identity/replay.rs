//! Remembers proofs for as long as they live, so that each is good for one request.
//!
//! In memory of this node: whoever replays a proof at another node within its minute needs the
//! session's cookie too, and gets no more than the answer to that one request again.

use std::collections::HashSet;

use parking_lot::Mutex;

use super::dpop::TOLERANCE;
use crate::clock::Micros;

const SHARDS: usize = 16;
/// Of one shard and generation: a million proofs in four minutes, 4,000 requests a second.
const CAPACITY: usize = 1 << 16;
/// A proof from the future lives longest: from `now - TOLERANCE` until `now + TOLERANCE`.
const GENERATION: Micros = 2 * TOLERANCE;

/// What [`ReplayCache::admit`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// Seen for the first time.
    New,
    /// Seen before.
    Replayed,
    /// No room to remember it: it must be refused.
    Full,
}

/// The proofs that were seen while they live.
pub struct ReplayCache {
    shards: [Mutex<Generations>; SHARDS],
}

#[derive(Default)]
struct Generations {
    began_at: Micros,
    current: HashSet<u128>,
    previous: HashSet<u128>,
}

impl Default for ReplayCache {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl ReplayCache {
    /// Takes a proof in. Only proofs with a right signature by a known key come here, so nobody
    /// else can fill it.
    pub fn admit(&self, id: u128, now: Micros) -> Admitted {
        let shard = usize::from(id.to_be_bytes()[0]) % SHARDS;
        let mut shard = self.shards[shard].lock();
        shard.turn(now);
        if shard.current.contains(&id) || shard.previous.contains(&id) {
            return Admitted::Replayed;
        }
        if shard.current.len() >= CAPACITY {
            return Admitted::Full;
        }
        shard.current.insert(id);
        Admitted::New
    }
}

impl Generations {
    /// Drops what has died: each proof stays for one whole generation at least.
    fn turn(&mut self, now: Micros) {
        let age = now.saturating_sub(self.began_at);
        if age < GENERATION {
            return;
        }
        self.previous = std::mem::take(&mut self.current);
        if age >= 2 * GENERATION {
            self.previous.clear();
        }
        self.began_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND;

    #[test]
    fn a_proof_is_taken_once_in_its_life_and_then_forgotten() {
        let cache = ReplayCache::default();
        let start = 1_000 * SECOND;
        assert_eq!(cache.admit(1, start), Admitted::New);
        for later in [0, 59, 119, 120, 121, 239] {
            let now = start + later * SECOND;
            assert_eq!(cache.admit(1, now), Admitted::Replayed, "{later} s later");
        }
        assert_eq!(cache.admit(2, start + 239 * SECOND), Admitted::New);
        let after = start + 2 * GENERATION + 240 * SECOND;
        assert_eq!(cache.admit(1, after), Admitted::New, "its minute is long over");
    }

    #[test]
    fn memory_is_bounded_and_a_full_cache_refuses() {
        let cache = ReplayCache::default();
        let capacity = CAPACITY as u128;
        for id in 0..capacity {
            assert_eq!(cache.admit(id, SECOND), Admitted::New);
        }
        assert_eq!(cache.admit(capacity, SECOND), Admitted::Full);
        assert_eq!(cache.admit(capacity, SECOND + GENERATION), Admitted::New, "room again");
    }
}
