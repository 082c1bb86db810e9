//! A set of rules over recorded acts: what it would have stopped, and whom it would have bothered.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::act::{Act, Flow};
use crate::engine::{Assessment, Cause, RuleSet};
use crate::event::Event;
use crate::rule::Effect;
use crate::signal::Signals;

/// One recorded act, with all that was known then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// Who, what, when, how much.
    #[serde(flatten)]
    pub event: Event,
    /// What was known.
    pub signals: Signals,
    /// The kind of fraud, if a dispute or an incident found it to be one.
    #[serde(default)]
    pub fraud: Option<Box<str>>,
    /// Whether a coupon was used in it: then the rules about coupons were asked too.
    #[serde(default)]
    pub coupon: bool,
}

impl Recorded {
    /// What a set says to it.
    #[must_use]
    pub fn assess(&self, set: &RuleSet) -> Assessment {
        let mut signals = self.signals.clone();
        let mut says = set.assess(self.event.act, &mut signals);
        if self.coupon {
            says.merge(set.assess(Act::CouponUse, &mut signals));
        }
        says
    }
}

/// What a rule, or a whole set, did in a period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Acts that it hit.
    pub hits: u64,
    /// Fraudulent acts among them.
    pub frauds: u64,
    /// Yen of fraudulent acts that it stopped (step-up, hold or refuse): a thief has no second
    /// factor, so a step-up stops one.
    pub caught_yen: i64,
    /// Different customers who were hit and did nothing wrong in the period.
    pub bothered: u64,
    /// Conditions that could not be computed.
    pub errors: u64,
}

/// Fraud of one kind, and what of it was stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kind {
    /// Fraudulent acts.
    pub acts: u64,
    /// Those that staff are told of, and that go on.
    pub alerted: u64,
    /// Those that were stopped.
    pub stopped: u64,
    /// Yen of all that move value away from where it belongs.
    pub yen: i64,
    /// Yen of those that were stopped.
    pub stopped_yen: i64,
    /// The same acts, each kind of act by itself.
    pub by_act: BTreeMap<Act, Answers>,
}

/// What a set says to acts, by the strictest rule that hits: each is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answers {
    /// All.
    pub acts: u64,
    /// Go on, and staff are told.
    pub alerted: u64,
    /// Need a proof. It stops who has somebody else's password or cookie, and nobody who acts from
    /// an account of their own or holds the phone and its lock.
    pub stepped_up: u64,
    /// Wait for staff.
    pub held: u64,
    /// Refused.
    pub refused: u64,
}

impl Answers {
    fn count(&mut self, strictest: Option<Effect>) {
        self.acts += 1;
        match strictest {
            None | Some(Effect::Score(_)) => {}
            Some(Effect::Alert) => self.alerted += 1,
            Some(Effect::StepUp) => self.stepped_up += 1,
            Some(Effect::Hold) => self.held += 1,
            Some(Effect::Refuse) => self.refused += 1,
        }
    }
}

/// The result of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Acts in the period.
    pub acts: u64,
    /// Different customers in the period.
    pub customers: u64,
    /// The whole set.
    pub total: Tally,
    /// By rule, whatever its mode: a back-test asks what it would do.
    pub rules: BTreeMap<Arc<str>, Tally>,
    /// By kind of fraud.
    pub kinds: BTreeMap<Box<str>, Kind>,
}

/// A run under way: acts are given one by one, in any order.
pub struct Backtest<'a> {
    set: &'a RuleSet,
    report: Report,
    customers: HashSet<u64>,
    guilty: HashSet<u64>,
    bothered: HashSet<u64>,
    bothered_by: BTreeMap<Arc<str>, HashSet<u64>>,
}

impl<'a> Backtest<'a> {
    /// Begins.
    #[must_use]
    pub fn new(set: &'a RuleSet) -> Self {
        Self {
            set,
            report: Report::default(),
            customers: HashSet::new(),
            guilty: HashSet::new(),
            bothered: HashSet::new(),
            bothered_by: BTreeMap::new(),
        }
    }

    /// Looks at one act.
    pub fn add(&mut self, recorded: &Recorded) {
        let Recorded { event, fraud, .. } = recorded;
        let assessment = recorded.assess(self.set);
        // Shadow rules count here as if they were live.
        let strictest = assessment.hits.iter().map(|hit| hit.effect).max();
        let stopped = strictest.is_some_and(|effect| effect >= Effect::StepUp);
        self.report.acts += 1;
        let account = event.parties.account;
        self.customers.extend(account);
        if let Some(kind) = fraud {
            self.guilty.extend(account);
            let tally = self.report.kinds.entry(kind.clone()).or_default();
            tally.acts += 1;
            tally.yen += yen_at_risk(event);
            tally.by_act.entry(event.act).or_default().count(strictest);
            if stopped {
                tally.stopped += 1;
                tally.stopped_yen += yen_at_risk(event);
            } else if strictest == Some(Effect::Alert) {
                tally.alerted += 1;
            }
        }
        for hit in &assessment.hits {
            let tally = self.report.rules.entry(hit.rule.clone()).or_default();
            count(tally, event, fraud.is_some(), hit.effect >= Effect::StepUp);
            tally.errors += u64::from(hit.cause == Cause::Error);
            if fraud.is_none() && hit.effect >= Effect::StepUp {
                self.bothered_by.entry(hit.rule.clone()).or_default().extend(account);
            }
        }
        if stopped {
            count(&mut self.report.total, event, fraud.is_some(), true);
            if fraud.is_none() {
                self.bothered.extend(account);
            }
        }
    }

    /// Ends. A customer on whose account there was fraud in the period is not counted as bothered.
    #[must_use]
    pub fn finish(mut self) -> Report {
        let innocent = |set: &HashSet<u64>| set.difference(&self.guilty).count() as u64;
        self.report.customers = self.customers.len() as u64;
        self.report.total.bothered = innocent(&self.bothered);
        for (rule, bothered) in &self.bothered_by {
            if let Some(tally) = self.report.rules.get_mut(rule) {
                tally.bothered = innocent(bothered);
            }
        }
        self.report
    }
}

fn count(tally: &mut Tally, event: &Event, is_fraud: bool, stops: bool) {
    tally.hits += 1;
    tally.frauds += u64::from(is_fraud);
    if is_fraud && stops {
        tally.caught_yen += yen_at_risk(event);
    }
}

/// Yen that a fraudulent act takes: value that moves. A top-up with somebody else's card takes too.
fn yen_at_risk(event: &Event) -> i64 {
    match event.act.flow() {
        Flow::None if event.act != Act::CouponUse => 0,
        _ => event.amount,
    }
}
