//! The rules for accounts, by descending precedence.

use super::{Batch, ChainCode, Event};
use crate::{Account, AccountFlags, CreateAccountResult as Code};

impl ChainCode for Code {
    const OK: Self = Self::Ok;
    const LINKED_EVENT_FAILED: Self = Self::LinkedEventFailed;
    const LINKED_EVENT_CHAIN_OPEN: Self = Self::LinkedEventChainOpen;
}

impl Event for Account {
    type Code = Code;

    fn is_linked(&self) -> bool {
        self.flags.contains(AccountFlags::LINKED)
    }

    fn create(&self, batch: &mut Batch<'_>) -> Result<(), Code> {
        check_identity(self)?;
        if let Some(existing) = batch.account(self.id) {
            return Err(compare(self, existing));
        }
        check_fields(self)?;
        batch.create_account(Account { timestamp: batch.next_timestamp(), ..*self });
        Ok(())
    }
}

/// What must hold before the id is looked up.
fn check_identity(account: &Account) -> Result<(), Code> {
    if account.timestamp != 0 {
        return Err(Code::TimestampMustBeZero);
    }
    if account.flags.has_reserved() {
        return Err(Code::ReservedFlag);
    }
    if account.id == 0 {
        return Err(Code::IdMustNotBeZero);
    }
    if account.id == u128::MAX {
        return Err(Code::IdMustNotBeIntMax);
    }
    Ok(())
}

/// Whether a request repeats the one that created `existing`, or in what it differs.
fn compare(account: &Account, existing: &Account) -> Code {
    if account.flags != existing.flags {
        Code::ExistsWithDifferentFlags
    } else if account.user_data_128 != existing.user_data_128 {
        Code::ExistsWithDifferentUserData128
    } else if account.user_data_64 != existing.user_data_64 {
        Code::ExistsWithDifferentUserData64
    } else if account.user_data_32 != existing.user_data_32 {
        Code::ExistsWithDifferentUserData32
    } else if account.ledger != existing.ledger {
        Code::ExistsWithDifferentLedger
    } else if account.code != existing.code {
        Code::ExistsWithDifferentCode
    } else {
        Code::Exists
    }
}

fn check_fields(account: &Account) -> Result<(), Code> {
    let limits =
        AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS | AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS;
    if account.flags.contains(limits) {
        return Err(Code::FlagsAreMutuallyExclusive);
    }
    if account.debits_pending != 0 {
        return Err(Code::DebitsPendingMustBeZero);
    }
    if account.debits_posted != 0 {
        return Err(Code::DebitsPostedMustBeZero);
    }
    if account.credits_pending != 0 {
        return Err(Code::CreditsPendingMustBeZero);
    }
    if account.credits_posted != 0 {
        return Err(Code::CreditsPostedMustBeZero);
    }
    if account.ledger == 0 {
        return Err(Code::LedgerMustNotBeZero);
    }
    if account.code == 0 {
        return Err(Code::CodeMustNotBeZero);
    }
    Ok(())
}
