//! Counts, made beside the requests: somebody asks for one, a worker looks through the records and
//! says how far it is. It may be killed anywhere and begins again up to the same place, so that
//! the answer is the same; any number of nodes may work, and one answer is written down.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use omamori_db::{Db, Row, Tx, sql, sql_rows};
use serde_json::{Value, json};

use super::cohort::{Count, Version, counts, figures_of, move_row, versions};
use super::count::{Found, Position, count};
use super::moves::Move;
use super::receivers::{self, Traced};
use super::{log, row};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::{MINUTE, Micros};
use crate::gate::Act;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// For so long a count is one node's since it last said how far it is.
const LEASE: Micros = 2 * MINUTE;
/// Rows of one statement: it takes 32,766 values.
const ROWS_AT_ONCE: usize = 2_500;

/// A count that was asked for: of an incident the newest one.
#[derive(Clone, Debug)]
pub struct Job {
    /// `inc_…`.
    pub incident_id: String,
    /// Of the count.
    pub number: i64,
    /// Of the question.
    pub version: i64,
    /// Up to where is looked.
    pub position: Position,
    /// Whether it checks a count that was made.
    pub is_again: bool,
    /// Whether it is not made yet.
    pub is_waiting: bool,
    /// How far it is.
    pub percent: i64,
    /// Of a check: whether it found the same.
    pub same: Option<bool>,
    /// `stf_…`.
    pub asked_by: String,
}

/// The columns that make a [`Job`].
macro_rules! job_columns {
    () => {
        "incident_id, number, version, position, is_again, state, percent, same, asked_by"
    };
}

impl Job {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            incident_id: row.text("incident_id")?,
            number: row.int("number")?,
            version: row.int("version")?,
            position: serde_json::from_str(&row.text("position")?)?,
            is_again: row.int("is_again")? == 1,
            is_waiting: row.text("state")? == "waiting",
            percent: row.int("percent")?,
            same: row.int_optional("same")?.map(|same| same == 1),
            asked_by: row.text("asked_by")?,
        })
    }
}

/// The count that was asked for last.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(registry: &Db, incident_id: &str) -> Result<Option<Job>> {
    let query =
        sql(concat!("SELECT ", job_columns!(), " FROM incident_counting WHERE incident_id = $1"));
    registry.optional(query.bind(incident_id)).await?.as_ref().map(Job::read).transpose()
}

/// Asks for a count of the newest version, up to now. Gives its number. While one is being made,
/// it is that one.
///
/// # Errors
/// [`Code::NotFound`]: there is no question yet; [`Code::IncidentClosed`]; busy; a fault.
pub async fn ask(app: &App, actor: &Actor, incident_id: &str) -> Result<i64> {
    let registry = &app.stores.registry;
    row::open_one(registry, incident_id).await?;
    let version = versions(registry, incident_id).await?.into_iter().next();
    let version = version.ok_or(Code::NotFound)?.version;
    if let Some(job) = newest(registry, incident_id).await?.filter(|job| job.is_waiting) {
        return match (job.is_again, job.version == version) {
            (false, true) => Ok(job.number),
            _ => Err(Error::RetryAfter(Code::Busy, 1)),
        };
    }
    let number = counts(registry, incident_id).await?.first().map_or(1, |last| last.number + 1);
    let after = json!({ "incident": incident_id, "number": number, "version": version });
    let clearance = actor.decide(app, Act::IncidentCount, None, &after, Ok(())).await?;
    let (asked_by, percent) = (actor.id.clone(), 0);
    let job = Job {
        incident_id: incident_id.to_owned(),
        number,
        version,
        position: Position::now(app).await?,
        is_again: false,
        is_waiting: true,
        percent,
        same: None,
        asked_by,
    };
    let mut tx = registry.begin().await?;
    put(&mut tx, &job, app.clock.now()).await?;
    let entry = Entry {
        actor,
        act: Act::IncidentCount,
        subject: incident_id,
        before: Value::Null,
        after,
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(number)
}

/// Asks for a count again, up to where an earlier one looked.
///
/// # Errors
/// [`Code::NotFound`]; busy: another count is being made; a fault.
pub async fn ask_again(app: &App, actor: &Actor, incident_id: &str, number: i64) -> Result<()> {
    let registry = &app.stores.registry;
    let counts = counts(registry, incident_id).await?;
    let then = counts.into_iter().find(|count| count.number == number).ok_or(Code::NotFound)?;
    let job = Job {
        incident_id: incident_id.to_owned(),
        number,
        version: then.version,
        position: then.position,
        is_again: true,
        is_waiting: true,
        percent: 0,
        same: None,
        asked_by: actor.id.clone(),
    };
    let mut tx = registry.begin().await?;
    put(&mut tx, &job, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Writes down what is asked for, if nothing is being counted.
async fn put(tx: &mut Tx, job: &Job, now: Micros) -> Result<()> {
    let insert = sql("INSERT INTO incident_counting (incident_id, number, version, position,
             is_again, state, percent, asked_by, asked_at, lease_until)
         VALUES ($1, $2, $3, $4, $5, 'waiting', CAST(0 AS BIGINT), $6, $7, CAST(0 AS BIGINT))
         ON CONFLICT (incident_id) DO UPDATE SET number = excluded.number,
             version = excluded.version, position = excluded.position,
             is_again = excluded.is_again, state = 'waiting', percent = 0, same = NULL,
             asked_by = excluded.asked_by, asked_at = excluded.asked_at, lease_until = 0
         WHERE incident_counting.state <> 'waiting'");
    let insert = insert.bind(&job.incident_id).bind(job.number).bind(job.version);
    let insert = insert.bind(serde_json::to_string(&job.position)?).bind(i64::from(job.is_again));
    match tx.execute(insert.bind(&job.asked_by).bind(now)).await? {
        1 => Ok(()),
        _ => Err(Error::RetryAfter(Code::Busy, 1)),
    }
}

/// Who is told how far a count is, and says whether it goes on.
pub(super) struct Steps<'a> {
    app: &'a App,
    job: &'a Job,
    stop: &'a (dyn Fn() -> bool + Send + Sync),
    told: i64,
}

impl Steps<'_> {
    /// So many of a hundred are done. False if it is to end here.
    pub(super) async fn at(&mut self, percent: i64) -> Result<bool> {
        if (self.stop)() {
            return Ok(false);
        }
        if percent > self.told {
            self.told = percent;
            let update = sql("UPDATE incident_counting SET percent = $1, lease_until = $2
                 WHERE incident_id = $3 AND number = $4 AND state = 'waiting'");
            let update = update.bind(percent).bind(self.app.clock.now() + LEASE);
            let update = update.bind(&self.job.incident_id).bind(self.job.number);
            self.app.stores.registry.execute(update).await?;
        }
        Ok(true)
    }
}

/// Makes what was asked for. Gives how many counts were made.
///
/// # Errors
/// A fault if a store fails: it is met again.
pub async fn work_due(app: &Arc<App>) -> Result<usize> {
    work_until(app, || false).await
}

/// The same, until it is told to stop.
///
/// # Errors
/// As [`work_due`].
pub async fn work_until(app: &Arc<App>, stop: impl Fn() -> bool + Send + Sync) -> Result<usize> {
    let query = sql(concat!(
        "SELECT ",
        job_columns!(),
        " FROM incident_counting WHERE state = 'waiting' AND lease_until <= $1 ORDER BY asked_at"
    ));
    let rows = app.stores.registry.all(query.bind(app.clock.now())).await?;
    make(app, &rows, &stop).await
}

/// Makes what was asked for of one incident, if it is nobody's yet.
///
/// # Errors
/// As [`work_due`].
pub async fn work_one(app: &Arc<App>, incident_id: &str) -> Result<usize> {
    let query = sql(concat!(
        "SELECT ",
        job_columns!(),
        " FROM incident_counting WHERE state = 'waiting' AND lease_until <= $1 AND incident_id = $2"
    ));
    let query = query.bind(app.clock.now()).bind(incident_id);
    let rows = app.stores.registry.all(query).await?;
    make(app, &rows, &|| false).await
}

async fn make(app: &App, rows: &[Row], stop: &(dyn Fn() -> bool + Send + Sync)) -> Result<usize> {
    let mut made = 0;
    for row in rows {
        let job = Job::read(row)?;
        if !is_taken(app, &job).await? {
            continue; // by another node
        }
        let mut steps = Steps { app, job: &job, stop, told: 0 };
        match answer(app, &job, &mut steps).await? {
            Some((version, found)) => {
                let receivers = match job.is_again {
                    true => BTreeMap::new(),
                    false => receivers::trace(app, &job.incident_id, &found).await?,
                };
                let found = (found, receivers);
                made += usize::from(finish(app, &job, &version, found).await?);
            }
            None => lease(app, &job, 0).await?,
        }
    }
    Ok(made)
}

async fn is_taken(app: &App, job: &Job) -> Result<bool> {
    let now = app.clock.now();
    let take = sql("UPDATE incident_counting SET lease_until = $1 WHERE incident_id = $2
         AND number = $3 AND state = 'waiting' AND lease_until <= $4");
    let take = take.bind(now + LEASE).bind(&job.incident_id).bind(job.number).bind(now);
    Ok(app.stores.registry.execute(take).await? == 1)
}

async fn lease(app: &App, job: &Job, until: Micros) -> Result<()> {
    let update = sql("UPDATE incident_counting SET lease_until = $1
         WHERE incident_id = $2 AND number = $3");
    let update = update.bind(until).bind(&job.incident_id).bind(job.number);
    app.stores.registry.execute(update).await?;
    Ok(())
}

async fn answer(app: &App, job: &Job, steps: &mut Steps<'_>) -> Result<Option<(Version, Found)>> {
    let versions = versions(&app.stores.registry, &job.incident_id).await?;
    let version = versions.into_iter().find(|version| version.version == job.version);
    let version = version.ok_or(Error::fault("a count has no question"))?;
    let found = count(app, &version.query, job.position.clone(), steps).await?;
    Ok(found.map(|found| (version, found)))
}

/// Marks a job as done. False if another node did.
async fn done(tx: &mut Tx, job: &Job, same: Option<bool>) -> Result<bool> {
    let update = sql("UPDATE incident_counting SET state = 'done', percent = 100, same = $1
         WHERE incident_id = $2 AND number = $3 AND state = 'waiting'");
    let update = update.bind(same.map(i64::from)).bind(&job.incident_id).bind(job.number);
    Ok(tx.execute(update).await? == 1)
}

/// Writes an answer down, and takes over what was found: who is new is suspected; who was decided
/// about stays so; who is suspected by an earlier count alone and is not found any more leaves the
/// lists.
async fn finish(
    app: &App,
    job: &Job,
    version: &Version,
    (found, receivers): (Found, BTreeMap<String, Traced>),
) -> Result<bool> {
    let registry = &app.stores.registry;
    if job.is_again {
        let counts = counts(registry, &job.incident_id).await?;
        let then = counts.into_iter().find(|count| count.number == job.number);
        let same = then.ok_or(Code::NotFound)?.digest == found.digest()?;
        let mut tx = registry.begin().await?;
        let is_done = done(&mut tx, job, Some(same)).await?;
        tx.commit().await?;
        return Ok(is_done);
    }
    let made = Count {
        number: job.number,
        version: version.version,
        figures: figures_of(&found),
        digest: found.digest()?,
        position: found.position.clone(),
        counted_by: job.asked_by.clone(),
    };
    let actor = &Actor::on_behalf_of(job.asked_by.clone());
    let (subject, act) = (job.incident_id.as_str(), Act::IncidentCount);
    let after = json!({ "incident": subject, "number": made.number, "version": made.version,
        "customers": made.figures.customers, "loss": made.figures.loss });
    let clearance = actor.decide(app, act, None, &after, Ok(())).await?;
    let now = app.clock.now();
    let mut tx = registry.begin().await?;
    let told = format!("{} {} {}", made.number, made.figures.customers, made.figures.loss);
    log::add(&mut tx, subject, (&actor.id, now), "counted", &told).await?;
    if row::open_in(&mut tx, subject).await.is_err() {
        // Closed meanwhile: the lists stay as they are.
        drop(tx);
        let mut tx = registry.begin().await?;
        done(&mut tx, job, None).await?;
        tx.commit().await?;
        return Ok(false);
    }
    if !done(&mut tx, job, None).await? {
        return Ok(false);
    }
    insert_count(&mut tx, subject, &made, now).await?;
    take_over(&mut tx, (subject, made.number), &found, now).await?;
    receivers::take_over(&mut tx, (subject, made.number), &receivers).await?;
    let entry = Entry { actor, act, subject, before: Value::Null, after, reason: "" };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(true)
}

async fn insert_count(tx: &mut Tx, incident_id: &str, made: &Count, now: Micros) -> Result<()> {
    let insert = sql("INSERT INTO incident_count
             (incident_id, number, version, position, figures, digest, counted_by, counted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    let insert = insert.bind(incident_id).bind(made.number).bind(made.version);
    let insert = insert.bind(serde_json::to_string(&made.position)?);
    let insert = insert.bind(serde_json::to_string(&made.figures)?).bind(made.digest);
    tx.execute(insert.bind(&made.counted_by).bind(now)).await?;
    Ok(())
}

/// Takes what a count found into the lists. In batches: a count may find many thousands.
///
/// # Errors
/// A fault if the registry fails.
pub async fn take_over(
    tx: &mut Tx,
    (incident_id, number): (&str, i64),
    found: &Found,
    now: Micros,
) -> Result<()> {
    let members: Vec<_> = found.members.iter().collect();
    for members in members.chunks(ROWS_AT_ONCE) {
        let mut insert = sql_rows(
            "INSERT INTO incident_member (incident_id, customer_id, state, source, networks, acts,
                 first_at, reason, added_at, counted)",
            10,
        )
        .ending(
            "ON CONFLICT (incident_id, customer_id) DO UPDATE SET networks = excluded.networks,
                 acts = excluded.acts, first_at = excluded.first_at, counted = excluded.counted",
        );
        for (customer_id, seen) in members {
            insert.push(incident_id);
            insert.push(customer_id.as_str());
            insert.push("suspected");
            insert.push("count");
            insert.push(serde_json::to_string(&seen.networks)?);
            insert.push(seen.acts);
            insert.push(seen.first_at);
            insert.push("");
            insert.push(now);
            insert.push(number);
        }
        tx.execute(insert).await?;
    }
    let gone = sql("DELETE FROM incident_member WHERE incident_id = $1 AND state = 'suspected'
         AND source = 'count' AND counted <> $2");
    tx.execute(gone.bind(incident_id).bind(number)).await?;
    // Of who is confirmed and not found any more, what was found before stays; what was made good
    // does anyway.
    let old = sql("DELETE FROM incident_move WHERE incident_id = $1 AND source = 'count'
             AND state = 'disputed' AND customer_id NOT IN
             (SELECT customer_id FROM incident_member WHERE incident_id = $1
              AND state = 'confirmed')
             AND transfer_id NOT IN (SELECT transfer_id FROM incident_paid
              WHERE incident_id = $1)");
    tx.execute(old.bind(incident_id)).await?;
    insert_moves(tx, incident_id, &found.moves, "count").await
}

/// One transfer is in an incident once; what came back of it is kept up to date.
pub(super) async fn insert_moves(
    tx: &mut Tx,
    incident_id: &str,
    moves: &[Move],
    source: &str,
) -> Result<()> {
    // What one customer sent another one is in both statements.
    let mut known = HashSet::new();
    let moves: Vec<&Move> = moves.iter().filter(|one| known.insert(one.transfer_id)).collect();
    for moves in moves.chunks(ROWS_AT_ONCE) {
        let mut insert = sql_rows(
            "INSERT INTO incident_move (incident_id, transfer_id, customer_id, kind, state, source,
                 in_yen, out_yen, back_yen, store_id, decision_id, at)",
            12,
        )
        .ending(
            "ON CONFLICT (incident_id, transfer_id) DO UPDATE SET back_yen = excluded.back_yen,
                 state = CASE WHEN incident_move.state = 'claimed' THEN excluded.state
                     ELSE incident_move.state END",
        );
        for one in moves {
            move_row(&mut insert, incident_id, one, source);
        }
        tx.execute(insert).await?;
    }
    Ok(())
}
