//! Who was paid back for closing the account leaves: some days after the bank took it, since banks
//! give back what they cannot pay, the account closes as any other does, without another grace.

use omamori_db::sql;

use super::closing::SHUT_BY;
use super::money;
use super::run::failed;
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::privacy::begin_closing;
use crate::web::error::Result;

/// So long banks take to say that an account does not exist, with time to spare.
pub(super) const RETURNS: Micros = 14 * DAY;
/// Customers of one reading.
const PAGE: i64 = 100;

/// Begins the closings that are due. One that something stands against waits, and so does one that
/// fails: neither holds up the others.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn begin_due(app: &App) -> Result<()> {
    let (registry, mut after) = (&app.stores.registry, String::new());
    loop {
        let query = sql("SELECT DISTINCT c.customer_id FROM customer c
             JOIN refund_claim r ON r.customer_id = c.customer_id
             WHERE r.basis = 'closing' AND r.state = 'sent' AND r.sent_at <= $1
             AND c.status = 'frozen' AND c.stopped_by = $2 AND c.customer_id > $3
             ORDER BY c.customer_id LIMIT $4");
        let query = query.bind(app.clock.now() - RETURNS).bind(SHUT_BY).bind(&after).bind(PAGE);
        let rows = registry.all(query).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.text("customer_id")?;
        for row in &rows {
            let customer_id = row.text("customer_id")?;
            // What came since is theirs: they claim it too.
            if money::left(app, &customer_id) == 0
                && let Err(error) = begin_closing(app, &customer_id, SHUT_BY).await
            {
                failed("leavers", &customer_id, &error);
            }
        }
    }
}
