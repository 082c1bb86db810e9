//! Whether what was let through may still be paid: looked at before a file is made, when a second
//! person agrees on it, and before it is given out. From then on the bank may have it.

use std::collections::HashSet;

use omamori_db::{Db, Tx, sql, sql_built};

use super::claim::{self, AT_ONCE, Claim};
use super::closing::{Ground, SHUT_BY};
use super::quota;
use crate::app::App;
use crate::case::list::looked_into;
use crate::clock::Micros;
use crate::web::codes::Code;
use crate::web::error::Result;

/// How holders stand, by their ids.
#[derive(Default)]
struct Holders {
    /// Whose account is stopped, whoever did it.
    frozen: HashSet<String>,
    /// Whose account is shut for a claim and stopped by nobody else, or closed: a bank gave back
    /// later than banks do what was paid.
    shut: HashSet<String>,
    /// In an open case or incident, or under a hold.
    looked_into: HashSet<String>,
}

impl Holders {
    /// Two queries for each few hundred.
    async fn read(registry: &Db, customers: &[String], now: Micros) -> Result<Self> {
        let mut holders = Self::default();
        for some in customers.chunks(AT_ONCE) {
            let marks: Vec<_> = (1..=some.len()).map(|place| format!("${place}")).collect();
            let mut query = sql_built(format!(
                "SELECT customer_id, status, stopped_by FROM customer
                 WHERE status <> 'active' AND customer_id IN ({})",
                marks.join(", ")
            ));
            for customer_id in some {
                query.push(customer_id.as_str());
            }
            for row in registry.all(query).await? {
                let customer_id = row.text("customer_id")?;
                let is_frozen = row.text("status")? == "frozen";
                if !is_frozen || row.text_optional("stopped_by")?.as_deref() == Some(SHUT_BY) {
                    holders.shut.insert(customer_id.clone());
                }
                if is_frozen {
                    holders.frozen.insert(customer_id);
                }
            }
            holders.looked_into.extend(looked_into(registry, some, now).await?);
        }
        Ok(holders)
    }

    async fn of(registry: &Db, claims: &[Claim], now: Micros) -> Result<Self> {
        let ids: Vec<_> = claims.iter().map(|claim| claim.customer_id.clone()).collect();
        Self::read(registry, &ids, now).await
    }

    /// Whether nothing speaks against paying a claim. What staff let be paid stays; an account that
    /// closes is looked at each time.
    fn let_pay(&self, claim: &Claim) -> bool {
        let (id, looked_into) = (&claim.customer_id, self.looked_into.contains(&claim.customer_id));
        if claim.is_of_closing() {
            self.shut.contains(id) && !looked_into
        } else {
            claim.is_released || !(self.frozen.contains(id) || looked_into)
        }
    }
}

/// Whether a file may go on its way: each of its claims may still be paid, and what is in it within
/// the quota has room there still. One of which that is not so is dropped, and made anew. In the
/// transaction that lets it go.
///
/// # Errors
/// [`Code::ClosingHeld`]: a holder's account was stopped, or somebody looks into them;
/// [`Code::RefundQuota`]: a base date has passed; busy: and its figures are not read yet; a fault.
pub(super) async fn file_stands(app: &App, tx: &mut Tx, file_id: &str) -> Result<()> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let claims = claim::in_file(registry, file_id).await?;
    let holders = Holders::of(registry, &claims, now).await?;
    if !claims.iter().all(|claim| holders.let_pay(claim)) {
        return Err(Code::ClosingHeld.into());
    }
    if claims.iter().any(|claim| claim.ground == Some(Ground::Quota)) {
        quota::holds(app, tx).await?;
    }
    Ok(())
}

/// Those of many whose claims staff look at, as [`super::claim::needs_review`] says of one.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn need_review(
    registry: &Db,
    customers: &[String],
    now: Micros,
) -> Result<HashSet<String>> {
    let Holders { mut frozen, looked_into, .. } = Holders::read(registry, customers, now).await?;
    frozen.extend(looked_into);
    Ok(frozen)
}

/// Before a file is made: brings waiting claims before staff whose holders' accounts were stopped,
/// or got into a case or an incident, since, and those for which the quota has no room any more.
/// Who claims in another's place is not paid once that is known.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn look_again(app: &App, claims: Vec<Claim>) -> Result<Vec<Claim>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let mut good = Vec::with_capacity(claims.len());
    let holders = Holders::of(registry, &claims, now).await?;
    for claim in claims {
        if holders.let_pay(&claim) {
            good.push(claim);
            continue;
        }
        let update = sql("UPDATE refund_claim
             SET state = 'review', state_at = $1, decided_by = NULL
             WHERE claim_id = $2 AND state = 'waiting'");
        registry.execute(update.bind(now).bind(&claim.claim_id)).await?;
    }
    quota::within(app, good).await
}
