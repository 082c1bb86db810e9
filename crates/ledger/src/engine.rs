//! The engine: one writer that makes requests durable in groups, and everybody who reads.
//!
//! ```text
//! commit ─► queue ─► writer: build a batch (pure core) ─► append (durable) ─► merge ─► answer
//!                      ▲                                                        │
//!                      └── what other nodes appended is folded first            ▼
//!                                                     Feed ─► views, followers, subscriptions
//! ```
//!
//! # What must always hold
//! - Nothing is answered before its entry is durable; a batch that was not appended leaves no
//!   trace in memory.
//! - State and companion change together, under one lock, and only by entries of the journal.
//! - A panic while they change poisons the lock: nothing is read or written afterwards.
//! - Memory forgets only transfers that the views hold durably.

mod companion;
mod error;
mod feed;
mod ledger;
mod options;
mod queue;
mod recent;
mod shared;
mod start;
mod subscription;
mod writer;

pub use companion::{Companion, NoCompanion};
pub use error::{CommitError, JournalError, OpenError};
pub use ledger::{Ledger, LedgerMemory, Submission};
pub use options::{BatchSeen, ChainCheck, Observer, Options};
pub use subscription::Subscription;

pub(crate) use feed::Feed;
use shared::Core;
pub(crate) use shared::Shared;
