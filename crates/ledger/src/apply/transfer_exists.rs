//! Whether a transfer with a known id repeats a former request, or in what it differs from it.

use super::{Batch, post_or_void::completed};
use crate::{CreateTransferResult as Code, Transfer, TransferFlags};

const BALANCING: TransferFlags =
    TransferFlags::BALANCING_DEBIT.with(TransferFlags::BALANCING_CREDIT);

/// The answer to `transfer`, whose id `existing` has.
pub(super) fn compare(batch: &Batch<'_>, transfer: &Transfer, existing: &Transfer) -> Code {
    // The flags change the meaning of the other fields, so they come first.
    if transfer.flags != existing.flags {
        return Code::ExistsWithDifferentFlags;
    }
    if transfer.pending_id != existing.pending_id {
        return Code::ExistsWithDifferentPendingId;
    }
    if transfer.timeout != existing.timeout {
        return Code::ExistsWithDifferentTimeout;
    }
    if !transfer.is_resolving() {
        return compare_values(transfer, existing);
    }
    let Some(pending) = batch.transfer(transfer.pending_id) else {
        panic!("transfer {} resolved {}, which is not there", existing.id, existing.pending_id);
    };
    compare_values(&completed(transfer, &pending.transfer), existing)
}

fn compare_values(transfer: &Transfer, existing: &Transfer) -> Code {
    if transfer.debit_account_id != existing.debit_account_id {
        return Code::ExistsWithDifferentDebitAccountId;
    }
    if transfer.credit_account_id != existing.credit_account_id {
        return Code::ExistsWithDifferentCreditAccountId;
    }
    // The amount asked of a balancing transfer was an upper bound, which nobody kept.
    let amount_differs = if transfer.flags.intersects(BALANCING) {
        transfer.amount < existing.amount
    } else {
        transfer.amount != existing.amount
    };
    if amount_differs {
        return Code::ExistsWithDifferentAmount;
    }
    if transfer.user_data_128 != existing.user_data_128 {
        return Code::ExistsWithDifferentUserData128;
    }
    if transfer.user_data_64 != existing.user_data_64 {
        return Code::ExistsWithDifferentUserData64;
    }
    if transfer.user_data_32 != existing.user_data_32 {
        return Code::ExistsWithDifferentUserData32;
    }
    if transfer.ledger != existing.ledger {
        return Code::ExistsWithDifferentLedger;
    }
    if transfer.code != existing.code {
        return Code::ExistsWithDifferentCode;
    }
    Code::Exists
}
