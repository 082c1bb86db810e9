//! What staff do about claims of accounts that close: one proposes a ground, another agrees, and
//! only then it waits for a file. A refusal is [`super::desk::refuse`].

use omamori_db::{Db, Query, Tx, sql};
use serde_json::{Value, json};

use super::claim::{self, State};
use super::closing::{self, Ground, SHUT_BY};
use super::{end, quota};
use crate::app::App;
use crate::case::list::is_looked_into;
use crate::clock::Micros;
use crate::console::access::Staff;
use crate::console::approval::{self, Asked, Proposal, checked_reason};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Whose account is shut for a claim and stopped by nobody else, or closed: a bank gave back
/// later than banks do what was paid.
fn shut(customer_id: &str) -> Query {
    let query = sql("SELECT customer_id FROM customer WHERE customer_id = $1
         AND (status = 'closed' OR (status = 'frozen' AND stopped_by = $2))");
    query.bind(customer_id).bind(SHUT_BY)
}

/// Whether a claim stands, or was paid, for which the account closes.
///
/// # Errors
/// A fault if the registry fails.
pub async fn is_leaving(registry: &Db, customer_id: &str) -> Result<bool> {
    let query = sql("SELECT claim_id FROM refund_claim
         WHERE customer_id = $1 AND basis = 'closing' AND state <> 'refused'
         LIMIT CAST(1 AS BIGINT)");
    Ok(registry.optional(query.bind(customer_id)).await?.is_some())
}

/// Asks a second person to pay a claim on a ground. `note` says what was seen.
///
/// # Errors
/// [`Code::NotFound`]: no such claim; [`Code::RefundUnderWay`]: it is not in review;
/// [`Code::ClosingHeld`], [`Code::AccountFrozen`], [`Code::RefundQuota`]: what would refuse it; the
/// note is missing; a fault.
pub async fn propose(
    app: &App,
    staff: &Staff,
    claim_id: &str,
    (word, note): (&str, &str),
) -> Result<Asked> {
    let ground = Ground::parse(word).ok_or(Error::field("what", "unknown"))?;
    let note = checked_reason(note)?;
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let claim = claim::find(registry, claim_id).await?;
    if !claim.is_of_closing() {
        return Err(Code::NotFound.into());
    }
    if claim.state != State::Review {
        return Err(Code::RefundUnderWay.into());
    }
    if is_looked_into(registry, &claim.customer_id, now).await? {
        return Err(Code::ClosingHeld.into());
    }
    // One that was started again is shut when the second person agrees.
    let stopped = sql("SELECT customer_id FROM customer
         WHERE customer_id = $1 AND status = 'frozen' AND stopped_by <> $2");
    let stopped = stopped.bind(&claim.customer_id).bind(SHUT_BY);
    if registry.optional(stopped).await?.is_some() {
        return Err(Code::AccountFrozen.into());
    }
    if ground == Ground::Quota {
        // Said early; whether it fits is found out when it is carried out.
        let mut tx = registry.begin().await?;
        quota::fits(app, &mut tx, &claim).await?;
    }
    let proposal = Proposal::ClosingRefund {
        claim_id: claim.claim_id,
        customer_id: claim.customer_id,
        ground,
        yen: claim.yen,
        last_digits: claim.last_digits,
        review_at: claim.state_at,
    };
    approval::ask(app, staff, &proposal, note).await
}

/// What two people agreed on: a claim, on a ground.
pub(crate) struct Agreed<'a> {
    /// `rcl_…`.
    pub claim_id: &'a str,
    /// On what ground.
    pub ground: Ground,
    /// Yen.
    pub yen: i64,
    /// Since when it was in review: a later review is another one.
    pub review_at: Micros,
}

/// Lets it be paid, in the transaction that uses the approval up. Within the quota, what is agreed
/// on at the same time is counted one after the other.
///
/// # Errors
/// [`Code::ApprovalClosed`]: it is not in that review any more; [`Code::ClosingHeld`]: somebody
/// looks into the holder; [`Code::AccountFrozen`]: the account was stopped;
/// [`Code::RefundQuota`]: there is no room for it; a fault.
pub(crate) async fn agree_in(
    app: &App,
    tx: &mut Tx,
    agreed: &Agreed<'_>,
    (second, note): (&str, &str),
) -> Result<Value> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let claim = claim::find(registry, agreed.claim_id).await?;
    if !claim.is_of_closing() || claim.asked_by == second {
        return Err(Code::SecondPersonNeeded.into());
    }
    if is_looked_into(registry, &claim.customer_id, now).await? {
        return Err(Code::ClosingHeld.into());
    }
    // Whatever was stopped and started again meanwhile: what is paid is of a shut account.
    closing::shut_in(app, tx, &claim.customer_id).await?;
    if tx.optional(shut(&claim.customer_id)).await?.is_none() {
        return Err(Code::AccountFrozen.into());
    }
    match agreed.ground {
        Ground::Unavoidable => {}
        Ground::Quota => quota::fits(app, tx, &claim).await?,
        Ground::ServiceEnd => {
            let end = end::standing(registry).await?;
            if !end.is_some_and(|end| end.has_ended(now)) {
                return Err(Code::RefundNotOpen.into());
            }
        }
    }
    let update = sql("UPDATE refund_claim
         SET state = 'waiting', ground = $1, ground_note = $2, decided_by = $3, state_at = $4
         WHERE claim_id = $5 AND state = 'review' AND state_at = $6 AND yen = $7");
    let update = update.bind(agreed.ground.as_str()).bind(note).bind(second).bind(now);
    let update = update.bind(agreed.claim_id).bind(agreed.review_at).bind(agreed.yen);
    if tx.execute(update).await? != 1 {
        return Err(Code::ApprovalClosed.into());
    }
    let (ground, yen) = (agreed.ground.as_str(), agreed.yen);
    Ok(json!({ "state": "waiting", "claim": agreed.claim_id, "ground": ground, "yen": yen }))
}
