//! The rules for single-phase transfers and for first phases, by descending precedence.

use super::{Batch, ChainCode, Event, batch::Pair, transfer_exists};
use crate::{Account, CreateTransferResult as Code, Transfer, TransferFlags, entry::TIMESTAMP_MAX};

impl ChainCode for Code {
    const OK: Self = Self::Ok;
    const LINKED_EVENT_FAILED: Self = Self::LinkedEventFailed;
    const LINKED_EVENT_CHAIN_OPEN: Self = Self::LinkedEventChainOpen;
}

impl Event for Transfer {
    type Code = Code;

    fn is_linked(&self) -> bool {
        self.flags.contains(TransferFlags::LINKED)
    }

    fn create(&self, batch: &mut Batch<'_>) -> Result<(), Code> {
        check_identity(self)?;
        if let Some(existing) = batch.transfer(self.id) {
            return Err(transfer_exists::compare(batch, self, &existing.transfer));
        }
        if self.is_resolving() {
            batch.post_or_void_pending_transfer(self)
        } else {
            batch.move_or_reserve(self)
        }
    }
}

impl Batch<'_> {
    fn move_or_reserve(&mut self, transfer: &Transfer) -> Result<(), Code> {
        check_fields(transfer)?;
        let debit_at = self.load(transfer.debit_account_id).ok_or(Code::DebitAccountNotFound)?;
        let credit_at = self.load(transfer.credit_account_id).ok_or(Code::CreditAccountNotFound)?;
        let debit = &self.accounts[debit_at].after;
        let credit = &self.accounts[credit_at].after;
        if debit.ledger != credit.ledger {
            return Err(Code::AccountsMustHaveTheSameLedger);
        }
        if transfer.ledger != debit.ledger {
            return Err(Code::TransferMustHaveTheSameLedgerAsAccounts);
        }
        if debit.is_closed() {
            return Err(Code::DebitAccountAlreadyClosed);
        }
        if credit.is_closed() {
            return Err(Code::CreditAccountAlreadyClosed);
        }
        let transfer = Transfer {
            amount: balanced_amount(transfer, debit, credit),
            timestamp: self.next_timestamp(),
            ..*transfer
        };
        check_overflows(&transfer, debit, credit)?;
        if debit.debits_exceed_credits(transfer.amount) {
            return Err(Code::ExceedsCredits);
        }
        if credit.credits_exceed_debits(transfer.amount) {
            return Err(Code::ExceedsDebits);
        }
        self.create_transfer(transfer, Pair { debit: debit_at, credit: credit_at });
        Ok(())
    }
}

/// What must hold before the id is looked up.
fn check_identity(transfer: &Transfer) -> Result<(), Code> {
    if transfer.timestamp != 0 {
        return Err(Code::TimestampMustBeZero);
    }
    if transfer.flags.has_reserved() {
        return Err(Code::ReservedFlag);
    }
    if transfer.id == 0 {
        return Err(Code::IdMustNotBeZero);
    }
    if transfer.id == u128::MAX {
        return Err(Code::IdMustNotBeIntMax);
    }
    Ok(())
}

/// What must hold before the accounts are looked up.
fn check_fields(transfer: &Transfer) -> Result<(), Code> {
    const CLOSING: TransferFlags = TransferFlags::CLOSING_DEBIT.with(TransferFlags::CLOSING_CREDIT);
    if transfer.debit_account_id == 0 {
        return Err(Code::DebitAccountIdMustNotBeZero);
    }
    if transfer.debit_account_id == u128::MAX {
        return Err(Code::DebitAccountIdMustNotBeIntMax);
    }
    if transfer.credit_account_id == 0 {
        return Err(Code::CreditAccountIdMustNotBeZero);
    }
    if transfer.credit_account_id == u128::MAX {
        return Err(Code::CreditAccountIdMustNotBeIntMax);
    }
    if transfer.debit_account_id == transfer.credit_account_id {
        return Err(Code::AccountsMustBeDifferent);
    }
    if transfer.pending_id != 0 {
        return Err(Code::PendingIdMustBeZero);
    }
    if !transfer.is_pending() && transfer.timeout != 0 {
        return Err(Code::TimeoutReservedForPendingTransfer);
    }
    if !transfer.is_pending() && transfer.flags.intersects(CLOSING) {
        return Err(Code::ClosingTransferMustBePending);
    }
    if transfer.ledger == 0 {
        return Err(Code::LedgerMustNotBeZero);
    }
    if transfer.code == 0 {
        return Err(Code::CodeMustNotBeZero);
    }
    Ok(())
}

/// The amount of a balancing transfer is an upper bound; it moves what the accounts allow.
fn balanced_amount(transfer: &Transfer, debit: &Account, credit: &Account) -> u64 {
    let mut amount = transfer.amount;
    if transfer.flags.contains(TransferFlags::BALANCING_DEBIT) {
        let debits = debit.debits_posted + debit.debits_pending;
        amount = amount.min(debit.credits_posted.saturating_sub(debits));
    }
    if transfer.flags.contains(TransferFlags::BALANCING_CREDIT) {
        let credits = credit.credits_posted + credit.credits_pending;
        amount = amount.min(credit.debits_posted.saturating_sub(credits));
    }
    amount
}

fn check_overflows(transfer: &Transfer, debit: &Account, credit: &Account) -> Result<(), Code> {
    let overflows = |balance: u64| balance.checked_add(transfer.amount).is_none();
    if transfer.is_pending() && overflows(debit.debits_pending) {
        return Err(Code::OverflowsDebitsPending);
    }
    if transfer.is_pending() && overflows(credit.credits_pending) {
        return Err(Code::OverflowsCreditsPending);
    }
    if overflows(debit.debits_posted) {
        return Err(Code::OverflowsDebitsPosted);
    }
    if overflows(credit.credits_posted) {
        return Err(Code::OverflowsCreditsPosted);
    }
    // These two keep the sums of pending and posted within 64 bits, here and everywhere else.
    if overflows(debit.debits_pending + debit.debits_posted) {
        return Err(Code::OverflowsDebits);
    }
    if overflows(credit.credits_pending + credit.credits_posted) {
        return Err(Code::OverflowsCredits);
    }
    if transfer.timeout_nanoseconds() > TIMESTAMP_MAX - transfer.timestamp {
        return Err(Code::OverflowsTimeout);
    }
    Ok(())
}
