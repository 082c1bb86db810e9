//! The second person's word, signed with the passkey for exactly this act.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omamori_db::{Db, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::prelude::{Passkey, PublicKeyCredential};

use super::{Approval, State, find};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::console::access::Staff;
use crate::gate::Act;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes.
    Give,
    /// No.
    Refuse,
}

impl Verdict {
    const fn act(self) -> Act {
        match self {
            Self::Give => Act::ApprovalGive,
            Self::Refuse => Act::ApprovalRefuse,
        }
    }

    const fn state(self) -> &'static str {
        match self {
            Self::Give => "given",
            Self::Refuse => "refused",
        }
    }
}

/// What the challenge is bound to: person, session, approval with all its parameters, and the word.
fn subject(staff: &Staff, approval: &Approval, verdict: Verdict) -> String {
    let session = URL_SAFE_NO_PAD.encode(staff.token_hash);
    let digest = URL_SAFE_NO_PAD.encode(approval.digest);
    format!("{} {session} {} {digest}", staff.staff_id, verdict.state())
}

/// Whether this person may decide this now.
fn may_decide(staff: &Staff, approval: &Approval) -> Result<(), Code> {
    if !approval.proposal.may(staff.role) {
        return Err(Code::Forbidden);
    }
    if approval.asked_by == staff.staff_id {
        return Err(Code::SecondPersonNeeded);
    }
    match approval.state {
        State::Open => Ok(()),
        _ => Err(Code::ApprovalClosed),
    }
}

/// Options for `navigator.credentials.get()`.
///
/// # Errors
/// Who may not decide this, and what is decided; a fault.
pub async fn offer(app: &App, staff: &Staff, approval_id: &str, verdict: Verdict) -> Result<Value> {
    let now = app.clock.now();
    let approval = find(&app.stores.registry, approval_id, now).await?;
    may_decide(staff, &approval)?;
    let (_, passkey) = passkey(&app.stores.registry, staff).await?;
    let subject = subject(staff, &approval, verdict);
    app.identity.passkeys.offer_stepup(&subject, &[passkey], now).await
}

/// Decides. Of two who decide at once, one does.
///
/// # Errors
/// [`Code::SecondPersonNeeded`], [`Code::Forbidden`], [`Code::ApprovalClosed`],
/// [`Code::ProofFailed`]; a fault.
pub async fn decide(
    app: &App,
    staff: &Staff,
    approval_id: &str,
    verdict: Verdict,
    answer: &PublicKeyCredential,
) -> Result<()> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let approval = find(registry, approval_id, now).await?;
    let (stored, passkey) = passkey(registry, staff).await?;
    let mut passkeys = [passkey];
    let subject = subject(staff, &approval, verdict);
    let accepted = app.identity.passkeys.accept_stepup(&subject, answer, &mut passkeys, now).await;
    let proved = match accepted {
        Ok(_) => Ok(()),
        Err(Error::Refused(_)) => Err(Code::ProofFailed),
        Err(fault) => return Err(fault),
    };
    let opinion = proved.and(may_decide(staff, &approval));
    let about = json!({ "approval": approval_id, "proposal": approval.proposal });
    let customer = approval.proposal.customer();
    let clearance = staff.actor.decide(app, verdict.act(), customer, &about, opinion).await?;
    let mut tx = registry.begin().await?;
    let update = sql("UPDATE approval SET state = $1, decided_by = $2, decided_at = $3
         WHERE approval_id = $4 AND digest = $5 AND state = 'open' AND expires_at > $3
         AND asked_by <> $2");
    let update = update.bind(verdict.state()).bind(&staff.staff_id).bind(now);
    if tx.execute(update.bind(approval_id).bind(approval.digest)).await? != 1 {
        return Err(Code::ApprovalClosed.into()); // somebody else was faster
    }
    let used = sql("UPDATE staff SET passkey = $1
         WHERE staff_id = $2 AND passkey = $3 AND state = 'active'");
    let used = used.bind(serde_json::to_string(&passkeys[0])?).bind(&staff.staff_id).bind(stored);
    if tx.execute(used).await? != 1 {
        return Err(Code::ProofFailed.into());
    }
    let entry = Entry {
        actor: &staff.actor,
        act: verdict.act(),
        subject: approval.proposal.subject(),
        before: json!({ "approval": approval_id, "state": "open" }),
        after: json!({ "state": verdict.state(), "proposal": approval.proposal }),
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await
}

/// The passkey of a person, as it is stored and as the library reads it.
async fn passkey(registry: &Db, staff: &Staff) -> Result<(String, Passkey)> {
    let query = sql("SELECT passkey FROM staff WHERE staff_id = $1 AND state = 'active'");
    let row = registry.optional(query.bind(&staff.staff_id)).await?.ok_or(Code::Unauthorized)?;
    let stored = row.text("passkey")?;
    let passkey = serde_json::from_str(&stored)?;
    Ok((stored, passkey))
}
