//! A rule as people write it, in a file or in the console.

use serde::{Deserialize, Deserializer, Serialize};

use crate::act::{Act, Flow};

/// What a rule does when its condition holds. The strictest of all that hold wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Adds points to `risk.score`, which other rules look at.
    Score(i64),
    /// Tells the staff, and lets the act go on.
    Alert,
    /// The act needs a fresh proof.
    StepUp,
    /// The act waits for a decision of the staff.
    Hold,
    /// The act is not done.
    Refuse,
}

/// Whether a rule decides or only watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It counts.
    Live,
    /// Its hits are recorded and change nothing.
    #[default]
    Shadow,
}

/// What a rule does when a signal that it needs is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// It does not hit.
    #[default]
    Skip,
    /// It hits.
    Hit,
}

/// One text in both languages of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Both {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// One text for both languages, or one in each.
fn one_or_both<'de, D: Deserializer<'de>>(from: D) -> Result<Both, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text, or one in each language: { ja = \"…\", en = \"…\" }")]
    enum Words {
        One(String),
        Two(Both),
    }
    Ok(match Words::deserialize(from)? {
        Words::One(text) => Both { ja: text.clone(), en: text },
        Words::Two(both) => both,
    })
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A stable name: lower-case words, `.` and `-`, at most 64 characters.
    pub id: String,
    /// What staff call it.
    pub title: Both,
    /// Why there is such a rule; for the reader of an audit. A file may have one text for both
    /// languages.
    #[serde(deserialize_with = "one_or_both")]
    pub reason: Both,
    /// The acts it looks at.
    pub acts: Vec<Act>,
    /// A CEL expression of signals that is true or false.
    pub when: String,
    /// What then.
    pub effect: Effect,
    /// Live, or shadow if left out.
    #[serde(default)]
    pub mode: Mode,
    /// If a signal is not known.
    #[serde(default)]
    pub on_unknown: OnUnknown,
    /// If the condition cannot be computed (a division by zero, an overflow). Left out: refuse
    /// where value leaves the customer, else alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<Effect>,
}

impl Rule {
    /// What happens if the condition cannot be computed at `act`.
    #[must_use]
    pub fn effect_of_error(&self, act: Act) -> Effect {
        self.on_error.unwrap_or(match act.flow() {
            Flow::Out => Effect::Refuse,
            Flow::In | Flow::None => Effect::Alert,
        })
    }
}

/// A file of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// The rules, in the order of their file.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

impl RuleFile {
    /// Reads TOML.
    ///
    /// # Errors
    /// Where and why it is not such a file.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}
