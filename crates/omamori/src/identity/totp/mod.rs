//! One-time codes of authenticator apps (TOTP, RFC 6238), the second factor beside a password.
//!
//! SHA-1, 30 seconds and six digits, because that is what every app understands; HMAC does not need
//! the collision resistance that SHA-1 lacks. What always holds: a code works once, whoever asks
//! for it, and an older one does not work after a newer one.

mod enrol;
mod secret;

pub(super) use enrol::{Offer, Verified, offer, set, verified};
pub(super) use secret::{Code, Secret};

use omamori_db::{Db, Tx, sql};

use crate::app::App;
use crate::clock::{Micros, SECOND};
use crate::web::error::Result;

const STEP: Micros = 30 * SECOND;

/// Where the sealed secret of a customer lives: part of what the seal authenticates.
pub(crate) fn secret_place(customer_id: &str) -> String {
    format!("totp.secret/{customer_id}")
}

/// The steps whose codes are taken: this one, the one before, for the time that typing takes, and
/// the one after, for a clock that is ahead (RFC 6238 §5.2, §6).
fn steps(now: Micros) -> std::ops::RangeInclusive<i64> {
    let step = now / STEP;
    step - 1..=step + 1
}

/// Since when a customer has an app, if there is one.
///
/// # Errors
/// A fault.
pub(super) async fn since(registry: &Db, customer_id: &str) -> Result<Option<Micros>> {
    let query = sql("SELECT created_at FROM totp WHERE customer_id = $1");
    let row = registry.optional(query.bind(customer_id)).await?;
    Ok(row.map(|row| row.int("created_at")).transpose()?)
}

/// Whether there is one, seen from inside a transaction.
///
/// # Errors
/// A fault.
pub(super) async fn has(tx: &mut Tx, customer_id: &str) -> Result<bool> {
    let query = sql("SELECT created_at FROM totp WHERE customer_id = $1");
    Ok(tx.optional(query.bind(customer_id)).await?.is_some())
}

/// Checks a code of this customer's app and uses it up with the transaction: for sign-in and for
/// step-up. Who calls it counts failures and commits, right or wrong.
///
/// # Errors
/// A fault.
pub(super) async fn check(app: &App, tx: &mut Tx, customer_id: &str, code: Code) -> Result<bool> {
    let query = sql("SELECT secret, last_step FROM totp WHERE customer_id = $1");
    let Some(row) = tx.optional(query.bind(customer_id)).await? else { return Ok(false) };
    let secret = Secret::open(app, &secret_place(customer_id), &row.bytes("secret")?)?;
    let Some(step) = secret.step_of(code, steps(app.clock.now())) else { return Ok(false) };
    let update = sql("UPDATE totp SET last_step = $1 WHERE customer_id = $2 AND last_step < $1");
    Ok(tx.execute(update.bind(step).bind(customer_id)).await? == 1)
}
