//! A run: both sides are compared and what came out is written down, in one transaction.

use jiff::civil::Date;
use omamori_db::{Tx, sql};
use serde_json::{Value, json};

use super::compare::{Difference, Line, compare, totals};
use super::{Period, card, cash};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::gate::Act;
use crate::id::{Kind, derive};
use crate::web::error::Result;

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

/// What is compared.
struct Subject<'a> {
    kind: &'static str,
    subject: &'a str,
    period: Period,
}

/// Compares the card gateway's report with the ledger.
///
/// # Errors
/// There is no gateway, or it does not answer; a fault.
pub async fn card(app: &App, actor: &Actor, period: Period) -> Result<Done> {
    let sides = card::sides(app, period).await?;
    let of = Subject { kind: "card", subject: app.topups.gateway()?.name(), period };
    write(app, actor, &of, (&sides.ours, &sides.theirs), sides.fee).await
}

/// Compares a partner's days with the ledger.
///
/// # Errors
/// The line that is wrong; no such merchant; a fault.
pub async fn cash(
    app: &App,
    actor: &Actor,
    merchant_id: &str,
    period: Period,
    csv: &str,
) -> Result<Done> {
    let theirs = cash::read(csv, period)?;
    let ours = cash::ours(app, merchant_id, period).await?;
    let of = Subject { kind: "cash", subject: merchant_id, period };
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
    let about = json!({ "kind": of.kind, "subject": of.subject, "from": from, "until": until,
        "ours": done.ours.1, "theirs": done.theirs.1, "differences": done.differences.len() });
    let clearance = actor.decide(app, Act::Reconcile, None, &about, Ok(())).await?;
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    let upsert = sql("INSERT INTO reconciliation (reconciliation_id, kind, subject, from_day,
             until_day, ours_count, ours_yen, theirs_count, theirs_yen, fee_yen, made_at, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (reconciliation_id) DO UPDATE
         SET ours_count = excluded.ours_count, ours_yen = excluded.ours_yen,
             theirs_count = excluded.theirs_count, theirs_yen = excluded.theirs_yen,
             fee_yen = excluded.fee_yen, made_at = excluded.made_at, made_by = excluded.made_by");
    let upsert = upsert.bind(&done.reconciliation_id).bind(of.kind).bind(of.subject);
    let upsert = upsert.bind(&from).bind(&until).bind(done.ours.0).bind(done.ours.1);
    let upsert = upsert.bind(done.theirs.0).bind(done.theirs.1).bind(fee).bind(now);
    tx.execute(upsert.bind(&actor.id)).await?;
    agree(&mut tx, of, &done.differences, now).await?;
    for difference in &done.differences {
        put(&mut tx, of, difference, now).await?;
    }
    let entry = Entry {
        actor,
        act: Act::Reconcile,
        subject: &done.reconciliation_id,
        before: Value::Null,
        after: about,
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(done)
}

fn difference_id(of: &Subject<'_>, reference: &str) -> String {
    let name = [of.kind, of.subject, reference].map(str::as_bytes);
    Kind::Difference.text(derive("reconciliation-difference", &name))
}

/// What differed in this period before and does not any more.
async fn agree(tx: &mut Tx, of: &Subject<'_>, now: &[Difference], at: Micros) -> Result<()> {
    let query = sql("SELECT difference_id FROM reconciliation_difference
         WHERE kind = $1 AND subject = $2 AND on_day >= $3 AND on_day <= $4
           AND state <> 'agreed'");
    let day = |day: Date| day.to_string();
    let query = query.bind(of.kind).bind(of.subject);
    let known = tx.all(query.bind(day(of.period.from)).bind(day(of.period.until))).await?;
    let still: Vec<String> = now.iter().map(|one| difference_id(of, &one.reference)).collect();
    for row in known {
        let id = row.text("difference_id")?;
        if !still.contains(&id) {
            let update = sql("UPDATE reconciliation_difference
                 SET state = 'agreed', state_at = $1 WHERE difference_id = $2");
            tx.execute(update.bind(at).bind(id)).await?;
        }
    }
    Ok(())
}

/// A difference that is known with the same figures stays what it is; with others it is open again.
async fn put(tx: &mut Tx, of: &Subject<'_>, found: &Difference, now: Micros) -> Result<()> {
    let upsert = sql("INSERT INTO reconciliation_difference (difference_id, kind, subject,
             reference, on_day, what, ours_yen, theirs_yen, state, first_at, state_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $9)
         ON CONFLICT (difference_id) DO UPDATE
         SET what = excluded.what, ours_yen = excluded.ours_yen, on_day = excluded.on_day,
             theirs_yen = excluded.theirs_yen, state = 'open', state_at = excluded.state_at,
             taken_by = NULL, explanation = NULL
         WHERE reconciliation_difference.ours_yen <> excluded.ours_yen
            OR reconciliation_difference.theirs_yen <> excluded.theirs_yen
            OR reconciliation_difference.state = 'agreed'");
    let upsert = upsert.bind(difference_id(of, &found.reference)).bind(of.kind);
    let upsert = upsert.bind(of.subject).bind(&found.reference).bind(found.day.to_string());
    let upsert = upsert.bind(found.what.as_str()).bind(found.ours).bind(found.theirs);
    tx.execute(upsert.bind(now)).await?;
    Ok(())
}
