//! The end of free value and points: told thirty and seven days before, then emptied.
//!
//! Spending does not wait for this: a lot that is over is not found by payments.

use std::sync::Arc;
use std::time::Duration;

use omamori_db::sql;
use omamori_ledger::{Request, Transfer};
use serde::Serialize;

use super::legs::operator_account;
use super::promise::issue_due;
use crate::app::App;
use crate::clock::{DAY, HOUR, Micros, SECOND};
use crate::gate::chart::{AccountCode, TransferCode, available};
use crate::gate::purse::{LotKind, Month};
use crate::gate::{Act, Question};
use crate::id::derive;
use crate::notify::{Notice, tell};
use crate::web::error::{Error, Result};
use crate::worker::Worker;

const EVERY: Duration = Duration::from_secs(60);
/// Customers of one page.
const PAGE: i64 = 200;
/// After the end, so that what was planned before it is made.
const AFTER_END: Micros = HOUR;
/// Months back that are still worked on: after a long outage too.
const MONTHS_BACK: u16 = 12;

/// What is done about the lots of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Customers are told, so many days before.
    Told(i64),
    /// What is left is emptied.
    Ended,
}

impl Stage {
    const ALL: [Self; 3] = [Self::Told(30), Self::Told(7), Self::Ended];

    const fn word(self) -> &'static str {
        match self {
            Self::Told(7) => "told_7",
            Self::Told(_) => "told_30",
            Self::Ended => "ended",
        }
    }

    fn is_due(self, month: Month, now: Micros) -> bool {
        let end = month.end();
        match self {
            // Seven days before, the first word would be a second one.
            Self::Told(30) => (end - 30 * DAY..end - 7 * DAY).contains(&now),
            Self::Told(days) => (end - days * DAY..end).contains(&now),
            Self::Ended => now >= end + AFTER_END,
        }
    }
}

/// Starts the workers. What is cut off is done again at the next start.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    Worker::new("value")
        .every(EVERY, app, "value that ends was not looked after", |app, _| async move {
            sweep(&app).await
        })
        .every(EVERY, app, "points that are due were not issued", |app, _| async move {
            issue_due(&app).await
        })
}

/// Does all that is due now.
///
/// # Errors
/// A fault if a store fails; what was done stays done.
pub async fn sweep(app: &App) -> Result<()> {
    let now = app.clock.now();
    let this = Month::of(now);
    for back in 0..=MONTHS_BACK {
        let month = this.minus(back);
        for stage in Stage::ALL.into_iter().filter(|stage| stage.is_due(month, now)) {
            while page(app, month, stage).await? {}
        }
    }
    Ok(())
}

struct Holder {
    customer_id: String,
    wallet: u128,
}

/// One page of customers. False when there is none left.
async fn page(app: &App, month: Month, stage: Stage) -> Result<bool> {
    let registry = &app.stores.registry;
    let number = i64::from(month.number());
    let query = sql("SELECT after_customer, done FROM value_sweep WHERE month = $1 AND stage = $2");
    let row = registry.optional(query.bind(number).bind(stage.word())).await?;
    let (after, done) = match &row {
        Some(row) => (row.text("after_customer")?, row.int("done")? == 1),
        None => (String::new(), false),
    };
    if done {
        return Ok(false);
    }
    if row.is_none() {
        let insert = sql("INSERT INTO value_sweep (month, stage, after_customer, done)
             VALUES ($1, $2, '', 0) ON CONFLICT (month, stage) DO NOTHING");
        registry.execute(insert.bind(number).bind(stage.word())).await?;
    }
    let query = sql("SELECT customer_id, wallet_account FROM customer
         WHERE customer_id > $1 AND status <> 'closed' ORDER BY customer_id LIMIT $2");
    let rows = registry.all(query.bind(&after).bind(PAGE)).await?;
    let mut holders = Vec::with_capacity(rows.len());
    for row in rows {
        let wallet = u128::from_be_bytes(row.array("wallet_account")?);
        holders.push(Holder { customer_id: row.text("customer_id")?, wallet });
    }
    if stage == Stage::Ended {
        empty(app, month, &holders).await?;
    }
    let last = holders.last().map_or(after.clone(), |holder| holder.customer_id.clone());
    let is_last = i64::try_from(holders.len()).unwrap_or(i64::MAX) < PAGE;
    let mut tx = registry.begin().await?;
    let update = sql("UPDATE value_sweep SET after_customer = $1, done = $2
         WHERE month = $3 AND stage = $4 AND after_customer = $5 AND done = 0");
    let update = update.bind(last).bind(i64::from(is_last)).bind(number);
    if tx.execute(update.bind(stage.word()).bind(after)).await? == 0 {
        return Ok(true); // another node did this page
    }
    if let Stage::Told(_) = stage {
        for holder in &holders {
            let [free, points] =
                [LotKind::Free, LotKind::Points].map(|kind| left(app, kind, holder.wallet, month));
            if free + points > 0 {
                let notice = Notice::ValueEnds { free, points, last: month.end() - SECOND };
                tell(app, &mut tx, &holder.customer_id, &notice).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(!is_last)
}

fn left(app: &App, kind: LotKind, wallet: u128, month: Month) -> i64 {
    app.gate.account(kind.account_id(wallet, month)).as_ref().map_or(0, available)
}

#[derive(Serialize)]
struct Detail {
    month: Month,
    lots: usize,
}

/// Empties the lots of these customers, each once.
async fn empty(app: &App, month: Month, holders: &[Holder]) -> Result<()> {
    let mut transfers = Vec::new();
    let mut accounts = Vec::new();
    for (kind, expired, code) in [
        (LotKind::Free, AccountCode::FreeExpired, TransferCode::FreeExpired),
        (LotKind::Points, AccountCode::PointsExpired, TransferCode::PointsExpired),
    ] {
        let expired = operator_account(expired);
        accounts.push(expired);
        for holder in holders {
            let id = kind.account_id(holder.wallet, month);
            let Some(lot) = app.gate.account(id).filter(|lot| available(lot) > 0) else { continue };
            transfers.push(Transfer {
                id: derive("expired", &[&id.to_be_bytes(), &lot.credits_posted.to_be_bytes()]),
                debit_account_id: id,
                credit_account_id: expired.id,
                amount: available(&lot).unsigned_abs(),
                user_data_32: month.number(),
                ledger: kind.ledger(),
                code: code.number(),
                ..Transfer::default()
            });
        }
    }
    if transfers.is_empty() {
        return Ok(());
    }
    accounts.retain(|account| app.gate.account(account.id).is_none());
    let detail = Detail { month, lots: transfers.len() };
    let clearance = app.gate.decide(Question::plain(Act::ValueExpire, &detail), Ok(())).await?;
    let lots: Vec<u128> = transfers.iter().map(|transfer| transfer.debit_account_id).collect();
    app.gate.commit(clearance, Request { accounts, transfers }).await?;
    // Refused where another node was first: then they are empty too.
    let is_empty = |lot: &u128| app.gate.account(*lot).is_none_or(|lot| available(&lot) == 0);
    if lots.iter().all(is_empty) { Ok(()) } else { Err(Error::fault("a lot could not be emptied")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_are_told_in_time_and_lots_end_after_their_month() {
        let month = Month::of(1_561_906_800_000_000); // July 2019
        let end = month.end();
        let due = |at| Stage::ALL.map(|stage| stage.is_due(month, at));
        assert_eq!(due(end - 30 * DAY - 1), [false, false, false]);
        assert_eq!(due(end - 30 * DAY), [true, false, false]);
        assert_eq!(due(end - 7 * DAY), [false, true, false]);
        assert_eq!(due(end), [false, false, false]);
        assert_eq!(due(end + AFTER_END), [false, false, true]);
    }
}
