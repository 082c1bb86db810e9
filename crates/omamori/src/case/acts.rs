//! What staff do with a case. Each act is decided by the gate and written into the audit log in
//! the transaction of its rows. Two at once: the second is told to look again.

use omamori_db::{Tx, sql};
use serde_json::{Value, json};

use super::kind::Outcome;
use super::label;
use super::notes::{self, NoteKind, checked};
use super::row::{Case, find};
use super::state::State;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::gate::{Act, Clearance};
use crate::notify::{Notice, tell};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// The case and the gate's word for an act on it.
async fn begin(app: &App, actor: &Actor, act: Act, case_id: &str) -> Result<(Case, Clearance)> {
    let case = find(&app.stores.registry, case_id).await?.ok_or(Code::NotFound)?;
    let about = json!({ "case": case_id, "state": case.state.as_str() });
    let customer = case.customer_id.as_deref();
    let clearance = actor.decide(app, act, customer, &about, Ok(())).await?;
    Ok((case, clearance))
}

/// Moves a case from the state it was seen in.
async fn step(tx: &mut Tx, case: &Case, to: &State) -> Result<()> {
    let outcome = match to {
        State::Decided { outcome, .. } => Some(outcome.as_str()),
        State::Open | State::Taken { .. } | State::Waiting { .. } => None,
    };
    let (State::Taken { at, .. } | State::Waiting { at, .. } | State::Decided { at, .. }) = to
    else {
        return Err(Error::fault("no act opens a case again"));
    };
    let update = sql("UPDATE case_file SET state = $1, state_by = $2, state_at = $3, outcome = $4
         WHERE case_id = $5 AND state = $6 AND COALESCE(state_by, '') = $7");
    let update = update.bind(to.as_str()).bind(to.by()).bind(*at).bind(outcome);
    let update = update.bind(&case.case_id).bind(case.state.as_str());
    if tx.execute(update.bind(case.state.by().unwrap_or_default())).await? != 1 {
        return Err(Code::CaseChanged.into());
    }
    Ok(())
}

fn shown(state: &State) -> Value {
    json!({ "state": state.as_str(), "by": state.by() })
}

/// Takes a case, or takes it over from a colleague.
///
/// # Errors
/// [`Code::NotFound`], [`Code::CaseChanged`]; a fault.
pub async fn take(app: &App, actor: &Actor, case_id: &str) -> Result<()> {
    let (case, clearance) = begin(app, actor, Act::CaseTake, case_id).await?;
    if case.state.is_decided() {
        return Err(Code::CaseChanged.into());
    }
    if case.state.is_in_hands_of(&actor.id) {
        return Ok(()); // a second press
    }
    let to = State::Taken { by: actor.id.clone(), at: app.clock.now() };
    let mut tx = app.stores.registry.begin().await?;
    step(&mut tx, &case, &to).await?;
    let entry = Entry {
        actor,
        act: Act::CaseTake,
        subject: case_id,
        before: shown(&case.state),
        after: shown(&to),
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await
}

/// Writes something down for colleagues, in a decided case too.
///
/// # Errors
/// [`Code::NotFound`], a wrong text; a fault.
pub async fn note(app: &App, actor: &Actor, case_id: &str, body: &str) -> Result<()> {
    let body = checked("text", body)?;
    let (_, clearance) = begin(app, actor, Act::CaseNote, case_id).await?;
    let mut tx = app.stores.registry.begin().await?;
    notes::add(app, &mut tx, case_id, (NoteKind::Note, &actor.id), body).await?;
    let entry = Entry {
        actor,
        act: Act::CaseNote,
        subject: case_id,
        before: Value::Null,
        // What it says can name people, and the log is for ever.
        after: json!({ "characters": body.chars().count() }),
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await
}

/// Says that two cases belong together.
///
/// # Errors
/// [`Code::NotFound`]; a field that is no other case; a fault.
pub async fn link(app: &App, actor: &Actor, case_id: &str, other_id: &str) -> Result<()> {
    let other_id = other_id.trim();
    let other = find(&app.stores.registry, other_id).await?;
    if case_id == other_id || other.is_none() {
        return Err(Error::field("case_id", "unknown"));
    }
    let (_, clearance) = begin(app, actor, Act::CaseLink, case_id).await?;
    let (lesser, greater) =
        if case_id < other_id { (case_id, other_id) } else { (other_id, case_id) };
    let mut tx = app.stores.registry.begin().await?;
    let insert = sql("INSERT INTO case_link (case_id, other_id, linked_by, linked_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT (case_id, other_id) DO NOTHING");
    let insert = insert.bind(lesser).bind(greater).bind(&actor.id).bind(app.clock.now());
    if tx.execute(insert).await? != 1 {
        return Ok(()); // they are
    }
    let entry = Entry {
        actor,
        act: Act::CaseLink,
        subject: case_id,
        before: Value::Null,
        after: json!({ "linked": other_id }),
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await
}

/// Asks the customer something, who is told; the clock stands until there is an answer.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::CaseChanged`] if the case is in other hands or decided;
/// [`Code::Forbidden`] if the customer must not know of it; a wrong text; a fault.
pub async fn ask(app: &App, actor: &Actor, case_id: &str, body: &str) -> Result<()> {
    let body = checked("text", body)?;
    let (case, clearance) = begin(app, actor, Act::CaseAsk, case_id).await?;
    let customer = case.customer_id.as_deref().filter(|_| case.kind.is_shown_to_customer());
    let customer = customer.ok_or(Code::Forbidden)?;
    if !matches!(case.state, State::Taken { .. }) || !case.state.is_in_hands_of(&actor.id) {
        return Err(Code::CaseChanged.into());
    }
    let to = State::Waiting { by: actor.id.clone(), at: app.clock.now() };
    let mut tx = app.stores.registry.begin().await?;
    step(&mut tx, &case, &to).await?;
    notes::add(app, &mut tx, case_id, (NoteKind::Message, &actor.id), body).await?;
    tell(app, &mut tx, customer, &Notice::CaseAsked {}).await?;
    let entry = Entry {
        actor,
        act: Act::CaseAsk,
        subject: case_id,
        before: shown(&case.state),
        after: shown(&to),
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await
}

/// How a case is decided.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The outcome: one of the kind's.
    pub outcome: Outcome,
    /// Why, for colleagues and the log.
    pub reason: &'a str,
    /// A few words to the customer; may be empty.
    pub message: &'a str,
}

/// Decides a case that this person has in hand, and labels the decisions that it is about. A
/// customer who may see it is told.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::CaseChanged`] if it is in other hands or decided; an outcome that
/// the kind does not have; a fault.
pub async fn decide(app: &App, actor: &Actor, case_id: &str, decision: Decision<'_>) -> Result<()> {
    let Decision { outcome, reason, message } = decision;
    let (case, clearance) = begin(app, actor, Act::CaseDecide, case_id).await?;
    if !case.kind.outcomes().contains(&outcome) {
        return Err(Error::field("outcome", "unknown"));
    }
    if !case.state.is_in_hands_of(&actor.id) {
        return Err(Code::CaseChanged.into());
    }
    let decisions = label::decisions(app, &case).await?;
    let now = app.clock.now();
    let to = State::Decided { by: actor.id.clone(), at: now, outcome };
    let mut tx = app.stores.registry.begin().await?;
    step(&mut tx, &case, &to).await?;
    label::set(&mut tx, &case, outcome, &decisions, now).await?;
    if let Some(customer) = case.customer_id.as_deref().filter(|_| case.kind.is_shown_to_customer())
    {
        if !message.trim().is_empty() {
            let message = checked("message", message)?;
            let from = (NoteKind::Message, actor.id.as_str());
            notes::add(app, &mut tx, case_id, from, message).await?;
        }
        tell(app, &mut tx, customer, &Notice::CaseDecided { outcome }).await?;
    }
    let entry = Entry {
        actor,
        act: Act::CaseDecide,
        subject: case_id,
        before: shown(&case.state),
        after: json!({ "state": "decided", "outcome": outcome.as_str(), "kind": case.kind }),
        reason,
    };
    audit::commit(app, tx, &clearance, &entry).await
}
