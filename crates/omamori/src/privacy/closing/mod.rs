//! Closing an account: asked for, seven days to call it off, then carried out.
//!
//! Asking stops the account, ends all sessions and tells every channel. Within the grace a sign-in
//! calls it off: so whoever did it in the customer's place has seven days against them. A worker
//! carries out what is due; each of its steps may be done twice, on any node.
//!
//! `waiting` → `ending` (no sign-in calls it off now) → `scrubbing` (the person is gone from the
//! registry, the number is free) → `done`; or `canceled`.

mod carry_out;
mod obstacle;
pub(super) mod request;

use omamori_db::{Tx, sql};

pub use carry_out::carry_out_due;
pub use request::ask_for;
pub(crate) use request::begin_paid;

use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::identity::devices;
use crate::notify::{ClosingEnd, Notice, tell};
use crate::refund::closing::keep_shut_in;
use crate::web::error::Result;

/// The time to call it off.
pub const GRACE: Micros = 7 * DAY;
/// Who stopped an account that is being closed.
const STOPPED_BY: &str = "closing";
/// Who asked for a closing that follows a refund of what was left: nobody calls that off any more.
const PAID: &str = "refund";

/// The customer has signed in: a closing that waits is called off, in the sign-in's transaction.
///
/// # Errors
/// A fault if the registry fails.
pub async fn call_off(app: &App, tx: &mut Tx, customer_id: &str) -> Result<()> {
    let update = sql("UPDATE account_closing SET state = 'canceled', ended_at = $1
         WHERE customer_id = $2 AND state = 'waiting'");
    if tx.execute(update.bind(app.clock.now()).bind(customer_id)).await? == 1 {
        reopen(app, tx, customer_id, ClosingEnd::SignedIn).await?;
    }
    Ok(())
}

/// Starts the account again, unless somebody else stopped it meanwhile or its rest is claimed, and
/// tells why.
async fn reopen(app: &App, tx: &mut Tx, customer_id: &str, why: ClosingEnd) -> Result<()> {
    let start = sql("UPDATE customer SET status = 'active', stopped_by = NULL
         WHERE customer_id = $1 AND status = 'frozen' AND stopped_by = $2");
    tx.execute(start.bind(customer_id).bind(STOPPED_BY)).await?;
    devices::note(app, tx, customer_id).await?;
    if keep_shut_in(app, tx, customer_id).await? {
        return Ok(()); // the rest is claimed: it closes all the same
    }
    tell(app, tx, customer_id, &Notice::ClosingCanceled { why }).await
}
