//! The audit log: what staff did, in one order that nobody can change unseen.
//!
//! Each entry carries the SHA-256 of the one before ([`chain`]) and is written by [`commit`], which
//! is also what commits the transaction of the act: an act without its entry cannot exist, and
//! nothing is locked after the log, so appends cannot block each other for ever. [`checkpoint`]
//! signs the newest entry for somebody to keep elsewhere, [`verify`] finds what was changed, taken
//! out, moved or cut off, and [`witness`] a chain that was written anew.
//!
//! For the features of staff: let [`Actor::decide`] ask the gate, do the rows in a transaction, and
//! hand it to [`commit`] with the clearance. There is no other way to get an [`Entry`] accepted.

mod chain;
pub mod checkpoint;
pub mod decisions;
pub mod list;
pub mod verify;
pub mod witness;

use std::net::IpAddr;
use std::sync::Arc;

use omamori_db::{Tx, sql};
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::gate::{Act, Clearance, Question};
use crate::id::Kind;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use chain::Stored;
pub(crate) use chain::hex;

/// Who acts: one of the operator's people, or a command on the server itself.
#[derive(Clone, Debug)]
pub struct Actor {
    /// `stf_…`, or `machine`.
    pub id: String,
    request_id: Option<Arc<str>>,
    address: Option<IpAddr>,
}

/// What a command on the server is called in the log.
pub const MACHINE: &str = "machine";

impl Actor {
    /// A command on the server: whoever can run it can read the master key.
    #[must_use]
    pub fn machine() -> Self {
        Self { id: MACHINE.to_owned(), request_id: None, address: None }
    }

    /// One of the staff, in a request.
    #[must_use]
    pub const fn staff(staff_id: String, request_id: Option<Arc<str>>, address: IpAddr) -> Self {
        Self { id: staff_id, request_id, address: Some(address) }
    }

    /// One of the staff, whose word the service carries out later.
    #[must_use]
    pub const fn on_behalf_of(staff_id: String) -> Self {
        Self { id: staff_id, request_id: None, address: None }
    }

    /// Asks the gate about an act of this person. `customer` is whom it concerns, if anybody.
    ///
    /// # Errors
    /// The refusal of `opinion`, recorded; a fault.
    pub async fn decide(
        &self,
        app: &App,
        act: Act,
        customer: Option<&str>,
        detail: &(impl Serialize + Sync),
        opinion: Result<(), Code>,
    ) -> Result<Clearance> {
        let log = app.audit.newest();
        let detail = json!({ "actor": self.id, "ip": self.address, "about": detail, "log": log });
        let question = Question { customer, ..Question::plain(act, &detail) };
        app.gate.decide(question, opinion).await
    }
}

/// What is written down of an act.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// What.
    pub act: Act,
    /// The id of what it was done to.
    pub subject: &'a str,
    /// How it was, as JSON; null if there was nothing. Never a secret, addresses masked.
    pub before: Value,
    /// How it is now.
    pub after: Value,
    /// In the person's own words; may be empty.
    pub reason: &'a str,
}

/// Writes the entry as the last row of the act's transaction and commits both. The clearance is
/// used up: its decision is named in the entry.
///
/// # Errors
/// A fault: then neither the act nor the entry exists, unless the engine itself does not know.
pub async fn commit(app: &App, mut tx: Tx, clearance: &Clearance, entry: &Entry<'_>) -> Result<()> {
    // Moving the head takes its lock: who comes second waits here until the first has committed,
    // and reads below what the first wrote. So two nodes make one chain.
    let head = sql("INSERT INTO audit_head (name, seq) VALUES ('audit', CAST(1 AS BIGINT))
         ON CONFLICT (name) DO UPDATE SET seq = audit_head.seq + 1");
    tx.execute(head).await?;
    let seq = tx.one(sql("SELECT seq FROM audit_head WHERE name = 'audit'")).await?.int("seq")?;
    let previous = sql("SELECT hash FROM audit_entry WHERE seq = $1").bind(seq - 1);
    let previous_hash = match tx.optional(previous).await? {
        Some(row) => row.array("hash")?,
        None if seq == 1 => chain::START,
        None => return Err(Error::fault("the audit log lacks its last entry: verify it")),
    };
    let stored = Stored {
        seq,
        at: app.clock.now(),
        actor: entry.actor.id.clone(),
        act: word(entry.act)?,
        subject: entry.subject.to_owned(),
        before: entry.before.to_string(),
        after: entry.after.to_string(),
        reason: entry.reason.to_owned(),
        decision_id: Kind::Decision.text(clearance.decision().to_u128()),
        request_id: entry.actor.request_id.as_deref().unwrap_or_default().to_owned(),
        previous_hash,
        hash: chain::START,
    }
    .sealed();
    tx.execute(stored.insert()).await?;
    tx.commit().await?;
    app.audit.saw(stored.seq, &stored.hash);
    Ok(())
}

/// The gate's word for an act.
fn word(act: Act) -> Result<String> {
    match serde_json::to_value(act)? {
        Value::String(word) => Ok(word),
        _ => Err(Error::fault("an act is not a word")),
    }
}
