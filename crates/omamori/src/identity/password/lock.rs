//! Wrong passwords and codes in a row **on the bound phone**: the same row and the same delays as
//! for passkeys ([`crate::identity::signin::lock`]), but of this way in only.
//!
//! Strangers' tries do not count here. They cannot succeed, so there is nothing to lock against
//! them, and nobody can lock a customer out from afar.

use omamori_db::{Tx, sql};

use crate::app::App;
use crate::clock::Micros;
use crate::identity::signin::lock::{locked_until, refuse_until, told};
use crate::web::codes::Code;
use crate::web::error::Result;

/// Refuses while this way in is locked.
pub(in crate::identity) fn check(locked_until: Micros, now: Micros) -> Result<()> {
    refuse_until(locked_until, now)
}

/// Counts a try before anyone looks whether it is right, and refuses while this way in is locked.
/// [`wrong`] or [`right`] comes next, in the same transaction.
pub(in crate::identity) async fn try_once(
    tx: &mut Tx,
    customer_id: &str,
    now: Micros,
) -> Result<()> {
    let count = sql("UPDATE password SET failures = failures + 1
         WHERE customer_id = $1 AND locked_until <= $2");
    if tx.execute(count.bind(customer_id).bind(now)).await? == 1 {
        return Ok(());
    }
    let query = sql("SELECT locked_until FROM password WHERE customer_id = $1");
    let row = tx.optional(query.bind(customer_id)).await?.ok_or(Code::ProofFailed)?;
    refuse_until(row.int("locked_until")?.max(now + 1), now)
}

/// The try that was counted last was wrong: locks, if it is time.
pub(in crate::identity) async fn wrong(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    now: Micros,
) -> Result<()> {
    let query = sql("SELECT failures FROM password WHERE customer_id = $1");
    let failures = tx.one(query.bind(customer_id)).await?.int("failures")?;
    let until = locked_until(failures, now);
    let lock = sql("UPDATE password SET locked_until = $1 WHERE customer_id = $2");
    tx.execute(lock.bind(until).bind(customer_id)).await?;
    told(app, tx, customer_id, (failures, until)).await
}

/// The try that was counted last was right: the row of failures ends.
pub(in crate::identity) async fn right(tx: &mut Tx, customer_id: &str) -> Result<()> {
    let reset = sql("UPDATE password SET failures = CAST(0 AS BIGINT)
         WHERE customer_id = $1 AND failures > 0");
    tx.execute(reset.bind(customer_id)).await?;
    Ok(())
}
