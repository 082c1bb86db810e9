//! The handle of a ledger: what the application calls.

use std::sync::Arc;
use std::time::Instant;

use omamori_db::Db;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::error::{CommitError, JournalError, OpenError};
use super::queue::{Message, Waiting};
use super::{Companion, Options, Shared, Subscription, start};
use crate::views::{Follower, Following, follow};
use crate::{Account, MemoryUse, Position, Reply, Request, State, StoredTransfer, Transfer};

/// A request, and by what it is admitted.
#[derive(Clone, Debug)]
pub struct Submission<A> {
    /// What is asked for.
    pub request: Request,
    /// Requests with an equal key are never in one batch: each sees the companion with all that
    /// the earlier ones did. For a payment, the customer.
    pub serial_key: Option<u128>,
    /// What the companion admits it by; without one it is not asked.
    pub admission: Option<A>,
}

impl<A> Submission<A> {
    /// A request that the companion is not asked about.
    #[must_use]
    pub fn unchecked(request: Request) -> Self {
        Self { request, serial_key: None, admission: None }
    }
}

/// What a ledger holds in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerMemory {
    /// Accounts, transfers, ids.
    pub state: MemoryUse,
    /// Transfers that the views may lack, kept by account for statements.
    pub tail_transfer_count: usize,
    /// Bytes of these.
    pub tail_bytes: usize,
}

/// An open ledger. Cheap to clone; all clones are the same ledger. Dropping the last one stops it
/// without waiting; [`Ledger::close`] waits.
pub struct Ledger<C: Companion> {
    messages: mpsc::Sender<Message<C>>,
    shared: Arc<Shared<C>>,
    running: Arc<Running>,
}

/// The tasks of an open ledger.
pub(super) struct Running {
    pub(super) stop: tokio::sync::watch::Sender<bool>,
    pub(super) writer: Mutex<Option<JoinHandle<()>>>,
    pub(super) viewing: Following,
    pub(super) unviewed_transfers_max: usize,
}

impl<C: Companion> Clone for Ledger<C> {
    fn clone(&self) -> Self {
        Self {
            messages: self.messages.clone(),
            shared: Arc::clone(&self.shared),
            running: Arc::clone(&self.running),
        }
    }
}

impl<C: Companion> Ledger<C> {
    /// Opens the ledger: brings both schemas up to date, loads the snapshot of the views, folds
    /// the journal after it, and starts the writer and the views.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(options: Options, companion: C) -> Result<Self, OpenError> {
        start::open(options, companion).await
    }

    pub(super) fn new(
        messages: mpsc::Sender<Message<C>>,
        shared: Arc<Shared<C>>,
        running: Running,
    ) -> Self {
        Self { messages, shared, running: Arc::new(running) }
    }

    pub(crate) fn shared(&self) -> &Shared<C> {
        &self.shared
    }

    /// Does what the submission asks for, durably, and answers. The events of the request may
    /// have failed each for itself: look into the reply.
    ///
    /// Dropping the future does not take the request back.
    ///
    /// # Errors
    /// See [`CommitError`], which also says whether something may have happened.
    pub async fn commit(
        &self,
        submission: Submission<C::Admission>,
    ) -> Result<Reply, CommitError<C::Refusal>> {
        if self.shared.unviewed_transfers() > self.running.unviewed_transfers_max {
            return Err(CommitError::Busy);
        }
        let (answer, answered) = oneshot::channel();
        let message = Message::Commit(Waiting { submission, since: Instant::now(), answer });
        self.messages.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommitError::Stopped,
        })?;
        answered.await.unwrap_or(Err(CommitError::Stopped))
    }

    /// Makes the writer look at the clock now: what has expired by then is released durably when
    /// this returns. The writer does it by itself too; this is for clocks that do not run.
    pub async fn tick(&self) {
        let (answer, answered) = oneshot::channel();
        if self.messages.send(Message::Tick(answer)).await.is_ok() {
            // A writer that stopped has nothing more to release.
            let _stopped = answered.await;
        }
    }

    /// The account as of the last merged entry.
    ///
    /// # Panics
    /// If the ledger has stopped because a change failed half way; so does every other read.
    #[must_use]
    pub fn account(&self, id: u128) -> Option<Account> {
        self.shared.read().state.account(id).copied()
    }

    /// The transfer with this id, from memory or else from the views.
    ///
    /// # Errors
    /// [`JournalError::Store`].
    pub async fn transfer(&self, id: u128) -> Result<Option<StoredTransfer>, JournalError> {
        let (found, may_be_old) = {
            let core = self.shared.read();
            (core.state.transfer(id), core.state.may_be_old(id))
        };
        if found.is_some() || !may_be_old {
            return Ok(found);
        }
        Ok(self.shared.views.transfers_by_id(&[id]).await?.pop())
    }

    /// Looks into the state as of the last merged entry: several accounts of one moment.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.shared.read().state)
    }

    /// Looks into the companion, as of the last merged entry.
    pub fn companion<T>(&self, look: impl FnOnce(&C) -> T) -> T {
        look(&self.shared.read().companion)
    }

    /// The last merged entry.
    #[must_use]
    pub fn position(&self) -> Position {
        *self.shared.read().state.position()
    }

    /// Requests that wait for the writer.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.messages.max_capacity() - self.messages.capacity()
    }

    /// False once the writer has stopped: nothing is committed any more.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.messages.is_closed()
    }

    /// What the ledger holds in memory.
    #[must_use]
    pub fn memory_use(&self) -> LedgerMemory {
        let state = self.shared.read().state.memory_use();
        let tail = self.shared.tail.lock();
        LedgerMemory {
            state,
            tail_transfer_count: tail.transfer_count(),
            tail_bytes: tail.memory_bytes(),
        }
    }

    /// The entries merged from now on, in order, each once.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        self.subscribe_from(self.position())
    }

    /// The merged entries after `position`, in order, each once.
    #[must_use]
    pub fn subscribe_from(&self, position: Position) -> Subscription {
        Subscription::new(Arc::clone(&self.shared.feed), position)
    }

    /// Runs a follower of the journal, whose position is kept in `db` in the same transactions as
    /// its own writes.
    ///
    /// # Errors
    /// [`omamori_db::Error`] if its position cannot be read.
    pub async fn follow<F: Follower>(
        &self,
        db: Db,
        follower: F,
    ) -> Result<Following, omamori_db::Error> {
        follow(Arc::clone(&self.shared.feed), db, follower).await
    }

    /// The transfers of an account before a time (nanoseconds since 1970; `None` is now), newest
    /// first, at most `limit`. Whatever was answered before the call is in it.
    ///
    /// # Errors
    /// [`JournalError::Store`].
    pub async fn statement(
        &self,
        account_id: u128,
        before_timestamp: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Transfer>, JournalError> {
        let before = before_timestamp.unwrap_or(u64::MAX);
        // First the tail, then the views: what leaves the tail is in the views already.
        let mut transfers: Vec<Transfer> =
            self.shared.tail.lock().of_account(account_id, before).take(limit).collect();
        if transfers.len() == limit {
            return Ok(transfers);
        }
        let before = transfers.last().map_or(before, |oldest| oldest.timestamp);
        let missing = limit - transfers.len();
        transfers.extend(self.shared.views.statement(account_id, before, missing).await?);
        Ok(transfers)
    }

    /// Up to where the views are durable.
    #[must_use]
    pub fn views_position(&self) -> Position {
        *self.shared.viewed.borrow()
    }

    /// Waits until the views hold all up to entry `seq`, without lingering for larger batches.
    /// False if they have stopped before.
    pub async fn views_reach(&self, seq: u64) -> bool {
        self.running.viewing.reach(seq).await
    }

    /// Takes no more requests, answers those that wait, lets the views catch up, and stops. The
    /// stores stay open.
    pub async fn close(&self) {
        self.running.stop.send_replace(true);
        let writer = self.running.writer.lock().take();
        if let Some(writer) = writer
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "the writer did not end by itself");
        }
        self.running.viewing.ended().await;
    }
}
