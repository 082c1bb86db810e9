//! Rolling windows: what the parties of an act did before it.
//!
//! A fold of the events, in their order; whoever folds the same events has the same windows, so a
//! node rebuilds them at start and follows what the others decide. Time is counted in twentieths
//! of a window; a window is up to a twentieth longer than its name says, never shorter.

mod cell;
mod feature;

use hashbrown::HashMap;

use crate::act::{Act, Flow};
use crate::event::{Event, Party};
use crate::signal::{Signal, Signals};
use cell::Cell;
use feature::{FEATURES, Feature, What};

/// Cells beyond which the oldest are looked for and dropped.
const SWEEP_AT_FIRST: usize = 1 << 16;

/// All windows.
#[derive(Debug)]
pub struct Windows {
    cells: HashMap<(u8, u64), Cell>,
    sweep_at: usize,
}

impl Default for Windows {
    fn default() -> Self {
        Self { cells: HashMap::new(), sweep_at: SWEEP_AT_FIRST }
    }
}

impl Windows {
    /// Takes in what happened. Events come in the order of their times.
    pub fn observe(&mut self, event: &Event) {
        for (index, feature) in FEATURES.iter().enumerate() {
            if !feature.counts(event) {
                continue;
            }
            let Some(key) = event.parties.get(feature.by) else { continue };
            let slot = feature.slot(event.at);
            let cell = self.cells.entry(name(index, key)).or_insert_with(|| feature.what.cell());
            match feature.what {
                What::Count | What::Any => cell.add(slot, 1),
                What::Yen => cell.add(slot, event.amount),
                What::Different(party) | What::Others(party) | What::New(party) => {
                    if let Some(other) = event.parties.get(party) {
                        cell.see(slot, other);
                    }
                }
                What::MinutesSince => cell.happened(event.at),
            }
        }
        if self.cells.len() >= self.sweep_at {
            self.sweep(event.at);
        }
    }

    /// What the windows say of the parties of `event`, *before* it: it counts itself only once it
    /// is observed. A count of which there is none is 0; a time since what never was is not known.
    pub fn fill(&self, event: &Event, signals: &mut Signals) {
        self.fill_if(event, signals, |_, _| true);
    }

    /// The same, of what `signals` do not say yet: of signals that are newer than their record.
    pub fn fill_missing(&self, event: &Event, signals: &mut Signals) {
        self.fill_if(event, signals, |signals, signal| !signals.knows(signal));
    }

    fn fill_if(
        &self,
        event: &Event,
        signals: &mut Signals,
        wants: impl Fn(&Signals, Signal) -> bool,
    ) {
        for (index, feature) in FEATURES.iter().enumerate() {
            if !wants(signals, feature.signal) {
                continue;
            }
            let Some(key) = looked_at(event, feature.by) else { continue };
            let cell = self.cells.get(&name(index, key));
            let now = feature.slot(event.at);
            match (feature.what, cell) {
                (What::MinutesSince, None) => {}
                (What::MinutesSince, Some(cell)) => {
                    let minutes = cell.minutes_since(event.at);
                    signals.set_int(feature.signal, minutes);
                }
                (What::New(_), None) => {}
                (What::New(party), Some(cell)) => {
                    if let Some(other) = event.parties.get(party) {
                        signals.set_bool(feature.signal, !cell.has(now, other));
                    }
                }
                (What::Any, cell) => {
                    let any = cell.is_some_and(|cell| cell.value(now) > 0);
                    signals.set_bool(feature.signal, any);
                }
                (What::Others(party), cell) => {
                    let count = |cell: &Cell| {
                        let own = event.parties.get(party);
                        cell.value(now) - i64::from(own.is_some_and(|own| cell.has(now, own)))
                    };
                    signals.set_int(feature.signal, cell.map_or(0, count));
                }
                (What::Count | What::Yen | What::Different(_), cell) => {
                    signals.set_int(feature.signal, cell.map_or(0, |cell| cell.value(now)));
                }
            }
        }
    }

    /// Counters in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether nothing was counted yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// How far back events matter, in microseconds: what a node folds at its start.
    #[must_use]
    pub fn reach_micros() -> i64 {
        FEATURES.iter().map(Feature::reach_micros).max().unwrap_or(0)
    }

    /// Drops what lies behind its window. Costs one pass each time the table doubled.
    fn sweep(&mut self, at: i64) {
        self.cells.retain(|(index, _), cell| {
            let feature = &FEATURES[usize::from(*index)];
            cell.is_alive(feature.slot(at), at - feature.reach_micros())
        });
        self.sweep_at = (self.cells.len() * 2).max(SWEEP_AT_FIRST);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a test holds the number of features")]
const fn name(index: usize, key: u64) -> (u8, u64) {
    (index as u8, key)
}

impl Feature {
    fn counts(&self, event: &Event) -> bool {
        self.acts.contains(&event.act) && self.outcome == event.outcome
    }
}

/// Whose window an act looks at. Of who pays, what others sent is what they received themselves.
const fn looked_at(event: &Event, by: Party) -> Option<u64> {
    match (by, event.act) {
        (Party::Receiver, Act::Payment) => event.parties.account,
        _ => event.parties.get(by),
    }
}

/// Whether a signal comes from a window that stands at zero, or no, when nothing is in it.
#[must_use]
pub(crate) const fn is_counted(signal: Signal) -> bool {
    feature::COUNTED[signal as usize]
}

/// What a record leaves out: windows of known parties that stood at zero.
pub fn fill_zeros(event: &Event, signals: &mut Signals) {
    for feature in FEATURES {
        if looked_at(event, feature.by).is_none() || signals.knows(feature.signal) {
            continue;
        }
        match feature.what {
            What::MinutesSince | What::New(_) => {}
            What::Any => signals.set_bool(feature.signal, false),
            What::Count | What::Yen | What::Different(_) | What::Others(_) => {
                signals.set_int(feature.signal, 0);
            }
        }
    }
}

/// Signals that follow from no window but from the event itself.
pub fn fill_from(event: &Event, signals: &mut Signals) {
    const HOUR_MICROS: i64 = 3_600_000_000;
    const TOKYO_HOURS: i64 = 9; // Japan has had no summer time since 1951
    let hour = (event.at.div_euclid(HOUR_MICROS) + TOKYO_HOURS).rem_euclid(24);
    signals.set_int(Signal::ActHour, hour);
    if event.act.flow() != Flow::None || event.act == Act::CouponUse {
        signals.set_int(Signal::ActAmount, event.amount);
    }
}

#[cfg(test)]
mod tests;
