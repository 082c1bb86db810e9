//! Rolling counters of the last hour and day, from the decision records of all nodes.
//!
//! Nobody looking costs nothing: the records since the last look are read when somebody looks, by
//! one look at a time, at most every two seconds, however many screens are open. Rows are read by
//! time with an overlap longer than a write takes to become visible, so none is missed, and those
//! of the overlap that were read before are known by their place.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use omamori_db::{Db, Row, sql};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::app::App;
use crate::clock::{DAY, HOUR, MINUTE, Micros, SECOND};
use crate::web::error::Result;

const FRESH: Micros = 2 * SECOND;
const OVERLAP: Micros = 15 * SECOND;
/// Rows that the first look goes back at most: 256 records each.
const ROWS_MAX: i64 = 20_000;
const PAGE: i64 = 200;

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub signups: i64,
    pub signins: i64,
    pub signins_failed: i64,
    pub topups: i64,
    pub topup_yen: i64,
    pub sales: i64,
    pub sales_yen: i64,
    pub refused: i64,
}

/// The counters as they stood at a look.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// By the minute's start, of the last hour.
    pub minutes: BTreeMap<Micros, Counts>,
    /// By the hour's start, of the last day.
    pub hours: BTreeMap<Micros, Counts>,
    /// Refusals of the last hour by act and reason, the most first.
    pub declines: Vec<(String, String, i64)>,
    /// Since when the day is counted: later than a day ago after much traffic.
    pub since: Micros,
}

/// The counters.
#[derive(Default)]
pub struct Figures(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    looked_at: Micros,
    picture: Arc<Picture>,
    minutes: BTreeMap<Micros, Counts>,
    hours: BTreeMap<Micros, Counts>,
    declines: BTreeMap<Micros, HashMap<(String, String), i64>>,
    since: Micros,
    /// Up to where rows were read, and those of the overlap.
    read_to: Micros,
    read: HashMap<(i64, i64), Micros>,
}

/// What of a record is counted.
#[derive(Deserialize)]
struct Record<'a> {
    at: Micros,
    act: &'a str,
    verdict: &'a str,
    reason: Option<&'a str>,
    #[serde(default)]
    amount: Option<i64>,
}

impl Figures {
    /// The picture, at most two seconds old.
    ///
    /// # Errors
    /// A fault if the evidence store fails.
    pub async fn look(&self, app: &App) -> Result<Arc<Picture>> {
        let now = app.clock.now();
        let mut kept = self.0.lock().await;
        if now - kept.looked_at >= FRESH {
            kept.read_on(&app.stores.evidence, now).await?;
            kept.forget_old(now);
            kept.looked_at = now;
            kept.picture = Arc::new(kept.draw(now));
        }
        Ok(kept.picture.clone())
    }
}

impl Kept {
    async fn read_on(&mut self, evidence: &Db, now: Micros) -> Result<()> {
        if self.read_to == 0 {
            let oldest = sql("SELECT first_at FROM decision_batch
                 ORDER BY first_at DESC LIMIT 1 OFFSET $1");
            let oldest = evidence.optional(oldest.bind(ROWS_MAX)).await?;
            let oldest = oldest.map(|row| row.int("first_at")).transpose()?;
            self.since = oldest.unwrap_or_default().max(now - DAY);
            self.read_to = self.since;
        }
        let (mut from, mut seen) = (self.read_to - OVERLAP, HashSet::new());
        loop {
            let rows = sql("SELECT node, first_number, first_at, body FROM decision_batch
                 WHERE first_at >= $1 ORDER BY first_at, node, first_number LIMIT $2");
            let rows = evidence.all(rows.bind(from).bind(PAGE)).await?;
            let mut any_new = false;
            for row in &rows {
                let place = (row.int("node")?, row.int("first_number")?);
                any_new |= seen.insert(place);
                let at = row.int("first_at")?;
                if self.read.insert(place, at).is_none() && at >= self.since {
                    self.count_row(row)?;
                }
                from = at;
            }
            // A page that is full of one instant alone shows nothing new: step over it.
            match (rows.len() as i64 == PAGE, any_new) {
                (false, _) => break,
                (true, true) => {}
                (true, false) => from += 1,
            }
        }
        self.read_to = self.read_to.max(from);
        let overlap = self.read_to - 2 * OVERLAP;
        self.read.retain(|_, at| *at >= overlap);
        Ok(())
    }

    fn count_row(&mut self, row: &Row) -> Result<()> {
        for line in row.text("body")?.lines() {
            let record: Record<'_> = serde_json::from_str(line)?;
            self.count(&record);
        }
        Ok(())
    }

    fn count(&mut self, record: &Record<'_>) {
        let (minute, hour) = (record.at - record.at % MINUTE, record.at - record.at % HOUR);
        for counts in [self.minutes.entry(minute).or_default(), self.hours.entry(hour).or_default()]
        {
            counts.add(record);
        }
        if let Some(reason) = record.reason {
            let key = (record.act.to_owned(), reason.to_owned());
            *self.declines.entry(minute).or_default().entry(key).or_default() += 1;
        }
    }

    fn forget_old(&mut self, now: Micros) {
        let (minute, hour) = (now - HOUR, now - DAY);
        self.minutes.retain(|at, _| *at > minute);
        self.declines.retain(|at, _| *at > minute);
        self.hours.retain(|at, _| *at > hour);
        self.since = self.since.max(hour);
    }

    fn draw(&self, now: Micros) -> Picture {
        let mut sums: HashMap<&(String, String), i64> = HashMap::new();
        for (key, count) in self.declines.values().flatten() {
            *sums.entry(key).or_default() += count;
        }
        let mut declines: Vec<_> =
            sums.into_iter().map(|((act, why), n)| (act.clone(), why.clone(), n)).collect();
        declines.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.cmp(b)));
        declines.truncate(12);
        let filled = |counts: &BTreeMap<Micros, Counts>, step: Micros, places: i64| {
            let newest = now - now % step;
            let at = (0..places).map(|back| newest - back * step);
            at.map(|at| (at, counts.get(&at).copied().unwrap_or_default())).collect()
        };
        Picture {
            minutes: filled(&self.minutes, MINUTE, 60),
            hours: filled(&self.hours, HOUR, 24),
            declines,
            since: self.since,
        }
    }
}

impl Counts {
    fn add(&mut self, record: &Record<'_>) {
        let allowed = record.verdict == "allow";
        let amount = record.amount.unwrap_or_default();
        self.refused += i64::from(!allowed);
        match (record.act, allowed) {
            ("sign_up", true) => self.signups += 1,
            ("sign_in", true) => self.signins += 1,
            ("sign_in", false) => self.signins_failed += 1,
            ("payment", true) => {
                self.sales += 1;
                self.sales_yen += amount;
            }
            // Cash, card and what else loads a wallet; not what takes it back.
            (act, true) if act.starts_with("topup") && !act.ends_with("cancel") => {
                self.topups += 1;
                self.topup_yen += amount;
            }
            _ => {}
        }
    }
}

impl Picture {
    /// All of the last hour together.
    pub fn last_hour(&self) -> Counts {
        self.minutes.values().fold(Counts::default(), |sum, counts| sum.plus(counts))
    }

    /// All of the last day together.
    pub fn last_day(&self) -> Counts {
        self.hours.values().fold(Counts::default(), |sum, counts| sum.plus(counts))
    }
}

impl Counts {
    fn plus(self, more: &Self) -> Self {
        Self {
            signups: self.signups + more.signups,
            signins: self.signins + more.signins,
            signins_failed: self.signins_failed + more.signins_failed,
            topups: self.topups + more.topups,
            topup_yen: self.topup_yen + more.topup_yen,
            sales: self.sales + more.sales,
            sales_yen: self.sales_yen + more.sales_yen,
            refused: self.refused + more.refused,
        }
    }
}
