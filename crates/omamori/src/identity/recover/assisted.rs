//! Recovery with the help of support, for a customer who has no recovery code left.
//!
//! Two of staff agree, and the customer gets a ticket: a text that stands in for a recovery code,
//! once, within a day. All else is as in any recovery: the code by SMS to a number that was
//! verified before, the day in which every contact is told and anyone of the account can call it
//! off. Support cannot shorten the day, choose a factor, or enter a number or an address.

use omamori_db::{Db, Tx, sql};

use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::identity::recovery;
use crate::notify::{Notice, tell};
use crate::web::codes::Code;
use crate::web::error::Result;

/// How long a ticket can be typed.
const LIFE: Micros = DAY;
/// How long it is known afterwards who approved it.
const KEPT: Micros = 90 * DAY;

/// Makes a recovery ticket for a customer, in the transaction that records who approved it; the
/// text is seen this once. `approved_by` are the names of two different people of staff: that they
/// may, and that they looked at who is asking, is the caller's to see to. The customer is told on
/// every channel.
///
/// # Errors
/// [`Code::Forbidden`]: twice the same person; a fault if the registry fails or there is no such
/// customer.
pub async fn assisted(
    app: &App,
    tx: &mut Tx,
    customer_id: &str,
    approved_by: [&str; 2],
) -> Result<String> {
    let [first, second] = approved_by;
    if first == second {
        return Err(Code::Forbidden.into());
    }
    let now = app.clock.now();
    let past = sql("DELETE FROM recovery_ticket WHERE expires_at < $1");
    tx.execute(past.bind(now - KEPT)).await?;
    let before = sql("UPDATE recovery_ticket SET expires_at = $1
         WHERE customer_id = $2 AND used_at IS NULL AND expires_at > $1");
    tx.execute(before.bind(now).bind(customer_id)).await?;
    let (ticket, until) = (recovery::code(app.rng.as_ref()), now + LIFE);
    let insert = sql("INSERT INTO recovery_ticket (ticket_hash, customer_id, approved_by,
                                      created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5)");
    let insert = insert.bind(recovery::hash(&ticket)).bind(customer_id);
    let insert = insert.bind(serde_json::to_string(&approved_by)?).bind(now);
    tx.execute(insert.bind(until)).await?;
    tell(app, tx, customer_id, &Notice::RecoveryAssisted { until }).await?;
    Ok(ticket)
}

/// Whose ticket it is, if it can be used.
pub(super) async fn holder(registry: &Db, hash: [u8; 32], now: Micros) -> Result<Option<String>> {
    let query = sql("SELECT customer_id FROM recovery_ticket
         WHERE ticket_hash = $1 AND used_at IS NULL AND expires_at > $2");
    let row = registry.optional(query.bind(hash).bind(now)).await?;
    Ok(row.map(|row| row.text("customer_id")).transpose()?)
}

/// Uses a ticket up. False if it is none of this customer's, was used, or is too old.
pub(super) async fn use_up(
    tx: &mut Tx,
    customer_id: &str,
    hash: [u8; 32],
    now: Micros,
) -> Result<bool> {
    let update = sql("UPDATE recovery_ticket SET used_at = $1
         WHERE ticket_hash = $2 AND customer_id = $3 AND used_at IS NULL AND expires_at > $1");
    Ok(tx.execute(update.bind(now).bind(hash).bind(customer_id)).await? == 1)
}
