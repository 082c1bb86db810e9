//! The factors of a customer who is signed in: seen on one page, added, replaced, removed.
//!
//! Each change is confirmed with a factor that is there already, is told on every channel, and
//! waits on a phone that came by a move or a recovery until its first day is over. The last strong
//! factor (a passkey, or the app together with a password or an account elsewhere) cannot be
//! removed, by two requests at once neither.

pub(super) mod app;
pub(super) mod page;
pub(super) mod passkey_add;
pub(super) mod passkey_remove;
pub(super) mod password;

use omamori_db::{Tx, sql};
use serde::Serialize;

use super::customer::Customer;
use super::{devices, session};
use crate::app::App;
use crate::notify::{Change, Factor, Notice, tell};
use crate::web::error::Result;

/// The answer where there is nothing to say.
#[derive(Serialize)]
pub(super) struct Done {}

/// Makes changes of one customer's factors wait for each other.
async fn one_at_a_time(tx: &mut Tx, customer_id: &str) -> Result<()> {
    let lock = sql("UPDATE customer SET status = status WHERE customer_id = $1");
    tx.execute(lock.bind(customer_id)).await?;
    Ok(())
}

/// Tells of a change, and ends what the customer's other sessions on this phone may hold on to.
async fn changed(
    app: &App,
    tx: &mut Tx,
    customer: &Customer,
    factor: Factor,
    change: Change,
) -> Result<()> {
    if change != Change::Added {
        session::end_others(tx, customer).await?;
    }
    let device = devices::name(tx, &customer.device_id).await?;
    tell(app, tx, &customer.customer_id, &Notice::FactorChanged { factor, change, device }).await
}
