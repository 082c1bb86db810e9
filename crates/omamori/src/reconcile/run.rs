//! A run: both sides are compared and what came out is written down, in one transaction.

use std::collections::HashSet;

use jiff::civil::Date;
use omamori_db::{Tx, sql};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::compare::{Difference, Line, compare, totals};
use super::{Period, card, cash};
use crate::app::App;
use crate::audit::{self, Actor, Entry, hex};
use crate::clock::Micros;
use crate::gate::Act;
use crate::id::{Kind, derive};
use crate::web::error::{Error, Result};

/// Characters of a file's name.
const NAME_MAX: usize = 200;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Done {
    /// `rcn_…`.
    pub reconciliation_id: String,
    /// How many lines we have in the period, and their yen.
    pub ours: (i64, i64),
    /// How many they have.
    pub theirs: (i64, i64),
    /// What the gateway took for it, in yen.
    pub fee: i64,
    /// Where they differ.
    pub differences: Vec<Difference>,
}

/// A partner's file.
#[derive(Clone, Copy, Debug, Default)]
pub struct File<'a> {
    /// What it is called where it came from.
    pub name: &'a str,
    /// Its text.
    pub csv: &'a str,
    /// Why there is another file than the one that opened differences which this one closes.
    pub reason: &'a str,
}

/// What is compared.
struct Subject<'a> {
    kind: &'static str,
    subject: &'a str,
    period: Period,
    file: Option<Kept<'a>>,
}

/// What is kept of a file.
struct Kept<'a> {
    name: &'a str,
    sha256: String,
    reason: &'a str,
}

impl<'a> Kept<'a> {
    /// Refuses a name that is none.
    fn of(file: File<'a>) -> Result<Self> {
        let name = file.name.trim();
        if name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
            return Err(Error::field("file_name", "malformed"));
        }
        Ok(Self { name, sha256: hex(&Sha256::digest(file.csv)), reason: file.reason.trim() })
    }
}

/// Compares the card gateway's report with the ledger.
///
/// # Errors
/// There is no gateway, or it does not answer; a fault.
pub async fn card(app: &App, actor: &Actor, period: Period) -> Result<Done> {
    let sides = card::sides(app, period).await?;
    let of = Subject { kind: "card", subject: app.topups.gateway()?.name(), period, file: None };
    write(app, actor, &of, (&sides.ours, &sides.theirs), sides.fee).await
}

/// Compares a partner's days with the ledger. Which file it was is kept.
///
/// # Errors
/// The line that is wrong; no such merchant; the field `reason` is missing: this file would close
/// differences that another file opened, and nobody has said why there is another; a fault.
pub async fn cash(
    app: &App,
    actor: &Actor,
    merchant_id: &str,
    period: Period,
    file: File<'_>,
) -> Result<Done> {
    let theirs = cash::read(file.csv, period)?;
    let ours = cash::ours(app, merchant_id, period).await?;
    let file = Some(Kept::of(file)?);
    let of = Subject { kind: "cash", subject: merchant_id, period, file };
    write(app, actor, &of, (&ours, &theirs), 0).await
}

async fn write(
    app: &App,
    actor: &Actor,
    of: &Subject<'_>,
    (ours, theirs): (&[Line], &[Line]),
    fee: i64,
) -> Result<Done> {
    let differences = compare(ours, theirs);
    let (from, until) = (of.period.from.to_string(), of.period.until.to_string());
    let name = [of.kind, of.subject, &from, &until].map(str::as_bytes);
    let done = Done {
        reconciliation_id: Kind::Reconciliation.text(derive("reconciliation", &name)),
        ours: totals(ours),
        theirs: totals(theirs),
        fee,
        differences,
    };
    let file = of.file.as_ref().map(|file| json!({ "name": file.name, "sha256": file.sha256 }));
    let about = json!({ "kind": of.kind, "subject": of.subject, "from": from, "until": until,
        "ours": done.ours.1, "theirs": done.theirs.1, "differences": done.differences.len(),
        "file": file });
    let clearance = actor.decide(app, Act::Reconcile, None, &about, Ok(())).await?;
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    let before = earlier(&mut tx, &done.reconciliation_id).await?;
    put_run(&mut tx, of, &done, (actor, now)).await?;
    agree(&mut tx, of, &done.differences, now).await?;
    for difference in &done.differences {
        put(&mut tx, of, difference, now).await?;
    }
    let entry = Entry {
        actor,
        act: Act::Reconcile,
        subject: &done.reconciliation_id,
        before,
        after: about,
        reason: of.file.as_ref().map_or("", |file| file.reason),
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(done)
}

/// What the run before this one of the same period was made of.
async fn earlier(tx: &mut Tx, reconciliation_id: &str) -> Result<Value> {
    let query = sql("SELECT theirs_yen, file_name, file_sha256 FROM reconciliation
         WHERE reconciliation_id = $1");
    let Some(row) = tx.optional(query.bind(reconciliation_id)).await? else {
        return Ok(Value::Null);
    };
    let (name, sha256) = (row.text_optional("file_name")?, row.text_optional("file_sha256")?);
    let file = sha256.map(|sha256| json!({ "name": name, "sha256": sha256 }));
    Ok(json!({ "theirs": row.int("theirs_yen")?, "file": file }))
}

async fn put_run(
    tx: &mut Tx,
    of: &Subject<'_>,
    done: &Done,
    (actor, now): (&Actor, Micros),
) -> Result<()> {
    let upsert = sql("INSERT INTO reconciliation (reconciliation_id, kind, subject, from_day,
             until_day, ours_count, ours_yen, theirs_count, theirs_yen, fee_yen, made_at, made_by,
             file_name, file_sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (reconciliation_id) DO UPDATE
         SET ours_count = excluded.ours_count, ours_yen = excluded.ours_yen,
             theirs_count = excluded.theirs_count, theirs_yen = excluded.theirs_yen,
             fee_yen = excluded.fee_yen, made_at = excluded.made_at, made_by = excluded.made_by,
             file_name = excluded.file_name, file_sha256 = excluded.file_sha256");
    let (from, until) = (of.period.from.to_string(), of.period.until.to_string());
    let upsert = upsert.bind(&done.reconciliation_id).bind(of.kind).bind(of.subject);
    let upsert = upsert.bind(from).bind(until).bind(done.ours.0).bind(done.ours.1);
    let upsert = upsert.bind(done.theirs.0).bind(done.theirs.1).bind(done.fee).bind(now);
    let upsert = upsert.bind(&actor.id).bind(of.file.as_ref().map(|file| file.name));
    tx.execute(upsert.bind(of.file.as_ref().map(|file| file.sha256.as_str()))).await?;
    Ok(())
}

fn difference_id(of: &Subject<'_>, reference: &str) -> String {
    let name = [of.kind, of.subject, reference].map(str::as_bytes);
    Kind::Difference.text(derive("reconciliation-difference", &name))
}

/// What differed in this period before and does not any more. What another file opened is not
/// closed without a word: a wrong file, or a made one, would take it out of everybody's sight.
async fn agree(tx: &mut Tx, of: &Subject<'_>, now: &[Difference], at: Micros) -> Result<()> {
    let query = sql("SELECT difference_id, state, file_sha256 FROM reconciliation_difference
         WHERE kind = $1 AND subject = $2 AND on_day >= $3 AND on_day <= $4
           AND state <> 'agreed'");
    let day = |day: Date| day.to_string();
    let query = query.bind(of.kind).bind(of.subject);
    let known = tx.all(query.bind(day(of.period.from)).bind(day(of.period.until))).await?;
    let still: HashSet<String> = now.iter().map(|one| difference_id(of, &one.reference)).collect();
    for row in known {
        let id = row.text("difference_id")?;
        if still.contains(&id) {
            continue;
        }
        let is_open = matches!(row.text("state")?.as_str(), "open" | "taken");
        let opened_by = row.text_optional("file_sha256")?;
        let mut why = None;
        if let Some(file) = of.file.as_ref().filter(|_| is_open)
            && opened_by.as_deref() != Some(&file.sha256)
        {
            let said = Some(file.reason).filter(|reason| !reason.is_empty());
            why = Some(said.ok_or(Error::field("reason", "missing"))?);
        }
        let update = sql("UPDATE reconciliation_difference
             SET state = 'agreed', state_at = $1, explanation = COALESCE(explanation, $2)
             WHERE difference_id = $3");
        tx.execute(update.bind(at).bind(why).bind(id)).await?;
    }
    Ok(())
}

/// A difference that is known with the same figures stays what it is; with others it is open again.
async fn put(tx: &mut Tx, of: &Subject<'_>, found: &Difference, now: Micros) -> Result<()> {
    let upsert = sql("INSERT INTO reconciliation_difference (difference_id, kind, subject,
             reference, on_day, what, ours_yen, theirs_yen, state, first_at, state_at, file_sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $9, $10)
         ON CONFLICT (difference_id) DO UPDATE
         SET what = excluded.what, ours_yen = excluded.ours_yen, on_day = excluded.on_day,
             theirs_yen = excluded.theirs_yen, state = 'open', state_at = excluded.state_at,
             taken_by = NULL, explanation = NULL, file_sha256 = excluded.file_sha256
         WHERE reconciliation_difference.ours_yen <> excluded.ours_yen
            OR reconciliation_difference.theirs_yen <> excluded.theirs_yen
            OR reconciliation_difference.state = 'agreed'");
    let upsert = upsert.bind(difference_id(of, &found.reference)).bind(of.kind);
    let upsert = upsert.bind(of.subject).bind(&found.reference).bind(found.day.to_string());
    let upsert = upsert.bind(found.what.as_str()).bind(found.ours).bind(found.theirs);
    let sha256 = of.file.as_ref().map(|file| file.sha256.as_str());
    tx.execute(upsert.bind(now).bind(sha256)).await?;
    Ok(())
}
