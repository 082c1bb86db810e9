//! One counter of one party.

/// Twentieths of a window are its slots.
pub(super) const SLOTS: u32 = 20;

/// Different values that are told apart; "64" means "64 or more".
const DIFFERENT_MAX: usize = 64;

#[derive(Debug)]
pub(super) enum Cell {
    /// Sums by slot, oldest first.
    Sum(Vec<(u32, i64)>),
    /// Values with the slot in which each was last seen.
    Different(Vec<(u32, u64)>),
    /// When it last happened, in microseconds.
    Last(i64),
}

const fn first_inside(now: u32) -> u32 {
    now.saturating_sub(SLOTS)
}

impl Cell {
    pub(super) fn add(&mut self, slot: u32, amount: i64) {
        let Self::Sum(slots) = self else { unreachable!("a counter keeps its kind") };
        // Nearly always the last one: what other nodes decided comes a little late.
        match slots.iter_mut().rev().find(|(known, _)| *known == slot) {
            Some((_, sum)) => *sum = sum.saturating_add(amount),
            None => {
                slots.retain(|(kept, _)| *kept >= first_inside(slot));
                slots.push((slot, amount));
            }
        }
    }

    pub(super) fn see(&mut self, slot: u32, value: u64) {
        let Self::Different(seen) = self else { unreachable!("a counter keeps its kind") };
        if let Some(entry) = seen.iter_mut().find(|(_, known)| *known == value) {
            entry.0 = entry.0.max(slot);
            return;
        }
        seen.retain(|(last, _)| *last >= first_inside(slot));
        if seen.len() == DIFFERENT_MAX {
            let oldest = (0..seen.len()).min_by_key(|index| seen[*index].0).unwrap_or(0);
            seen.swap_remove(oldest);
        }
        seen.push((slot, value));
    }

    /// Whether `value` was seen inside the window at slot `now`.
    pub(super) fn has(&self, now: u32, value: u64) -> bool {
        let Self::Different(seen) = self else { unreachable!("a counter keeps its kind") };
        seen.iter().any(|(slot, known)| *known == value && *slot >= first_inside(now))
    }

    pub(super) fn happened(&mut self, at: i64) {
        let Self::Last(last) = self else { unreachable!("a counter keeps its kind") };
        *last = (*last).max(at);
    }

    /// What is inside the window at slot `now`.
    pub(super) fn value(&self, now: u32) -> i64 {
        let from = first_inside(now);
        match self {
            Self::Sum(slots) => {
                let inside = slots.iter().filter(|(slot, _)| *slot >= from);
                inside.fold(0, |sum, (_, amount)| sum.saturating_add(*amount))
            }
            Self::Different(seen) => {
                let inside = seen.iter().filter(|(slot, _)| *slot >= from).count();
                i64::try_from(inside).unwrap_or(i64::MAX)
            }
            Self::Last(_) => unreachable!("asked by minutes_since"),
        }
    }

    pub(super) fn minutes_since(&self, at: i64) -> i64 {
        const MINUTE_MICROS: i64 = 60_000_000;
        match self {
            Self::Last(last) => (at - last).max(0) / MINUTE_MICROS,
            Self::Sum(_) | Self::Different(_) => unreachable!("asked by value"),
        }
    }

    /// Whether anything of it can still count.
    pub(super) fn is_alive(&self, now: u32, oldest_micros: i64) -> bool {
        let from = first_inside(now);
        match self {
            Self::Sum(slots) => slots.iter().any(|(slot, _)| *slot >= from),
            Self::Different(seen) => seen.iter().any(|(slot, _)| *slot >= from),
            Self::Last(last) => *last >= oldest_micros,
        }
    }
}
