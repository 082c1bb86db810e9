//! How much of a base period is agreed on for who simply wishes (府令42条1号, 2号): never more than
//! the law allows, whoever agrees at the same time.
//!
//! What may be refunded follows from the journal of the period before and is kept in a row per
//! period. Who counts raises the row's `turn` first, in the same transaction: on either engine the
//! next one waits, and then sees what was agreed on. A claim holds its place from the agreement on,
//! through files, returns by banks and new reviews, until it is refused: it was promised. One that
//! was agreed on in a period and is not paid at its end counts in the next one.
//!
//! The journal tells the same afterwards ([`crate::law::Figures::refunded_of_quota`]): what left
//! within the quota has transfers of its own.

use jiff::Timestamp;
use omamori_db::{Db, Tx, sql};

use super::claim::{self, Claim};
use super::closing::Ground;
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::gate::chart::TransferCode;
use crate::law::base::BaseDate;
use crate::law::periods;
use crate::law::quota::Quota;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// So long after a base date its figures are read: nobody's clock is that late.
const AFTER: Micros = MINUTE;

/// What counts since an instant, but for one claim.
const USED: &str = "SELECT CAST(COALESCE(SUM(yen), 0) AS BIGINT) AS yen FROM refund_claim
     WHERE ground = 'quota' AND state NOT IN ('refusing', 'refused')
     AND (state <> 'sent' OR sent_at >= $1) AND claim_id <> $2";

/// The base date before an instant.
fn base_before(now: Micros) -> BaseDate {
    BaseDate::last_before(Timestamp::from_microsecond(now).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// The quota of the period that runs, as staff see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What may be refunded in the period.
    pub cap: i64,
    /// What was agreed on, paid in the period or not paid yet.
    pub used: i64,
}

impl Standing {
    /// What is left.
    #[must_use]
    pub fn left(&self) -> i64 {
        (self.cap - self.used).max(0)
    }
}

/// The quota now; none as long as the figures of the period before were not read.
///
/// # Errors
/// A fault if the registry fails.
pub async fn standing(registry: &Db, now: Micros) -> Result<Option<Standing>> {
    let base = base_before(now);
    let query = sql("SELECT cap_yen FROM refund_quota WHERE period = $1");
    let row = registry.optional(query.bind(base.next_day().to_string())).await?;
    let Some(row) = row else { return Ok(None) };
    let used = sql(USED).bind(base.end().as_microsecond()).bind("");
    let used = registry.one(used).await?.int("yen")?;
    Ok(Some(Standing { cap: row.int("cap_yen")?, used }))
}

/// What was agreed on within the quota and is not paid yet.
///
/// # Errors
/// A fault if the registry fails.
pub async fn promised(registry: &Db) -> Result<i64> {
    let query = sql(USED).bind(Micros::MAX).bind("");
    Ok(registry.one(query).await?.int("yen")?)
}

/// Waits for its turn, and gives what may be refunded in the period that runs. None as long as
/// that was not read.
async fn turn(tx: &mut Tx, base: BaseDate) -> Result<Option<i64>> {
    let period = base.next_day().to_string();
    let update = sql("UPDATE refund_quota SET turn = turn + 1 WHERE period = $1");
    if tx.execute(update.bind(&period)).await? != 1 {
        return Ok(None);
    }
    let query = sql("SELECT cap_yen FROM refund_quota WHERE period = $1").bind(&period);
    Ok(Some(tx.one(query).await?.int("cap_yen")?))
}

/// Whether a claim fits into the quota beside all that was agreed on. In the transaction of the
/// agreement: who asks at the same time waits until it is over.
///
/// # Errors
/// [`Code::RefundQuota`]: it does not; busy: the figures of the period before are not read yet; a
/// fault.
pub(super) async fn fits(app: &App, tx: &mut Tx, claim: &Claim) -> Result<()> {
    has_room(app, tx, (&claim.claim_id, claim.yen)).await
}

/// Before a file goes on its way: all that was agreed on has room in the period that runs, which
/// may be another one than that of the agreement. In the transaction that lets it go.
///
/// # Errors
/// As [`fits`].
pub(super) async fn holds(app: &App, tx: &mut Tx) -> Result<()> {
    has_room(app, tx, ("", 0)).await
}

/// Whether there is room for so much beside all but one claim.
async fn has_room(app: &App, tx: &mut Tx, (but, yen): (&str, i64)) -> Result<()> {
    let base = base_before(app.clock.now());
    let cap = turn(tx, base).await?.ok_or(Error::RetryAfter(Code::Busy, 10))?;
    let used = sql(USED).bind(base.end().as_microsecond()).bind(but);
    let used = tx.one(used).await?.int("yen")?;
    if used + yen <= cap { Ok(()) } else { Err(Code::RefundQuota.into()) }
}

/// Before a file is made: what was agreed on in a period before and has no room in the one that
/// runs goes before staff again, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn within(app: &App, claims: Vec<Claim>) -> Result<Vec<Claim>> {
    let counts = |claim: &Claim| claim.ground == Some(Ground::Quota);
    if !claims.iter().any(counts) {
        return Ok(claims);
    }
    let now = app.clock.now();
    let base = base_before(now);
    let mut tx = app.stores.registry.begin().await?;
    let Some(cap) = turn(&mut tx, base).await? else {
        return Ok(claims.into_iter().filter(|claim| !counts(claim)).collect());
    };
    let used = sql(USED).bind(base.end().as_microsecond()).bind("");
    let mut used = tx.one(used).await?.int("yen")?;
    let mut good = Vec::with_capacity(claims.len());
    for claim in claims.into_iter().rev() {
        if !counts(&claim) || used <= cap {
            good.push(claim);
            continue;
        }
        let update = sql("UPDATE refund_claim
             SET state = 'review', state_at = $1, decided_by = NULL, ground = NULL
             WHERE claim_id = $2 AND state = 'waiting'");
        if tx.execute(update.bind(now).bind(&claim.claim_id)).await? == 1 {
            used -= claim.yen;
        }
    }
    tx.commit().await?;
    good.reverse();
    Ok(good)
}

/// Reads what may be refunded in the period that runs, once, when somebody asks for a refund or is
/// not paid yet.
///
/// # Errors
/// A fault if a store fails.
pub(super) async fn keep(app: &App) -> Result<()> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let base = base_before(now);
    let period = base.next_day().to_string();
    let asked = sql("SELECT claim_id FROM refund_claim
         WHERE basis = 'closing' AND state IN ('review', 'waiting', 'in_file') AND NOT EXISTS
             (SELECT 1 FROM refund_quota q WHERE q.period = $1) LIMIT CAST(1 AS BIGINT)");
    let is_asked = registry.optional(asked.bind(&period)).await?.is_some();
    if !is_asked || now < base.end().as_microsecond() + AFTER {
        return Ok(());
    }
    let nanos = |at: Timestamp| u64::try_from(at.as_nanosecond()).unwrap_or_default();
    let cuts = [nanos(base.before().end()), nanos(base.end())];
    let before = periods(&app.stores.journal, &cuts).await?.pop().unwrap_or_default();
    if before.unnamed != 0 || !before.adds_up() {
        return Err(Error::fault("the law's figures do not add up: there is no refund quota"));
    }
    let cap = Quota::new(before.issued, before.closing, 0).most();
    let insert =
        sql("INSERT INTO refund_quota (period, issued_before, unused_at_base, cap_yen, turn,
             read_at)
         VALUES ($1, $2, $3, $4, CAST(0 AS BIGINT), $5) ON CONFLICT (period) DO NOTHING");
    let insert = insert.bind(&period).bind(before.issued).bind(before.closing).bind(cap);
    registry.execute(insert.bind(now)).await?;
    Ok(())
}

/// Yen of a file that leaves within the quota; none unless all of its `count` claims are in it
/// still. One statement: who reads some of them before and some after another one booked the file
/// would book it as something else.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn of_file(registry: &Db, file_id: &str, count: i64) -> Result<Option<i64>> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n,
             CAST(COALESCE(SUM(CASE WHEN ground = 'quota' THEN yen ELSE 0 END), 0) AS BIGINT) AS yen
         FROM refund_claim WHERE file_id = $1 AND state = 'in_file'");
    let row = registry.one(query.bind(file_id)).await?;
    Ok(if row.int("n")? == count { Some(row.int("yen")?) } else { None })
}

/// What it is in the ledger when the bank gives a claim's refund back.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn code_of_return(app: &App, claim_id: &str) -> Result<TransferCode> {
    let claim = claim::find(&app.stores.registry, claim_id).await?;
    Ok(match claim.ground {
        Some(Ground::Quota) => TransferCode::RefundQuotaReturned,
        _ => TransferCode::RefundReturned,
    })
}
