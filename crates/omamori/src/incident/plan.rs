//! The dry run of an act: its rows and their sum, written down as they are. What a second person
//! agrees on is a digest of just these, and the run does them and nothing else.

use std::collections::BTreeMap;

use omamori_db::{Tx, sql, sql_rows};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::act::{self, ActKind, ActRow, Parameters, Planned};
use super::rows::{self, Dry, Part};
use super::{log, row};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::console::access::Staff;
use crate::console::approval::{self, Asked, Proposal};
use crate::control::{Door, Scope};
use crate::gate::Act;
use crate::id::Kind;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Rows of one act.
const ROWS_MAX: usize = 100_000;
/// Rows of one statement: it takes 32,766 values.
const ROWS_AT_ONCE: usize = 4_000;

/// For whom doors are closed, as the page of doors says it.
///
/// # Errors
/// It is not such a thing, or does not fit the door.
pub(super) fn scope(parameters: &Parameters, door: Door) -> Result<Scope> {
    let word = if parameters.scope.is_empty() { "all" } else { &parameters.scope };
    let scope = Scope::parse(word, parameters.scope_of.trim());
    let scope = scope.ok_or_else(|| Error::field("scope_of", "malformed"))?;
    if scope.fits(door) { Ok(scope) } else { Err(Error::field("scope", "malformed")) }
}

/// Of what is agreed on.
fn digest(act_id: &str, parameters: &str, Dry { rows, moves }: &Dry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"omamori incident act v1\0");
    for text in [act_id, parameters] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    for (subject, yen) in rows {
        hash.update((subject.len() as u64).to_be_bytes());
        hash.update(subject);
        hash.update(yen.to_be_bytes());
    }
    for (transfer_id, part) in moves {
        hash.update(transfer_id.to_be_bytes());
        hash.update(&part.customer_id);
    }
    // Last, and only where there is any: plans of before know nothing of it.
    for (transfer_id, part) in moves.iter().filter(|(_, part)| part.received != 0) {
        hash.update(b"received\0");
        hash.update(transfer_id.to_be_bytes());
        hash.update(part.received.to_be_bytes());
    }
    hash.finalize().into()
}

/// Plans an act: the dry run. Gives its id.
///
/// # Errors
/// [`Code::Forbidden`]: the role may not; a wrong field; nobody is concerned;
/// [`Code::NotFound`], [`Code::IncidentClosed`]; a fault.
pub async fn plan(
    app: &App,
    staff: &Staff,
    incident_id: &str,
    parameters: &Parameters,
) -> Result<String> {
    parameters.check()?;
    row::open_one(&app.stores.registry, incident_id).await?;
    if !parameters.kind.may(staff.role) {
        return Err(Code::Forbidden.into());
    }
    let dry = rows::of(app, incident_id, parameters).await?;
    let rows = &dry.rows;
    if rows.is_empty() || rows.len() > ROWS_MAX {
        return Err(Code::IncidentEmpty.into());
    }
    let actor = &staff.actor;
    let act_id = Kind::IncidentAct.random_text(app.rng.as_ref());
    let text = serde_json::to_string(parameters)?;
    let (count, yen) = (i64::try_from(rows.len()).unwrap_or(i64::MAX), rows.values().sum::<i64>());
    let after = json!({ "incident": incident_id, "act": act_id, "parameters": parameters,
        "rows": count, "yen": yen });
    let clearance = actor.decide(app, Act::IncidentPlan, None, &after, Ok(())).await?;
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    let insert = sql("INSERT INTO incident_act (act_id, incident_id, kind, parameters, state,
             row_count, total_yen, digest, planned_by, planned_at, reason)
         VALUES ($1, $2, $3, $4, 'planned', $5, $6, $7, $8, $9, '')");
    let insert = insert.bind(&act_id).bind(incident_id).bind(parameters.kind.as_str()).bind(&text);
    let insert = insert.bind(count).bind(yen).bind(digest(&act_id, &text, &dry));
    tx.execute(insert.bind(&actor.id).bind(now)).await?;
    insert_rows(&mut tx, &act_id, rows).await?;
    insert_moves(&mut tx, &act_id, &dry.moves).await?;
    let told = format!("{} {count} {yen}", parameters.kind.as_str());
    log::add(&mut tx, incident_id, (&actor.id, now), "act_planned", &told).await?;
    let entry = Entry {
        actor,
        act: Act::IncidentPlan,
        subject: incident_id,
        before: Value::Null,
        after,
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(act_id)
}

async fn insert_rows(tx: &mut Tx, act_id: &str, rows: &BTreeMap<String, i64>) -> Result<()> {
    let rows: Vec<_> = rows.iter().collect();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut insert = sql_rows(
            "INSERT INTO incident_act_row (act_id, subject, yen, state, outcome, moved_yen)",
            6,
        );
        for (subject, yen) in rows {
            insert.push(act_id);
            insert.push(subject.as_str());
            insert.push(**yen);
            insert.push("waiting");
            insert.push("");
            insert.push(0_i64);
        }
        tx.execute(insert).await?;
    }
    Ok(())
}

async fn insert_moves(tx: &mut Tx, act_id: &str, moves: &BTreeMap<u128, Part>) -> Result<()> {
    let moves: Vec<_> = moves.iter().collect();
    for moves in moves.chunks(ROWS_AT_ONCE) {
        let mut insert = sql_rows(
            "INSERT INTO incident_act_move (act_id, transfer_id, customer_id, received_yen)",
            4,
        );
        for (transfer_id, part) in moves {
            insert.push(act_id);
            insert.push(transfer_id.to_be_bytes());
            insert.push(part.customer_id.as_str());
            insert.push(part.received);
        }
        tx.execute(insert).await?;
    }
    Ok(())
}

/// Asks a second person for a planned act.
///
/// # Errors
/// [`Code::ApprovalClosed`]: it was asked for already; [`Code::Forbidden`]; a fault.
pub async fn ask(app: &App, staff: &Staff, act_id: &str, reason: &str) -> Result<Asked> {
    let registry = &app.stores.registry;
    let planned = act::find(registry, act_id).await?;
    row::open_one(registry, &planned.incident_id).await?;
    if !planned.parameters.kind.may(staff.role) {
        return Err(Code::Forbidden.into());
    }
    let reason = approval::checked_reason(reason)?;
    let is_free = match (&*planned.state, &planned.approval_id) {
        ("planned", _) | ("asked", None) => true,
        ("asked", Some(id)) => {
            let before = approval::find(registry, id, app.clock.now()).await?.state;
            matches!(before, approval::State::Refused { .. } | approval::State::Expired)
        }
        _ => false,
    };
    let claim = sql("UPDATE incident_act SET state = 'asked', reason = $1
         WHERE act_id = $2 AND state IN ('planned', 'asked')");
    if !is_free || registry.execute(claim.bind(reason).bind(act_id)).await? != 1 {
        return Err(Code::ApprovalClosed.into());
    }
    let asked = approval::ask(app, staff, &proposal(&planned), reason).await?;
    let now = app.clock.now();
    let mut tx = registry.begin().await?;
    let update = sql("UPDATE incident_act SET approval_id = $1 WHERE act_id = $2");
    tx.execute(update.bind(&asked.approval_id).bind(act_id)).await?;
    let told = planned.parameters.kind.as_str();
    let incident = &planned.incident_id;
    log::add(&mut tx, incident, (&staff.staff_id, now), "act_asked", told).await?;
    tx.commit().await?;
    Ok(asked)
}

/// What the second person agrees on.
fn proposal(planned: &Planned) -> Proposal {
    Proposal::IncidentAct {
        incident_id: planned.incident_id.clone(),
        act_id: planned.act_id.clone(),
        kind: planned.parameters.kind,
        rows: planned.rows,
        yen: planned.yen,
        sha256: audit::hex(&planned.digest),
    }
}

/// Starts an act that two people agreed on, in the transaction that uses the approval up. Its rows
/// must be those that were agreed on.
///
/// # Errors
/// [`Code::ApprovalClosed`]: it runs already, or must be planned again;
/// [`Code::IncidentClosed`]; a fault: a row was changed.
pub(crate) async fn start_in(
    app: &App,
    tx: &mut Tx,
    (act_id, agreed): (&str, &str),
    by: &str,
) -> Result<Value> {
    let planned = act::find_in(tx, act_id).await?;
    let dry = Dry::read(tx, act_id).await?;
    let text = serde_json::to_string(&planned.parameters)?;
    if audit::hex(&digest(act_id, &text, &dry)) != agreed {
        return Err(Error::fault("the rows of an act are not as they were agreed on"));
    }
    let now = app.clock.now();
    // It takes the incident's row: from here on nobody closes it under the act.
    let told = planned.parameters.kind.as_str();
    log::add(tx, &planned.incident_id, (by, now), "act_started", told).await?;
    row::open_in(tx, &planned.incident_id).await?;
    let update = sql("UPDATE incident_act SET state = 'running', started_by = $1, started_at = $2
         WHERE act_id = $3 AND state = 'asked'");
    if tx.execute(update.bind(by).bind(now).bind(act_id)).await? != 1 {
        return Err(Code::ApprovalClosed.into());
    }
    if matches!(planned.parameters.kind, ActKind::Compensate | ActKind::Reverse) {
        if dry.moves.is_empty() {
            return Err(Code::ApprovalClosed.into()); // planned before transfers were written down
        }
        // Transfers that another act took first, of this incident or another one, stay its own:
        // the run pays, or takes back, what is taken here.
        let take = sql("INSERT INTO incident_paid (transfer_id, incident_id, act_id)
             SELECT m.transfer_id, m.incident_id, a.act_id FROM incident_act_move a
             JOIN incident_move m ON m.transfer_id = a.transfer_id
             WHERE m.incident_id = $1 AND a.act_id = $2 AND m.state = 'disputed'
             ORDER BY m.transfer_id
             ON CONFLICT (transfer_id) DO NOTHING");
        tx.execute(take.bind(&planned.incident_id).bind(act_id)).await?;
    }
    Ok(json!({ "act": act_id, "rows": planned.rows, "yen": planned.yen }))
}

/// The list of a dry run, as a file for a spreadsheet.
#[must_use]
pub fn csv(rows: &[ActRow]) -> String {
    let mut text = String::from("subject,yen,state,outcome,moved_yen\r\n");
    for row in rows {
        let ActRow { subject, yen, state, outcome, moved } = row;
        text.push_str(&format!("{subject},{yen},{state},{outcome},{moved}\r\n"));
    }
    text
}
