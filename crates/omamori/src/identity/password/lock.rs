//! Wrong passwords and codes in a row **on the bound phone**: the same row and the same delays as
//! for passkeys ([`crate::identity::signin::lock`]), but of this way in only.
//!
//! Strangers' tries do not count here. They cannot succeed, so there is nothing to lock against
//! them, and nobody can lock a customer out from afar.

use omamori_db::{Tx, sql};

use crate::app::App;
use crate::clock::Micros;
use crate::identity::signin::lock::{locked_until, refuse_until, told};
use crate::web::error::Result;

/// Refuses while this way in is locked.
pub(in crate::identity) fn check(locked_until: Micros, now: Micros) -> Result<()> {
    refuse_until(locked_until, now)
}

/// Counts one more failure.
pub(in crate::identity) async fn failed(app: &App, customer_id: &str, now: Micros) -> Result<()> {
    let mut tx = app.stores.registry.begin().await?;
    let count = sql("UPDATE password SET failures = failures + 1 WHERE customer_id = $1");
    tx.execute(count.bind(customer_id)).await?;
    let query = sql("SELECT failures FROM password WHERE customer_id = $1");
    if let Some(row) = tx.optional(query.bind(customer_id)).await? {
        let failures = row.int("failures")?;
        let until = locked_until(failures, now);
        let lock = sql("UPDATE password SET locked_until = $1 WHERE customer_id = $2");
        tx.execute(lock.bind(until).bind(customer_id)).await?;
        told(app, &mut tx, customer_id, (failures, until)).await?;
    }
    Ok(tx.commit().await?)
}

/// The row of failures ends.
pub(in crate::identity) async fn succeeded(tx: &mut Tx, customer_id: &str) -> Result<()> {
    let reset = sql("UPDATE password SET failures = CAST(0 AS BIGINT)
         WHERE customer_id = $1 AND failures > 0");
    tx.execute(reset.bind(customer_id)).await?;
    Ok(())
}
