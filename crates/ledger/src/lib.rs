//! A double-entry ledger with TigerBeetle's data model and semantics.
//!
//! An application opens a [`Ledger`] and commits [`Submission`]s. Behind it are the engine (one
//! writer, group commit), the [`Journal`] on SQLite or PostgreSQL, the views ([`Follower`]), and
//! [`verify()`], a second code path that recomputes everything.
//!
//! The rest is the pure core: a [`State`] and [`Request`]s make [`Reply`]s and a [`Delta`]. It has
//! no clock, no input or output, and no randomness that shows in a result.
//!
//! ```text
//!            State::older_ids ──► look up ──► OlderTransfers     (and State::read_ahead)
//!                                                  │
//! State ───────────────► Applying::new(timestamp_first)
//! Request ─────────────► Applying::request ──► Reply        (many of them)
//!                        Applying::finish  ──► Delta
//!                        Delta::encode     ──► EncodedEntry ──► made durable elsewhere
//! State ◄── State::merge(Delta, Position)          then the replies may go out
//! State ◄── State::fold(Entry)                     when a journal is read
//! ```
//!
//! # What must always hold
//! - In each ledger debits equal credits, pending and posted; limits of accounts hold. Asserted
//!   after every batch, in production too.
//! - The state is what its journal folds to. Facts carry resolved values, so folding needs none
//!   of the rules by which they came about.
//! - Timestamps rise strictly, and each fact has its own.
//! - Ids are used once, for ever: a transfer that has left memory is found through
//!   [`State::older_ids`], and applying refuses to guess.
//!
//! # What differs from TigerBeetle
//! - Amounts are 64-bit, and `AMOUNT_MAX` is `u64::MAX`; overflow results speak of 64 bits.
//! - Not built: `imported` events, account `history`, queries. Their flags are reserved.
//! - No `id_already_failed`: a refused transfer leaves no trace in the journal, so its id may be
//!   tried again and may then succeed.
//! - A request holds accounts and transfers; chains do not cross from one list to the other.
//! - A timestamp is given to an event that succeeds, not to one that is refused.
//!
//! Reference: <https://docs.tigerbeetle.com/reference/requests/create_transfers/> and TigerBeetle's
//! `src/state_machine.zig`, versions 0.16.x.

mod account;
mod accounts;
mod apply;
mod effect;
mod engine;
mod entry;
mod fact;
mod filter;
mod flags;
mod fold;
mod index;
mod journal;
mod request;
mod result;
mod snapshot;
mod state;
mod transfer;
mod transfers;
mod verify;
mod views;

pub use account::{Account, AccountFlags};
pub use apply::{Applying, Delta, EXPIRIES_PER_BATCH_MAX};
pub use engine::{
    BatchSeen, ChainCheck, CommitError, Companion, JournalError, Ledger, LedgerMemory, NoCompanion,
    Observer, OpenError, Options, Submission, Subscription,
};
pub use entry::{DecodeError, EncodedEntry, Entry, Hash, Position};
pub use fact::Fact;
pub use filter::IdFilter;
pub use fold::FoldError;
pub use journal::{Append, BrokenEntry, Journal, StoredEntry};
pub use request::{AccountOutcome, OlderTransfers, Reply, Request, TransferOutcome};
pub use result::{CreateAccountResult, CreateTransferResult};
pub use snapshot::SnapshotError;
pub use state::{MemoryUse, State};
pub use transfer::{PendingStatus, StoredTransfer, Transfer, TransferFlags};
pub use verify::{Problem, Report, verify};
pub use views::{Follower, Following, delete_views, prepare_followers};
