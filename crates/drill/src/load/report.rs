//! What a run found.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies above this are counted as this.
const LATENCY_MICROS_MAX: u64 = 60_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// What a run found: of the requests that were sent, or due, in its counted time.
#[derive(Clone, Debug)]
pub struct Report {
    /// The counted time.
    pub duration: Duration,
    /// Requests that were answered rightly.
    pub right: u64,
    /// All others, by the name of what was wrong.
    pub wrong: BTreeMap<String, u64>,
    /// All requests that were sent, those of the warm-up included.
    pub sent: u64,
    /// The source had nothing left to ask before the time was over.
    pub exhausted: bool,
    /// Time to the right answers, in microseconds.
    latencies: Histogram<u64>,
}

impl Report {
    /// An empty report of a run of this length.
    ///
    /// # Panics
    /// Never: the bounds of the histogram are constants that fit.
    #[must_use]
    pub fn new(duration: Duration) -> Self {
        let latencies = Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, SIGNIFICANT_DIGITS);
        let Ok(latencies) = latencies else { panic!("the bounds are constants that fit") };
        Self { duration, right: 0, wrong: BTreeMap::new(), sent: 0, exhausted: false, latencies }
    }

    /// Counts one answer.
    pub fn count(&mut self, took: Duration, verdict: Result<(), String>) {
        match verdict {
            Ok(()) => {
                self.right += 1;
                let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                self.latencies.saturating_record(micros);
            }
            Err(name) => self.fail(&name, 1),
        }
    }

    pub(super) fn fail(&mut self, name: &str, times: u64) {
        *self.wrong.entry(name.to_owned()).or_default() += times;
    }

    pub(super) fn cut_short(&mut self, after: Duration) {
        self.exhausted = true;
        self.duration = self.duration.min(after);
    }

    /// Right answers a second.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        per_second(self.right, self.duration)
    }

    /// The time within which so many of a hundred right answers came; zero if there was none.
    #[must_use]
    pub fn percentile(&self, of_a_hundred: u8) -> Duration {
        Duration::from_micros(self.latencies.value_at_percentile(f64::from(of_a_hundred)))
    }

    /// The longest time to a right answer.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.latencies.max())
    }

    /// How many answers were not right.
    #[must_use]
    pub fn wrong_total(&self) -> u64 {
        self.wrong.values().sum()
    }

    pub(super) fn in_short(&self, after: Duration) -> String {
        let rate = per_second(self.right, after.min(self.duration));
        let wrong = self.wrong_total();
        let p99 = self.percentile(99).as_micros();
        format!("{rate}/s, p99 {p99} µs, {wrong} wrong")
    }
}

fn per_second(count: u64, duration: Duration) -> u64 {
    let per_second = u128::from(count) * 1_000_000 / duration.as_micros().max(1);
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_percentiles_are_of_the_right_answers() {
        let mut report = Report::new(Duration::from_secs(2));
        for millis in 1..=100 {
            report.count(Duration::from_millis(millis), Ok(()));
        }
        report.count(Duration::from_secs(50), Err("busy".to_owned()));
        assert_eq!((report.right, report.wrong_total()), (100, 1));
        assert_eq!(report.per_second(), 50);
        assert_eq!(report.percentile(50).as_millis(), 50);
        assert_eq!(report.percentile(99).as_millis(), 99);
        assert_eq!(report.max().as_millis(), 100, "a wrong answer's time is not an answer's time");
        assert_eq!(report.wrong["busy"], 1);
    }

    #[test]
    fn a_run_without_answers_has_no_times() {
        let report = Report::new(Duration::ZERO);
        assert_eq!((report.per_second(), report.percentile(50)), (0, Duration::ZERO));
    }
}
