//! Acts that take two people.
//!
//! One of the staff asks for a [`Proposal`] with its exact parameters and a reason: [`ask`].
//! Another one gives or refuses it with a fresh answer of the passkey that is bound to exactly
//! these: [`decide`]. The one who asked carries it out, once: [`carry_out`]. It is good for 24
//! hours. Nobody agrees to what they asked for themselves, and nobody without the role.
//!
//! For further acts: add a variant to [`Proposal`]. Its matches then say who may ask and agree and
//! what is done. An act that is not a transaction of the registry alone takes the approval with
//! [`take`] in the transaction that makes it durable.

mod decide;
pub(super) mod page;
mod proposal;

use omamori_db::{Db, Row, Tx, sql};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::access::{Role, Staff};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::clock::{DAY, Micros};
use crate::gate::Act;
use crate::id::Kind;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
pub use decide::{Verdict, decide, offer};
pub use proposal::{Done, Proposal};

/// How long an approval can be given and used.
pub const LIFE: Micros = DAY;
const REASON_CHARACTERS: usize = 500;

/// Where an approval stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for a second person.
    Open,
    /// A second person agreed: it can be carried out.
    Given {
        /// `stf_…`.
        by: String,
    },
    /// A second person did not agree.
    Refused {
        /// `stf_…`.
        by: String,
    },
    /// It was carried out.
    Used {
        /// `stf_…`.
        by: String,
    },
    /// Nobody decided, or carried it out, in time.
    Expired,
}

impl State {
    /// The word of texts.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Given { .. } => "given",
            Self::Refused { .. } => "refused",
            Self::Used { .. } => "used",
            Self::Expired => "expired",
        }
    }
}

/// An act that somebody asked a second person for.
#[derive(Clone, Debug)]
pub struct Approval {
    /// `apr_…`.
    pub approval_id: String,
    /// The act, with its exact parameters.
    pub proposal: Proposal,
    /// What the second person's passkey signs.
    pub digest: [u8; 32],
    /// Why.
    pub reason: String,
    /// `stf_…`.
    pub asked_by: String,
    /// When.
    pub asked_at: Micros,
    /// Until when it can be given and used.
    pub expires_at: Micros,
    /// Where it stands.
    pub state: State,
}

/// The answer to an act that waits for a second person.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ApprovalAsked)]
pub struct Asked {
    /// `apr_…`.
    pub approval_id: String,
}

/// A reason as it is stored.
///
/// # Errors
/// [`Error::Invalid`]: empty or too long.
pub fn checked_reason(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field("reason", "missing"));
    }
    if reason.chars().count() > REASON_CHARACTERS {
        return Err(Error::field("reason", "too_long"));
    }
    Ok(reason)
}

/// Asks a second person.
///
/// # Errors
/// [`Code::Forbidden`]: the role may not ask for this; the reason is missing; a fault.
pub async fn ask(app: &App, staff: &Staff, proposal: &Proposal, reason: &str) -> Result<Asked> {
    let reason = checked_reason(reason)?;
    let opinion = if proposal.may(staff.role) { Ok(()) } else { Err(Code::Forbidden) };
    let (actor, customer) = (&staff.actor, proposal.customer());
    let clearance = actor.decide(app, Act::ApprovalAsk, customer, proposal, opinion).await?;
    let approval_id = Kind::Approval.random_text(app.rng.as_ref());
    let (text, now) = (serde_json::to_string(proposal)?, app.clock.now());
    let mut tx = app.stores.registry.begin().await?;
    let insert = sql("INSERT INTO approval (approval_id, proposal, digest, subject, reason, state,
                               asked_by, asked_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8)");
    let insert = insert.bind(&approval_id).bind(&text).bind(digest(&approval_id, &text, reason));
    let insert = insert.bind(proposal.subject()).bind(reason).bind(&staff.staff_id);
    tx.execute(insert.bind(now).bind(now + LIFE)).await?;
    let entry = Entry {
        actor,
        act: Act::ApprovalAsk,
        subject: proposal.subject(),
        before: Value::Null,
        after: json!({ "approval": approval_id, "proposal": proposal }),
        reason,
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(Asked { approval_id })
}

/// Of the approval's id too: what was signed for one is no signature for another like it.
fn digest(approval_id: &str, proposal: &str, reason: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"omamori approval v1\0");
    for text in [approval_id, proposal, reason] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

/// Uses an approval up in the transaction of the act: given to this person for exactly this, in
/// time, by somebody who is still there and still may, and never before.
///
/// # Errors
/// [`Code::ApprovalClosed`]; a fault.
pub async fn take(tx: &mut Tx, staff: &Staff, approval: &Approval, now: Micros) -> Result<()> {
    let role = sql("SELECT s.role FROM approval a JOIN staff s ON s.staff_id = a.decided_by
         WHERE a.approval_id = $1");
    let role = tx.optional(role.bind(&approval.approval_id)).await?;
    let role = role.map(|row| row.text("role")).transpose()?.and_then(|word| Role::parse(&word));
    let may_still = role.filter(|role| approval.proposal.may(*role));
    let role = may_still.ok_or(Code::ApprovalClosed)?;
    let update = sql("UPDATE approval SET state = 'used', used_at = $1
         WHERE approval_id = $2 AND digest = $3 AND state = 'given' AND expires_at > $1
         AND asked_by = $4 AND decided_by <> asked_by
         AND decided_by IN (SELECT staff_id FROM staff WHERE state = 'active' AND role = $5)");
    let update = update.bind(now).bind(&approval.approval_id).bind(approval.digest);
    match tx.execute(update.bind(&staff.staff_id).bind(role.as_str())).await? {
        1 => Ok(()),
        _ => Err(Code::ApprovalClosed.into()),
    }
}

/// Carries out what was approved. Returns what is shown to the person once, if anything is.
///
/// # Errors
/// [`Code::Forbidden`]: the role may not (any more); [`Code::ApprovalClosed`]; what the act itself
/// refuses; a fault.
pub async fn carry_out(app: &App, staff: &Staff, approval_id: &str) -> Result<Option<String>> {
    let now = app.clock.now();
    let approval = find(&app.stores.registry, approval_id, now).await?;
    let proposal = &approval.proposal;
    let is_used = matches!(approval.state, State::Used { .. });
    if is_used && proposal.is_repeatable() && approval.asked_by == staff.staff_id {
        proposal.applied(app, staff, &approval.reason).await?;
        return Ok(None);
    }
    let second = match &approval.state {
        State::Given { by } if approval.asked_by == staff.staff_id => Some(by),
        _ => None,
    };
    let opinion = if proposal.may(staff.role) {
        second.map(drop).ok_or(Code::ApprovalClosed)
    } else {
        Err(Code::Forbidden)
    };
    let about = json!({ "approval": approval_id, "proposal": proposal });
    let actor = &staff.actor;
    let clearance = actor.decide(app, proposal.act(), proposal.customer(), &about, opinion).await?;
    let mut tx = app.stores.registry.begin().await?;
    take(&mut tx, staff, &approval, now).await?;
    let agreed = [&*staff.staff_id, second.ok_or(Code::ApprovalClosed)?];
    let done = proposal.apply(app, &mut tx, agreed, &approval.reason).await?;
    let mut after = done.after;
    after["approval"] = json!(approval_id);
    let entry = Entry {
        actor,
        act: proposal.act(),
        subject: &done.subject,
        before: done.before,
        after,
        reason: &approval.reason,
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    proposal.applied(app, staff, &approval.reason).await?;
    Ok(done.shown_once)
}

macro_rules! approval_columns {
    () => {
        "approval_id, proposal, digest, reason, state, asked_by, asked_at, expires_at, decided_by"
    };
}

/// The approval with this id.
///
/// # Errors
/// [`Code::NotFound`]; a fault.
pub async fn find(registry: &Db, approval_id: &str, now: Micros) -> Result<Approval> {
    let query =
        sql(concat!("SELECT ", approval_columns!(), " FROM approval WHERE approval_id = $1"));
    let row = registry.optional(query.bind(approval_id)).await?.ok_or(Code::NotFound)?;
    read(&row, now)
}

/// The newest approvals, open and closed.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(registry: &Db, limit: i64, now: Micros) -> Result<Vec<Approval>> {
    let query = sql(concat!(
        "SELECT ",
        approval_columns!(),
        " FROM approval ORDER BY asked_at DESC, approval_id LIMIT $1"
    ));
    let rows = registry.all(query.bind(limit)).await?;
    rows.iter().map(|row| read(row, now)).collect()
}

/// How many wait for a second person.
///
/// # Errors
/// A fault if the registry fails.
pub async fn waiting(registry: &Db, now: Micros) -> Result<i64> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS waiting FROM approval
         WHERE state = 'open' AND expires_at > $1");
    Ok(registry.one(query.bind(now)).await?.int("waiting")?)
}

fn read(row: &Row, now: Micros) -> Result<Approval> {
    let by = row.text_optional("decided_by")?.unwrap_or_default();
    let expires_at = row.int("expires_at")?;
    let state = match row.text("state")?.as_str() {
        "refused" => State::Refused { by },
        "used" => State::Used { by },
        _ if expires_at <= now => State::Expired,
        "given" => State::Given { by },
        _ => State::Open,
    };
    let (approval_id, proposal) = (row.text("approval_id")?, row.text("proposal")?);
    let (reason, kept) = (row.text("reason")?, row.array("digest")?);
    if digest(&approval_id, &proposal, &reason) != kept {
        return Err(Error::fault("an approval is not as it was asked for"));
    }
    Ok(Approval {
        approval_id,
        proposal: serde_json::from_str(&proposal)?,
        digest: kept,
        reason,
        asked_by: row.text("asked_by")?,
        asked_at: row.int("asked_at")?,
        expires_at,
        state,
    })
}
