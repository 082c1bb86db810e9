//! Reads the decision log from its first row and says what is not as it was written.
//!
//! Each process has a chain of its own. What was cut off at a chain's end leaves no trace in the
//! chain, so it is looked for elsewhere: in signed checkpoints, and in the journal, where every
//! transfer names the decision that allowed it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use omamori_db::{Db, sql};
use omamori_ledger::{Entry, Fact, Journal};
use serde::{Deserialize, Serialize};

use super::chain::hex;
use crate::clock::Micros;
use crate::gate::evidence::DecisionId;
use crate::gate::seal::{START, SealKey, Sealed, sealed_columns};
use crate::web::error::{Error, Result};

/// Rows of one read.
const PAGE: i64 = 500;
/// Entries of one read.
const ENTRIES: usize = 256;

/// How far a process's chain was, for a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The process.
    pub node: i64,
    /// Its newest decision.
    pub number: i64,
    /// The hash of the row that holds it, hexadecimal.
    pub hash: String,
}

/// Something that is not as it was written. Numbers are those of a process's decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A column or the body of the row was changed, or the row stood in another place.
    Changed {
        /// The process.
        node: i64,
        /// The row's first decision.
        first: i64,
    },
    /// Rows before this one are not there, or stand elsewhere.
    Unlinked {
        /// The process.
        node: i64,
        /// The row's first decision.
        first: i64,
    },
    /// The row lost its seal.
    Unsealed {
        /// The process.
        node: i64,
        /// The row's first decision.
        first: i64,
    },
    /// Rows were cut off at the end.
    CutOff {
        /// The process.
        node: i64,
        /// The newest decision that is there.
        last: i64,
        /// One that was there.
        was: i64,
    },
    /// The row is not the one that a checkpoint signed.
    NotAsSigned {
        /// The process.
        node: i64,
        /// The decision that was the newest then.
        number: i64,
    },
    /// Nothing says that this process was ever there, or that of a number between others.
    NodeMissing(i64),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { node, first } => {
                write!(f, "decisions from {first} of process {node} were changed or moved")
            }
            Self::Unlinked { node, first } => {
                write!(f, "decisions before {first} of process {node} are missing or were moved")
            }
            Self::Unsealed { node, first } => {
                write!(f, "decisions from {first} of process {node} lost their seal")
            }
            Self::CutOff { node, last, was } => {
                write!(f, "process {node} ends at decision {last}; it had decision {was}")
            }
            Self::NotAsSigned { node, number } => {
                write!(f, "decision {number} of process {node} is not what a checkpoint signed")
            }
            Self::NodeMissing(node) => write!(f, "process {node} is not in the list of processes"),
        }
    }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows that are there.
    pub rows: i64,
    /// Of these, rows whose body is gone because its time is over.
    pub emptied: i64,
    /// Rows from before there were seals: nothing can be said of them.
    pub without_seal: i64,
    /// What is wrong, by process.
    pub problems: Vec<Problem>,
}

/// How far each process's chain is now.
///
/// # Errors
/// A fault if the store fails.
pub async fn heads(evidence: &Db) -> Result<Vec<Head>> {
    let query = sql("SELECT b.node, b.last_number, b.hash FROM decision_node n
         JOIN decision_batch b ON b.node = n.node AND b.first_number =
             (SELECT MAX(first_number) FROM decision_batch WHERE node = n.node)
         ORDER BY b.node");
    let mut heads = Vec::new();
    for row in evidence.all(query).await? {
        if let Some(hash) = row.bytes_optional("hash")? {
            let (node, number) = (row.int("node")?, row.int("last_number")?);
            heads.push(Head { node, number, hash: hex(&hash) });
        }
    }
    Ok(heads)
}

/// Verifies all chains, that they hold what checkpoints signed, and that no transfer names a
/// decision that is not there.
///
/// # Errors
/// A fault if a store fails or an entry of the journal cannot be read.
pub async fn verify(
    evidence: &Db,
    journal: &Db,
    key: &SealKey,
    signed: &[Head],
    now: Micros,
) -> Result<Report> {
    // The journal first: what is decided meanwhile is in the evidence before it is in the journal.
    let named = named_by_journal(journal).await?;
    let mut report = Report::default();
    let mut last_of = HashMap::new();
    for node in processes(evidence, &mut report).await? {
        let mut walk = Walk::new(node, key, signed, now);
        loop {
            let page = sql(concat!(
                "SELECT ",
                sealed_columns!(),
                " FROM decision_batch WHERE node = $1 AND first_number > $2
                 ORDER BY first_number LIMIT $3"
            ));
            let rows = evidence.all(page.bind(node).bind(walk.first).bind(PAGE)).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                walk.step(&Sealed::read(row)?, &mut report);
            }
        }
        last_of.insert(node, walk.last);
    }
    let mut was: BTreeMap<i64, i64> = named;
    for head in signed {
        let known = was.entry(head.node).or_default();
        *known = head.number.max(*known);
    }
    for (node, was) in was {
        let last = last_of.get(&node).copied().unwrap_or_default();
        if last < was {
            report.problems.push(Problem::CutOff { node, last, was });
        }
    }
    Ok(report)
}

/// All processes, and what is wrong with their list.
async fn processes(evidence: &Db, report: &mut Report) -> Result<Vec<i64>> {
    let query = sql("SELECT node, CAST(1 AS BIGINT) AS is_listed FROM decision_node
         UNION SELECT DISTINCT node, CAST(0 AS BIGINT) AS is_listed FROM decision_batch
             WHERE node NOT IN (SELECT node FROM decision_node)
         ORDER BY node");
    let mut nodes = Vec::new();
    for row in evidence.all(query).await? {
        let node = row.int("node")?;
        let expected = nodes.last().map_or(1, |last| last + 1);
        report.problems.extend((expected..node).map(Problem::NodeMissing));
        if row.int("is_listed")? == 0 {
            report.problems.push(Problem::NodeMissing(node));
        }
        nodes.push(node);
    }
    Ok(nodes)
}

/// The newest decision of each process that a transfer names.
async fn named_by_journal(journal: &Db) -> Result<BTreeMap<i64, i64>> {
    let journal = Journal::open(journal.clone()).await?;
    let (mut named, mut seq) = (BTreeMap::new(), 1);
    loop {
        let page = journal.read_from(seq, ENTRIES).await?;
        let Some(last) = page.last() else { return Ok(named) };
        seq = last.seq + 1;
        for stored in &page {
            let entry = Entry::decode(&stored.body);
            let entry = entry.map_err(|_| Error::fault("the journal cannot be read: verify it"))?;
            for fact in &entry.facts {
                let Fact::TransferCreated(transfer) = fact else { continue };
                let id = DecisionId::of(transfer.user_data_128);
                if id.node > 0 {
                    let known: &mut i64 = named.entry(id.node.cast_signed()).or_default();
                    *known = id.number.cast_signed().max(*known);
                }
            }
        }
    }
}

/// On the way along one process's chain.
struct Walk<'a> {
    node: i64,
    key: &'a SealKey,
    signed: Vec<&'a Head>,
    now: Micros,
    /// Of the row before.
    hash: Option<Vec<u8>>,
    first: i64,
    last: i64,
}

impl<'a> Walk<'a> {
    fn new(node: i64, key: &'a SealKey, signed: &'a [Head], now: Micros) -> Self {
        let signed = signed.iter().filter(|head| head.node == node).collect();
        Self { node, key, signed, now, hash: None, first: -1, last: 0 }
    }

    fn step(&mut self, row: &Sealed, report: &mut Report) {
        let (node, first) = (self.node, row.first);
        report.rows += 1;
        self.first = row.first;
        self.last = self.last.max(row.last);
        if row.has_no_seal() {
            if self.hash.is_some() {
                report.problems.push(Problem::Unsealed { node, first });
            } else {
                report.without_seal += 1;
            }
            return;
        }
        let is_emptied = row.is_emptied(self.now);
        report.emptied += i64::from(is_emptied);
        let is_sound = self.key.holds(row) && (is_emptied || self.key.holds_body(row));
        if !is_sound {
            report.problems.push(Problem::Changed { node, first });
        }
        let follows = match &self.hash {
            Some(hash) => *hash == row.previous_hash,
            // What was before a row that is past its time may be gone.
            None => row.previous_hash == START || is_emptied,
        };
        if !follows {
            report.problems.push(Problem::Unlinked { node, first });
        }
        let other = |head: &&&Head| {
            let is_this = (row.first..=row.last).contains(&head.number);
            is_this && (head.number != row.last || head.hash != hex(&row.hash))
        };
        if let Some(head) = self.signed.iter().find(other) {
            report.problems.push(Problem::NotAsSigned { node, number: head.number });
        }
        self.hash = Some(row.hash.clone());
    }
}
