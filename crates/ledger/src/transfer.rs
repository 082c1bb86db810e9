//! Transfers, and what became of the pending ones.

use crate::flags::flags;

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

flags! {
    /// How a transfer moves value. Bit positions are TigerBeetle's; bit 8 (`imported`) is not
    /// built and is refused as reserved.
    TransferFlags {
        /// This event and the next one of the list succeed or fail together.
        LINKED = 0, "linked";
        /// First phase: the amount is reserved, not yet moved.
        PENDING = 1, "pending";
        /// Second phase: moves the amount, or less, that `pending_id` reserved.
        POST_PENDING_TRANSFER = 2, "post_pending_transfer";
        /// Second phase: releases all that `pending_id` reserved.
        VOID_PENDING_TRANSFER = 3, "void_pending_transfer";
        /// At most what keeps the debit account's debits within its credits.
        BALANCING_DEBIT = 4, "balancing_debit";
        /// At most what keeps the credit account's credits within its debits.
        BALANCING_CREDIT = 5, "balancing_credit";
        /// Closes the debit account; voiding this transfer opens it again.
        CLOSING_DEBIT = 6, "closing_debit";
        /// Closes the credit account; voiding this transfer opens it again.
        CLOSING_CREDIT = 7, "closing_credit";
    }
}

impl TransferFlags {
    /// The second phase, of either kind.
    pub(crate) const RESOLVING: Self =
        Self::POST_PENDING_TRANSFER.with(Self::VOID_PENDING_TRANSFER);
    /// The flags that no second phase may carry.
    pub(crate) const FIRST_PHASE: Self = Self::PENDING
        .with(Self::BALANCING_DEBIT)
        .with(Self::BALANCING_CREDIT)
        .with(Self::CLOSING_DEBIT)
        .with(Self::CLOSING_CREDIT);
}

/// A transfer of one amount from one account (debit) to another (credit).
///
/// In a request it says what is wanted; in a fact it says what happened (amount resolved, absent
/// fields of a second phase taken from the pending transfer, timestamp set). See TigerBeetle,
/// <https://docs.tigerbeetle.com/reference/transfer/>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Chosen by the creator, and the key of idempotency; neither 0 nor `u128::MAX`.
    pub id: u128,
    /// The account whose debits grow; 0 in a second phase means the pending transfer's.
    pub debit_account_id: u128,
    /// The account whose credits grow; 0 in a second phase means the pending transfer's.
    pub credit_account_id: u128,
    /// In the smallest part of the unit. [`Transfer::AMOUNT_MAX`] posts all that is pending, and
    /// sets no upper bound to a balancing transfer; 0 voids all that is pending.
    pub amount: u64,
    /// The pending transfer that a second phase resolves; otherwise 0.
    pub pending_id: u128,
    /// Meaning is the creator's; 0 in a second phase means the pending transfer's.
    pub user_data_128: u128,
    /// Meaning is the creator's; 0 in a second phase means the pending transfer's.
    pub user_data_64: u64,
    /// Meaning is the creator's; 0 in a second phase means the pending transfer's.
    pub user_data_32: u32,
    /// Seconds until a pending transfer expires; 0 means never.
    pub timeout: u32,
    /// The unit, as of both accounts; 0 in a second phase means the pending transfer's.
    pub ledger: u32,
    /// The reason in the creator's list; 0 in a second phase means the pending transfer's.
    pub code: u16,
    /// How value moves.
    pub flags: TransferFlags,
    /// When it happened, in nanoseconds since 1970, set by the ledger; 0 in a request.
    pub timestamp: u64,
}

impl Transfer {
    /// TigerBeetle's `AMOUNT_MAX`, narrowed to 64 bits.
    pub const AMOUNT_MAX: u64 = u64::MAX;

    /// Whether this is a first phase.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.flags.contains(TransferFlags::PENDING)
    }

    /// Whether this is a second phase: it posts or voids a pending transfer.
    #[must_use]
    pub const fn is_resolving(&self) -> bool {
        self.flags.intersects(TransferFlags::RESOLVING)
    }

    /// When the pending transfer expires, in nanoseconds since 1970; `None` means never.
    #[must_use]
    pub const fn expires_at(&self) -> Option<u64> {
        if self.timeout == 0 { None } else { Some(self.timestamp + self.timeout_nanoseconds()) }
    }

    /// What becomes of a pending transfer at first, and of any other transfer for good.
    pub(crate) const fn initial_status(&self) -> PendingStatus {
        if self.is_pending() { PendingStatus::Pending } else { PendingStatus::None }
    }

    /// What a second phase makes of its pending transfer.
    pub(crate) const fn resolution(&self) -> PendingStatus {
        if self.flags.contains(TransferFlags::POST_PENDING_TRANSFER) {
            PendingStatus::Posted
        } else {
            PendingStatus::Voided
        }
    }

    pub(crate) const fn timeout_nanoseconds(&self) -> u64 {
        self.timeout as u64 * NANOSECONDS_PER_SECOND
    }
}

/// What became of a pending transfer. Numbers are TigerBeetle's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PendingStatus {
    /// Not a pending transfer.
    #[default]
    None = 0,
    /// Open: the amount is reserved.
    Pending = 1,
    /// Posted, in full or in part.
    Posted = 2,
    /// Voided.
    Voided = 3,
    /// Its timeout passed.
    Expired = 4,
}

/// A transfer that happened, and what became of it if it was pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredTransfer {
    /// The transfer with its resolved values.
    pub transfer: Transfer,
    /// What became of it.
    pub pending_status: PendingStatus,
}
