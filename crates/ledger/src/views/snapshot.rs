//! Snapshots: all accounts, open pending transfers and used ids at one entry.

use omamori_db::{Db, Error, Tx, sql};

use super::changes::Changes;
use super::packed::{ACCOUNT_SIZE, TRANSFER_SIZE, account, put_account, put_transfer, transfer};
use crate::{Account, Position, Transfer};

/// Accounts of a row: large enough to be read in bulk, small enough that a snapshot rewrites
/// little of what did not change.
pub(super) const ACCOUNTS_PER_BLOCK: usize = 512;
const PENDINGS_PER_BLOCK: usize = 1024;
const IDS_PER_BLOCK: usize = 65_536;
const ID_SIZE: usize = 16;
/// Rows read at once: a few megabytes.
pub(crate) const ACCOUNT_BLOCKS_PER_PAGE: i64 = 64;
const ID_BLOCKS_PER_PAGE: i64 = 4;

/// Where the newest snapshot was taken, and what it holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) position: Position,
    pub(crate) account_count: u64,
    id_count: u64,
}

impl Snapshot {
    /// The newest snapshot; without one, that of an empty journal.
    pub(crate) async fn newest(db: &Db) -> Result<Self, Error> {
        let query = sql("SELECT seq, timestamp, hash, account_count, id_count FROM snapshot");
        let Some(row) = db.optional(query).await? else { return Ok(Self::default()) };
        let position = Position {
            seq: row.int(0)?.cast_unsigned(),
            timestamp: row.int(1)?.cast_unsigned(),
            hash: row.array(2)?,
        };
        let account_count = row.int(3)?.cast_unsigned();
        Ok(Self { position, account_count, id_count: row.int(4)?.cast_unsigned() })
    }

    /// The accounts from block `number` on, some blocks of them; empty behind the last.
    pub(crate) async fn accounts(db: &Db, number: i64) -> Result<Vec<Account>, Error> {
        let query =
            sql("SELECT number, body FROM account_block WHERE number >= $1 AND number < $2 \
             ORDER BY number");
        let rows = db.all(query.bind(number).bind(number + ACCOUNT_BLOCKS_PER_PAGE)).await?;
        let mut accounts = Vec::with_capacity(rows.len() * ACCOUNTS_PER_BLOCK);
        for row in &rows {
            accounts.extend(unpack_accounts(&row.bytes(1)?)?);
        }
        Ok(accounts)
    }

    /// Reads the open pending transfers.
    pub(crate) async fn pendings(db: &Db) -> Result<Vec<Transfer>, Error> {
        let rows = db.all(sql("SELECT body FROM pending_block ORDER BY number")).await?;
        let mut pendings = Vec::new();
        for row in rows {
            let body = row.bytes(0)?;
            for record in body.chunks(TRANSFER_SIZE) {
                pendings.push(transfer(record).ok_or_else(|| corrupt("pending_block"))?);
            }
        }
        Ok(pendings)
    }

    /// Reads all used ids in order of time.
    pub(crate) async fn ids(db: &Db, mut id_read: impl FnMut(u128)) -> Result<(), Error> {
        let mut next = 0;
        loop {
            let query = sql("SELECT first_number, body FROM id_block WHERE first_number >= $1 \
                 ORDER BY first_number LIMIT $2");
            let rows = db.all(query.bind(next).bind(ID_BLOCKS_PER_PAGE)).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            next = last.int(0)? + 1;
            for row in &rows {
                let body = row.bytes(1)?;
                let (ids, rest) = body.as_chunks::<ID_SIZE>();
                if !rest.is_empty() {
                    return Err(corrupt("id_block"));
                }
                ids.iter().for_each(|id| id_read(u128::from_be_bytes(*id)));
            }
        }
    }

    /// Writes the snapshot at `position`, `changes` after this one. `slots` tells the place of
    /// accounts in the order of creation, which never changes.
    pub(super) async fn advance(
        &self,
        tx: &mut Tx,
        position: &Position,
        changes: &Changes,
        slots: impl Fn(&[u128]) -> Option<Vec<u32>>,
    ) -> Result<Self, Error> {
        let account_count = self.account_count + changes.created.len() as u64;
        self.write_accounts(tx, changes, slots).await?;
        self.write_ids(tx, &changes.transfer_ids).await?;
        write_pendings(tx, changes.open.values()).await?;
        let id_count = self.id_count + changes.transfer_ids.len() as u64;
        let query =
            sql("INSERT INTO snapshot (number, seq, timestamp, hash, account_count, id_count) \
             VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT (number) DO UPDATE SET \
             seq = excluded.seq, timestamp = excluded.timestamp, hash = excluded.hash, \
             account_count = excluded.account_count, id_count = excluded.id_count")
            .bind(position.seq.cast_signed())
            .bind(position.timestamp.cast_signed())
            .bind(position.hash)
            .bind(account_count.cast_signed())
            .bind(id_count.cast_signed());
        tx.execute(query).await?;
        Ok(Self { position: *position, account_count, id_count })
    }

    /// Rewrites the blocks in which an account changed, and adds those of new accounts.
    async fn write_accounts(
        &self,
        tx: &mut Tx,
        changes: &Changes,
        slots: impl Fn(&[u128]) -> Option<Vec<u32>>,
    ) -> Result<(), Error> {
        let ids: Vec<u128> = changes.of_account.keys().copied().collect();
        let slots = slots(&ids).ok_or_else(|| corrupt("account_block"))?;
        let mut changed: Vec<(u32, u128)> = slots.into_iter().zip(ids).collect();
        changed.sort_unstable();

        let first_created = self.account_count as usize;
        let account_count = first_created + changes.created.len();
        let mut changed = changed.into_iter().peekable();
        let mut created = first_created;
        // Block after block: the next is that of the first change or creation left.
        loop {
            let next_changed = changed.peek().map(|(slot, _)| *slot as usize);
            let next_created = (created < account_count).then_some(created);
            let Some(next) = next_changed.into_iter().chain(next_created).min() else {
                return Ok(());
            };
            let number = next / ACCOUNTS_PER_BLOCK;
            let end = ((number + 1) * ACCOUNTS_PER_BLOCK).min(account_count);
            let mut accounts = read_block(tx, number).await?;
            if created < end {
                let from = created - first_created;
                accounts.extend(&changes.created[from..end - first_created]);
                created = end;
            }
            while let Some((slot, id)) = changed.next_if(|(slot, _)| (*slot as usize) < end) {
                let account = accounts
                    .get_mut(slot as usize % ACCOUNTS_PER_BLOCK)
                    .filter(|account| account.id == id);
                let applied = account.and_then(|account| changes.of_account[&id].apply(account));
                applied.ok_or_else(|| corrupt("account_block"))?;
            }
            write_block(tx, number, &accounts).await?;
        }
    }

    async fn write_ids(&self, tx: &mut Tx, ids: &[u128]) -> Result<(), Error> {
        let mut first_number = self.id_count;
        for ids in ids.chunks(IDS_PER_BLOCK) {
            let body: Vec<u8> = ids.iter().flat_map(|id| id.to_be_bytes()).collect();
            let query = sql("INSERT INTO id_block (first_number, body) VALUES ($1, $2)");
            tx.execute(query.bind(first_number.cast_signed()).bind(body)).await?;
            first_number += ids.len() as u64;
        }
        Ok(())
    }
}

async fn read_block(tx: &mut Tx, number: usize) -> Result<Vec<Account>, Error> {
    let query = sql("SELECT body FROM account_block WHERE number = $1").bind(number as i64);
    match tx.optional(query).await? {
        Some(row) => unpack_accounts(&row.bytes(0)?),
        None => Ok(Vec::new()),
    }
}

async fn write_block(tx: &mut Tx, number: usize, accounts: &[Account]) -> Result<(), Error> {
    let mut body = Vec::with_capacity(accounts.len() * ACCOUNT_SIZE);
    for account in accounts {
        put_account(&mut body, account);
    }
    let query = sql("INSERT INTO account_block (number, body) VALUES ($1, $2) \
         ON CONFLICT (number) DO UPDATE SET body = excluded.body");
    tx.execute(query.bind(number as i64).bind(body)).await?;
    Ok(())
}

async fn write_pendings(tx: &mut Tx, open: impl Iterator<Item = &Transfer>) -> Result<(), Error> {
    tx.execute(sql("DELETE FROM pending_block")).await?;
    let mut pendings: Vec<&Transfer> = open.collect();
    pendings.sort_unstable_by_key(|pending| pending.timestamp);
    for (number, pendings) in pendings.chunks(PENDINGS_PER_BLOCK).enumerate() {
        let mut body = Vec::with_capacity(pendings.len() * TRANSFER_SIZE);
        for pending in pendings {
            put_transfer(&mut body, pending);
        }
        let query = sql("INSERT INTO pending_block (number, body) VALUES ($1, $2)");
        tx.execute(query.bind(number as i64).bind(body)).await?;
    }
    Ok(())
}

fn unpack_accounts(body: &[u8]) -> Result<Vec<Account>, Error> {
    let accounts: Option<Vec<Account>> = body.chunks(ACCOUNT_SIZE).map(account).collect();
    accounts.ok_or_else(|| corrupt("account_block"))
}

fn corrupt(table: &'static str) -> Error {
    Error::Corrupt { column: table.to_owned() }
}
