//! Comparing the views with the books, while the journal is read.
//!
//! The views may go on while they are compared. So the snapshot is taken for what it was only if
//! it is the same before and after it was read, and a status that is newer than the journal read
//! so far is compared when the journal comes to it.

use std::collections::VecDeque;

use hashbrown::HashMap;
use omamori_db::{Db, Error, Row, sql};

use super::{Report, books::Books};
use crate::views::{Views, stored_transfer};
use crate::{Account, AccountFlags, Fact, Hash, Position, StoredTransfer, Transfer};

const ACCOUNT_SIZE: usize = 92;
const BLOCKS_PER_PAGE: i64 = 64;
const ROWS_PER_PAGE: i64 = 4096;
const POST: u16 = 1 << 2;

const OPEN: u8 = 1;
const POSTED: u8 = 2;
const VOIDED: u8 = 3;
const EXPIRED: u8 = 4;

pub(super) struct Comparison {
    views: Db,
    /// Up to where the rows of the views are compared.
    viewed: Position,
    /// Where the next snapshot to compare was taken.
    snapshot: Position,
    rows: Rows,
    /// What the rows say about pending transfers that the journal read so far leaves open.
    open_statuses: HashMap<u128, u8>,
}

/// The rows of the views' transfers in order of time, read page by page.
struct Rows {
    last_timestamp: i64,
    page: VecDeque<StoredTransfer>,
}

impl Comparison {
    pub(super) async fn new(views: Db) -> Result<Self, Error> {
        let viewed = Views::open(views.clone()).await?.position().await?;
        let snapshot = snapshot_position(&views).await?;
        let rows = Rows { last_timestamp: 0, page: VecDeque::new() };
        Ok(Self { views, viewed, snapshot, rows, open_statuses: HashMap::new() })
    }

    /// Compares the row of a transfer, and what the rows said about one that ends now.
    pub(super) async fn fact(
        &mut self,
        fact: &Fact,
        seq: u64,
        report: &mut Report,
    ) -> Result<(), Error> {
        match fact {
            Fact::AccountCreated(_) => {}
            Fact::PendingTransferExpired { pending_id, .. } => {
                self.resolved(*pending_id, EXPIRED, seq, report);
            }
            Fact::TransferCreated(transfer) => {
                if transfer.is_resolving() {
                    let posts = transfer.flags.bits() & POST != 0;
                    let status = if posts { POSTED } else { VOIDED };
                    self.resolved(transfer.pending_id, status, seq, report);
                }
                if seq <= self.viewed.seq {
                    self.row_of(transfer, seq, report).await?;
                }
            }
        }
        Ok(())
    }

    async fn row_of(
        &mut self,
        transfer: &Transfer,
        seq: u64,
        report: &mut Report,
    ) -> Result<(), Error> {
        let place = || format!("transfer {}", transfer.id);
        let row = self.rows.up_to(&self.views, transfer.timestamp, seq, report).await?;
        let Some(StoredTransfer { transfer: row, pending_status }) = row else {
            report.add(seq, place(), "the views lack it");
            return Ok(());
        };
        report.viewed_transfer_count += 1;
        if row != *transfer {
            let what = format!("the views say {row:?}, the journal says {transfer:?}");
            report.add(seq, place(), what);
        }
        let status = pending_status as u8;
        if transfer.is_pending() {
            self.open_statuses.insert(transfer.id, status);
        } else if status != 0 {
            report.add(seq, place(), "the views give a status to a transfer that is not pending");
        }
        Ok(())
    }

    /// The journal ends a pending transfer: the row must say how, or say that it is open if the
    /// views have not come so far.
    fn resolved(&mut self, pending_id: u128, status: u8, seq: u64, report: &mut Report) {
        let Some(found) = self.open_statuses.remove(&pending_id) else { return };
        let is_behind = found == OPEN && seq > self.viewed.seq;
        if found != status && !is_behind {
            let what = format!("the views give it status {found}, the journal {status}");
            report.add(seq, format!("transfer {pending_id}"), what);
        }
    }

    /// An entry is read and booked. If the views' position or snapshot is there, it is compared.
    pub(super) async fn entry_read(
        &mut self,
        seq: u64,
        hash: &Hash,
        books: &Books,
        report: &mut Report,
    ) -> Result<(), Error> {
        if seq == self.viewed.seq {
            self.compare_hash(seq, "the position of the views", &self.viewed.hash, hash, report);
        }
        if seq != self.snapshot.seq {
            return Ok(());
        }
        self.compare_hash(seq, "the snapshot of the views", &self.snapshot.hash, hash, report);
        let accounts = self.snapshot_accounts(report).await?;
        let now = snapshot_position(&self.views).await?;
        if now != self.snapshot {
            // A newer one was written meanwhile: that is compared when the journal is there.
            self.snapshot = now;
            return Ok(());
        }
        let count = books.compare(accounts, seq, report);
        if count != books.account_count() {
            report.add(seq, "the snapshot of the views", "it has another number of accounts");
        }
        report.snapshot_account_count = count;
        Ok(())
    }

    fn compare_hash(&self, seq: u64, place: &str, theirs: &Hash, ours: &Hash, report: &mut Report) {
        if theirs != ours {
            report.add(seq, place, "it is that of another journal");
        }
    }

    /// All accounts of the snapshot.
    async fn snapshot_accounts(&self, report: &mut Report) -> Result<Vec<Account>, Error> {
        let mut accounts = Vec::new();
        let mut number = 0;
        loop {
            let query =
                sql("SELECT number, body FROM account_block WHERE number >= $1 AND number < $2 \
                 ORDER BY number");
            let end = number + BLOCKS_PER_PAGE;
            let rows = self.views.all(query.bind(number).bind(end)).await?;
            if rows.is_empty() {
                return Ok(accounts);
            }
            for row in rows {
                let body = row.bytes(1)?;
                let records = body.as_chunks::<ACCOUNT_SIZE>();
                accounts.extend(records.0.iter().map(account));
                if !records.1.is_empty() {
                    let place = format!("account_block {}", row.int(0)?);
                    report.add(self.snapshot.seq, place, "it ends within an account");
                }
            }
            number = end;
        }
    }

    /// The journal is read to its end, entry `seq`.
    pub(super) async fn finish(mut self, seq: u64, report: &mut Report) -> Result<(), Error> {
        for (place, position) in [
            ("the position of the views", self.viewed),
            ("the snapshot of the views", self.snapshot),
        ] {
            if position.seq > seq {
                report.add(position.seq, place, "the journal does not go so far");
            }
        }
        for (pending_id, status) in &self.open_statuses {
            if *status != OPEN {
                let what = format!("the views give it status {status}, but it is open");
                report.add(seq, format!("transfer {pending_id}"), what);
            }
        }
        let end = self.viewed.timestamp.saturating_add(1);
        while self.rows.up_to(&self.views, end, seq, report).await?.is_some() {}
        Ok(())
    }
}

impl Rows {
    /// The row at `timestamp`. Rows before it are of no transfer in the journal.
    async fn up_to(
        &mut self,
        views: &Db,
        timestamp: u64,
        seq: u64,
        report: &mut Report,
    ) -> Result<Option<StoredTransfer>, Error> {
        loop {
            if self.page.is_empty() {
                self.read(views).await?;
            }
            let Some(row) = self.page.front().copied() else { return Ok(None) };
            if row.transfer.timestamp > timestamp {
                return Ok(None);
            }
            self.page.pop_front();
            if row.transfer.timestamp == timestamp {
                return Ok(Some(row));
            }
            let place = format!("transfer {}", row.transfer.id);
            report.add(seq, place, "the views have it, the journal does not");
        }
    }

    async fn read(&mut self, views: &Db) -> Result<(), Error> {
        let query =
            sql("SELECT timestamp, id, debit_account_id, credit_account_id, amount, pending_id, \
             user_data_128, user_data_64, user_data_32, timeout, ledger, code, flags, \
             pending_status FROM transfer WHERE timestamp > $1 ORDER BY timestamp LIMIT $2");
        let rows = views.all(query.bind(self.last_timestamp).bind(ROWS_PER_PAGE)).await?;
        for row in &rows {
            self.page.push_back(stored_transfer(row)?);
        }
        if let Some(last) = rows.last() {
            self.last_timestamp = last.int(0)?;
        }
        Ok(())
    }
}

async fn snapshot_position(views: &Db) -> Result<Position, Error> {
    let query = sql("SELECT seq, timestamp, hash FROM snapshot");
    let position = |row: Row| {
        Ok(Position {
            seq: row.int(0)?.cast_unsigned(),
            timestamp: row.int(1)?.cast_unsigned(),
            hash: row.array(2)?,
        })
    };
    views.optional(query).await?.map_or(Ok(Position::default()), position)
}

/// An account as `migrations/ledger_views` describes it.
fn account(record: &[u8; ACCOUNT_SIZE]) -> Account {
    let u128_at = |at: usize| u128::from_le_bytes(array(record, at));
    let u64_at = |at: usize| u64::from_le_bytes(array(record, at));
    let u32_at = |at: usize| u32::from_le_bytes(array(record, at));
    let u16_at = |at: usize| u16::from_le_bytes(array(record, at));
    Account {
        id: u128_at(0),
        debits_pending: u64_at(16),
        debits_posted: u64_at(24),
        credits_pending: u64_at(32),
        credits_posted: u64_at(40),
        user_data_128: u128_at(48),
        user_data_64: u64_at(64),
        user_data_32: u32_at(72),
        ledger: u32_at(76),
        code: u16_at(80),
        timestamp: u64_at(82),
        flags: AccountFlags::from_bits(u16_at(90)),
    }
}

fn array<const N: usize>(record: &[u8; ACCOUNT_SIZE], at: usize) -> [u8; N] {
    std::array::from_fn(|index| record[at + index])
}
