//! Getting back in without the passkey or without the phone.
//!
//! Two proofs: a recovery code, or what support gives in its place ([`assisted()`]), and a code by
//! SMS to a number that was verified before. The number that is typed only has to match; nothing is
//! ever sent to an address of the form, and nothing at all without a right recovery code, so this
//! door bombs no phone and tells of no account. Then a day passes in which every channel is told,
//! everything works as before, and any phone of the account can cancel, and so can whoever reads
//! what the contacts were sent. Only then come a new passkey (or password and app) and a new phone,
//! and all else ends.
//!
//! Two recoveries at once: the later one ends the earlier and waits its own day, so nobody wins a
//! race. A move, or the undoing of one, ends a recovery: they take stronger proofs.

mod assisted;
pub(super) mod cancel;
pub(super) mod finish;
pub(super) mod options;
pub(super) mod password;
pub(super) mod start;
pub(super) mod verify;

pub use assisted::assisted;

use omamori_db::{Db, Tx, sql};

use super::binding::{Checked, kept};
use super::dpop::Proof;
use crate::app::App;
use crate::clock::{DAY, MINUTE, Micros};
use crate::notify::{Notice, tell};
use crate::web::codes::Code;
use crate::web::error::Result;

/// How long the SMS code lives (NIST SP 800-63B-4 §3.1.3.2).
const CODE_LIFE: Micros = 10 * MINUTE;
/// Wrong codes that one SMS allows: a chance of 5 in a million.
const TRIES: i64 = 5;
/// How long everybody is told before anything changes.
const COOLING: Micros = DAY;
/// How long a recovery can be finished after that.
const FINISH_LIFE: Micros = 7 * DAY;

/// Where the sealed code of a recovery lives: part of what the seal authenticates.
fn code_place(recovery_id: &str) -> String {
    format!("recovery.code/{recovery_id}")
}

/// A recovery of somebody's account.
struct Recovery {
    customer_id: String,
    state: String,
    phone: Checked,
    code: Vec<u8>,
    recovery_code_hash: [u8; 32],
    expires_at: Micros,
    ready_at: Option<Micros>,
}

/// The recovery with this id that the phone which made the proof began. Others are not there.
async fn find(registry: &Db, recovery_id: &str, proof: &Proof) -> Result<Recovery> {
    let query = sql("SELECT customer_id, state, name, sign_key_thumbprint, agree_key, code,
                recovery_code_hash, expires_at, ready_at
         FROM recovery
         WHERE recovery_id = $1 AND sign_key_thumbprint = $2 AND customer_id IS NOT NULL");
    let row = registry.optional(query.bind(recovery_id).bind(proof.thumbprint)).await?;
    let row = row.ok_or(Code::ProofFailed)?;
    Ok(Recovery {
        customer_id: row.text("customer_id")?,
        state: row.text("state")?,
        phone: kept(&row)?,
        code: row.bytes("code")?,
        recovery_code_hash: row.array("recovery_code_hash")?,
        expires_at: row.int("expires_at")?,
        ready_at: row.int_optional("ready_at")?,
    })
}

impl Recovery {
    /// Whether its day is over.
    fn is_ready(&self, now: Micros) -> Result<(), Code> {
        match (&*self.state, self.ready_at) {
            ("cooling", Some(ready_at)) if self.expires_at > now => {
                if ready_at <= now {
                    Ok(())
                } else {
                    Err(Code::RecoveryCooling)
                }
            }
            _ => Err(Code::ProofFailed),
        }
    }
}

/// When the recovery under way can be finished, if one is.
///
/// # Errors
/// A fault if the registry fails.
pub async fn ready_at(registry: &Db, customer_id: &str, now: Micros) -> Result<Option<Micros>> {
    let query = sql("SELECT ready_at FROM recovery
         WHERE customer_id = $1 AND state = 'cooling' AND expires_at > $2");
    let row = registry.optional(query.bind(customer_id).bind(now)).await?;
    Ok(row.map(|row| row.int("ready_at")).transpose()?)
}

/// Ends every recovery of a customer that is under way, and tells of the one that was told of.
pub(super) async fn cancel_all(app: &App, tx: &mut Tx, customer_id: &str) -> Result<()> {
    let now = app.clock.now();
    let query = sql("SELECT name FROM recovery WHERE customer_id = $1 AND state = 'cooling'");
    let told_of = tx.optional(query.bind(customer_id)).await?;
    let update = sql("UPDATE recovery SET state = 'canceled', canceled_at = $1
         WHERE customer_id = $2 AND state IN ('code_sent', 'cooling')");
    tx.execute(update.bind(now).bind(customer_id)).await?;
    if let Some(row) = told_of {
        let notice = Notice::RecoveryCanceled { device: row.text("name")? };
        tell(app, tx, customer_id, &notice).await?;
    }
    Ok(())
}
