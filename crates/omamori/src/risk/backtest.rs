//! A set of rules over the decisions of a period, beside the live set; and one decision over again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use omamori_risk::backtest::{Backtest, Recorded, Report, Tally};
use omamori_risk::engine::{Assessment, RuleSet};
use omamori_risk::window::fill_zeros;

use super::log::Log;
use super::record::{self, Past};
use super::{Memory, label};
use crate::clock::Micros;
use crate::db::Stores;
use crate::web::error::Result;

/// Of when.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// The first instant.
    pub from: Micros,
    /// The first instant after it.
    pub to: Micros,
}

/// The result.
#[derive(Debug)]
pub struct Run {
    /// Of the set that was tried.
    pub tested: Report,
    /// Of the set in force.
    pub live: Report,
    /// Whether all decisions of the period were looked at.
    pub complete: bool,
    /// Decisions in the period that are labelled as fraud.
    pub labelled: usize,
    /// Fraudulent acts by kind that the gate refused before it asked rules: a wrong proof, a limit.
    pub refused: BTreeMap<Box<str>, u64>,
}

/// Runs both sets over at most `max` acts of a period. What the gate refused before it asked the
/// rules is passed over: no rule could have met it. A signal that is newer than a record is counted
/// from the records of the period before it. `told` hears how many there were so far.
///
/// # Errors
/// A fault if a store fails.
pub async fn run(
    stores: &Stores,
    period: Period,
    (tested, live): (&RuleSet, &RuleSet),
    max: u64,
    mut told: impl FnMut(u64) + Send,
) -> Result<Run> {
    let frauds = label::frauds(&stores.registry, period.from, period.to).await?;
    let (mut tested, mut live) = (Backtest::new(tested), Backtest::new(live));
    let mut log = Log::between(period.from, period.to);
    let mut memory = Memory::default();
    let (mut acts, mut complete, mut refused) = (0, true, BTreeMap::new());
    'pages: loop {
        let rows = log.next(&stores.evidence).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let (node, first) = (row.int("node")?, row.int("first_number")?);
            for (line, number) in row.text("body")?.lines().zip(first..) {
                let Some(mut past) = Past::as_written(line) else { continue };
                let Recorded { event, signals, coupon, .. } = &mut past.recorded;
                memory.windows.fill_missing(event, signals);
                fill_zeros(event, signals);
                record::observe(&mut memory, event, past.step, *coupon);
                let fraud = frauds.get(&(node, number)).cloned();
                if past.version.is_none() {
                    if let Some(kind) = fraud {
                        *refused.entry(kind).or_default() += 1;
                    }
                    continue;
                }
                if acts == max {
                    complete = false;
                    break 'pages;
                }
                past.recorded.fraud = fraud;
                tested.add(&past.recorded);
                live.add(&past.recorded);
                acts += 1;
            }
        }
        told(acts);
        tokio::task::yield_now().await; // others wait for this thread too
    }
    let (tested, live) = (tested.finish(), live.finish());
    Ok(Run { tested, live, complete, labelled: frauds.len(), refused })
}

/// What a set says to one decision of the past.
#[must_use]
pub fn again(set: &RuleSet, past: &Past) -> Assessment {
    past.recorded.assess(set)
}

/// One rule in the table and the plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The rule; empty for the whole set.
    pub rule: String,
    /// In the set that was tried; none if it is not in it.
    pub tested: Option<Tally>,
    /// In the live set; none if it is not in it.
    pub live: Option<Tally>,
    /// Of 200, of the most yen that any rule caught.
    pub caught_width: i64,
    /// Of 200, of the most customers that any rule bothered.
    pub bothered_width: i64,
    /// The same of the live set.
    pub live_caught_width: i64,
    /// The same of the live set.
    pub live_bothered_width: i64,
}

/// How long the longest bar is.
const WIDTH: i64 = 200;

impl Run {
    /// The whole set first, then every rule of either set that hit, the one that catches most
    /// first.
    #[must_use]
    pub fn bars(&self) -> Vec<Bar> {
        let names: BTreeSet<&Arc<str>> =
            self.tested.rules.keys().chain(self.live.rules.keys()).collect();
        let of = |report: &Report, name: &Arc<str>| report.rules.get(name).cloned();
        let mut rows: Vec<(String, Option<Tally>, Option<Tally>)> = names
            .into_iter()
            .map(|name| (name.to_string(), of(&self.tested, name), of(&self.live, name)))
            .collect();
        rows.sort_by_key(|(_, tested, live)| {
            let tally = tested.as_ref().or(live.as_ref());
            std::cmp::Reverse(tally.map(|tally| (tally.caught_yen, tally.hits)))
        });
        let whole = (Some(self.tested.total.clone()), Some(self.live.total.clone()));
        rows.insert(0, (String::new(), whole.0, whole.1));
        let most = |figure: fn(&Tally) -> i64| {
            let tallies = rows.iter().flat_map(|(_, tested, live)| tested.iter().chain(live));
            tallies.map(figure).max().unwrap_or_default().max(1)
        };
        let (most_caught, most_bothered) = (most(caught), most(bothered));
        let width = |tally: &Option<Tally>, figure: fn(&Tally) -> i64, most: i64| {
            tally.as_ref().map_or(0, |tally| figure(tally).saturating_mul(WIDTH) / most)
        };
        let bar = |(rule, tested, live): (String, Option<Tally>, Option<Tally>)| Bar {
            rule,
            caught_width: width(&tested, caught, most_caught),
            bothered_width: width(&tested, bothered, most_bothered),
            live_caught_width: width(&live, caught, most_caught),
            live_bothered_width: width(&live, bothered, most_bothered),
            tested,
            live,
        };
        rows.into_iter().map(bar).collect()
    }
}

const fn caught(tally: &Tally) -> i64 {
    tally.caught_yen
}

fn bothered(tally: &Tally) -> i64 {
    i64::try_from(tally.bothered).unwrap_or(i64::MAX)
}
