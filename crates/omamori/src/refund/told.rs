//! Every customer is told that the service ends, or that it does not after all; and, shortly before
//! the claims end, who still has something to claim. Once, page by page.

use omamori_db::sql;

use super::{end, money};
use crate::app::App;
use crate::clock::DAY;
use crate::notify::{Notice, tell};
use crate::web::error::Result;

/// Customers of one transaction.
const PAGE: i64 = 100;
/// So long before the claims end who has not claimed is told once more.
const BEFORE: i64 = 14 * DAY;

/// Tells all who were not told yet. Gives how many.
///
/// # Errors
/// A fault if the registry fails; who was told stays told.
pub(super) async fn work_until(app: &App, stop: impl Fn() -> bool + Send) -> Result<usize> {
    let mut told = 0;
    while let Some(page) = page(app).await? {
        told += page;
        if stop() {
            break;
        }
    }
    Ok(told)
}

/// A page, in the transaction that moves on. None when there is nobody left to tell.
async fn page(app: &App) -> Result<Option<usize>> {
    let registry = &app.stores.registry;
    let query = sql("SELECT end_id, state, ends_at, last_day, told_after FROM service_end
         WHERE told_at IS NULL ORDER BY agreed_at LIMIT CAST(1 AS BIGINT)");
    let Some(row) = registry.optional(query).await? else { return Ok(None) };
    let (end_id, state) = (row.text("end_id")?, row.text("state")?);
    let after = row.text("told_after")?;
    let notice = if state == "announced" {
        Notice::ServiceEnds { ends_at: row.int("ends_at")?, last_day: row.text("last_day")? }
    } else {
        Notice::ServiceStays {}
    };
    let query = sql("SELECT customer_id FROM customer
         WHERE customer_id > $1 AND status <> 'closed' ORDER BY customer_id LIMIT $2");
    let rows = registry.all(query.bind(&after).bind(PAGE)).await?;
    let ids: omamori_db::Result<Vec<_>> = rows.iter().map(|row| row.text("customer_id")).collect();
    let ids = ids?;
    let mut tx = registry.begin().await?;
    let (last, done_at) = match ids.last() {
        Some(last) => (last.clone(), None),
        None => (after.clone(), Some(app.clock.now())),
    };
    let step = sql("UPDATE service_end SET told_after = $1, told_at = $2
         WHERE end_id = $3 AND state = $4 AND told_after = $5 AND told_at IS NULL");
    let step = step.bind(last).bind(done_at).bind(end_id).bind(state).bind(after);
    if tx.execute(step).await? != 1 {
        return Ok(Some(0)); // another node was faster
    }
    for customer_id in &ids {
        tell(app, &mut tx, customer_id, &notice).await?;
    }
    tx.commit().await?;
    Ok(Some(ids.len()))
}

/// Tells who still holds paid value that the time to claim is nearly over. Gives at how many it
/// looked.
///
/// # Errors
/// A fault if the registry fails; who was told stays told.
pub(super) async fn remind_until(app: &App, stop: impl Fn() -> bool + Send) -> Result<usize> {
    let mut looked_at = 0;
    while let Some(page) = reminders(app).await? {
        looked_at += page;
        if stop() {
            break;
        }
    }
    Ok(looked_at)
}

async fn reminders(app: &App) -> Result<Option<usize>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let Some(end) = end::standing(registry).await? else { return Ok(None) };
    if !end.takes_claims(now) || now < end.claims_until - BEFORE {
        return Ok(None);
    }
    let query = sql("SELECT reminded_after FROM service_end
         WHERE end_id = $1 AND reminded_at IS NULL");
    let Some(row) = registry.optional(query.bind(&end.end_id)).await? else { return Ok(None) };
    let after = row.text("reminded_after")?;
    let query = sql("SELECT customer_id FROM customer
         WHERE customer_id > $1 AND status <> 'closed' ORDER BY customer_id LIMIT $2");
    let rows = registry.all(query.bind(&after).bind(PAGE)).await?;
    let ids: omamori_db::Result<Vec<_>> = rows.iter().map(|row| row.text("customer_id")).collect();
    let ids = ids?;
    let (last, done_at) = match ids.last() {
        Some(last) => (last.clone(), None),
        None => (after.clone(), Some(now)),
    };
    let mut tx = registry.begin().await?;
    let step = sql("UPDATE service_end SET reminded_after = $1, reminded_at = $2
         WHERE end_id = $3 AND reminded_after = $4 AND reminded_at IS NULL");
    let step = step.bind(last).bind(done_at).bind(&end.end_id).bind(after);
    if tx.execute(step).await? != 1 {
        return Ok(Some(0)); // another node was faster
    }
    let last_day = &end.plan.last_day;
    for (customer_id, amount) in ids.iter().map(|id| (id, money::left(app, id))) {
        if amount > 0 {
            let notice = Notice::RefundUnclaimed { amount, last_day: last_day.clone() };
            tell(app, &mut tx, customer_id, &notice).await?;
        }
    }
    tx.commit().await?;
    Ok(Some(ids.len()))
}
