//! Decision records: durable before the act they explain, written in groups.
//!
//! Requests queue for the writer; it takes all that wait, writes them as one row, and answers
//! all. If a record cannot be written nothing is allowed: fail closed.

use std::sync::Arc;
use std::time::Instant;

use omamori_db::{Db, Query, sql, sql_built};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::seal::{SealKey, Sealed, body_hash, newest_hash, sealed_columns};
use crate::clock::{Clock, DAY, Micros};
use crate::observe::Metrics;
use crate::web::codes::Code;
use crate::web::error::Error;

/// Records that may wait; beyond, callers are told to come back.
const QUEUE_MAX: usize = 8_192;
/// Records of one row.
const BATCH_MAX: usize = 256;
/// Rows that one look for a customer goes through: there is no index by customer, because a row a
/// decision would cost more than the payment that it explains.
const LOOKED_THROUGH: i64 = 2_000;
/// Books are kept five years (法22条, 府令46条); the evidence behind them as long.
pub const RETENTION: Micros = 5 * 366 * DAY;

/// The name of a decision: the writing process and a rising number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionId {
    /// The process, as registered in `decision_node`.
    pub node: u64,
    /// Rising by one, from 1.
    pub number: u64,
}

impl DecisionId {
    /// As carried in a transfer's `user_data_128`.
    #[must_use]
    pub fn to_u128(self) -> u128 {
        u128::from(self.node) << 64 | u128::from(self.number)
    }

    /// As the table has it. A number beyond 63 bits was never given out.
    fn columns(self) -> (i64, i64) {
        (column(self.node), column(self.number))
    }

    /// From a transfer's `user_data_128`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of the number")]
    pub const fn of(data: u128) -> Self {
        Self { node: (data >> 64) as u64, number: data as u64 }
    }
}

struct Waiting {
    line: String,
    at: Micros,
    answer: oneshot::Sender<DecisionId>,
}

/// The door to the evidence store.
#[derive(Clone)]
pub struct Evidence {
    db: Db,
    node: u64,
    queue: mpsc::Sender<Waiting>,
}

impl Evidence {
    /// Takes a node number of its own and starts the writer.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn start(
        db: Db,
        clock: Arc<dyn Clock>,
        seal: SealKey,
        metrics: Arc<Metrics>,
    ) -> omamori_db::Result<Self> {
        let node = take_node_number(&db, clock.now()).await?;
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let writer = Writer { db: db.clone(), node: column(node), number: 0, seal, chain: None };
        tokio::spawn(writer.write_all(waiting, metrics));
        Ok(Self { db, node, queue })
    }

    /// The number of this process.
    #[must_use]
    pub const fn node(&self) -> u64 {
        self.node
    }

    /// Writes one record. When it returns, the record is durable.
    ///
    /// # Errors
    /// Busy if too many wait or the store does not take it: then nothing may be done.
    #[tracing::instrument(level = "debug", name = "evidence.record", skip_all)]
    pub async fn record(&self, line: String, at: Micros) -> Result<DecisionId, Error> {
        let (answer, answered) = oneshot::channel();
        let busy = || Error::RetryAfter(Code::Busy, 1);
        self.queue.try_send(Waiting { line, at, answer }).map_err(|_| busy())?;
        answered.await.map_err(|_| busy())
    }

    /// The records of decisions, as they were written, in the order asked for: one query for all.
    /// What is past its retention time is `None`.
    ///
    /// # Errors
    /// A fault if the store fails or a row is not as it was written.
    pub async fn find(&self, ids: &[DecisionId]) -> Result<Vec<Option<Value>>, Error> {
        let mut found: Vec<Option<Value>> = vec![None; ids.len()];
        let rows = match look_up(ids) {
            Some(query) => self.db.all(query).await?,
            None => Vec::new(),
        };
        for row in rows {
            let (node, first) = (row.int("node")?, row.int("first_number")?);
            let last = row.int("last_number")?;
            let body = row.text("body")?;
            if body.is_empty() {
                continue; // past its time: the row stands for the chain alone
            }
            let lines: Vec<&str> = body.lines().collect();
            for (id, slot) in ids.iter().zip(&mut found) {
                let (of_node, number) = id.columns();
                if of_node == node && (first..=last).contains(&number) {
                    let index = usize::try_from(number - first).unwrap_or(usize::MAX);
                    let line = lines.get(index);
                    let line =
                        line.ok_or(Error::fault("a decision batch is shorter than it says"))?;
                    *slot = Some(serde_json::from_str(line)?);
                }
            }
        }
        Ok(found)
    }
}

/// Records that name a customer, the newest first, and how far back was looked.
pub struct Found {
    /// Each with its decision.
    pub records: Vec<(DecisionId, Value)>,
    /// Where the next look goes on; none if there is nothing older.
    pub older_than: Option<Micros>,
}

impl Evidence {
    /// The records that name a customer in the newest rows before an instant.
    ///
    /// # Errors
    /// A fault if the store fails or a row is not as it was written.
    pub async fn of_customer(&self, customer_id: &str, before: Micros) -> Result<Found, Error> {
        let query = sql("SELECT node, first_number, first_at,
                CASE WHEN body LIKE $1 THEN body ELSE '' END AS body
             FROM decision_batch WHERE first_at < $2 ORDER BY first_at DESC LIMIT $3");
        let query = query.bind(format!("%{customer_id}%")).bind(before).bind(LOOKED_THROUGH);
        let rows = self.db.all(query).await?;
        let is_full = rows.len() as i64 == LOOKED_THROUGH;
        let oldest = rows.last().map(|row| row.int("first_at")).transpose()?;
        let mut records = Vec::new();
        for row in rows {
            let (node, first) = (row.int("node")?, row.int("first_number")?);
            for (line, number) in row.text("body")?.lines().zip(first..) {
                if !line.contains(customer_id) {
                    continue;
                }
                let record: Value = serde_json::from_str(line)?;
                if record["customer"] == customer_id {
                    let (node, number) = (node.unsigned_abs(), number.unsigned_abs());
                    records.push((DecisionId { node, number }, record));
                }
            }
        }
        records.sort_by_key(|(_, record)| std::cmp::Reverse(record["at"].as_i64()));
        Ok(Found { records, older_than: oldest.filter(|_| is_full) })
    }
}

/// A decision, as far as its row's seal vouches for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Sound {
    /// As it was written.
    Is(Value),
    /// Past its time, or from before there were seals: nothing can be said.
    Gone,
    /// There is no such row.
    Missing,
    /// The row's seal does not hold.
    Broken,
}

/// Decisions with the seals of their rows looked at, in the order asked for: one query for all.
///
/// # Errors
/// A fault if the store fails.
pub async fn sound(db: &Db, key: &SealKey, ids: &[DecisionId]) -> Result<Vec<Sound>, Error> {
    let rows = match look_up(ids) {
        Some(query) => db.all(query).await?,
        None => Vec::new(),
    };
    let mut found = vec![Sound::Missing; ids.len()];
    for row in &rows {
        let row = Sealed::read(row)?;
        for (id, slot) in ids.iter().zip(&mut found) {
            let (node, number) = id.columns();
            if node == row.node && (row.first..=row.last).contains(&number) {
                *slot = seen(key, &row, number);
            }
        }
    }
    Ok(found)
}

fn seen(key: &SealKey, row: &Sealed, number: i64) -> Sound {
    if row.has_no_seal() || (row.body.is_empty() && key.holds(row)) {
        return Sound::Gone;
    }
    if !key.holds(row) || !key.holds_body(row) {
        return Sound::Broken;
    }
    let line =
        usize::try_from(number - row.first).ok().and_then(|place| row.body.lines().nth(place));
    let record = line.and_then(|line| serde_json::from_str(line).ok());
    record.map_or(Sound::Broken, Sound::Is)
}

/// The rows that hold these decisions. A row holds at most [`BATCH_MAX`], which bounds where in
/// the index it can stand.
fn look_up(ids: &[DecisionId]) -> Option<Query> {
    let mut terms = Vec::with_capacity(ids.len());
    for place in 0..ids.len() {
        let (node, oldest, number) = (place * 3 + 1, place * 3 + 2, place * 3 + 3);
        terms.push(format!(
            "(node = ${node} AND first_number BETWEEN ${oldest} AND ${number} \
             AND last_number >= ${number})"
        ));
    }
    if terms.is_empty() {
        return None;
    }
    let mut query = sql_built(format!(
        concat!("SELECT ", sealed_columns!(), " FROM decision_batch WHERE {}"),
        terms.join(" OR ")
    ));
    for id in ids {
        let (node, number) = id.columns();
        query = query.bind(node).bind(number - BATCH_MAX as i64 + 1).bind(number);
    }
    Some(query)
}

/// The lowest number that no process has taken before.
async fn take_node_number(db: &Db, now: Micros) -> omamori_db::Result<u64> {
    loop {
        let row = db
            .one(sql("SELECT CAST(COALESCE(MAX(node), 0) AS BIGINT) AS taken FROM decision_node"))
            .await?;
        let node = row.int("taken")? + 1;
        let insert = sql("INSERT INTO decision_node (node, started_at) VALUES ($1, $2)");
        match db.execute(insert.bind(node).bind(now)).await {
            Ok(_) => return Ok(node.unsigned_abs()),
            Err(omamori_db::Error::UniqueViolation) => {} // another node took it: the next one
            Err(error) => return Err(error),
        }
    }
}

/// A number as a column has it.
fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(-1)
}

/// Writes what waits, row after row, each sealed over the one before.
struct Writer {
    db: Db,
    node: i64,
    /// The newest decision that has a number.
    number: u64,
    seal: SealKey,
    /// The hash of the newest row; none where it must be looked up.
    chain: Option<Vec<u8>>,
}

impl Writer {
    async fn write_all(mut self, mut waiting: mpsc::Receiver<Waiting>, metrics: Arc<Metrics>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let began = Instant::now();
            if let Err(error) = self.write(&batch).await {
                // The callers see their channels close and allow nothing. The row may exist all
                // the same, so its numbers are not used again, and the chain goes on from
                // whatever is there.
                tracing::error!(error = &error as &dyn std::error::Error, "decisions not written");
                self.number += batch.len() as u64;
                self.chain = None;
                batch.clear();
                continue;
            }
            metrics.recorded(batch.len(), began.elapsed());
            for record in batch.drain(..) {
                self.number += 1;
                let id = DecisionId { node: self.node.unsigned_abs(), number: self.number };
                // A caller that has gone away has its record all the same.
                let _ = record.answer.send(id);
            }
        }
    }

    async fn write(&mut self, batch: &[Waiting]) -> omamori_db::Result<()> {
        let previous_hash = match self.chain.take() {
            Some(hash) => hash,
            None => newest_hash(&self.db, self.node).await?,
        };
        let mut body =
            String::with_capacity(batch.iter().map(|record| record.line.len() + 1).sum());
        for record in batch {
            debug_assert!(!record.line.contains('\n'), "JSON text has no bare line feed");
            body.push_str(&record.line);
            body.push('\n');
        }
        let first = column(self.number + 1);
        let last_at = batch.iter().map(|record| record.at).max().unwrap_or_default();
        let mut row = Sealed {
            node: self.node,
            first,
            last: first + batch.len() as i64 - 1,
            first_at: batch.iter().map(|record| record.at).min().unwrap_or_default(),
            last_at,
            delete_after: last_at + RETENTION,
            previous_hash,
            body_hash: body_hash(&body).to_vec(),
            hash: Vec::new(),
            scrub_seal: Vec::new(),
            body,
        };
        row.hash = self.seal.seal(&row).to_vec();
        let hash = row.hash.clone();
        self.db.execute(insert(row)).await?;
        self.chain = Some(hash);
        Ok(())
    }
}

fn insert(row: Sealed) -> Query {
    sql("INSERT INTO decision_batch (node, first_number, last_number, first_at, last_at,
             delete_after, body, previous_hash, body_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(row.node)
    .bind(row.first)
    .bind(row.last)
    .bind(row.first_at)
    .bind(row.last_at)
    .bind(row.delete_after)
    .bind(row.body)
    .bind(row.previous_hash)
    .bind(row.body_hash)
    .bind(row.hash)
}
