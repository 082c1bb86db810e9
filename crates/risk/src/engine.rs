//! A compiled set of rules, and its assessment of one act.

use std::sync::Arc;

use cel::{Context, Env, ExecutionError, Value};
use serde::Serialize;

use crate::act::Act;
use crate::check::{Condition, Refusal};
use crate::rule::{Effect, Mode, OnUnknown, Rule};
use crate::signal::{Signal, Signals};

/// Rules of one set.
pub const RULES_MAX: usize = 500;
/// Points of one rule, either way.
const SCORE_MAX: i64 = 1_000;

/// Why a set is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetRefusal {
    /// One of its rules.
    #[error("rule {id}: {refusal}")]
    Rule {
        /// Which.
        id: String,
        /// Why.
        refusal: RuleRefusal,
    },
    /// Two rules have one name.
    #[error("two rules are named {0}")]
    Twice(String),
    /// Too many.
    #[error("more than {RULES_MAX} rules")]
    TooMany,
}

/// Why a rule is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleRefusal {
    /// Its condition.
    #[error(transparent)]
    Condition(#[from] Refusal),
    /// Its name.
    #[error("the id has other characters than a–z, 0–9, '.', '-' and '_', or more than 64")]
    Id,
    /// It looks at no act.
    #[error("it names no act")]
    NoAct,
    /// It gives no points, or too many.
    #[error("points are between -{SCORE_MAX} and {SCORE_MAX} and not 0")]
    Score,
    /// The sum of points is not there yet while they are given.
    #[error("a rule that gives points cannot look at risk.score")]
    ScoreOfScore,
    /// It asks for a proof where nobody can give one.
    #[error("{0} cannot be confirmed by the customer: hold or refuse")]
    NoStepUp(&'static str),
    /// A failing rule cannot give points.
    #[error("on_error is an effect other than points")]
    ScoreOnError,
}

#[derive(Debug)]
struct Compiled {
    rule: Rule,
    condition: Condition,
}

impl Compiled {
    fn new(rule: Rule) -> Result<Self, RuleRefusal> {
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        if !(1..=64).contains(&rule.id.len()) || !rule.id.chars().all(letter) {
            return Err(RuleRefusal::Id);
        }
        if rule.acts.is_empty() {
            return Err(RuleRefusal::NoAct);
        }
        if matches!(rule.on_error, Some(Effect::Score(_))) {
            return Err(RuleRefusal::ScoreOnError);
        }
        if rule.effect == Effect::StepUp || rule.on_error == Some(Effect::StepUp) {
            let act = rule.acts.iter().find(|act| !act.can_be_confirmed());
            act.map_or(Ok(()), |act| Err(RuleRefusal::NoStepUp(act.as_str())))?;
        }
        let condition = Condition::compile(&rule.when)?;
        if let Effect::Score(points) = rule.effect {
            if points == 0 || points.abs() > SCORE_MAX {
                return Err(RuleRefusal::Score);
            }
            if condition.signals.contains(&Signal::RiskScore) {
                return Err(RuleRefusal::ScoreOfScore);
            }
        }
        Ok(Self { rule, condition })
    }

    fn gives_points(&self) -> bool {
        matches!(self.rule.effect, Effect::Score(_))
    }
}

/// Why a rule hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its condition holds.
    Condition,
    /// A signal that it needs is not known.
    Unknown,
    /// Its condition could not be computed.
    Error,
}

/// A rule that hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Hit {
    /// The rule.
    pub rule: Arc<str>,
    /// What it does.
    pub effect: Effect,
    /// Whether it counts.
    pub mode: Mode,
    /// Why.
    pub cause: Cause,
}

/// What a set of rules says to an act.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Assessment {
    /// The strictest effect of the live rules that hit; none if none of them restricts.
    pub effect: Option<Effect>,
    /// The sum of the points of live rules.
    pub score: i64,
    /// Every rule that hit, live and shadow.
    pub hits: Vec<Hit>,
}

impl Assessment {
    fn add(&mut self, hit: Hit) {
        if hit.mode == Mode::Live {
            match hit.effect {
                Effect::Score(points) => self.score = self.score.saturating_add(points),
                effect => self.effect = self.effect.max(Some(effect)),
            }
        }
        self.hits.push(hit);
    }

    /// Takes in what the rules say of another act that is part of the same.
    pub fn merge(&mut self, other: Self) {
        self.effect = self.effect.max(other.effect);
        self.score = self.score.saturating_add(other.score);
        self.hits.extend(other.hits);
    }

    /// The live rules that told the staff or restricted, for an alert or a case.
    pub fn deciding(&self) -> impl Iterator<Item = &Hit> {
        let decides =
            |hit: &&Hit| hit.mode == Mode::Live && !matches!(hit.effect, Effect::Score(_));
        self.hits.iter().filter(decides)
    }
}

/// A compiled set of rules: those that give points first.
pub struct RuleSet {
    rules: Vec<Compiled>,
    names: Vec<Arc<str>>,
    env: Arc<Env>,
}

/// No rules.
impl Default for RuleSet {
    fn default() -> Self {
        Self { rules: Vec::new(), names: Vec::new(), env: Arc::new(Env::stdlib()) }
    }
}

impl RuleSet {
    /// Checks and compiles.
    ///
    /// # Errors
    /// The first rule that may not be published, and why.
    pub fn compile(rules: Vec<Rule>) -> Result<Self, SetRefusal> {
        if rules.len() > RULES_MAX {
            return Err(SetRefusal::TooMany);
        }
        let mut compiled: Vec<Compiled> = Vec::with_capacity(rules.len());
        for rule in rules {
            let id = rule.id.clone();
            if compiled.iter().any(|other| other.rule.id == id) {
                return Err(SetRefusal::Twice(id));
            }
            let rule = Compiled::new(rule);
            compiled.push(rule.map_err(|refusal| SetRefusal::Rule { id, refusal })?);
        }
        compiled.sort_by_key(|rule| !rule.gives_points());
        let names = compiled.iter().map(|compiled| compiled.rule.id.as_str().into()).collect();
        Ok(Self { rules: compiled, names, env: Arc::new(Env::stdlib()) })
    }

    /// The rules, those that give points first.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|compiled| &compiled.rule)
    }

    /// What all rules say to `act`. Sets `risk.score` in `signals`.
    pub fn assess(&self, act: Act, signals: &mut Signals) -> Assessment {
        let points = self.rules.partition_point(Compiled::gives_points);
        let mut assessment = Assessment::default();
        self.run(0..points, act, signals, &mut assessment);
        signals.set_int(Signal::RiskScore, assessment.score);
        self.run(points..self.rules.len(), act, signals, &mut assessment);
        assessment
    }

    fn run(
        &self,
        range: std::ops::Range<usize>,
        act: Act,
        signals: &Signals,
        assessment: &mut Assessment,
    ) {
        let mut context = Context::with_env(self.env.clone());
        context.set_variable_resolver(signals);
        for index in range {
            let Compiled { rule, condition } = &self.rules[index];
            if !rule.acts.contains(&act) {
                continue;
            }
            let (effect, cause) = match Value::resolve(&condition.expression, &context) {
                Ok(Value::Bool(false)) => continue,
                Ok(Value::Bool(true)) => (rule.effect, Cause::Condition),
                // Every name was checked: one that is not there is a signal that is not known.
                Err(ExecutionError::UndeclaredReference(_)) => match rule.on_unknown {
                    OnUnknown::Skip => continue,
                    OnUnknown::Hit => (rule.effect, Cause::Unknown),
                },
                Ok(_) | Err(_) => (rule.effect_of_error(act), Cause::Error),
            };
            let rule_name = self.names[index].clone();
            assessment.add(Hit { rule: rule_name, effect, mode: rule.mode, cause });
        }
    }
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}
