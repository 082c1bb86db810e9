//! What happened: the only content of the journal.

use crate::{Account, Transfer};

/// One change of the state, with all values resolved, so that folding it needs no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// An account came to be; its balances are 0.
    AccountCreated(Account),
    /// Value was moved, reserved, or freed.
    TransferCreated(Transfer),
    /// A pending transfer ran into its timeout: what it reserved is free again.
    PendingTransferExpired {
        /// The transfer that expired.
        pending_id: u128,
        /// When the ledger noticed, in nanoseconds since 1970; at or after its time of expiry.
        timestamp: u64,
    },
}

impl Fact {
    /// When it happened, in nanoseconds since 1970; no two facts share a timestamp.
    #[must_use]
    pub const fn timestamp(&self) -> u64 {
        match self {
            Self::AccountCreated(account) => account.timestamp,
            Self::TransferCreated(transfer) => transfer.timestamp,
            Self::PendingTransferExpired { timestamp, .. } => *timestamp,
        }
    }
}
