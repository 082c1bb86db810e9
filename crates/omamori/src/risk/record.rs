//! What a decision record keeps for the windows, for staff and for back-tests; and its way back.

use omamori_risk::act::Act;
use omamori_risk::backtest::Recorded;
use omamori_risk::engine::{Assessment, Hit};
use omamori_risk::event::{Event, Outcome, Parties};
use omamori_risk::rule::{Effect, Mode};
use omamori_risk::signal::{Signals, Sparse};
use omamori_risk::window::fill_zeros;
use serde::{Deserialize, Serialize, Serializer};

use super::Memory;
use crate::clock::Micros;

/// The part of a decision record that is risk's.
#[derive(Debug, Serialize)]
pub struct Part {
    /// The version of the rules that were asked; left out if none were, because the act was
    /// refused before.
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<i64>,
    pub(super) act: Act,
    pub(super) outcome: Outcome,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) step: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) coupon: bool,
    pub(super) parties: Parties,
    #[serde(serialize_with = "sparse")]
    pub(super) signals: Signals,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effect: Option<Effect>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) score: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hits: Vec<Hit>,
}

impl Part {
    /// The live rules that ask for somebody of staff.
    pub fn alerting(&self) -> impl Iterator<Item = &str> {
        let alerts = |hit: &&Hit| hit.mode == Mode::Live && hit.effect == Effect::Alert;
        self.hits.iter().filter(alerts).map(|hit| &*hit.rule)
    }

    pub(super) fn says(&mut self, version: i64, assessment: Assessment) {
        self.version = Some(version);
        self.effect = assessment.effect;
        self.score = assessment.score;
        self.hits = assessment.hits;
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_zero(score: &i64) -> bool {
    *score == 0
}

fn sparse<S: Serializer>(signals: &Signals, serializer: S) -> Result<S::Ok, S::Error> {
    Sparse(signals).serialize(serializer)
}

/// A line of the evidence, as far as windows fold it. What it says more is passed over.
#[derive(Deserialize)]
struct Line {
    at: Micros,
    #[serde(default)]
    amount: Option<i64>,
    #[serde(default)]
    risk: Option<Counted>,
}

#[derive(Deserialize)]
struct Counted {
    act: Act,
    outcome: Outcome,
    #[serde(default)]
    step: bool,
    #[serde(default)]
    coupon: bool,
    parties: Parties,
    #[serde(default)]
    hits: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    rule: String,
}

impl Counted {
    const fn event(&self, at: Micros, amount: Option<i64>) -> Event {
        let amount = match amount {
            Some(amount) => amount,
            None => 0,
        };
        Event { at, act: self.act, outcome: self.outcome, parties: self.parties, amount }
    }
}

/// What is taken in of one act. Of a first step windows only count that there was one.
pub(super) fn observe(memory: &mut Memory, event: &Event, step: bool, coupon: bool) {
    let Memory { windows, whence, .. } = memory;
    if step {
        if event.outcome == Outcome::Done {
            whence.observe(event);
            windows.observe(&Event { outcome: Outcome::Begun, ..*event });
        }
        return;
    }
    whence.observe(event);
    windows.observe(event);
    if coupon && event.outcome == Outcome::Done {
        windows.observe(&Event { act: Act::CouponUse, ..*event });
    }
}

/// Folds one line of the evidence. Lines of acts that no window counts, and those written before
/// there were windows, say nothing.
pub(super) fn fold(memory: &mut Memory, line: &str) -> bool {
    let Ok(Line { at, amount, risk: Some(counted) }) = serde_json::from_str(line) else {
        return false;
    };
    observe(memory, &counted.event(at, amount), counted.step, counted.coupon);
    for Named { rule } in &counted.hits {
        memory.hits.count(rule, at);
    }
    true
}

/// One decision, as a back-test or the test bench looks at it.
#[derive(Debug)]
pub struct Past {
    /// `cus_…`, if known.
    pub customer: Option<String>,
    /// What was known then.
    pub recorded: Recorded,
    /// What the rules of then said.
    pub effect: Option<Effect>,
    /// Which of them hit.
    pub hits: Vec<Hit>,
    /// Their version; none if they were not asked.
    pub version: Option<i64>,
    /// A step on the way to an act.
    pub(super) step: bool,
}

#[derive(Deserialize)]
struct Whole {
    at: Micros,
    #[serde(default)]
    customer: Option<String>,
    #[serde(default)]
    amount: Option<i64>,
    #[serde(default)]
    risk: Option<Told>,
}

#[derive(Deserialize)]
struct Told {
    act: Act,
    outcome: Outcome,
    #[serde(default)]
    step: bool,
    #[serde(default)]
    coupon: bool,
    parties: Parties,
    signals: Signals,
    #[serde(default, rename = "v")]
    version: Option<i64>,
    #[serde(default)]
    effect: Option<Effect>,
    #[serde(default)]
    hits: Vec<Hit>,
}

impl Past {
    /// From a line of the evidence; none if risk had nothing to do with it.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let mut past = Self::as_written(line)?;
        fill_zeros(&past.recorded.event, &mut past.recorded.signals);
        Some(past)
    }

    /// The same, as it is written: without windows that stood at zero, and without signals that
    /// are newer than it.
    #[must_use]
    pub fn as_written(line: &str) -> Option<Self> {
        let whole: Whole = serde_json::from_str(line).ok()?;
        let told = whole.risk?;
        let event = Event {
            at: whole.at,
            act: told.act,
            outcome: told.outcome,
            parties: told.parties,
            amount: whole.amount.unwrap_or_default(),
        };
        let signals = told.signals;
        Some(Self {
            customer: whole.customer,
            recorded: Recorded { event, signals, fraud: None, coupon: told.coupon },
            effect: told.effect,
            hits: told.hits,
            version: told.version,
            step: told.step,
        })
    }
}
