//! Whether a row of an act still concerns whom it was planned for: staff may have cleared them
//! since two people agreed on it.

use omamori_db::{Tx, sql};

use super::act::{ActKind, ActRow, On, Planned};
use super::receivers;
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::id::Kind;
use crate::web::error::Result;

/// So long a row waits before it is looked at again, if it waits for what is not known yet.
const AGAIN: Micros = 5 * MINUTE;

/// Whether an act is for a member who stands so; none has left the lists.
fn fits(act: &Planned, state: Option<&str>) -> bool {
    match state {
        Some("confirmed") => true,
        Some("suspected") => act.parameters.on == On::All,
        // Who turned out to be nobody's suspect is started again before all others.
        _ => act.parameters.kind == ActKind::Unfreeze,
    }
}

/// Whether an act still is for a customer.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn concerns(tx: &mut Tx, act: &Planned, customer_id: &str) -> Result<bool> {
    if act.parameters.on == On::Receivers {
        let is_unfreeze = act.parameters.kind == ActKind::Unfreeze;
        return Ok(is_unfreeze || receivers::stands(tx, &act.incident_id, customer_id).await?);
    }
    let query = sql("SELECT state FROM incident_member
         WHERE incident_id = $1 AND customer_id = $2");
    let row = tx.optional(query.bind(&act.incident_id).bind(customer_id)).await?;
    let state = row.map(|row| row.text("state")).transpose()?;
    Ok(fits(act, state.as_deref()))
}

/// Whether a transfer still is disputed, by somebody for whom the act is.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn concerns_transfer(tx: &mut Tx, act: &Planned, id: u128) -> Result<bool> {
    let query = sql("SELECT m.state FROM incident_move v JOIN incident_member m
             ON m.incident_id = v.incident_id AND m.customer_id = v.customer_id
         WHERE v.incident_id = $1 AND v.transfer_id = $2 AND v.state = 'disputed'");
    let row = tx.optional(query.bind(&act.incident_id).bind(id.to_be_bytes())).await?;
    let state = row.map(|row| row.text("state")).transpose()?;
    Ok(fits(act, state.as_deref()))
}

/// What a look at a row before its money moves gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Its money moves, whatever is said of the member from here on.
    Pays,
    /// The member was cleared before.
    Cleared,
    /// It would pay less than is lost by now, and so is planned again.
    Short,
    /// Another node was first with it.
    Gone,
}

/// Decides once, for all nodes and for ever, whether a row's money moves: with it the row is
/// marked, before the ledger is asked. Of who was cleared, and of what is short, nothing is marked
/// here.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn begins_to_pay(
    app: &App,
    act: &Planned,
    row: &ActRow,
    is_short: bool,
) -> Result<Look> {
    let mut tx = app.stores.registry.begin().await?;
    let query = sql("SELECT state, outcome FROM incident_act_row
         WHERE act_id = $1 AND subject = $2");
    let found = tx.one(query.bind(&act.act_id).bind(&row.subject)).await?;
    match (found.text("state")?.as_str(), found.text("outcome")?.as_str()) {
        ("waiting", "paying") => return Ok(Look::Pays),
        ("waiting", _) => {}
        _ => return Ok(Look::Gone),
    }
    let concerns = match Kind::Topup.parse(&row.subject) {
        Some(topup) => concerns_transfer(&mut tx, act, topup).await?,
        None => concerns(&mut tx, act, &row.subject).await?,
    };
    if !concerns {
        return Ok(Look::Cleared);
    }
    if is_short {
        return Ok(Look::Short);
    }
    let mark = sql("UPDATE incident_act_row SET outcome = 'paying'
         WHERE act_id = $1 AND subject = $2 AND state = 'waiting'");
    let marked = tx.execute(mark.bind(&act.act_id).bind(&row.subject)).await?;
    tx.commit().await?;
    Ok(if marked == 1 { Look::Pays } else { Look::Gone })
}

/// Lets a row wait: it is not known yet what it has to do.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn wait(app: &App, act: &Planned, row: &ActRow) -> Result<()> {
    let update = sql("UPDATE incident_act_row SET due_at = $1
         WHERE act_id = $2 AND subject = $3 AND state = 'waiting'");
    let update = update.bind(app.clock.now() + AGAIN).bind(&act.act_id).bind(&row.subject);
    app.stores.registry.execute(update).await?;
    Ok(())
}

/// Ends a row whose money does not move, in the caller's transaction: what the act took of it is
/// free again, for who may confirm its member later or for the next act. False if its money moves,
/// or somebody else ended it.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn end_unpaid(
    tx: &mut Tx,
    act: &Planned,
    row: &ActRow,
    (outcome, now): (&str, Micros),
) -> Result<bool> {
    let update = sql("UPDATE incident_act_row SET state = 'done', outcome = $1, done_at = $2
         WHERE act_id = $3 AND subject = $4 AND state = 'waiting' AND outcome = ''");
    let update = update.bind(outcome).bind(now).bind(&act.act_id).bind(&row.subject);
    if tx.execute(update).await? != 1 {
        return Ok(false);
    }
    let free = sql("DELETE FROM incident_paid WHERE act_id = $1 AND transfer_id IN
             (SELECT transfer_id FROM incident_act_move WHERE act_id = $1 AND customer_id = $2)");
    tx.execute(free.bind(&act.act_id).bind(&row.subject)).await?;
    Ok(true)
}
