//! Failures in a row, by account: ten are free, then each costs twice the time of the one before
//! it, and the hundredth closes sign-in until recovery (NIST SP 800-63B-4 §3.2.2).

use omamori_db::{Db, Query, Tx, sql};

use crate::app::App;
use crate::clock::{DAY, MINUTE, Micros, SECOND};
use crate::notify::{Notice, tell};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

const FREE: i64 = 10;
const LAST: i64 = 100;
const LONGEST: Micros = DAY;

/// Refuses while sign-in is locked.
pub(in crate::identity) async fn check(
    registry: &Db,
    customer_id: &str,
    now: Micros,
) -> Result<()> {
    let query = sql("SELECT signin_locked_until FROM customer WHERE customer_id = $1");
    let until = registry.one(query.bind(customer_id)).await?.int("signin_locked_until")?;
    refuse_until(until, now)
}

/// Refuses before an instant.
pub(in crate::identity) fn refuse_until(until: Micros, now: Micros) -> Result<()> {
    if until <= now {
        return Ok(());
    }
    let seconds = u32::try_from((until - now) / SECOND + 1).unwrap_or(u32::MAX);
    Err(Error::RetryAfter(Code::TooManyRequests, seconds))
}

/// Counts one more failure.
pub(in crate::identity) async fn failed(app: &App, customer_id: &str, now: Micros) -> Result<()> {
    let mut tx = app.stores.registry.begin().await?;
    let count =
        sql("UPDATE customer SET signin_failures = signin_failures + 1 WHERE customer_id = $1");
    tx.execute(count.bind(customer_id)).await?;
    wrong(app, &mut tx, customer_id, now).await?;
    Ok(tx.commit().await?)
}

/// Counts a try before anyone looks whether it is right, and refuses while sign-in is locked: many
/// guesses at once are no more than one after the other. [`wrong`] or [`right`] comes next, in the
/// same transaction.
pub(in crate::identity) async fn try_once(
    tx: &mut Tx,
    customer_id: &str,
    now: Micros,
) -> Result<()> {
    let count = sql("UPDATE customer SET signin_failures = signin_failures + 1
         WHERE customer_id = $1 AND signin_locked_until <= $2");
    if tx.execute(count.bind(customer_id).bind(now)).await? == 1 {
        return Ok(());
    }
    let query = sql("SELECT signin_locked_until FROM customer WHERE customer_id = $1");
    let until = tx.one(query.bind(customer_id)).await?.int("signin_locked_until")?;
    refuse_until(until.max(now + 1), now)
}

/// The try that was counted last was wrong: locks, if it is time. The customer is told of the first
/// lock of a row and of the last: the ones between would be somebody's way to fill a mailbox.
pub(in crate::identity) async fn wrong(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    now: Micros,
) -> Result<()> {
    let query = sql("SELECT signin_failures FROM customer WHERE customer_id = $1");
    let failures = tx.one(query.bind(customer_id)).await?.int("signin_failures")?;
    let until = locked_until(failures, now);
    let lock = sql("UPDATE customer SET signin_locked_until = $1 WHERE customer_id = $2");
    tx.execute(lock.bind(until).bind(customer_id)).await?;
    told(app, tx, customer_id, (failures, until)).await
}

/// The try that was counted last was right: the row of failures ends.
pub(in crate::identity) async fn right(tx: &mut Tx, customer_id: &str) -> Result<()> {
    tx.execute(end_of_row(customer_id)).await?;
    Ok(())
}

/// Tells the customer of the lock, if this failure is one to tell of.
pub(in crate::identity) async fn told(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    (failures, until): (i64, Micros),
) -> Result<()> {
    if matches!(failures, FREE | LAST) {
        let until = (failures < LAST).then_some(until);
        tell(app, tx, customer_id, &Notice::SigninLocked { until }).await?;
    }
    Ok(())
}

/// The row of failures ends.
pub(in crate::identity) async fn succeeded(registry: &Db, customer_id: &str) -> Result<()> {
    registry.execute(end_of_row(customer_id)).await?;
    Ok(())
}

fn end_of_row(customer_id: &str) -> Query {
    let reset = sql("UPDATE customer SET signin_failures = CAST(0 AS BIGINT)
         WHERE customer_id = $1 AND signin_failures > 0");
    reset.bind(customer_id)
}

pub(in crate::identity) fn locked_until(failures: i64, now: Micros) -> Micros {
    match failures {
        ..FREE => 0,
        FREE..LAST => {
            let doubled = MINUTE.saturating_mul(1 << (failures - FREE).min(30));
            now + doubled.min(LONGEST)
        }
        LAST.. => Micros::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_and_ends_in_a_closed_door() {
        let minutes = |failures| locked_until(failures, 0) / MINUTE;
        assert_eq!(minutes(9), 0);
        assert_eq!([10, 11, 12, 13].map(minutes), [1, 2, 4, 8]);
        assert_eq!(locked_until(21, 7), 7 + DAY);
        assert_eq!(locked_until(99, 7), 7 + DAY);
        assert_eq!(locked_until(100, 7), Micros::MAX);
    }
}
