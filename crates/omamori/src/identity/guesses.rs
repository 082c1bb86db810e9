//! Counts wrong guesses in a row and locks for growing times.
//!
//! In memory of this node and bounded: a restart forgives, and n nodes allow n times the guesses.
//! With locks that double, and twelve right values in 10^8, that stays out of reach.

use std::collections::HashMap;
use std::hash::Hash;

use parking_lot::Mutex;

use crate::clock::{DAY, Micros};

const CAPACITY: usize = 1 << 16;

/// How many guesses, and what then.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Wrong guesses in a row that lock.
    pub allowed: u32,
    /// How long the first lock lasts; each further one within a day lasts twice as long.
    pub first_lock: Micros,
    /// No lock lasts longer.
    pub longest_lock: Micros,
}

/// What a wrong guess led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Nothing yet.
    Open,
    /// A lock begins, until this instant.
    Locked(Micros),
}

#[derive(Clone, Copy, Debug)]
struct State {
    wrong: u32,
    locks: u32,
    locked_until: Micros,
    last_at: Micros,
}

/// Guesses by key: a device number, a terminal.
pub struct Guesses<K> {
    policy: Policy,
    states: Mutex<HashMap<K, State>>,
}

impl<K: Copy + Eq + Hash> Guesses<K> {
    /// Nobody has guessed.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, states: Mutex::default() }
    }

    /// Until when the key is locked, if it is.
    pub fn locked_until(&self, key: K, now: Micros) -> Option<Micros> {
        let until = self.states.lock().get(&key)?.locked_until;
        (until > now).then_some(until)
    }

    /// One more wrong guess.
    pub fn wrong(&self, key: K, now: Micros) -> Counted {
        let mut states = self.states.lock();
        if states.len() >= CAPACITY && !states.contains_key(&key) {
            make_room(&mut states, now);
        }
        let fresh = State { wrong: 0, locks: 0, locked_until: 0, last_at: now };
        let state = states.entry(key).or_insert(fresh);
        if now - state.last_at >= DAY {
            *state = fresh;
        }
        state.last_at = now;
        state.wrong += 1;
        if state.wrong < self.policy.allowed {
            return Counted::Open;
        }
        let doubled = self.policy.first_lock.saturating_mul(1 << state.locks.min(30));
        state.locked_until = now + doubled.min(self.policy.longest_lock);
        state.locks += 1;
        state.wrong = 0;
        Counted::Locked(state.locked_until)
    }

    /// A right one: the row of wrong ones ends. The next lock still lasts longer.
    pub fn right(&self, key: K) {
        if let Some(state) = self.states.lock().get_mut(&key) {
            state.wrong = 0;
        }
    }
}

/// Drops what a day has forgiven; if nothing, then what is not locked now.
fn make_room<K: Copy + Eq + Hash>(states: &mut HashMap<K, State>, now: Micros) {
    states.retain(|_, state| now - state.last_at < DAY);
    if states.len() >= CAPACITY {
        states.retain(|_, state| state.locked_until > now);
    }
    if states.len() >= CAPACITY {
        states.clear(); // 65,536 locks at once: an attack on all; the gate and staff see it
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND;

    const POLICY: Policy =
        Policy { allowed: 3, first_lock: 30 * SECOND, longest_lock: 100 * SECOND };

    #[test]
    fn locks_come_after_a_row_of_wrong_guesses_and_grow() {
        let guesses = Guesses::new(POLICY);
        let mut now = DAY;
        for lock in [30, 60, 100, 100] {
            assert_eq!(guesses.wrong(1, now), Counted::Open);
            assert_eq!(guesses.wrong(1, now), Counted::Open);
            let until = now + lock * SECOND;
            assert_eq!(guesses.wrong(1, now), Counted::Locked(until));
            assert_eq!(guesses.locked_until(1, until - 1), Some(until));
            assert_eq!(guesses.locked_until(1, until), None);
            assert_eq!(guesses.locked_until(2, now), None, "others go on");
            now = until;
        }
        now += DAY;
        for _ in 0..2 {
            assert_eq!(guesses.wrong(1, now), Counted::Open);
        }
        assert_eq!(guesses.wrong(1, now), Counted::Locked(now + 30 * SECOND), "a day forgives");
    }

    #[test]
    fn a_right_one_ends_the_row() {
        let guesses = Guesses::new(POLICY);
        for _ in 0..10 {
            assert_eq!(guesses.wrong(1, DAY), Counted::Open);
            assert_eq!(guesses.wrong(1, DAY), Counted::Open);
            guesses.right(1);
        }
    }

    #[test]
    fn memory_is_bounded_and_locks_outlive_mere_guesses() {
        let guesses = Guesses::new(POLICY);
        for _ in 0..3 {
            guesses.wrong(u32::MAX, DAY);
        }
        for key in 0..2 * CAPACITY as u32 {
            guesses.wrong(key, DAY);
        }
        assert!(guesses.states.lock().len() <= CAPACITY);
        assert!(guesses.locked_until(u32::MAX, DAY).is_some());
    }
}
