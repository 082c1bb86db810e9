//! From the journal to rows.

use std::sync::Arc;

use omamori_db::{Result, Tx, sql, sql_rows};
use omamori_ledger::{Entry, Fact, Follower, Transfer, TransferFlags};

use crate::clock::Micros;
use crate::gate::chart::{TransferCode, due};
use crate::pos::{micros, yen};
use crate::value::legs::leg_id;
use crate::value::promise::Promise;
use crate::wallet::entry::EntryKind;
use crate::web::filters::japan;

const COLUMNS: usize = 9;
/// Rows of one statement: it takes 32,766 values.
const ROWS: usize = 1_000;

pub(super) struct Writer;

/// A line before it is a row.
struct New {
    account: u128,
    other: u128,
    transfer: u128,
    timestamp: u64,
    kind: EntryKind,
    yen: i64,
    points: i64,
    /// Legs of its chain that were seen.
    legs: u64,
}

/// What became of a send.
struct End {
    send: u128,
    kind: EntryKind,
}

impl Follower for Writer {
    fn name(&self) -> &'static str {
        "history_lines"
    }

    async fn apply(&mut self, tx: &mut Tx, entries: &[Arc<Entry>]) -> Result<()> {
        // From the very beginning: the position was lost, so what is there was written before.
        if entries.first().is_some_and(|entry| entry.seq == 1) {
            tx.execute(sql("DELETE FROM history_line")).await?;
        }
        let (mut lines, mut ends) = (Vec::new(), Vec::new());
        for fact in entries.iter().flat_map(|entry| &entry.facts) {
            match fact {
                Fact::TransferCreated(transfer) => take(transfer, &mut lines, &mut ends),
                Fact::PendingTransferExpired { pending_id, .. } => {
                    ends.push(End { send: *pending_id, kind: EntryKind::SendReturned });
                }
                Fact::AccountCreated(_) => {}
            }
        }
        for lines in lines.chunks(ROWS) {
            insert(tx, lines).await?;
        }
        for end in ends {
            let update = sql("UPDATE history_line SET kind = $1,
                     amount_yen = CASE WHEN $1 = 'send_returned' THEN CAST(0 AS BIGINT)
                                       ELSE amount_yen END
                 WHERE transfer_id = $2 AND kind = 'send_waiting'");
            tx.execute(update.bind(end.kind.as_str()).bind(end.send.to_be_bytes())).await?;
        }
        Ok(())
    }
}

async fn insert(tx: &mut Tx, lines: &[New]) -> Result<()> {
    let mut query = sql_rows(
        "INSERT INTO history_line (account_id, timestamp, transfer_id, class, kind, amount_yen, \
         points, month, other_account_id)",
        COLUMNS,
    );
    for line in lines {
        query.push(line.account.to_be_bytes());
        query.push(i64::try_from(line.timestamp).unwrap_or(i64::MAX));
        query.push(line.transfer.to_be_bytes());
        query.push(line.kind.class().as_str());
        query.push(line.kind.as_str());
        query.push(line.yen);
        query.push(line.points);
        query.push(month(i64::try_from(line.timestamp / 1_000).unwrap_or(i64::MAX)));
        query.push(line.other.to_be_bytes());
    }
    tx.execute(query).await.map(drop)
}

/// `202604` of an instant, in Japan.
fn month(at: Micros) -> i64 {
    let date = japan(at).date();
    i64::from(date.year()) * 100 + i64::from(date.month())
}

fn take(transfer: &Transfer, lines: &mut Vec<New>, ends: &mut Vec<End>) {
    let is_send = TransferCode::of(transfer.code) == Some(TransferCode::Send);
    if is_send && !transfer.is_pending() {
        let is_back = transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
        let kind = if is_back { EntryKind::SendReturned } else { EntryKind::Send };
        ends.push(End { send: transfer.pending_id, kind });
        return;
    }
    let Some(kind) = EntryKind::of(transfer) else {
        if let Some(line) = lines.last_mut() {
            leg(transfer, line);
        }
        return;
    };
    let is_out = kind.leaves_wallet();
    let (account, other) = if is_out {
        (transfer.debit_account_id, transfer.credit_account_id)
    } else {
        (transfer.credit_account_id, transfer.debit_account_id)
    };
    let amount = match kind {
        EntryKind::Payment => i64::try_from(due(transfer)).unwrap_or(i64::MAX),
        EntryKind::Points | EntryKind::Gift => {
            i64::try_from(transfer.user_data_64).unwrap_or(i64::MAX)
        }
        _ => yen(transfer),
    };
    lines.push(New {
        account,
        other,
        transfer: transfer.id,
        timestamp: transfer.timestamp,
        kind,
        yen: if is_out { -amount } else { amount },
        points: 0,
        legs: 0,
    });
    debug_assert!(micros(transfer) > 0, "the ledger gave it a time");
}

/// Adds what a leg of the line's chain gave or took. The legs follow their line in the journal,
/// numbered; what is not the next of them belongs to something else.
fn leg(transfer: &Transfer, line: &mut New) {
    let code = TransferCode::of(transfer.code);
    if !matches!(line.kind, EntryKind::Payment | EntryKind::Refund | EntryKind::Cancel)
        || transfer.id != leg_id(line.transfer, line.legs)
    {
        return;
    }
    line.legs += 1;
    match code {
        Some(TransferCode::FreeBack | TransferCode::PointsBack) => line.yen += yen(transfer),
        Some(TransferCode::PointsEarned) => line.points += yen(transfer),
        Some(TransferCode::PointsTaken) => line.points -= yen(transfer),
        Some(TransferCode::PointsPromised) => line.points += Promise::of(transfer).points,
        _ => {}
    }
}
