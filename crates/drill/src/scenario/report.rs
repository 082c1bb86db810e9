//! What came of scenarios, as a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::file::Scenario;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing that counts as loss happened.
    Held,
    /// A yen was lost.
    Lost,
    /// No yen, but something else that must not be.
    Breached,
    /// A refusal that must come never came: the attack did not reach its control, and nothing is
    /// shown.
    Missed,
    /// The service refused with a word that the scenario does not know: nothing is shown.
    Unclear,
}

impl Verdict {
    /// One word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Lost => "LOST",
            Self::Breached => "BREACHED",
            Self::Missed => "did not attack",
            Self::Unclear => "unclear",
        }
    }
}

/// What came of one scenario.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// Whether the service said of itself that its controls are absent.
    pub is_baseline: bool,
    /// Its title in Japanese.
    pub title_ja: String,
    /// Its title in English.
    pub title_en: String,
    /// Where the attack is documented.
    pub source: String,
    /// Requests of the attackers.
    pub attempts: u64,
    /// Accounts that a stranger was let into.
    pub entered: usize,
    /// Yen that attackers loaded without paying it in.
    pub yen_topped_up: i64,
    /// Yen for which attackers took goods away.
    pub yen_spent: i64,
    /// Yen lost, by what the scenario counts as loss.
    pub yen_lost: i64,
    /// How long the attack took.
    pub seconds: f64,
    /// From its beginning to the first alert.
    pub alert_seconds: Option<f64>,
    /// From its beginning to a closed door.
    pub door_seconds: Option<f64>,
    /// Ordinary customers, who bought something when it was over.
    pub customers: usize,
    /// Of whom so many could not.
    pub bothered: u64,
    /// How the attack, and customers, were refused, by the API's word.
    pub refused: BTreeMap<String, u64>,
    /// What must not have been.
    pub breaches: Vec<String>,
    /// Refusals that had to come and did not.
    pub missed: Vec<String>,
    /// Words of refusals that the scenario does not know.
    pub unclear: Vec<String>,
    /// How it ended.
    pub verdict: Verdict,
}

impl Outcome {
    /// What it attacked, where that was not the service as it is.
    const fn of(&self) -> &'static str {
        if self.is_baseline { " on baseline-2019" } else { "" }
    }

    /// Of a scenario that broke off: nothing is shown.
    #[must_use]
    pub fn broken_off(scenario: &Scenario, why: &str) -> Self {
        Self {
            name: scenario.name.clone(),
            is_baseline: false,
            title_ja: scenario.title.ja.clone(),
            title_en: scenario.title.en.clone(),
            source: scenario.source.clone(),
            attempts: 0,
            entered: 0,
            yen_topped_up: 0,
            yen_spent: 0,
            yen_lost: 0,
            seconds: 0.0,
            alert_seconds: None,
            door_seconds: None,
            customers: 0,
            bothered: 0,
            refused: BTreeMap::new(),
            breaches: Vec::new(),
            missed: Vec::new(),
            unclear: vec![why.to_owned()],
            verdict: Verdict::Unclear,
        }
    }
}

/// All as Markdown.
#[must_use]
pub fn markdown(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| scenario | attempts | entered | topped up | spent | lost | alert after | door after \
         | bothered | verdict |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|---|\n",
    );
    for outcome in outcomes {
        let yen = |amount: i64| format!("¥{amount}");
        let after = |seconds: Option<f64>| match seconds {
            Some(seconds) => format!("{seconds:.1} s"),
            None => "–".to_owned(),
        };
        let cells = [
            format!("{}{} ({})", outcome.name, outcome.of(), outcome.title_en),
            outcome.attempts.to_string(),
            outcome.entered.to_string(),
            yen(outcome.yen_topped_up),
            yen(outcome.yen_spent),
            yen(outcome.yen_lost),
            after(outcome.alert_seconds),
            after(outcome.door_seconds),
            format!("{} of {}", outcome.bothered, outcome.customers),
            outcome.verdict.as_str().to_owned(),
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text.push('\n');
    for outcome in outcomes {
        let answers: Vec<_> =
            outcome.refused.iter().map(|(word, times)| format!("{times} × {word}")).collect();
        let _ = writeln!(
            text,
            "- {}{}: {}. Source: {}",
            outcome.name,
            outcome.of(),
            answers.join(", "),
            outcome.source
        );
        let mut breaches: BTreeMap<&str, u64> = BTreeMap::new();
        for breach in &outcome.breaches {
            *breaches.entry(breach).or_default() += 1;
        }
        for (breach, times) in breaches {
            let _ = writeln!(text, "  - must not be: {times} × {breach}");
        }
        if !outcome.missed.is_empty() {
            let _ = writeln!(text, "  - never refused with: {}", outcome.missed.join(", "));
        }
        if !outcome.unclear.is_empty() {
            let _ = writeln!(text, "  - not understood: {}", outcome.unclear.join(", "));
        }
    }
    text
}
