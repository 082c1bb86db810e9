//! What an act does about one row, in the transaction that marks the row as done: so it is done
//! once, whoever works on it.

use omamori_db::{Tx, sql};
use serde_json::{Value, json};

use super::act::{ActKind, ActRow, Letter, Planned};
use super::plan::scope;
use super::{log, money, still};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::control::{self, Closing, Door, Scope};
use crate::gate::Act;
use crate::id::Kind;
use crate::identity::{desk, standing};
use crate::notify::{AccountStopper, Notice, tell};
use crate::settlement::hold::{self, Outcome};
use crate::topup::card::pass_on::{PassedOn, pass_on};
use crate::web::error::{Error, Result};

/// The outcome of a row of who was cleared since the dry run: nothing is done.
const CLEARED: &str = "cleared";
/// Of one that would make less good than is lost by now: nothing is done, another act does it.
const PLAN_AGAIN: &str = "plan_again";

/// Marks a row as done. False if somebody else did.
async fn claim(
    app: &App,
    tx: &mut Tx,
    (act, row): (&Planned, &ActRow),
    (outcome, moved): (&str, i64),
) -> Result<bool> {
    let update = sql("UPDATE incident_act_row SET state = 'done', outcome = $1, moved_yen = $2,
             done_at = $3 WHERE act_id = $4 AND subject = $5 AND state = 'waiting'");
    let update = update.bind(outcome).bind(moved).bind(app.clock.now()).bind(&act.act_id);
    Ok(tx.execute(update.bind(&row.subject)).await? == 1)
}

/// Does a row. False if it waits for what is not known yet.
pub(super) async fn carry_out(app: &App, act: &Planned, row: &ActRow) -> Result<bool> {
    let actor = Actor::on_behalf_of(act.started_by.clone().unwrap_or_default());
    match act.parameters.kind {
        ActKind::Compensate => {
            let step = money::compensate(app, act, row).await?;
            after(app, &actor, (act, row), Act::IncidentCompensate, step).await
        }
        ActKind::Reverse => {
            let step = money::reverse(app, act, row).await?;
            after(app, &actor, (act, row), Act::IncidentReverse, step).await
        }
        ActKind::CloseDoors => {
            let door = Door::of(&row.subject).ok_or(Error::fault("a door is none"))?;
            let scope = scope(&act.parameters, door)?;
            close(app, &actor, (act, row), door, scope).await.map(|()| true)
        }
        ActKind::HoldPayouts => {
            let merchant = Scope::Merchant(row.subject.clone());
            close(app, &actor, (act, row), Door::Payouts, merchant).await.map(|()| true)
        }
        ActKind::PassOn => on_topup(app, &actor, act, row).await,
        ActKind::HoldSales | ActKind::ReleaseSales => on_sale(app, &actor, act, row).await,
        _ => on_account(app, &actor, act, row).await,
    }
}

/// What follows from what became of a row's money.
async fn after(
    app: &App,
    actor: &Actor,
    of: (&Planned, &ActRow),
    what: Act,
    step: money::Step,
) -> Result<bool> {
    match step {
        money::Step::Moved(outcome, yen) => {
            account_for(app, actor, of, what, (outcome, yen)).await?;
        }
        money::Step::Cleared => account_for(app, actor, of, what, (CLEARED, 0)).await?,
        money::Step::PlanAgain => account_for(app, actor, of, what, (PLAN_AGAIN, 0)).await?,
        money::Step::Gone => {}
        money::Step::Waits => {
            still::wait(app, of.0, of.1).await?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Holds a sale, or releases it.
async fn on_sale(app: &App, actor: &Actor, act: &Planned, row: &ActRow) -> Result<bool> {
    let payment = Kind::Payment.parse(&row.subject).ok_or(Error::fault("a payment is none"))?;
    let sale = hold::sale(app, payment).await?.ok_or(Error::fault("a sale is not there"))?;
    let holds = act.parameters.kind == ActKind::HoldSales;
    let what = if holds { Act::IncidentSaleHold } else { Act::IncidentSaleRelease };
    let after = json!({ "incident": act.incident_id, "act": act.act_id, "sale": row.subject,
        "merchant": sale.merchant_id, "yen": sale.yen });
    let clearance = actor.decide(app, what, None, &after, Ok(())).await?;
    let now = app.clock.now();
    let by = (act.incident_id.as_str(), act.act_id.as_str());
    let mut tx = app.stores.registry.begin().await?;
    let outcome = if holds && !still::concerns_transfer(&mut tx, act, payment).await? {
        CLEARED
    } else if holds && sale.yen <= 0 {
        "nothing" // refunded since
    } else if holds {
        match hold::hold_in(&mut tx, &sale, by, now).await? {
            Outcome::Held => "done",
            Outcome::Already => "already",
            Outcome::Settled => "settled",
        }
    } else if hold::release_in(&mut tx, &sale, by, now).await? {
        "done"
    } else {
        "already"
    };
    let moved = if outcome == "done" { sale.yen } else { 0 };
    if !claim(app, &mut tx, (act, row), (outcome, moved)).await? {
        return Ok(true);
    }
    let subject = sale.merchant_id.as_str();
    let before = json!({ "outcome": outcome });
    let entry = Entry { actor, act: what, subject, before, after, reason: &act.reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(true)
}

/// Passes on to a card what was taken back of its top-up. False if the gateway has not said yet
/// whether it did.
async fn on_topup(app: &App, actor: &Actor, act: &Planned, row: &ActRow) -> Result<bool> {
    let topup = Kind::Topup.parse(&row.subject).ok_or(Error::fault("a top-up is none"))?;
    let (outcome, moved) = match still::begins_to_pay(app, act, row, false).await? {
        still::Look::Gone => return Ok(true),
        still::Look::Short => (PLAN_AGAIN, 0),
        still::Look::Cleared => (CLEARED, 0),
        still::Look::Pays => match pass_on(app, &act.act_id, topup, row.yen).await? {
            PassedOn::Done(yen) => ("done", yen),
            PassedOn::Nothing => ("nothing", 0),
            PassedOn::Refused => ("refused", 0),
            PassedOn::Unknown => {
                still::wait(app, act, row).await?;
                return Ok(false);
            }
        },
    };
    let after = json!({ "incident": act.incident_id, "act": act.act_id, "topup": row.subject,
        "outcome": outcome, "yen": moved });
    let what = Act::IncidentPassedOn;
    let clearance = actor.decide(app, what, None, &after, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let is_ended = if [CLEARED, PLAN_AGAIN].contains(&outcome) {
        still::end_unpaid(&mut tx, act, row, (outcome, app.clock.now())).await?
    } else {
        claim(app, &mut tx, (act, row), (outcome, moved)).await?
    };
    if !is_ended {
        return Ok(true);
    }
    let (subject, before) = (row.subject.as_str(), Value::Null);
    let entry = Entry { actor, act: what, subject, before, after, reason: &act.reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(true)
}

/// What has moved in the ledger is written down, and told, once.
async fn account_for(
    app: &App,
    actor: &Actor,
    (act, row): (&Planned, &ActRow),
    what: Act,
    (outcome, moved): (&str, i64),
) -> Result<()> {
    let customer = row.subject.as_str();
    let after = json!({ "incident": act.incident_id, "act": act.act_id, "outcome": outcome,
        "yen": moved });
    let clearance = actor.decide(app, act_of(what), Some(customer), &after, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let is_ended = if [CLEARED, PLAN_AGAIN].contains(&outcome) {
        still::end_unpaid(&mut tx, act, row, (outcome, app.clock.now())).await?
    } else {
        claim(app, &mut tx, (act, row), (outcome, moved)).await?
    };
    if !is_ended {
        return Ok(());
    }
    let notice = match (what, outcome) {
        (Act::IncidentCompensate, "done") => Some(Notice::IncidentCompensated { amount: moved }),
        (Act::IncidentReverse, "done") => Some(Notice::IncidentReversed { amount: moved }),
        _ => None,
    };
    if let Some(notice) = notice {
        tell(app, &mut tx, customer, &notice).await?;
        told(app, &mut tx, act, customer).await?;
    }
    let entry = Entry {
        actor,
        act: act_of(what),
        subject: customer,
        before: Value::Null,
        after,
        reason: &act.reason,
    };
    audit::commit(app, tx, &clearance, &entry).await
}

/// The gate has decided about the money; this is about the row that says so.
const fn act_of(what: Act) -> Act {
    match what {
        Act::IncidentReverse => Act::IncidentReversed,
        _ => Act::IncidentCompensated,
    }
}

async fn told(app: &App, tx: &mut Tx, act: &Planned, customer_id: &str) -> Result<()> {
    let update = sql("UPDATE incident_member SET told_at = COALESCE(told_at, $1)
         WHERE incident_id = $2 AND customer_id = $3");
    let update = update.bind(app.clock.now()).bind(&act.incident_id).bind(customer_id);
    tx.execute(update).await?;
    Ok(())
}

/// Closes a door, if it is not closed for just these. One that opens by itself is none that stays
/// closed until somebody opens it.
async fn close(
    app: &App,
    actor: &Actor,
    (act, row): (&Planned, &ActRow),
    door: Door,
    scope: Scope,
) -> Result<()> {
    let closed = app.gate.controls().closed(app.clock.now());
    let is_closed =
        closed.iter().any(|one| one.door == door && one.scope == scope && one.ends_at.is_none());
    if !is_closed {
        let closing = Closing {
            door,
            scope,
            reason: act.reason.clone(),
            notice_ja: String::new(),
            notice_en: String::new(),
            ends_at: None,
        };
        control::close(app, actor, &actor.id, closing).await?;
    }
    let mut tx = app.stores.registry.begin().await?;
    let outcome = if is_closed { "already" } else { "done" };
    claim(app, &mut tx, (act, row), (outcome, 0)).await?;
    Ok(tx.commit().await?)
}

/// What is done to an account alone: rows of the registry. False if the customer was cleared, or
/// confirmed again, just now: it comes again.
async fn on_account(app: &App, actor: &Actor, act: &Planned, row: &ActRow) -> Result<bool> {
    let customer = row.subject.as_str();
    let what = match act.parameters.kind {
        ActKind::Freeze => Act::StaffFreeze,
        ActKind::Unfreeze => Act::StaffUnfreeze,
        ActKind::SignOut => Act::IncidentSignOut,
        ActKind::RequireFactors => Act::IncidentFactors,
        _ => Act::IncidentNotify,
    };
    let query = sql("SELECT status FROM customer WHERE customer_id = $1").bind(customer);
    let status = app.stores.registry.one(query).await?.text("status")?;
    let mut look = app.stores.registry.begin().await?;
    let concerns = still::concerns(&mut look, act, customer).await?;
    drop(look);
    let outcome = match (concerns, status.as_str()) {
        (false, _) => CLEARED,
        (true, "closed") => "gone",
        (true, _) => "done",
    };
    let after = json!({ "incident": act.incident_id, "act": act.act_id, "outcome": outcome });
    let clearance = actor.decide(app, what, Some(customer), &after, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    if still::concerns(&mut tx, act, customer).await? != concerns {
        return Ok(false); // the decision that was written down says something else
    }
    if !claim(app, &mut tx, (act, row), (outcome, 0)).await? {
        return Ok(true);
    }
    if outcome == "done" {
        effect(app, &mut tx, act, customer).await?;
    }
    let (before, reason) = (json!({ "status": status }), act.reason.as_str());
    let entry = Entry { actor, act: what, subject: customer, before, after, reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    standing::forget(app, customer).await?;
    Ok(true)
}

async fn effect(app: &App, tx: &mut Tx, act: &Planned, customer: &str) -> Result<()> {
    match act.parameters.kind {
        ActKind::Freeze => standing::freeze_in(app, tx, customer, AccountStopper::Staff).await,
        ActKind::Unfreeze => standing::unfreeze_in(app, tx, customer).await.map(drop),
        ActKind::SignOut => {
            desk::end_sessions(app, tx, customer).await?;
            desk::unbind(app, tx, customer).await
        }
        ActKind::RequireFactors => desk::forget_factors(app, tx, customer).await,
        _ => {
            let notice = match act.parameters.letter {
                Some(Letter::Precaution) => Notice::IncidentPrecaution {},
                _ => Notice::IncidentAffected {},
            };
            tell(app, tx, customer, &notice).await?;
            told(app, tx, act, customer).await
        }
    }
}

/// The last row is done.
pub(super) async fn finish(app: &App, act: &Planned) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE incident_act SET state = 'done', done_at = $1
         WHERE act_id = $2 AND state = 'running' AND NOT EXISTS
             (SELECT 1 FROM incident_act_row WHERE act_id = $2 AND state = 'waiting')");
    if tx.execute(update.bind(now).bind(&act.act_id)).await? != 1 {
        return Ok(()); // another node did, or a row could not be done yet
    }
    let query = sql("SELECT CAST(COALESCE(SUM(moved_yen), 0) AS BIGINT) AS moved
         FROM incident_act_row WHERE act_id = $1");
    let moved = tx.one(query.bind(&act.act_id)).await?.int("moved")?;
    let told = format!("{} {} {moved}", act.parameters.kind.as_str(), act.rows);
    let by = act.started_by.as_deref().unwrap_or_default();
    log::add(&mut tx, &act.incident_id, (by, now), "act_done", &told).await?;
    Ok(tx.commit().await?)
}
