//! The card gateway's report against the ledger: top-ups that were credited, less chargebacks and
//! what incidents passed on to cards.

use std::collections::HashMap;

use omamori_db::{sql, sql_built};
use omamori_ledger::Transfer;

use super::Period;
use super::compare::Line;
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::chart::{TransferCode, card_clearing_id};
use crate::id::Kind;
use crate::pos::{micros, yen};
use crate::web::error::{Error, Result};
use crate::web::filters::japan;

/// Looked at around the period: the gateway's clock is another one, and what could not be credited
/// goes back hours later.
const AROUND: Micros = 2 * DAY;
const PAGE: usize = 1_000;
/// References of one question to the registry.
const REFERENCES: usize = 500;

/// Both sides of a period, and what the gateway took for it.
pub struct Sides {
    /// The ledger's.
    pub ours: Vec<Line>,
    /// The gateway's.
    pub theirs: Vec<Line>,
    /// Yen.
    pub fee: i64,
}

/// Reads both sides.
///
/// # Errors
/// There is no gateway, or it does not answer; a fault.
pub async fn sides(app: &App, period: Period) -> Result<Sides> {
    let (from, until) = (period.start() - AROUND, period.end() + AROUND);
    let gateway = app.topups.gateway()?;
    let report = gateway.report(from, until).await;
    let report = report.map_err(|error| Error::Fault(Box::new(error)))?;
    let inside = || report.iter().filter(|line| period.has(line.at));
    let fee = inside().map(|line| line.fee).sum();
    let line = |reference: &str, yen: i64, at: Micros| Line {
        reference: reference.to_owned(),
        yen,
        day: japan(at).date(),
        inside: period.has(at),
    };
    let theirs = report.iter().map(|told| line(&told.reference, told.yen, told.at)).collect();
    let mut ours = Vec::new();
    let credited = credited(app, from, until).await?;
    let references = references(app, &credited).await?;
    for transfer in &credited {
        let topup_id = Kind::Topup.text(transfer.id);
        // A top-up whose row is gone is a difference of its own: nobody can say what it was.
        let reference = references.get(&topup_id).unwrap_or(&topup_id);
        ours.push(line(reference, yen(transfer), micros(transfer)));
    }
    for (reference, amount, at) in disputed(app, from, until).await? {
        ours.push(line(&reference, -amount, at));
    }
    for (reference, yen, at) in passed_on(app, from, until).await? {
        ours.push(line(&reference, -yen, at));
    }
    Ok(Sides { ours, theirs, fee })
}

/// What the ledger credited of cards.
async fn credited(app: &App, from: Micros, until: Micros) -> Result<Vec<Transfer>> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = app.gate.statement(card_clearing_id(), before, PAGE).await?;
        before = page.last().map(|transfer| transfer.timestamp);
        let is_last = page.len() < PAGE || page.last().is_some_and(|last| micros(last) < from);
        found.extend(page.into_iter().filter(|transfer| {
            let of_card = matches!(
                TransferCode::of(transfer.code),
                Some(TransferCode::TopupCard | TransferCode::TopupAuto)
            );
            of_card && is_posted(transfer) && (from..until).contains(&micros(transfer))
        }));
        if is_last {
            return Ok(found);
        }
    }
}

fn is_posted(transfer: &Transfer) -> bool {
    use omamori_ledger::TransferFlags as Flags;
    !transfer.is_pending() && !transfer.flags.contains(Flags::VOID_PENDING_TRANSFER)
}

/// The gateway's names of top-ups.
async fn references(app: &App, credited: &[Transfer]) -> Result<HashMap<String, String>> {
    let mut references = HashMap::new();
    for some in credited.chunks(REFERENCES) {
        let marks: Vec<_> = (1..=some.len()).map(|place| format!("${place}")).collect();
        let mut query = sql_built(format!(
            "SELECT topup_id, reference FROM card_topup
             WHERE reference IS NOT NULL AND topup_id IN ({})",
            marks.join(", ")
        ));
        for transfer in some {
            query.push(Kind::Topup.text(transfer.id));
        }
        for row in app.stores.registry.all(query).await? {
            references.insert(row.text("topup_id")?, row.text("reference")?);
        }
    }
    Ok(references)
}

/// Chargebacks that were told, with the instants at which they were.
async fn disputed(app: &App, from: Micros, until: Micros) -> Result<Vec<(String, i64, Micros)>> {
    let query = sql("SELECT t.reference, d.amount, d.created_at FROM card_dispute d
         JOIN card_topup t ON t.topup_id = d.topup_id
         WHERE t.reference IS NOT NULL AND d.created_at >= $1 AND d.created_at < $2");
    let mut found = Vec::new();
    for row in app.stores.registry.all(query.bind(from).bind(until)).await? {
        found.push((row.text("reference")?, row.int("amount")?, row.int("created_at")?));
    }
    Ok(found)
}

/// What incidents passed on to cards, with the instants at which it was known to be.
async fn passed_on(app: &App, from: Micros, until: Micros) -> Result<Vec<(String, i64, Micros)>> {
    let query = sql("SELECT t.reference, r.moved_yen, r.done_at FROM incident_act_row r
         JOIN incident_act a ON a.act_id = r.act_id JOIN card_topup t ON t.topup_id = r.subject
         WHERE a.kind = 'pass_on' AND r.outcome = 'done' AND t.reference IS NOT NULL
             AND r.done_at >= $1 AND r.done_at < $2");
    let mut found = Vec::new();
    for row in app.stores.registry.all(query.bind(from).bind(until)).await? {
        found.push((row.text("reference")?, row.int("moved_yen")?, row.int("done_at")?));
    }
    Ok(found)
}
