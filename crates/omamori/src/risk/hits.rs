//! How often each rule hit, by hour, of the last week: what the list of rules shows.

use std::collections::{HashMap, VecDeque};

use crate::clock::{HOUR, Micros};

/// Hours that are kept.
const KEPT: i64 = 7 * 24;

/// Counts of all rules, live and shadow.
#[derive(Debug, Default)]
pub(super) struct Hits(HashMap<Box<str>, VecDeque<(i64, u64)>>);

impl Hits {
    /// Counts one. Instants come nearly in order; what is older than the week is passed over.
    pub fn count(&mut self, rule: &str, at: Micros) {
        let hour = at.div_euclid(HOUR);
        if !self.0.contains_key(rule) {
            self.0.insert(rule.into(), VecDeque::new());
        }
        let Some(hours) = self.0.get_mut(rule) else { return };
        match hours.iter_mut().rev().find(|(known, _)| *known == hour) {
            Some((_, count)) => *count += 1,
            None => hours.push_back((hour, 1)),
        }
        while hours.front().is_some_and(|(oldest, _)| *oldest <= hour - KEPT) {
            hours.pop_front();
        }
    }

    /// Of a rule, in the last hours.
    pub fn since(&self, rule: &str, now: Micros, hours: i64) -> u64 {
        let from = now.div_euclid(HOUR) - hours;
        let counted = self.0.get(rule).into_iter().flatten();
        counted.filter(|(hour, _)| *hour > from).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_counted_by_hour_and_forgotten_after_a_week() {
        let mut hits = Hits::default();
        let now = 1_000 * HOUR;
        hits.count("a", now - 30 * HOUR);
        hits.count("a", now - HOUR);
        hits.count("b", now);
        hits.count("a", now);
        assert_eq!((hits.since("a", now, 24), hits.since("a", now, 168)), (2, 3));
        assert_eq!((hits.since("b", now, 24), hits.since("c", now, 24)), (1, 0));
        hits.count("a", now + 170 * HOUR);
        assert_eq!(hits.since("a", now + 170 * HOUR, 168), 1);
        assert_eq!(hits.0["a"].len(), 1);
    }
}
