//! The rows of the table of transfers.

use std::collections::HashMap;

use omamori_db::{Error, Query, Row, Tx, sql_built, sql_rows};

use crate::{Entry, Fact, PendingStatus, StoredTransfer, Transfer, TransferFlags};

/// All columns, in the order of [`stored_transfer`] and of the placeholders.
pub(super) const COLUMNS: &str = "timestamp, id, debit_account_id, credit_account_id, amount, \
     pending_id, user_data_128, user_data_64, user_data_32, timeout, ledger, code, flags, \
     pending_status";
const INSERT: &str = "INSERT INTO transfer (timestamp, id, debit_account_id, credit_account_id, \
     amount, pending_id, user_data_128, user_data_64, user_data_32, timeout, ledger, code, flags, \
     pending_status)";
const COLUMN_COUNT: usize = 14;

/// Rows of one statement. SQLite binds at most 32,766 values, PostgreSQL 65,535. Few sizes, so
/// that every statement is prepared once.
const ROWS_PER_STATEMENT: [usize; 3] = [512, 32, 1];
/// Changes of one status in one statement.
const UPDATES_PER_STATEMENT: [usize; 3] = [512, 32, 1];

pub(super) fn id_bytes(id: u128) -> [u8; 16] {
    id.to_be_bytes()
}

/// Zero is kept as NULL, which takes no room.
fn optional_id(id: u128) -> Option<Vec<u8>> {
    (id != 0).then(|| id_bytes(id).to_vec())
}

pub(crate) fn stored_transfer(row: &Row) -> Result<StoredTransfer, Error> {
    let id = |column: usize| row.array(column).map(u128::from_be_bytes);
    let optional = |column: usize| match row.bytes_optional(column)? {
        None => Ok(0),
        Some(_) => id(column),
    };
    let transfer = Transfer {
        timestamp: row.int(0)?.cast_unsigned(),
        id: id(1)?,
        debit_account_id: id(2)?,
        credit_account_id: id(3)?,
        amount: row.int(4)?.cast_unsigned(),
        pending_id: optional(5)?,
        user_data_128: optional(6)?,
        user_data_64: row.int(7)?.cast_unsigned(),
        user_data_32: narrow(row, 8)?,
        timeout: narrow(row, 9)?,
        ledger: narrow(row, 10)?,
        code: narrow(row, 11)?,
        flags: TransferFlags::from_bits(narrow(row, 12)?),
    };
    let pending_status = match row.int(13)? {
        0 => PendingStatus::None,
        1 => PendingStatus::Pending,
        2 => PendingStatus::Posted,
        3 => PendingStatus::Voided,
        4 => PendingStatus::Expired,
        _ => return Err(Error::Corrupt { column: "pending_status".to_owned() }),
    };
    Ok(StoredTransfer { transfer, pending_status })
}

fn narrow<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T, Error> {
    let wide = row.int(column)?;
    T::try_from(wide).map_err(|_| Error::Corrupt { column: column.to_string() })
}

/// The rows that a run of entries adds, and the changes of status of rows from before.
#[derive(Default)]
pub(super) struct Rows {
    added: Vec<StoredTransfer>,
    /// Where in `added` the pending transfers are.
    pending: HashMap<u128, usize>,
    /// By the new status.
    changed: [Vec<u128>; 5],
}

impl Rows {
    pub(super) fn of_entries<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut rows = Self::default();
        for fact in entries.into_iter().flat_map(|entry| &entry.facts) {
            match fact {
                Fact::AccountCreated(_) => {}
                Fact::TransferCreated(transfer) => rows.add(*transfer),
                Fact::PendingTransferExpired { pending_id, .. } => {
                    rows.resolve(*pending_id, PendingStatus::Expired);
                }
            }
        }
        rows
    }

    fn add(&mut self, transfer: Transfer) {
        if transfer.is_resolving() {
            self.resolve(transfer.pending_id, transfer.resolution());
        }
        let pending_status = transfer.initial_status();
        if transfer.is_pending() {
            self.pending.insert(transfer.id, self.added.len());
        }
        self.added.push(StoredTransfer { transfer, pending_status });
    }

    fn resolve(&mut self, pending_id: u128, status: PendingStatus) {
        match self.pending.get(&pending_id) {
            Some(&at) => self.added[at].pending_status = status,
            None => self.changed[status as usize].push(pending_id),
        }
    }

    /// Writes all of it.
    pub(super) async fn write(&self, tx: &mut Tx) -> Result<(), Error> {
        for rows in portions(&self.added, &ROWS_PER_STATEMENT) {
            let mut insert = sql_rows(INSERT, COLUMN_COUNT);
            for row in rows {
                push_row(&mut insert, row);
            }
            tx.execute(insert).await?;
        }
        for (status, ids) in self.changed.iter().enumerate() {
            for ids in portions(ids, &UPDATES_PER_STATEMENT) {
                let places: Vec<_> = (2..=ids.len() + 1).map(|n| format!("${n}")).collect();
                let text = format!(
                    "UPDATE transfer SET pending_status = $1 WHERE id IN ({})",
                    places.join(", ")
                );
                let mut update = sql_built(text).bind(status as i64);
                for id in ids {
                    update.push(id_bytes(*id));
                }
                tx.execute(update).await?;
            }
        }
        Ok(())
    }
}

/// Cuts a list into portions of the given sizes, largest first; the last size is 1.
pub(super) fn portions<'a, T>(list: &'a [T], sizes: &'a [usize]) -> impl Iterator<Item = &'a [T]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let size = *sizes.iter().find(|size| **size <= rest.len())?;
        let (portion, after) = rest.split_at(size);
        rest = after;
        Some(portion)
    })
}

fn push_row(insert: &mut Query, row: &StoredTransfer) {
    let StoredTransfer { transfer, pending_status } = row;
    insert.push(transfer.timestamp.cast_signed());
    insert.push(id_bytes(transfer.id));
    insert.push(id_bytes(transfer.debit_account_id));
    insert.push(id_bytes(transfer.credit_account_id));
    insert.push(transfer.amount.cast_signed());
    insert.push(optional_id(transfer.pending_id));
    insert.push(optional_id(transfer.user_data_128));
    insert.push(transfer.user_data_64.cast_signed());
    insert.push(transfer.user_data_32);
    insert.push(transfer.timeout);
    insert.push(transfer.ledger);
    insert.push(transfer.code);
    insert.push(transfer.flags.bits());
    insert.push(i64::from(*pending_status as u8));
}
