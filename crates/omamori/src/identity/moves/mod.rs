//! Moving to another phone: the strong factor and a second proof on the new phone, and the old
//! phone can take its place back.
//!
//! The new phone shows the passkey, then a code from an SMS to the verified number, or a recovery
//! code; both are bound to its key. Where there is a password, the number comes first, and the
//! password and the app's code together with the SMS code: nobody tries passwords who cannot read
//! the owner's messages. The new phone pays at once, with a first day's limits. The old phone pays
//! no more but keeps a session that can do one thing: undo. That ends the new phone, stops the
//! account until the passkey is shown on the old one, and lets no other move begin for a day. So
//! who takes an account over is thrown out by one tap, and who finds an old phone gains nothing.

pub(super) mod finish;
pub(super) mod page;
pub(super) mod password;
pub(super) mod settle;
pub(super) mod start;
pub(super) mod undo;

use omamori_db::{Db, sql};

use super::binding::{Checked, kept};
use super::customer::Customer;
use super::dpop::Proof;
use super::session::Strength;
use crate::baseline;
use crate::clock::{DAY, MINUTE, Micros};
use crate::web::codes::Code;
use crate::web::error::Result;

/// How long the code lives (NIST SP 800-63B-4 §3.1.3.2).
const CODE_LIFE: Micros = 10 * MINUTE;
/// Wrong codes that one SMS allows: a chance of 5 in a million.
const TRIES: i64 = 5;
/// How long the old phone can undo a move.
pub(super) const UNDO: Micros = 3 * DAY;
/// For so long a phone that came by a move changes nothing that would outlive its undoing, and no
/// move begins after an undone one.
const REST: Micros = DAY;

/// Where the sealed code of a move lives: part of what the seal authenticates.
fn code_place(move_id: &str) -> String {
    format!("device_move.code/{move_id}")
}

/// How a move was begun.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The passkey was shown.
    Passkey,
    /// A number was named: nothing is proved yet.
    Password,
}

impl Way {
    const fn strength(self) -> Strength {
        match self {
            Self::Passkey => Strength::Passkey,
            Self::Password => Strength::Password,
        }
    }
}

/// A move under way or done.
struct Move {
    customer_id: String,
    way: Way,
    state: String,
    phone: Checked,
    code: Vec<u8>,
    expires_at: Micros,
}

/// The move with this id that the phone which made the proof began. Others are not there.
async fn find(registry: &Db, move_id: &str, proof: &Proof) -> Result<Move> {
    let query = sql("SELECT customer_id, way, state, name, sign_key_thumbprint, agree_key, code,
                expires_at
         FROM device_move WHERE move_id = $1 AND sign_key_thumbprint = $2");
    let row = registry.optional(query.bind(move_id).bind(proof.thumbprint)).await?;
    let row = row.ok_or(Code::ProofFailed)?;
    Ok(Move {
        customer_id: row.text("customer_id")?,
        way: if row.text("way")? == "password" { Way::Password } else { Way::Passkey },
        state: row.text("state")?,
        phone: kept(&row)?,
        code: row.bytes("code")?,
        expires_at: row.int("expires_at")?,
    })
}

/// Whether a customer's move may begin, or end, now.
async fn allowed(registry: &Db, customer_id: &str, now: Micros) -> Result<Result<(), Code>> {
    let undone = sql("SELECT move_id FROM device_move
         WHERE customer_id = $1 AND state = 'undone' AND undone_at > $2 LIMIT 1");
    if registry.optional(undone.bind(customer_id).bind(now - REST)).await?.is_some() {
        return Ok(Err(Code::TooSoon));
    }
    let stopped = sql("SELECT stopped_by FROM customer WHERE customer_id = $1");
    let by = registry.one(stopped.bind(customer_id)).await?.text_optional("stopped_by")?;
    // A customer who lost a phone stops the account and moves to another one; what staff stopped
    // stays where it is.
    Ok(if by.as_deref() == Some("staff") { Err(Code::AccountFrozen) } else { Ok(()) })
}

/// Whether the phone has been the customer's for long enough to change what would outlive the
/// undoing of its move, or what the owner does about a recovery that somebody else went through:
/// contacts, factors, recovery codes, a stop.
///
/// # Errors
/// A fault if the registry fails.
pub(crate) async fn settled(
    registry: &Db,
    customer: &Customer,
    now: Micros,
) -> Result<Result<(), Code>> {
    let query = sql("SELECT move_id FROM device_move
         WHERE to_device_id = $1 AND state = 'done' AND done_at > $2 LIMIT 1");
    let query = query.bind(&customer.device_id).bind(now - REST);
    let moved = registry.optional(query).await?.is_some();
    let query = sql("SELECT r.recovery_id FROM recovery r
         JOIN device d ON d.sign_key_thumbprint = r.sign_key_thumbprint
         WHERE d.device_id = $1 AND r.customer_id = d.customer_id
           AND r.state = 'done' AND r.done_at > $2 LIMIT 1");
    let query = query.bind(&customer.device_id).bind(now - REST);
    let recovered = registry.optional(query).await?.is_some();
    Ok(if moved || recovered { Err(Code::TooSoon) } else { Ok(()) })
}

/// Whether no phone of the customer's came by a move or a recovery within the last 24 hours: what
/// reaches for money without anybody there waits for so long.
///
/// # Errors
/// A fault if the registry fails.
pub async fn rested(registry: &Db, customer_id: &str, now: Micros) -> Result<Result<(), Code>> {
    let query = sql("SELECT recovery_id AS id FROM recovery
         WHERE customer_id = $1 AND state = 'done' AND done_at > $2
         UNION ALL SELECT move_id AS id FROM device_move
         WHERE customer_id = $1 AND state = 'done' AND done_at > $2 LIMIT 1");
    let found = registry.optional(query.bind(customer_id).bind(now - REST)).await?;
    Ok(if found.is_some() { Err(Code::TooSoon) } else { Ok(()) })
}

/// Whether neither a move nor a recovery brought the phone here within the last 24 hours: what
/// reaches for money outside of the wallet waits for so long.
///
/// # Errors
/// A fault if the registry fails.
pub async fn long_bound(
    registry: &Db,
    customer: &Customer,
    now: Micros,
) -> Result<Result<(), Code>> {
    if baseline::ANY_PHONE_TAKES_OVER {
        return Ok(Ok(()));
    }
    let query = sql("SELECT recovery_id FROM recovery
         WHERE customer_id = $1 AND state = 'done' AND done_at > $2 LIMIT 1");
    let query = query.bind(&customer.customer_id).bind(now - REST);
    if registry.optional(query).await?.is_some() {
        return Ok(Err(Code::TooSoon));
    }
    settled(registry, customer, now).await
}

/// The move that took the phone's place, if it can be undone.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn undoable(registry: &Db, replaced_device_id: &str) -> Result<Option<Undoable>> {
    let query = sql("SELECT name, done_at FROM device_move
         WHERE from_device_id = $1 AND state = 'done' ORDER BY done_at DESC LIMIT 1");
    let Some(row) = registry.optional(query.bind(replaced_device_id)).await? else {
        return Ok(None);
    };
    let moved_at = row.int("done_at")?;
    Ok(Some(Undoable { new_phone: row.text("name")?, moved_at, until: moved_at + UNDO }))
}

/// The move that took a phone's place.
pub(super) struct Undoable {
    pub new_phone: String,
    pub moved_at: Micros,
    /// Until when it can be undone.
    pub until: Micros,
}
