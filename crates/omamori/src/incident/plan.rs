//! The dry run of an act: its rows and their sum, written down as they are. What a second person
//! agrees on is a digest of just these, and the run does them and nothing else.

use std::collections::{BTreeMap, HashMap};

use omamori_db::{Tx, sql, sql_rows};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::act::{self, ActKind, ActRow, On, Parameters, Planned};
use super::cohort::{Lists, Member};
use super::count::Position;
use super::money::compensation_id;
use super::moves::loss_now;
use super::{log, row};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::console::access::Staff;
use crate::console::approval::{self, Asked, Proposal};
use crate::control::{Door, Scope};
use crate::gate::Act;
use crate::gate::chart::wallet_account_id;
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

/// Who is closed, stopped or neither, of the members.
async fn standings(app: &App, incident_id: &str) -> Result<HashMap<String, String>> {
    let query = sql("SELECT c.customer_id, c.status FROM customer c
         JOIN incident_member m ON m.customer_id = c.customer_id WHERE m.incident_id = $1");
    let mut standings = HashMap::new();
    for row in app.stores.registry.all(query.bind(incident_id)).await? {
        standings.insert(row.text("customer_id")?, row.text("status")?);
    }
    Ok(standings)
}

/// Works out the rows, by subject. Writes nothing.
async fn rows(
    app: &App,
    incident_id: &str,
    parameters: &Parameters,
) -> Result<BTreeMap<String, i64>> {
    let lists = Lists::read(&app.stores.registry, incident_id).await?;
    let standings = standings(app, incident_id).await?;
    let is_meant = |member: &&Member| match parameters.on {
        On::Confirmed => member.state == "confirmed",
        On::All => member.state != "cleared",
    };
    let status = |member: &Member| standings.get(&member.customer_id).map_or("", String::as_str);
    let mut rows = BTreeMap::new();
    match parameters.kind {
        ActKind::CloseDoors => {
            for word in &parameters.subjects {
                let door = Door::of(word).ok_or_else(|| Error::field("subjects", "malformed"))?;
                scope(parameters, door)?;
                rows.insert(word.clone(), 0);
            }
        }
        ActKind::HoldPayouts => {
            let of_all = lists.extent.stores.iter().map(|store| store.store_id.clone());
            let stores = match parameters.subjects.as_slice() {
                [] => of_all.collect(),
                some => some.to_vec(),
            };
            for store_id in stores {
                let query = sql("SELECT merchant_id FROM store WHERE store_id = $1");
                let row = app.stores.registry.optional(query.bind(&store_id)).await?;
                let row = row.ok_or_else(|| Error::field("subjects", "unknown"))?;
                rows.insert(row.text("merchant_id")?, 0);
            }
        }
        ActKind::Compensate => {
            let now = Position::now(app).await?;
            for member in lists.members.iter().filter(is_meant) {
                let loss = loss_now(app, &member.customer_id, &lists.moves, &now).await?;
                let id = compensation_id(incident_id, &member.customer_id);
                if loss > 0 && app.gate.transfer_certainly(id).await?.is_none() {
                    rows.insert(member.customer_id.clone(), loss);
                }
            }
        }
        ActKind::Reverse => {
            for member in lists.members.iter().filter(is_meant) {
                let id = &member.customer_id;
                let came = lists.moves.iter().filter(|one| one.customer_id == *id);
                let came = came.map(|one| one.came).sum::<i64>();
                let there = app.gate.paid(wallet_account_id(id));
                if came.min(there) > 0 {
                    rows.insert(id.clone(), came.min(there));
                }
            }
        }
        ActKind::Unfreeze => {
            let stopped = |member: &&Member| status(member) == "frozen";
            let members = lists.members.iter().filter(is_meant).filter(stopped);
            rows.extend(members.map(|member| (member.customer_id.clone(), 0)));
        }
        ActKind::Freeze | ActKind::SignOut | ActKind::RequireFactors | ActKind::Notify => {
            let there = |member: &&Member| !matches!(status(member), "closed" | "");
            let members = lists.members.iter().filter(is_meant).filter(there);
            rows.extend(members.map(|member| (member.customer_id.clone(), 0)));
        }
    }
    Ok(rows)
}

/// Of what is agreed on.
fn digest(act_id: &str, parameters: &str, rows: &BTreeMap<String, i64>) -> [u8; 32] {
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
    let rows = rows(app, incident_id, parameters).await?;
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
    let insert = insert.bind(count).bind(yen).bind(digest(&act_id, &text, &rows));
    tx.execute(insert.bind(&actor.id).bind(now)).await?;
    insert_rows(&mut tx, &act_id, &rows).await?;
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
/// [`Code::ApprovalClosed`]: it runs already; a fault: a row was changed.
pub(crate) async fn start_in(
    app: &App,
    tx: &mut Tx,
    (act_id, agreed): (&str, &str),
    by: &str,
) -> Result<Value> {
    let planned = act::find_in(tx, act_id).await?;
    let query = sql("SELECT subject, yen FROM incident_act_row WHERE act_id = $1");
    let mut rows = BTreeMap::new();
    for row in tx.all(query.bind(act_id)).await? {
        rows.insert(row.text("subject")?, row.int("yen")?);
    }
    let text = serde_json::to_string(&planned.parameters)?;
    if audit::hex(&digest(act_id, &text, &rows)) != agreed {
        return Err(Error::fault("the rows of an act are not as they were agreed on"));
    }
    let now = app.clock.now();
    let update = sql("UPDATE incident_act SET state = 'running', started_by = $1, started_at = $2
         WHERE act_id = $3 AND state = 'asked'");
    if tx.execute(update.bind(by).bind(now).bind(act_id)).await? != 1 {
        return Err(Code::ApprovalClosed.into());
    }
    let told = planned.parameters.kind.as_str();
    log::add(tx, &planned.incident_id, (by, now), "act_started", told).await?;
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
