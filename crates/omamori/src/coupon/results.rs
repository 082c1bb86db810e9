//! What a campaign has brought: from the ledger account of its budget.

use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::chart::{TransferCode, available};
use crate::pos::{micros, yen};
use crate::web::error::Result;
use crate::web::filters::japan;

use super::campaign::Campaign;

/// Transfers that are read at one time.
const PAGE: usize = 1_000;
/// More than this are not read: the figures of days then begin later.
const PAGES_MAX: usize = 50;
/// Days of the chart.
const DAYS: i64 = 30;

/// The figures of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Uses, those that were canceled later too.
    pub uses: i64,
    /// Yen given, less what came back.
    pub yen: i64,
    /// Yen that can still be given.
    pub left: i64,
    /// The last thirty days, today last.
    pub days: Vec<Day>,
}

/// One day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Midnight or later in Japan.
    pub at: Micros,
    /// Uses.
    pub uses: i64,
    /// Yen given.
    pub yen: i64,
}

/// Reads them.
///
/// # Errors
/// A fault if the views fail.
pub async fn results(app: &App, campaign: &Campaign) -> Result<Results> {
    let account = campaign.budget_account();
    let now = app.clock.now();
    let days = (0..DAYS).rev().map(|ago| Day { at: now - ago * DAY, ..Day::default() });
    let mut results = Results {
        left: app.gate.account(account).as_ref().map_or(0, available),
        days: days.collect(),
        ..Results::default()
    };
    let mut before = None;
    for _ in 0..PAGES_MAX {
        let page = app.gate.statement(account, before, PAGE).await?;
        for transfer in &page {
            match TransferCode::of(transfer.code) {
                Some(TransferCode::CouponDiscount) => {
                    results.uses += 1;
                    results.yen += yen(transfer);
                    results.on(micros(transfer), yen(transfer));
                }
                Some(TransferCode::CouponDiscountBack) => results.yen -= yen(transfer),
                _ => {} // the budget itself
            }
        }
        before = page.last().map(|transfer| transfer.timestamp);
        if page.len() < PAGE {
            break;
        }
    }
    Ok(results)
}

impl Results {
    fn on(&mut self, at: Micros, yen: i64) {
        let date = japan(at).date();
        if let Some(day) = self.days.iter_mut().find(|day| japan(day.at).date() == date) {
            day.uses += 1;
            day.yen += yen;
        }
    }
}

/// One bar of the chart, in the units of its drawing: 300 wide, 80 high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// From the left.
    pub x: i64,
    /// From the top.
    pub y: i64,
    /// How high.
    pub height: i64,
    /// What it stands for.
    pub day: Day,
}

const BAR_STEP: i64 = 10;
const CHART_HEIGHT: i64 = 80;

/// The chart of one figure a day.
#[must_use]
pub fn bars(days: &[Day], figure: fn(&Day) -> i64) -> Vec<Bar> {
    let most = days.iter().map(figure).max().unwrap_or_default().max(1);
    let bar = |(day, x): (&Day, i64)| {
        let height = (figure(day) * CHART_HEIGHT).div_euclid(most);
        Bar { x, y: CHART_HEIGHT - height, height, day: *day }
    };
    days.iter().zip((0..).step_by(BAR_STEP as usize)).map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_day_is_as_high_as_the_chart() {
        let day = |uses| Day { uses, ..Day::default() };
        let bars = bars(&[day(0), day(3), day(12)], |day| day.uses);
        let shape: Vec<_> = bars.iter().map(|bar| (bar.x, bar.y, bar.height)).collect();
        assert_eq!(shape, [(0, 80, 0), (10, 60, 20), (20, 0, 80)]);
    }
}
