//! The figures, beside those of 2019.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// Registered for 7pay when it was attacked.
const REGISTERED_2019: usize = 1_500_000;

/// What came of one run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Figures {
    /// Whether the service said of itself that its controls are absent.
    pub is_baseline: bool,
    /// The crowd.
    pub customers: usize,
    /// Of whom so many had a password that leaked, and a card on file.
    pub leaked: usize,
    /// Pairs that were tried.
    pub pairs: usize,
    /// Accounts that let a stranger in.
    pub entered: usize,
    /// Accounts that another phone took over.
    pub moved: usize,
    /// Accounts that were loaded by strangers.
    pub topped_up_from: usize,
    /// Yen so loaded.
    pub yen_topped_up: i64,
    /// Accounts that strangers spent from.
    pub spent_from: usize,
    /// Yen so spent.
    pub yen_spent: i64,
    /// What wallets of those with leaked passwords miss, as their owners see them, in yen.
    pub yen_missing: i64,
    /// From the first pair to the first alert of the service.
    pub alert_seconds: Option<f64>,
    /// What alerts were about.
    pub alerts: BTreeSet<String>,
    /// How long the crowd took to sign up.
    pub gather_seconds: f64,
    /// How long the attack took.
    pub seconds: f64,
    /// Customers without a leaked password who were refused something.
    pub bothered: usize,
    /// Customers with one who were.
    pub leaked_bothered: usize,
    /// How customers were refused.
    pub customers_refused: BTreeMap<String, u64>,
    /// How robbers were refused.
    pub robbers_refused: BTreeMap<String, u64>,
}

impl Figures {
    /// What a figure of this crowd would be with as many customers as were registered in 2019.
    #[must_use]
    pub fn scaled(&self, figure: i64) -> i64 {
        let customers = i64::try_from(self.customers.max(1)).unwrap_or(i64::MAX);
        figure.saturating_mul(i64::try_from(REGISTERED_2019).unwrap_or(i64::MAX)) / customers
    }

    /// Ordinary customers who were refused something, of ten thousand.
    #[must_use]
    pub fn bothered_of_ten_thousand(&self) -> usize {
        self.bothered * 10_000 / self.customers.saturating_sub(self.leaked).max(1)
    }
}

fn yen(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("¥{}{text}", if amount < 0 { "-" } else { "" })
}

/// The runs side by side, and the article's figures before them, as Markdown.
#[must_use]
pub fn table(runs: &[Figures]) -> String {
    type Cell = fn(&Figures) -> String;
    let rows: [(&str, &str, Cell); 15] = [
        ("customers", "1,500,000", |run| run.customers.to_string()),
        ("… with a leaked password and a card on file", "not known", |run| {
            run.leaked.to_string()
        }),
        ("pairs tried", "not known", |run| run.pairs.to_string()),
        ("accounts entered", "not known", |run| run.entered.to_string()),
        ("… taken to another phone", "not known", |run| run.moved.to_string()),
        ("… loaded by card", "not known", |run| {
            format!("{}, {}", run.topped_up_from, yen(run.yen_topped_up))
        }),
        ("accounts spent from", "about 900; at last 808", |run| run.spent_from.to_string()),
        ("yen spent", "about ¥55,000,000; at last ¥38,615,473", |run| yen(run.yen_spent)),
        ("yen of an account", "about ¥61,000; at last ¥47,791", |run| {
            let from = i64::try_from(run.spent_from).unwrap_or(i64::MAX);
            if from == 0 { "–".to_owned() } else { yen(run.yen_spent / from) }
        }),
        ("scaled to 1,500,000: accounts spent from", "about 900; at last 808", |run| {
            run.scaled(i64::try_from(run.spent_from).unwrap_or(i64::MAX)).to_string()
        }),
        ("scaled: yen spent", "about ¥55,000,000; at last ¥38,615,473", |run| {
            yen(run.scaled(run.yen_spent))
        }),
        ("wallets of leaked accounts miss", "not known", |run| yen(run.yen_missing)),
        ("first alert after", "none; a customer asked on the second evening", |run| {
            run.alert_seconds.map_or_else(|| "never".to_owned(), |after| format!("{after:.1} s"))
        }),
        ("ordinary customers refused something", "not known", |run| {
            let share = run.bothered_of_ten_thousand();
            format!("{} ({}.{:02} %)", run.bothered, share / 100, share % 100)
        }),
        ("seconds of sign-ups, of the attack", "–", |run| {
            format!("{:.0}, {:.0}", run.gather_seconds, run.seconds)
        }),
    ];
    let mut text = String::from("| | 7pay, July 2019 |");
    for run in runs {
        let _ = write!(text, " {} |", if run.is_baseline { "baseline-2019" } else { "Omamori" });
    }
    let _ = writeln!(text, "\n|---|---|{}", "---|".repeat(runs.len()));
    for (name, article, cell) in rows {
        let cells: Vec<_> = runs.iter().map(cell).collect();
        let _ = writeln!(text, "| {name} | {article} | {} |", cells.join(" | "));
    }
    for run in runs {
        let name = if run.is_baseline { "baseline-2019" } else { "Omamori" };
        let list = |all: &BTreeMap<String, u64>| {
            let all: Vec<_> = all.iter().map(|(word, times)| format!("{times} × {word}")).collect();
            if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
        };
        let alerts: Vec<_> = run.alerts.iter().map(String::as_str).collect();
        let _ = writeln!(text, "\n- {name}: robbers were refused {}", list(&run.robbers_refused));
        let _ = writeln!(text, "- {name}: customers were refused {}", list(&run.customers_refused));
        let _ = writeln!(text, "- {name}: alerts {}", alerts.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::yen;

    #[test]
    fn yen_are_read_in_thousands() {
        for (amount, text) in [(0, "¥0"), (999, "¥999"), (38_615_473, "¥38,615,473")] {
            assert_eq!(yen(amount), text);
        }
        assert_eq!(yen(-1_000), "¥-1,000");
    }
}
