//! What a transfer does to the balances of its two accounts.
//!
//! Every function returns `None`, and may have changed part, if a balance would leave 0..2⁶⁴:
//! when applying, the rules have excluded that before; when folding, the entry is refused.

use crate::{Account, AccountFlags, Transfer, TransferFlags};

/// A single-phase transfer moves, a pending one reserves.
pub(crate) fn begin(transfer: &Transfer, debit: &mut Account, credit: &mut Account) -> Option<()> {
    if transfer.is_pending() {
        add(&mut debit.debits_pending, transfer.amount)?;
        add(&mut credit.credits_pending, transfer.amount)?;
    } else {
        post(transfer.amount, debit, credit)?;
    }
    if transfer.flags.contains(TransferFlags::CLOSING_DEBIT) {
        debit.flags = debit.flags.with(AccountFlags::CLOSED);
    }
    if transfer.flags.contains(TransferFlags::CLOSING_CREDIT) {
        credit.flags = credit.flags.with(AccountFlags::CLOSED);
    }
    Some(())
}

/// The second phase frees what was reserved, and a post moves its own amount.
pub(crate) fn resolve(
    transfer: &Transfer,
    pending: &Transfer,
    debit: &mut Account,
    credit: &mut Account,
) -> Option<()> {
    if transfer.flags.contains(TransferFlags::POST_PENDING_TRANSFER) {
        subtract(&mut debit.debits_pending, pending.amount)?;
        subtract(&mut credit.credits_pending, pending.amount)?;
        post(transfer.amount, debit, credit)
    } else {
        release(pending, debit, credit)
    }
}

/// A void or an expiry frees what was reserved, and opens what the pending transfer closed.
pub(crate) fn release(pending: &Transfer, debit: &mut Account, credit: &mut Account) -> Option<()> {
    subtract(&mut debit.debits_pending, pending.amount)?;
    subtract(&mut credit.credits_pending, pending.amount)?;
    if pending.flags.contains(TransferFlags::CLOSING_DEBIT) {
        debit.flags = debit.flags.without(AccountFlags::CLOSED);
    }
    if pending.flags.contains(TransferFlags::CLOSING_CREDIT) {
        credit.flags = credit.flags.without(AccountFlags::CLOSED);
    }
    Some(())
}

fn post(amount: u64, debit: &mut Account, credit: &mut Account) -> Option<()> {
    add(&mut debit.debits_posted, amount)?;
    add(&mut credit.credits_posted, amount)
}

fn add(balance: &mut u64, amount: u64) -> Option<()> {
    *balance = balance.checked_add(amount)?;
    Some(())
}

fn subtract(balance: &mut u64, amount: u64) -> Option<()> {
    *balance = balance.checked_sub(amount)?;
    Some(())
}
