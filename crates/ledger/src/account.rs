//! Accounts.

use crate::flags::flags;

flags! {
    /// What is allowed on an account. Bit positions are TigerBeetle's; bits 3 (`history`) and
    /// 4 (`imported`) are not built and are refused as reserved.
    AccountFlags {
        /// This event and the next one of the list succeed or fail together.
        LINKED = 0, "linked";
        /// `debits_pending + debits_posted` never exceeds `credits_posted`.
        DEBITS_MUST_NOT_EXCEED_CREDITS = 1, "debits_must_not_exceed_credits";
        /// `credits_pending + credits_posted` never exceeds `debits_posted`.
        CREDITS_MUST_NOT_EXCEED_DEBITS = 2, "credits_must_not_exceed_debits";
        /// Only voiding (or the expiry of) a pending transfer moves value on the account.
        CLOSED = 5, "closed";
    }
}

/// An account: four running totals that only transfers change.
///
/// Amounts are in the smallest part of the ledger's unit. See TigerBeetle,
/// <https://docs.tigerbeetle.com/reference/account/>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Chosen by the creator; neither 0 nor `u128::MAX`.
    pub id: u128,
    /// Sum of the open pending transfers that debit this account.
    pub debits_pending: u64,
    /// Sum of the posted transfers that debit this account.
    pub debits_posted: u64,
    /// Sum of the open pending transfers that credit this account.
    pub credits_pending: u64,
    /// Sum of the posted transfers that credit this account.
    pub credits_posted: u64,
    /// Meaning is the creator's.
    pub user_data_128: u128,
    /// Meaning is the creator's.
    pub user_data_64: u64,
    /// Meaning is the creator's.
    pub user_data_32: u32,
    /// The unit: transfers join accounts of one ledger only. Not 0.
    pub ledger: u32,
    /// The kind of account in the creator's chart of accounts. Not 0.
    pub code: u16,
    /// What is allowed on the account.
    pub flags: AccountFlags,
    /// When it was created, in nanoseconds since 1970, set by the ledger; 0 in a request.
    pub timestamp: u64,
}

impl Account {
    /// Whether the account is closed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.flags.contains(AccountFlags::CLOSED)
    }

    /// Whether `amount` more debits would break `debits_must_not_exceed_credits`.
    pub(crate) fn debits_exceed_credits(&self, amount: u64) -> bool {
        self.flags.contains(AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS)
            && self.debits_pending + self.debits_posted + amount > self.credits_posted
    }

    /// Whether `amount` more credits would break `credits_must_not_exceed_debits`.
    pub(crate) fn credits_exceed_debits(&self, amount: u64) -> bool {
        self.flags.contains(AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS)
            && self.credits_pending + self.credits_posted + amount > self.debits_posted
    }
}
