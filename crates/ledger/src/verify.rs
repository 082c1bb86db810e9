//! Verification: the journal read again by a second, independent code path.
//!
//! Nothing of the core's decoding, folding or applying is used: entries are read by the offsets of
//! `docs/ledger-format.md`, balances are added up in ordinary maps, and every rule that can be
//! checked from the facts alone is checked. Then all that is derived is compared: the snapshot and
//! the transfers of the views, and the state of a running ledger.
//!
//! It needs memory for all accounts and for the ids of all transfers (about 120 and 40 bytes each).

mod books;
mod compare;
mod parse;

use std::fmt;

use omamori_db::{Db, Error};
use sha2::{Digest, Sha256};

use books::Books;
use compare::Comparison;
use parse::Parsed;

use crate::{Companion, Hash, Journal, Ledger, StoredEntry};

/// Problems that are kept; the rest is only counted.
const PROBLEMS_MAX: usize = 1000;
const PAGE_ENTRIES: usize = 1024;
/// How often a running ledger is followed to where it is.
const LIVE_TRIES_MAX: usize = 1000;

/// What a verification read, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries read.
    pub entry_count: u64,
    /// Facts read.
    pub fact_count: u64,
    /// Accounts whose balances were recomputed.
    pub account_count: u64,
    /// Transfers read.
    pub transfer_count: u64,
    /// Accounts of the views' snapshot that were compared.
    pub snapshot_account_count: u64,
    /// Transfers of the views that were compared.
    pub viewed_transfer_count: u64,
    /// Accounts of a running ledger that were compared.
    pub live_account_count: u64,
    /// What is wrong, in order of discovery, the first thousand.
    pub problems: Vec<Problem>,
    /// How many problems there are.
    pub problem_count: u64,
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The entry of the journal, or the one up to which the compared thing goes.
    pub seq: u64,
    /// The byte of the entry, the column, the account, or the transfer.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}, {}: {}", self.seq, self.place, self.what)
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problem_count == 0
    }

    fn add(&mut self, seq: u64, place: impl Into<String>, what: impl Into<String>) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { seq, place: place.into(), what: what.into() });
        }
    }
}

/// Verifies a journal and the views made from it.
///
/// # Errors
/// [`Error::Engine`] if a store does not answer. What a store holds is never an error: it is a
/// problem of the report.
pub async fn verify(journal: &Db, views: &Db) -> Result<Report, Error> {
    let mut verifier = Verifier::new(journal, views).await?;
    verifier.read_to_end().await?;
    verifier.finish().await
}

impl<C: Companion> Ledger<C> {
    /// Verifies the journal and the views of this ledger, and compares all accounts in memory.
    /// Commits wait while memory is compared.
    ///
    /// # Errors
    /// As [`verify`].
    pub async fn verify(&self) -> Result<Report, Error> {
        let shared = self.shared();
        let mut verifier = Verifier::new(shared.journal.db(), &shared.views.db).await?;
        for _ in 0..LIVE_TRIES_MAX {
            verifier.read_to_end().await?;
            let core = shared.read();
            if core.state.position().seq == verifier.seq {
                verifier.books.compare_live(
                    core.state.accounts(),
                    verifier.seq,
                    &mut verifier.report,
                );
                break;
            }
        }
        verifier.finish().await
    }
}

struct Verifier {
    journal: Journal,
    comparison: Comparison,
    books: Books,
    report: Report,
    /// The last entry read, its hash, and its last timestamp.
    seq: u64,
    hash: Hash,
    timestamp: u64,
}

impl Verifier {
    async fn new(journal: &Db, views: &Db) -> Result<Self, Error> {
        Ok(Self {
            journal: Journal::open(journal.clone()).await?,
            comparison: Comparison::new(views.clone()).await?,
            books: Books::default(),
            report: Report::default(),
            seq: 0,
            hash: [0; 32],
            timestamp: 0,
        })
    }

    async fn read_to_end(&mut self) -> Result<(), Error> {
        loop {
            let page = self.journal.read_from(self.seq + 1, PAGE_ENTRIES).await?;
            if page.is_empty() {
                return Ok(());
            }
            for stored in &page {
                self.entry(stored).await?;
            }
        }
    }

    async fn entry(&mut self, stored: &StoredEntry) -> Result<(), Error> {
        let seq = stored.seq;
        if seq != self.seq + 1 {
            let what = format!("entries {} to {} are missing before it", self.seq + 1, seq - 1);
            self.report.add(seq, "column seq", what);
        }
        self.report.entry_count += 1;
        let parsed = parse::entry(&stored.body);
        for (place, what) in &parsed.faults {
            self.report.add(seq, place, what);
        }
        self.check_chain(stored, &parsed);
        self.report.fact_count += parsed.facts.len() as u64;
        for (offset, fact) in &parsed.facts {
            let place = format!("byte {offset}");
            if let Err(fault) = self.books.fact(fact) {
                self.report.add(seq, place, fault.to_string());
            }
            self.comparison.fact(fact, seq, &mut self.report).await?;
        }
        self.seq = seq;
        self.timestamp = parsed.timestamp_last().max(self.timestamp);
        self.comparison.entry_read(seq, &self.hash, &self.books, &mut self.report).await
    }

    /// Checks the columns beside the body, the hash, its link to the entry before, and time.
    fn check_chain(&mut self, stored: &StoredEntry, parsed: &Parsed) {
        let seq = stored.seq;
        let body_end = stored.body.len().saturating_sub(parse::HASH_SIZE);
        let computed: Hash = Sha256::digest(&stored.body[..body_end]).into();
        if computed.as_slice() != &stored.body[body_end..] {
            let what = format!("the hash is not that of bytes 0 to {body_end}");
            self.report.add(seq, format!("byte {body_end}"), what);
        }
        let columns = [
            ("seq", parsed.seq == seq),
            ("first_timestamp", parsed.timestamp_first == stored.first_timestamp),
            ("last_timestamp", parsed.timestamp_last() == stored.last_timestamp),
            ("previous_hash", parsed.previous_hash.as_slice() == stored.previous_hash),
            ("hash", &stored.body[body_end..] == stored.hash.as_slice()),
        ];
        for (column, agrees) in columns {
            if !agrees {
                let place = format!("column {column}");
                self.report.add(seq, place, "it does not say what the body says");
            }
        }
        if parsed.previous_hash != self.hash {
            self.report.add(seq, "byte 32", "it is not the hash of the entry before");
        }
        if parsed.timestamp_first <= self.timestamp {
            self.report.add(seq, "byte 16", "time does not rise");
        }
        self.hash = stored.body[body_end..].try_into().unwrap_or_default();
    }

    async fn finish(mut self) -> Result<Report, Error> {
        self.books.check_sums(self.seq, &mut self.report);
        self.comparison.finish(self.seq, &mut self.report).await?;
        self.report.account_count = self.books.account_count();
        self.report.transfer_count = self.books.transfer_count();
        Ok(self.report)
    }
}
