//! Rolling counts of wrong sign-ins, and of the different accounts among them, by scope.

use std::collections::HashMap;

use super::scope::Scope;
use crate::clock::{MINUTE, Micros};

/// What is older is forgotten.
pub(super) const WINDOW: Micros = 10 * MINUTE;

/// Of each kind of scope. A window takes some 100 bytes: 10 MB at most for all.
const CAPACITY: usize = 1 << 14;

/// Scopes with fewer wrong ones leave first when there are too many.
const WORTH_KEEPING: u32 = 3;

/// All windows, by kind of scope and scope.
#[derive(Default)]
pub(super) struct Windows {
    kinds: [HashMap<Scope, Window>; Scope::KINDS],
}

impl Windows {
    /// Counts one wrong sign-in.
    pub(super) fn add(&mut self, scope: Scope, account: u64, now: Micros) {
        let windows = &mut self.kinds[scope.kind().0];
        if windows.len() >= CAPACITY && !windows.contains_key(&scope) {
            make_room(windows, now);
        }
        let window = windows.entry(scope).or_insert_with(|| Window::new(now));
        window.turn(now);
        window.current.failures = window.current.failures.saturating_add(1);
        window.current.accounts.add(account);
    }

    /// Wrong ones of the last ten minutes.
    pub(super) fn failures(&self, scope: Scope, now: Micros) -> u32 {
        self.window(scope).map_or(0, |window| window.turned(now).failures(now))
    }

    /// Different accounts among them.
    pub(super) fn accounts(&self, scope: Scope, now: Micros) -> Distinct {
        self.window(scope).map_or(Distinct::default(), |window| window.turned(now).accounts())
    }

    fn window(&self, scope: Scope) -> Option<&Window> {
        self.kinds[scope.kind().0].get(&scope)
    }
}

fn make_room(windows: &mut HashMap<Scope, Window>, now: Micros) {
    windows.retain(|_, window| now - window.began_at < 2 * WINDOW);
    if windows.len() >= CAPACITY {
        windows.retain(|_, window| window.failures(now) >= WORTH_KEEPING);
    }
    if windows.len() >= CAPACITY {
        windows.clear(); // 16,384 busy scopes of one kind: the other kinds see the attack
    }
}

/// The window that rolls is made of two that stand: the current one counts whole, the one before
/// by the part of it that still lies within.
#[derive(Clone, Copy)]
struct Window {
    began_at: Micros,
    current: Counts,
    previous: Counts,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    failures: u32,
    accounts: Distinct,
}

impl Window {
    fn new(now: Micros) -> Self {
        Self { began_at: now, current: Counts::default(), previous: Counts::default() }
    }

    fn turn(&mut self, now: Micros) {
        let windows_past = (now - self.began_at) / WINDOW;
        if windows_past <= 0 {
            return;
        }
        let current = std::mem::take(&mut self.current);
        self.previous = if windows_past == 1 { current } else { Counts::default() };
        self.began_at += windows_past * WINDOW;
    }

    fn turned(mut self, now: Micros) -> Self {
        self.turn(now);
        self
    }

    fn failures(&self, now: Micros) -> u32 {
        let left = (self.began_at + WINDOW - now).clamp(0, WINDOW);
        let previous = i64::from(self.previous.failures) * left / WINDOW;
        self.current.failures.saturating_add(u32::try_from(previous).unwrap_or(u32::MAX))
    }

    fn accounts(&self) -> Distinct {
        self.current.accounts.union(self.previous.accounts)
    }
}

/// How many different numbers were put in, in 32 bytes (linear counting without its correction):
/// exact for few, too low for many, never too high.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Distinct([u64; 4]);

impl Distinct {
    pub(super) fn add(&mut self, number: u64) {
        let bit = number % 256;
        self.0[(bit / 64) as usize] |= 1 << (bit % 64);
    }

    pub(super) fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self(std::array::from_fn(|place| self.0[place] | other.0[place]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Micros = 1_000 * MINUTE;

    #[test]
    fn the_window_rolls() {
        let mut windows = Windows::default();
        let scope = Scope::Device(1);
        for account in 0..10 {
            windows.add(scope, account, START);
        }
        let seen = |windows: &Windows, minutes: i64| {
            let now = START + minutes * MINUTE;
            (windows.failures(scope, now), windows.accounts(scope, now).count())
        };
        assert_eq!(seen(&windows, 9), (10, 10));
        assert_eq!(seen(&windows, 15), (5, 10), "half of it still lies within");
        assert_eq!(seen(&windows, 20), (0, 0));
        windows.add(scope, 3, START + 15 * MINUTE);
        assert_eq!(seen(&windows, 15), (6, 10));
        assert_eq!(windows.failures(Scope::Device(2), START), 0);
    }

    #[test]
    fn the_same_account_counts_once() {
        let mut windows = Windows::default();
        for _ in 0..50 {
            windows.add(Scope::Shape(1), 7, START);
        }
        assert_eq!(windows.accounts(Scope::Shape(1), START).count(), 1);
        assert_eq!(windows.failures(Scope::Shape(1), START), 50);
    }

    #[test]
    fn memory_is_bounded_and_busy_scopes_stay() {
        let mut windows = Windows::default();
        for account in 0..20 {
            windows.add(Scope::Device(0), account, START);
        }
        for device in 1..3 * CAPACITY as u64 {
            windows.add(Scope::Device(device), 1, START);
        }
        assert!(windows.kinds.iter().all(|kind| kind.len() <= CAPACITY));
        assert_eq!(windows.accounts(Scope::Device(0), START).count(), 20);
    }
}
