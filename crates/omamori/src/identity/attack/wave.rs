//! Waves: attacks as events that open, grow and close, and what their scopes have earned.

use std::collections::HashMap;

use serde::Serialize;

use super::scope::Scope;
use super::window::{Distinct, WINDOW};
use crate::clock::{HOUR, MINUTE, Micros};
use crate::id::Kind;
use crate::rng::Rng;

/// So many further wrong ones or refused ones of a scope, and it is shut out.
const PATIENCE: u32 = 50;
/// How long the first time; each further time twice as long.
const CLOSED_FIRST: Micros = 10 * MINUTE;
const CLOSED_LONGEST: Micros = 4 * HOUR;
/// A wave that is not heard of for so long is over.
const QUIET: Micros = WINDOW;
/// More at once are not told apart.
const OPEN_WAVES_MAX: usize = 64;
/// Of one wave; further ones count to it without being named.
const SCOPES_MAX: usize = 4_096;

/// What a request must do to be looked at. Ordered by strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::identity) enum Answer {
    /// Nothing.
    Open,
    /// Bring a proof of work.
    Work,
    /// Wait until then, or use a passkey.
    Closed(Micros),
}

/// How far a scope has come.
#[derive(Clone, Copy, Debug)]
struct Standing {
    strikes: u32,
    closings: u32,
    closed_until: Micros,
}

impl Standing {
    const NEW: Self = Self { strikes: 0, closings: 0, closed_until: 0 };

    fn strike(&mut self, scope: Scope, now: Micros) {
        self.strikes += 1;
        if !scope.may_be_closed() || self.strikes < PATIENCE || self.closed_until > now {
            return;
        }
        self.strikes = 0;
        let time = CLOSED_FIRST.saturating_mul(1 << self.closings.min(16));
        self.closed_until = now + time.min(CLOSED_LONGEST);
        self.closings += 1;
    }

    const fn answer(&self, now: Micros) -> Answer {
        if self.closed_until > now { Answer::Closed(self.closed_until) } else { Answer::Work }
    }
}

/// A scope from which many accounts were tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    pub scope: Scope,
    /// Of the last ten minutes, this one included.
    pub failures: u32,
    pub accounts: Distinct,
}

/// One attack.
struct Wave {
    id: Box<str>,
    opened_at: Micros,
    last_seen_at: Micros,
    failures: i64,
    turned_away: i64,
    accounts: Distinct,
    scopes: HashMap<Scope, Standing>,
    changed: bool,
}

/// A wave as the table keeps it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub id: String,
    pub opened_at: Micros,
    pub last_seen_at: Micros,
    pub closed_at: Option<Micros>,
    pub failures: i64,
    pub turned_away: i64,
    pub accounts: i64,
    /// JSON: how many scopes of each kind, and some of them by name.
    pub scopes: String,
}

#[derive(Serialize)]
struct Named {
    count: usize,
    some: Vec<String>,
}

/// The attacks under way.
#[derive(Default)]
pub(super) struct Waves {
    open: Vec<Wave>,
}

impl Waves {
    pub(super) fn judge(&self, scopes: &[Scope], now: Micros) -> Answer {
        let live = self.open.iter().filter(|wave| !wave.is_over(now));
        let standings = live.flat_map(|wave| scopes.iter().filter_map(|s| wave.scopes.get(s)));
        standings.map(|standing| standing.answer(now)).max().unwrap_or(Answer::Open)
    }

    /// The wave that one of these scopes belongs to.
    pub(super) fn of(&self, scopes: &[Scope], now: Micros) -> Option<Box<str>> {
        self.find(scopes, now).map(|place| self.open[place].id.clone())
    }

    /// Takes in a wrong sign-in; `suspects` are those of its scopes that many accounts were tried
    /// from. They join the wave that any of its scopes belongs to. A new wave begins with all that
    /// its scopes had in the window; its id is given back.
    pub(super) fn failed(
        &mut self,
        rng: &dyn Rng,
        scopes: &[Scope],
        suspects: &[Suspect],
        account: u64,
        now: Micros,
    ) -> Option<String> {
        let found = self.find(scopes, now);
        if found.is_none() && (suspects.is_empty() || self.open.len() >= OPEN_WAVES_MAX) {
            return None;
        }
        let place = found.unwrap_or_else(|| {
            self.open.push(Wave::new(Kind::AttackWave.random_text(rng).into(), now));
            self.open.len() - 1
        });
        let wave = &mut self.open[place];
        for suspect in suspects {
            wave.accounts = wave.accounts.union(suspect.accounts);
            if wave.scopes.len() < SCOPES_MAX {
                wave.scopes.entry(suspect.scope).or_insert(Standing::NEW);
            }
        }
        let before = suspects.iter().map(|suspect| i64::from(suspect.failures)).max();
        wave.failures = if found.is_some() { wave.failures + 1 } else { before.unwrap_or(1) };
        wave.accounts.add(account);
        wave.strike(scopes, now);
        found.is_none().then(|| wave.id.to_string())
    }

    pub(super) fn turned_away(&mut self, scopes: &[Scope], now: Micros) {
        let Some(place) = self.find(scopes, now) else { return };
        let wave = &mut self.open[place];
        wave.turned_away += 1;
        wave.strike(scopes, now);
    }

    /// The waves that changed since the last time. Those that are over are told of once more.
    pub(super) fn reports(&mut self, now: Micros) -> Vec<Report> {
        let changed = self.open.iter().filter(|wave| wave.changed || wave.is_over(now));
        let reports = changed.map(|wave| wave.report(now)).collect();
        self.open.retain(|wave| !wave.is_over(now));
        for wave in &mut self.open {
            wave.changed = false;
        }
        reports
    }

    fn find(&self, scopes: &[Scope], now: Micros) -> Option<usize> {
        self.open.iter().position(|wave| {
            !wave.is_over(now) && scopes.iter().any(|scope| wave.scopes.contains_key(scope))
        })
    }
}

impl Wave {
    fn new(id: Box<str>, now: Micros) -> Self {
        Self {
            id,
            opened_at: now,
            last_seen_at: now,
            failures: 0,
            turned_away: 0,
            accounts: Distinct::default(),
            scopes: HashMap::new(),
            changed: true,
        }
    }

    fn strike(&mut self, scopes: &[Scope], now: Micros) {
        for scope in scopes {
            if let Some(standing) = self.scopes.get_mut(scope) {
                standing.strike(*scope, now);
            }
        }
        self.last_seen_at = now;
        self.changed = true;
    }

    /// Not before its closed scopes are open again: they would be open the moment it is forgotten.
    fn is_over(&self, now: Micros) -> bool {
        now - self.last_seen_at >= QUIET && self.scopes.values().all(|s| s.closed_until <= now)
    }

    fn report(&self, now: Micros) -> Report {
        Report {
            id: self.id.to_string(),
            opened_at: self.opened_at,
            last_seen_at: self.last_seen_at,
            closed_at: self.is_over(now).then_some(now),
            failures: self.failures,
            turned_away: self.turned_away,
            accounts: i64::from(self.accounts.count()),
            scopes: self.named(),
        }
    }

    fn named(&self) -> String {
        const SHOWN: usize = 20;
        let mut kinds: std::collections::BTreeMap<&str, Named> = std::collections::BTreeMap::new();
        for scope in self.scopes.keys() {
            let (_, kind) = scope.kind();
            let named = kinds.entry(kind).or_insert(Named { count: 0, some: Vec::new() });
            named.count += 1;
            if named.some.len() < SHOWN {
                named.some.push(scope.to_string());
            }
        }
        serde_json::to_string(&kinds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    const NOW: Micros = 1_000 * MINUTE;
    const NETWORK: Scope = Scope::Network(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    const SHAPE: Scope = Scope::Shape(1);

    fn fail(waves: &mut Waves, scopes: &[Scope], suspects: &[Scope], now: Micros) -> bool {
        let suspect =
            |&scope: &Scope| Suspect { scope, failures: 1, accounts: Distinct::default() };
        let suspects: Vec<_> = suspects.iter().map(suspect).collect();
        waves.failed(&SystemRng, scopes, &suspects, 1, now).is_some()
    }

    #[test]
    fn what_belongs_together_is_one_wave() {
        let mut waves = Waves::default();
        let other = Scope::Network("10.0.0.0".parse().unwrap());
        assert!(!fail(&mut waves, &[NETWORK, SHAPE], &[], NOW), "nothing stands out");
        assert!(fail(&mut waves, &[NETWORK, SHAPE], &[SHAPE], NOW));
        assert!(!fail(&mut waves, &[NETWORK, SHAPE], &[SHAPE, NETWORK], NOW));
        assert!(!fail(&mut waves, &[other, SHAPE], &[other, SHAPE], NOW));
        assert_eq!(waves.open.len(), 1);
        assert_eq!(waves.open[0].scopes.len(), 3);
        let apart = Scope::Network("10.1.0.0".parse().unwrap());
        assert!(fail(&mut waves, &[apart, Scope::Shape(2)], &[apart], NOW), "another attack");
    }

    #[test]
    fn a_network_works_then_waits_and_longer_each_time_and_a_shape_never_waits() {
        let mut waves = Waves::default();
        fail(&mut waves, &[NETWORK, SHAPE], &[NETWORK, SHAPE], NOW);
        assert_eq!(waves.judge(&[NETWORK], NOW), Answer::Work);
        let mut now = NOW;
        for minutes in [10, 20, 40] {
            for _ in 0..PATIENCE {
                waves.turned_away(&[NETWORK, SHAPE], now);
            }
            let until = now + minutes * MINUTE;
            assert_eq!(waves.judge(&[NETWORK, SHAPE], now), Answer::Closed(until));
            assert_eq!(waves.judge(&[SHAPE], now), Answer::Work);
            assert_eq!(waves.judge(&[Scope::Shape(9)], now), Answer::Open, "others go on");
            now = until;
            waves.turned_away(&[SHAPE], now - 1); // still there
            assert_eq!(waves.judge(&[NETWORK], now), Answer::Work);
        }
    }

    #[test]
    fn a_wave_closes_when_it_is_quiet_and_is_told_of_once_more() {
        let mut waves = Waves::default();
        fail(&mut waves, &[NETWORK], &[NETWORK], NOW);
        assert_eq!(waves.reports(NOW).len(), 1);
        assert_eq!(waves.reports(NOW), [], "nothing changed");
        waves.turned_away(&[NETWORK], NOW + MINUTE);
        let report = waves.reports(NOW + MINUTE).remove(0);
        assert_eq!((report.failures, report.turned_away, report.closed_at), (1, 1, None));
        let over = NOW + MINUTE + QUIET;
        assert_eq!(waves.judge(&[NETWORK], over), Answer::Open);
        assert_eq!(waves.reports(over).remove(0).closed_at, Some(over));
        assert!(waves.open.is_empty());
    }
}
