//! The rules for second phases, by descending precedence.

use super::{Batch, batch::Pair};
use crate::{CreateTransferResult as Code, PendingStatus, StoredTransfer, Transfer, TransferFlags};

impl Batch<'_> {
    pub(super) fn post_or_void_pending_transfer(
        &mut self,
        transfer: &Transfer,
    ) -> Result<(), Code> {
        check_fields(transfer)?;
        let StoredTransfer { transfer: pending, pending_status } =
            self.transfer(transfer.pending_id).ok_or(Code::PendingTransferNotFound)?;
        if !pending.is_pending() {
            return Err(Code::PendingTransferNotPending);
        }
        let transfer = completed(transfer, &pending);
        check_matches(&transfer, &pending)?;
        self.check_open(&pending, pending_status)?;

        let debit_at = self.load(pending.debit_account_id);
        let credit_at = self.load(pending.credit_account_id);
        let (Some(debit), Some(credit)) = (debit_at, credit_at) else {
            panic!("the accounts of pending transfer {} are not there", pending.id);
        };
        let posts = transfer.flags.contains(TransferFlags::POST_PENDING_TRANSFER);
        // The only movement allowed in a closed account is the end of a pending transfer.
        if posts && self.accounts[debit].after.is_closed() {
            return Err(Code::DebitAccountAlreadyClosed);
        }
        if posts && self.accounts[credit].after.is_closed() {
            return Err(Code::CreditAccountAlreadyClosed);
        }
        let transfer = Transfer { timestamp: self.next_timestamp(), ..transfer };
        self.resolve_transfer(transfer, &pending, Pair { debit, credit });
        Ok(())
    }

    /// A pending transfer is open until it is resolved or its time has passed, even when its
    /// expiry could not yet become a fact.
    fn check_open(&self, pending: &Transfer, status: PendingStatus) -> Result<(), Code> {
        match status {
            PendingStatus::None => unreachable!("a pending transfer has a pending status"),
            PendingStatus::Posted => Err(Code::PendingTransferAlreadyPosted),
            PendingStatus::Voided => Err(Code::PendingTransferAlreadyVoided),
            PendingStatus::Expired => Err(Code::PendingTransferExpired),
            PendingStatus::Pending => match pending.expires_at() {
                Some(expires_at) if expires_at <= self.next_timestamp() => {
                    Err(Code::PendingTransferExpired)
                }
                _ => Ok(()),
            },
        }
    }
}

/// A second phase with all that it leaves out: fields that are 0 are the pending transfer's, and
/// the amount that means all is the pending transfer's too.
pub(super) fn completed(transfer: &Transfer, pending: &Transfer) -> Transfer {
    let voids = transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
    let all = if voids { 0 } else { Transfer::AMOUNT_MAX };
    Transfer {
        debit_account_id: or(transfer.debit_account_id, pending.debit_account_id),
        credit_account_id: or(transfer.credit_account_id, pending.credit_account_id),
        amount: if transfer.amount == all { pending.amount } else { transfer.amount },
        user_data_128: or(transfer.user_data_128, pending.user_data_128),
        user_data_64: or(transfer.user_data_64, pending.user_data_64),
        user_data_32: or(transfer.user_data_32, pending.user_data_32),
        ledger: or(transfer.ledger, pending.ledger),
        code: or(transfer.code, pending.code),
        ..*transfer
    }
}

/// `value`, or what stands in for it when it is left out.
fn or<T: Default + PartialEq>(value: T, absent: T) -> T {
    if value == T::default() { absent } else { value }
}

/// What must hold before the pending transfer is looked up.
fn check_fields(transfer: &Transfer) -> Result<(), Code> {
    if transfer.flags.contains(TransferFlags::RESOLVING)
        || transfer.flags.intersects(TransferFlags::FIRST_PHASE)
    {
        return Err(Code::FlagsAreMutuallyExclusive);
    }
    if transfer.pending_id == 0 {
        return Err(Code::PendingIdMustNotBeZero);
    }
    if transfer.pending_id == u128::MAX {
        return Err(Code::PendingIdMustNotBeIntMax);
    }
    if transfer.pending_id == transfer.id {
        return Err(Code::PendingIdMustBeDifferent);
    }
    if transfer.timeout != 0 {
        return Err(Code::TimeoutReservedForPendingTransfer);
    }
    Ok(())
}

/// What a completed second phase must have in common with its first phase.
fn check_matches(transfer: &Transfer, pending: &Transfer) -> Result<(), Code> {
    if transfer.debit_account_id != pending.debit_account_id {
        return Err(Code::PendingTransferHasDifferentDebitAccountId);
    }
    if transfer.credit_account_id != pending.credit_account_id {
        return Err(Code::PendingTransferHasDifferentCreditAccountId);
    }
    if transfer.ledger != pending.ledger {
        return Err(Code::PendingTransferHasDifferentLedger);
    }
    if transfer.code != pending.code {
        return Err(Code::PendingTransferHasDifferentCode);
    }
    if transfer.amount > pending.amount {
        return Err(Code::ExceedsPendingTransferAmount);
    }
    let voids = transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
    if voids && transfer.amount < pending.amount {
        return Err(Code::PendingTransferHasDifferentAmount);
    }
    Ok(())
}
