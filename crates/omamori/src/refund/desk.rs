//! What staff do about claims: write one down for who cannot sign in, let a reviewed one be paid,
//! refuse one. Who wrote a claim down does not release it.

use omamori_db::{Db, sql};
use serde::Deserialize;
use serde_json::{Value, json};

use super::claim::{self, Made, New, State};
use super::closing::{self, Reason};
use super::{end, money};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::console::approval::checked_reason;
use crate::gate::Act;
use crate::identity::standing;
use crate::notify::{Notice, tell};
use crate::settlement::bank::Bank;
use crate::web::codes::Code;
use crate::web::error::Result;

/// A claim that staff write down, for somebody whom support knows from a recovery.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// `cus_…` or the number of a phone.
    pub customer_id: String,
    /// To which account.
    pub account: Bank,
    /// Why the account closes; empty for a claim of the service's end.
    #[serde(default)]
    pub closing: String,
    /// How it was found out that it is they.
    pub reason: String,
}

/// Writes a claim down, or another account for the claims that wait for one. Another person has to
/// release it. Gives how many claims it is about.
///
/// # Errors
/// A wrong field; [`Code::NotFound`]: no such customer; [`Code::RefundNotOpen`],
/// [`Code::RefundNothing`]; a fault.
pub async fn open(app: &App, actor: &Actor, written: &Written) -> Result<usize> {
    let reason = checked_reason(&written.reason)?;
    written.account.account()?;
    let registry = &app.stores.registry;
    let found = standing::find(app, written.customer_id.trim()).await?;
    let customer_id = found.ok_or(Code::NotFound)?;
    let mut claims = claim::of_customer(registry, &customer_id).await?;
    claims.retain(|claim| claim.state.takes_account());
    let now = app.clock.now();
    let end = end::standing(registry).await?;
    let has_ended = end.as_ref().is_some_and(|end| end.has_ended(now));
    let end = end.filter(|end| end.takes_claims(now));
    let why = match (Reason::of_staff(&written.closing)?, &end) {
        (Some(_), _) if has_ended => None,
        (Some(reason), _) => Some(Made::Closing(reason)),
        (None, end) => end.as_ref().map(|end| Made::Of(&end.end_id)),
    };
    let opinion = match (&why, claims.is_empty()) {
        (None, true) => Err(Code::RefundNotOpen),
        _ => Ok(()),
    };
    let last_digits = written.account.last_digits();
    let about = json!({ "last_digits": last_digits, "claims": claims.len() });
    let act = Act::RefundOpen;
    let clearance = actor.decide(app, act, Some(&customer_id), &about, opinion).await?;
    let mut tx = registry.begin().await?;
    for claim in &claims {
        let as_staff = (State::Review, actor.id.as_str());
        claim::set_account(app, &mut tx, claim, &written.account, as_staff).await?;
    }
    let new = match why.filter(|_| money::left(app, &customer_id) > 0) {
        Some(made) => {
            if matches!(made, Made::Closing(_)) {
                closing::shut_in(app, &mut tx, &customer_id).await?;
            }
            let new = New {
                customer_id: &customer_id,
                made,
                bank: &written.account,
                asked_by: &actor.id,
            };
            Some(claim::insert(app, &mut tx, &new).await?)
        }
        None if claims.is_empty() => return Err(Code::RefundNothing.into()),
        None => None,
    };
    if !claims.is_empty() {
        let notice = Notice::RefundAccountChanged { last_digits: last_digits.to_owned() };
        tell(app, &mut tx, &customer_id, &notice).await?;
    }
    let (subject, before) = (customer_id.as_str(), Value::Null);
    let entry = Entry { actor, act, subject, before, after: about, reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    standing::forget(app, &customer_id).await?;
    if let Some(claim) = &new {
        money::set_aside(app, claim).await?;
    }
    Ok(claims.len() + usize::from(new.is_some()))
}

/// Lets a claim be paid that was looked at.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::SecondPersonNeeded`]: this person wrote it down, or the account
/// closes;
/// [`Code::RefundUnderWay`]: it is not in review; a fault.
pub async fn release(app: &App, actor: &Actor, claim_id: &str, reason: &str) -> Result<()> {
    decide(app, actor, claim_id, (Act::RefundRelease, State::Waiting), reason).await
}

/// Refuses a claim that was looked at: its value is balance again, for whoever it belongs to. The
/// customer reads the reason.
///
/// # Errors
/// As [`release`]; [`Code::AccountFrozen`]: the account is closed, and has no balance any more;
/// [`Code::RefundNotOpen`]: the service has ended, and the time to claim what comes back is over.
pub async fn refuse(app: &App, actor: &Actor, claim_id: &str, reason: &str) -> Result<()> {
    decide(app, actor, claim_id, (Act::RefundRefuse, State::Refusing), reason).await?;
    money::put_back(app, &claim::find(&app.stores.registry, claim_id).await?).await
}

/// Whether the account is closed: nothing goes back into its wallet.
async fn has_left(registry: &Db, customer_id: &str) -> Result<bool> {
    let query = sql("SELECT customer_id FROM customer
         WHERE customer_id = $1 AND status = 'closed'");
    Ok(registry.optional(query.bind(customer_id)).await?.is_some())
}

async fn decide(
    app: &App,
    actor: &Actor,
    claim_id: &str,
    (act, to): (Act, State),
    reason: &str,
) -> Result<()> {
    let reason = checked_reason(reason)?;
    let registry = &app.stores.registry;
    let claim = claim::find(registry, claim_id).await?;
    // An account that closes is paid back where two people agreed on the ground.
    let own = to == State::Waiting && (claim.asked_by == actor.id || claim.is_of_closing());
    let refuses = to == State::Refusing;
    let has_left = refuses && has_left(registry, &claim.customer_id).await?;
    let end = end::standing(registry).await?;
    // It could not be claimed again, and who does not claim is excluded.
    let is_lost =
        refuses && claim.is_of_closing() && end.is_some_and(|end| end.is_over(app.clock.now()));
    let opinion = match claim.state {
        _ if own => Err(Code::SecondPersonNeeded),
        _ if has_left => Err(Code::AccountFrozen),
        _ if is_lost => Err(Code::RefundNotOpen),
        State::Review => Ok(()),
        _ => Err(Code::RefundUnderWay),
    };
    let about = json!({ "claim": claim_id, "yen": claim.yen });
    let customer = Some(claim.customer_id.as_str());
    let clearance = actor.decide(app, act, customer, &about, opinion).await?;
    let told = if to == State::Refusing { reason } else { "" };
    let mut tx = registry.begin().await?;
    // As it was read: who changed the account since wrote another claim down.
    let update = sql("UPDATE refund_claim
         SET state = $1, decided_by = $2, reason = $3, state_at = $4
         WHERE claim_id = $5 AND state = 'review' AND asked_by = $6 AND account_at = $7");
    let update = update.bind(to.as_str()).bind(&actor.id).bind(told).bind(app.clock.now());
    let update = update.bind(claim_id).bind(&claim.asked_by).bind(claim.account_at);
    if tx.execute(update).await? != 1 {
        return Err(Code::RefundUnderWay.into());
    }
    let before = json!({ "state": "review" });
    let entry = Entry { actor, act, subject: claim_id, before, after: about, reason };
    audit::commit(app, tx, &clearance, &entry).await
}
