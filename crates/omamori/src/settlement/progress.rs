//! A run beside the request that asked for it: merchant after merchant, and how far it is stands in
//! a row. Whoever asked may go away; a node that stops or dies is followed by another one, which
//! goes on where it was. A run that is open is the run: who asks again is shown it.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use omamori_db::{Row, sql};
use serde_json::{Value, json};

use super::run::{self, Failed, Ran};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::{MINUTE, Micros};
use crate::gate::Act;
use crate::id::Kind;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::worker::Worker;

/// How often the worker looks.
const EVERY: Duration = Duration::from_secs(1);
/// For so long a node has a run without a word of it: longer than any merchant takes. Then the node
/// counts as dead.
const HOLD: Micros = 10 * MINUTE;
/// Merchants that are named where a run could not settle them.
const NAMED_MAX: usize = 100;

/// How far a run is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// `srn_…`.
    pub run_id: String,
    /// The last closing day.
    pub until: Date,
    /// `stf_…` or `machine`.
    pub asked_by: String,
    /// When.
    pub asked_at: Micros,
    /// How many merchants there were when it began.
    pub merchants: i64,
    /// How many were looked at.
    pub looked_at: i64,
    /// Statements made or finished.
    pub statements: i64,
    /// How many merchants could not be settled.
    pub failed_count: i64,
    /// Which ones, the first hundred.
    pub failed: Vec<String>,
    /// When it ended.
    pub ended_at: Option<Micros>,
    after: String,
    held_until: Micros,
}

macro_rules! run_columns {
    () => {
        "run_id, until_day, asked_by, asked_at, after_merchant, merchants, looked_at, statements, \
         failed_count, failed, held_until, ended_at"
    };
}

impl Progress {
    fn of(row: &Row) -> Result<Self> {
        let until = row.text("until_day")?.parse::<Date>();
        Ok(Self {
            run_id: row.text("run_id")?,
            until: until.map_err(|_| Error::fault("a run's day is none"))?,
            asked_by: row.text("asked_by")?,
            asked_at: row.int("asked_at")?,
            merchants: row.int("merchants")?,
            looked_at: row.int("looked_at")?,
            statements: row.int("statements")?,
            failed_count: row.int("failed_count")?,
            failed: serde_json::from_str(&row.text("failed")?)?,
            ended_at: row.int_optional("ended_at")?,
            after: row.text("after_merchant")?,
            held_until: row.int("held_until")?,
        })
    }

    /// Takes in what came of one merchant, or of all.
    fn add(&mut self, ran: &Ran) {
        self.statements += i64::try_from(ran.made.len()).unwrap_or(i64::MAX);
        self.failed_count += i64::try_from(ran.failed.len()).unwrap_or(i64::MAX);
        let room = NAMED_MAX.saturating_sub(self.failed.len());
        let named = ran.failed.iter().map(|Failed { merchant_id, .. }| merchant_id.clone());
        self.failed.extend(named.take(room));
    }
}

/// Starts the worker.
#[must_use]
pub fn start(app: &Arc<App>) -> Worker {
    let words = "merchants were not settled";
    Worker::new("settlement").every(EVERY, app, words, |app, stop| async move {
        work_until(&app, || *stop.borrow()).await
    })
}

/// Asks for a run up to and with `until`. Gives its id; if one is open, that one's.
///
/// # Errors
/// A fault.
pub async fn ask(app: &App, actor: &Actor, until: Date, reason: &str) -> Result<String> {
    let run_id = Kind::SettlementRun.random_text(app.rng.as_ref());
    let about = json!({ "run": run_id, "until": until.to_string() });
    let clearance = actor.decide(app, Act::Settle, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let insert =
        sql("INSERT INTO settlement_run (run_id, open_mark, until_day, asked_by, asked_at,
             after_merchant, merchants, looked_at, statements, failed_count, failed, held_until)
         SELECT $1, 'open', $2, $3, $4, '', CAST(COUNT(*) AS BIGINT), CAST(0 AS BIGINT),
             CAST(0 AS BIGINT), CAST(0 AS BIGINT), '[]', CAST(0 AS BIGINT)
         FROM merchant WHERE merchant_id <> '' ON CONFLICT DO NOTHING");
    let insert = insert.bind(&run_id).bind(until.to_string()).bind(&actor.id);
    if tx.execute(insert.bind(app.clock.now())).await? == 0 {
        let open = sql("SELECT run_id FROM settlement_run WHERE open_mark = 'open'");
        let open = tx.optional(open).await?;
        return Ok(open.ok_or(Error::RetryAfter(Code::Busy, 1))?.text("run_id")?);
    }
    let (act, before) = (Act::Settle, Value::Null);
    let entry = Entry { actor, act, subject: &run_id, before, after: about, reason };
    audit::commit(app, tx, &clearance, &entry).await?;
    Ok(run_id)
}

/// Writes down what came of a run of the command, so that the desk sees it.
///
/// # Errors
/// A fault if the registry fails.
pub async fn record(app: &App, actor: &Actor, until: Date, ran: &Ran) -> Result<()> {
    let mut said = Progress {
        run_id: Kind::SettlementRun.random_text(app.rng.as_ref()),
        until,
        asked_by: actor.id.clone(),
        asked_at: app.clock.now(),
        merchants: 0,
        looked_at: 0,
        statements: 0,
        failed_count: 0,
        failed: Vec::new(),
        ended_at: None,
        after: String::new(),
        held_until: 0,
    };
    said.add(ran);
    let insert = sql("INSERT INTO settlement_run (run_id, until_day, asked_by, asked_at,
             after_merchant, merchants, looked_at, statements, failed_count, failed, held_until,
             ended_at)
         SELECT $1, $2, $3, $4, '', CAST(COUNT(*) AS BIGINT), CAST(COUNT(*) AS BIGINT), $5, $6, $7,
             $4, $4 FROM merchant");
    let insert = insert.bind(&said.run_id).bind(until.to_string()).bind(&said.asked_by);
    let insert = insert.bind(said.asked_at).bind(said.statements).bind(said.failed_count);
    app.stores.registry.execute(insert.bind(serde_json::to_string(&said.failed)?)).await?;
    Ok(())
}

/// The newest run, open or not.
///
/// # Errors
/// A fault if the registry fails.
pub async fn newest(app: &App) -> Result<Option<Progress>> {
    let query = sql(concat!(
        "SELECT ",
        run_columns!(),
        " FROM settlement_run ORDER BY asked_at DESC, run_id LIMIT 1"
    ));
    let row = app.stores.registry.optional(query).await?;
    row.as_ref().map(Progress::of).transpose()
}

/// Works at the open run, if there is one and no other node does, to its end. Gives how many
/// merchants were looked at.
///
/// # Errors
/// A fault; what was done stays done, and the run goes on later.
pub async fn work_due(app: &App) -> Result<usize> {
    work_until(app, || false).await
}

/// The same, until it is told to stop between two merchants.
///
/// # Errors
/// As [`work_due`].
pub async fn work_until(app: &App, stop: impl Fn() -> bool + Send) -> Result<usize> {
    let Some(mut mine) = take(app).await? else { return Ok(0) };
    let done = work(app, &mut mine, stop).await;
    if done.is_err() {
        save(app, &mut mine, None, 0).await?; // whoever comes next need not wait
    }
    done
}

async fn work(app: &App, mine: &mut Progress, stop: impl Fn() -> bool + Send) -> Result<usize> {
    run::begin(app, mine.until).await?;
    let mut looked_at = 0;
    loop {
        if stop() {
            save(app, mine, None, 0).await?;
            return Ok(looked_at);
        }
        let Some(merchant) = run::merchants(app, &mine.after, 1).await?.pop() else {
            save(app, mine, Some(app.clock.now()), 0).await?;
            return Ok(looked_at);
        };
        let mut ran = Ran::default();
        run::one(app, &merchant, mine.until, &mut ran).await;
        mine.add(&ran);
        mine.after = merchant.merchant_id;
        mine.looked_at += 1;
        looked_at += 1;
        if !save(app, mine, None, app.clock.now() + HOLD).await? {
            return Ok(looked_at); // another node took it for dead and goes on: it settles as this
        }
    }
}

/// Takes the open run, if no node has it.
async fn take(app: &App) -> Result<Option<Progress>> {
    let query =
        sql(concat!("SELECT ", run_columns!(), " FROM settlement_run WHERE open_mark = 'open'"));
    let Some(row) = app.stores.registry.optional(query).await? else { return Ok(None) };
    let mut found = Progress::of(&row)?;
    let now = app.clock.now();
    if found.held_until > now {
        return Ok(None);
    }
    Ok(save(app, &mut found, None, now + HOLD).await?.then_some(found))
}

/// Writes down how far it is and until when this node has it; false if another one has it by now.
async fn save(
    app: &App,
    run: &mut Progress,
    ended_at: Option<Micros>,
    held_until: Micros,
) -> Result<bool> {
    let update = sql("UPDATE settlement_run
         SET after_merchant = $1, looked_at = $2, statements = $3, failed_count = $4, failed = $5,
             ended_at = $6, open_mark = $7, held_until = $8
         WHERE run_id = $9 AND held_until = $10 AND open_mark = 'open'");
    let update = update.bind(&run.after).bind(run.looked_at).bind(run.statements);
    let update = update.bind(run.failed_count).bind(serde_json::to_string(&run.failed)?);
    let update = update.bind(ended_at).bind(ended_at.is_none().then_some("open"));
    let update = update.bind(held_until).bind(&run.run_id).bind(run.held_until);
    run.held_until = held_until;
    Ok(app.stores.registry.execute(update).await? == 1)
}
