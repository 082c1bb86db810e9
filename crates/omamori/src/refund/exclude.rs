//! Who did not claim in time is excluded (法20条2項): only after the period, agreed on by two people,
//! customer by customer. It may be killed anywhere and done by any number of nodes: each is
//! excluded once.
//!
//! Left out are those whose value nobody may take yet: a stopped account, an open case or incident,
//! a hold, value that is set aside. Another run is for them. Who claimed once and got value later,
//! by a refund of a store, has claimed that too.

use omamori_db::{Db, Row, Tx, sql, sql_rows};
use omamori_ledger::Transfer;
use serde_json::{Value, json};

use super::claim::{self, Basis, Made, New, State};
use super::end::{self, ServiceEnd};
use super::look::need_review;
use super::money::{self, Moving};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::clock::Micros;
use crate::console::access::Staff;
use crate::console::approval::{self, Asked, Proposal, checked_reason};
use crate::gate::Act;
use crate::gate::chart::{AccountCode, TransferCode, wallet_account_id};
use crate::id::{Kind, derive};
use crate::notify::{Notice, tell};
use crate::pos::yen;
use crate::value::legs::operator_account;
use crate::web::codes::Code;
use crate::web::error::Result;

/// Customers of one page.
const PAGE: i64 = 500;
/// Customers who are looked at together: few, so that who is stopped meanwhile is kept.
const LOOKED_AT: usize = 25;

/// A run.
#[derive(Clone, Debug)]
pub struct Exclusion {
    /// `exc_…`.
    pub exclusion_id: String,
    /// `eos_…`.
    pub end_id: String,
    /// `planned`, `running`, `done`.
    pub state: String,
    /// Who held something at the dry run.
    pub holders: i64,
    /// How much.
    pub yen: i64,
    /// When it was planned.
    pub planned_at: Micros,
    /// When its last row was done.
    pub done_at: Option<Micros>,
}

fn read(row: &Row) -> Result<Exclusion> {
    Ok(Exclusion {
        exclusion_id: row.text("exclusion_id")?,
        end_id: row.text("end_id")?,
        state: row.text("state")?,
        holders: row.int("holders")?,
        yen: row.int("yen")?,
        planned_at: row.int("planned_at")?,
        done_at: row.int_optional("done_at")?,
    })
}

/// The runs of an end, the newest first.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of(registry: &Db, end_id: &str) -> Result<Vec<Exclusion>> {
    let query = sql("SELECT exclusion_id, end_id, state, holders, yen, planned_at, done_at
         FROM refund_exclusion WHERE end_id = $1 ORDER BY planned_at DESC, exclusion_id");
    registry.all(query.bind(end_id)).await?.iter().map(read).collect()
}

/// A page of customers' ids.
async fn customers(registry: &Db, after: &str) -> Result<Vec<String>> {
    let query = sql("SELECT customer_id FROM customer WHERE customer_id > $1
         ORDER BY customer_id LIMIT $2");
    let rows = registry.all(query.bind(after).bind(PAGE)).await?;
    let ids: omamori_db::Result<Vec<_>> = rows.iter().map(|row| row.text("customer_id")).collect();
    Ok(ids?)
}

/// Who holds paid value that can leave the wallet now, and how much.
async fn holders(app: &App) -> Result<(i64, i64)> {
    let (mut holders, mut held, mut after) = (0, 0, String::new());
    loop {
        let ids = customers(&app.stores.registry, &after).await?;
        let Some(last) = ids.last() else { return Ok((holders, held)) };
        after.clone_from(last);
        for left in ids.iter().map(|id| money::left(app, id)).filter(|left| *left > 0) {
            holders += 1;
            held += left;
        }
    }
}

/// The dry run: counts, and asks a second person.
///
/// # Errors
/// [`Code::RefundNotOpen`]: there is no end, or the period runs; [`Code::RefundNothing`]; a fault.
pub async fn plan(app: &App, staff: &Staff, reason: &str) -> Result<Asked> {
    let reason = checked_reason(reason)?;
    let registry = &app.stores.registry;
    let end = over(registry, app.clock.now()).await?;
    app.gate.catch_up().await?;
    let (holders, yen) = holders(app).await?;
    if holders == 0 {
        return Err(Code::RefundNothing.into());
    }
    let exclusion_id = Kind::Exclusion.random_text(app.rng.as_ref());
    let about = json!({ "exclusion": exclusion_id, "holders": holders, "yen": yen });
    let (act, actor) = (Act::RefundExcludePlan, &staff.actor);
    let clearance = actor.decide(app, act, None, &about, Ok(())).await?;
    let mut tx = registry.begin().await?;
    let insert = sql("INSERT INTO refund_exclusion (exclusion_id, end_id, state, holders, yen,
             planned_by, planned_at, listed_to, is_listed)
         VALUES ($1, $2, 'planned', $3, $4, $5, $6, '', CAST(0 AS BIGINT))");
    let insert = insert.bind(&exclusion_id).bind(&end.end_id).bind(holders).bind(yen);
    tx.execute(insert.bind(&staff.staff_id).bind(app.clock.now())).await?;
    let (subject, before) = (end.end_id.as_str(), Value::Null);
    let entry = Entry { actor, act, subject, before, after: about, reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    let proposal = Proposal::ExcludeUnclaimed { end_id: end.end_id, exclusion_id, holders, yen };
    approval::ask(app, staff, &proposal, reason).await
}

/// The end whose time to claim is over.
async fn over(registry: &Db, now: Micros) -> Result<ServiceEnd> {
    let standing = end::standing(registry).await?;
    Ok(standing.filter(|end| end.is_over(now)).ok_or(Code::RefundNotOpen)?)
}

/// Begins a run that two people agreed on, in the transaction that uses the approval up.
///
/// # Errors
/// [`Code::ApprovalClosed`]: it was begun already; a fault.
pub(crate) async fn start_in(
    app: &App,
    tx: &mut Tx,
    exclusion_id: &str,
    by: &str,
) -> Result<Value> {
    let now = app.clock.now();
    let update = sql("UPDATE refund_exclusion SET state = 'running', started_by = $1,
             started_at = $2
         WHERE exclusion_id = $3 AND state = 'planned' AND EXISTS
             (SELECT 1 FROM service_end e WHERE e.end_id = refund_exclusion.end_id
              AND e.state = 'announced' AND e.claims_until <= $2)");
    if tx.execute(update.bind(by).bind(now).bind(exclusion_id)).await? != 1 {
        return Err(Code::ApprovalClosed.into());
    }
    Ok(json!({ "state": "running", "exclusion": exclusion_id }))
}

/// Carries out what was agreed on, until it is told to stop between two customers. Gives how many
/// were done.
///
/// # Errors
/// A fault if a store fails; what was done stays done.
pub async fn work_until(app: &App, stop: impl Fn() -> bool + Send) -> Result<usize> {
    let registry = &app.stores.registry;
    let query = sql("SELECT exclusion_id, end_id, state, holders, yen, planned_at, done_at
         FROM refund_exclusion WHERE state = 'running' ORDER BY started_at");
    let mut done = 0;
    for row in registry.all(query).await? {
        let run = read(&row)?;
        while list(app, &run).await? {
            if stop() {
                return Ok(done);
            }
        }
        let mut after = String::new();
        loop {
            let waiting = sql("SELECT customer_id FROM refund_exclusion_row
                 WHERE exclusion_id = $1 AND state = 'waiting' AND customer_id > $2
                 ORDER BY customer_id LIMIT $3");
            let waiting = waiting.bind(&run.exclusion_id).bind(&after).bind(PAGE);
            let rows = registry.all(waiting).await?;
            if rows.is_empty() {
                break;
            }
            let ids = rows.iter().map(|row| row.text("customer_id"));
            let ids = ids.collect::<omamori_db::Result<Vec<_>>>()?;
            if let Some(last) = ids.last() {
                after.clone_from(last);
            }
            for some in ids.chunks(LOOKED_AT) {
                let review = need_review(registry, some, app.clock.now()).await?;
                for customer_id in some {
                    if stop() {
                        return Ok(done);
                    }
                    match exclude(app, &run, customer_id, review.contains(customer_id)).await {
                        Ok(()) => done += 1,
                        // One that cannot be done now holds nobody else up: it comes again.
                        Err(error) => {
                            let (run, code) = (&run.exclusion_id, error.code().as_str());
                            tracing::warn!(run, code, "an exclusion waits");
                        }
                    }
                }
            }
        }
        finish(app, &run).await?;
    }
    Ok(done)
}

/// Writes down the holders of the next page of customers. False when all have their rows.
async fn list(app: &App, run: &Exclusion) -> Result<bool> {
    let registry = &app.stores.registry;
    let query = sql("SELECT listed_to, is_listed FROM refund_exclusion WHERE exclusion_id = $1");
    let row = registry.one(query.bind(&run.exclusion_id)).await?;
    let listed_to = row.text("listed_to")?;
    if row.int("is_listed")? == 1 {
        return Ok(false);
    }
    let ids = customers(registry, &listed_to).await?;
    let mut tx = registry.begin().await?;
    let is_last = i64::from(ids.is_empty());
    let to = ids.last().unwrap_or(&listed_to);
    let step = sql("UPDATE refund_exclusion SET listed_to = $1, is_listed = $2
         WHERE exclusion_id = $3 AND listed_to = $4 AND is_listed = CAST(0 AS BIGINT)");
    let step = step.bind(to).bind(is_last).bind(&run.exclusion_id).bind(&listed_to);
    if tx.execute(step).await? != 1 {
        return Ok(true); // another node was faster
    }
    let holders: Vec<_> = ids.iter().filter(|id| money::left(app, id) > 0).collect();
    if !holders.is_empty() {
        let mut insert = sql_rows(
            "INSERT INTO refund_exclusion_row (exclusion_id, customer_id, state, outcome, yen)",
            5,
        );
        for customer_id in holders {
            insert.push(run.exclusion_id.as_str());
            insert.push(customer_id.as_str());
            insert.push("waiting");
            insert.push("");
            insert.push(0_i64);
        }
        tx.execute(insert).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Does one customer; `review`: staff look into them.
async fn exclude(app: &App, run: &Exclusion, customer_id: &str, review: bool) -> Result<()> {
    let registry = &app.stores.registry;
    let id = derive("refund-excluded", &[run.exclusion_id.as_bytes(), customer_id.as_bytes()]);
    let stands = app.gate.transfer_certainly(id).await?.map(|stands| stands.transfer);
    let (outcome, moved) = match stands {
        Some(stands) => ("excluded", yen(&stands)),
        None if review || app.gate.is_pending(wallet_account_id(customer_id)) => {
            ("kept", money::left(app, customer_id))
        }
        None => match later(app, &run.end_id, customer_id).await? {
            Some(claimed) => ("claimed", claimed),
            None => take(app, run, customer_id, id).await?,
        },
    };
    let mut tx = registry.begin().await?;
    let update = sql("UPDATE refund_exclusion_row SET state = 'done', outcome = $1, yen = $2,
             done_at = $3
         WHERE exclusion_id = $4 AND customer_id = $5 AND state = 'waiting'");
    let update = update.bind(outcome).bind(moved).bind(app.clock.now());
    if tx.execute(update.bind(&run.exclusion_id).bind(customer_id)).await? == 1 {
        if outcome == "excluded" && moved > 0 {
            let notice = Notice::RefundExcluded { amount: moved };
            tell(app, &mut tx, customer_id, &notice).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn take(
    app: &App,
    run: &Exclusion,
    customer_id: &str,
    id: u128,
) -> Result<(&'static str, i64)> {
    let unclaimed = operator_account(AccountCode::RefundUnclaimed);
    let moving = Moving {
        customer_id,
        act: Act::RefundExcluded,
        about: json!({ "exclusion": run.exclusion_id }),
    };
    let wallet = wallet_account_id(customer_id);
    let transfer: Transfer = money::all_of(wallet, &unclaimed, id, TransferCode::RefundExcluded);
    let stands = money::once(app, &moving, vec![unclaimed], transfer).await?;
    Ok(stands.map_or(("nothing", 0), |stands| ("excluded", yen(&stands))))
}

/// Who claimed before claims what came since, to the same account. None if they never did.
pub(super) async fn later(app: &App, end_id: &str, customer_id: &str) -> Result<Option<i64>> {
    let registry = &app.stores.registry;
    let claims = claim::of_customer(registry, customer_id).await?;
    let counts = |state: State| !matches!(state, State::Refusing | State::Refused);
    let first = claims.iter().find(|it| it.basis == Basis::ServiceEnd && counts(it.state));
    let Some(first) = first else { return Ok(None) };
    let claim = if first.state == State::Asked {
        first.clone() // its value is not set aside yet
    } else {
        let bank = claim::bank(app, &first.claim_id).await?;
        let new = New { customer_id, made: Made::Of(end_id), bank: &bank, asked_by: "later" };
        let mut tx = registry.begin().await?;
        let claim = claim::insert(app, &mut tx, &new).await?;
        tx.commit().await?;
        claim
    };
    match money::set_aside(app, &claim).await {
        Ok(claim) => Ok(Some(claim.yen)),
        Err(error) if error.code() == Code::RefundNothing => Ok(Some(0)),
        Err(error) => Err(error),
    }
}

async fn finish(app: &App, run: &Exclusion) -> Result<()> {
    let update = sql("UPDATE refund_exclusion SET state = 'done', done_at = $1
         WHERE exclusion_id = $2 AND state = 'running' AND NOT EXISTS
             (SELECT 1 FROM refund_exclusion_row
              WHERE exclusion_id = $2 AND state = 'waiting')");
    let update = update.bind(app.clock.now()).bind(&run.exclusion_id);
    app.stores.registry.execute(update).await?;
    Ok(())
}
