//! The requests that wait, and which of them go into the next batch.

use std::collections::VecDeque;
use std::time::Instant;

use hashbrown::HashSet;
use tokio::sync::{mpsc, oneshot};

use super::{Companion, error::CommitError, ledger::Submission};
use crate::Reply;

/// How a request is answered.
pub(super) type Answer<C> = Result<Reply, CommitError<<C as Companion>::Refusal>>;

/// A request and whom to answer.
pub(super) struct Waiting<C: Companion> {
    pub(super) submission: Submission<C::Admission>,
    /// When it came.
    pub(super) since: Instant,
    pub(super) answer: oneshot::Sender<Answer<C>>,
}

/// What is sent to the writer.
pub(super) enum Message<C: Companion> {
    Commit(Waiting<C>),
    /// Look at the clock: what has expired is released. Answered when that is durable.
    Tick(oneshot::Sender<()>),
}

/// What the next entry is made of.
pub(super) struct Batch<C: Companion> {
    pub(super) requests: Vec<Waiting<C>>,
    pub(super) ticks: Vec<oneshot::Sender<()>>,
}

/// The requests that wait, in order of arrival.
pub(super) struct Queue<C: Companion> {
    receiver: mpsc::Receiver<Message<C>>,
    arrived: Vec<Message<C>>,
    /// Requests whose serial key was in a batch already when they came.
    deferred: VecDeque<Waiting<C>>,
    batch_requests_max: usize,
}

impl<C: Companion> Queue<C> {
    pub(super) fn new(receiver: mpsc::Receiver<Message<C>>, batch_requests_max: usize) -> Self {
        let arrived = Vec::with_capacity(batch_requests_max);
        Self { receiver, arrived, deferred: VecDeque::new(), batch_requests_max }
    }

    /// Waits until there is something to do; false when nothing will come any more. Safe to drop
    /// while it waits.
    pub(super) async fn wait(&mut self) -> bool {
        if !self.deferred.is_empty() || !self.arrived.is_empty() {
            return true;
        }
        self.receiver.recv_many(&mut self.arrived, self.batch_requests_max).await > 0
    }

    /// Takes no more requests; those that wait are still handed out.
    pub(super) fn close(&mut self) {
        self.receiver.close();
    }

    /// The next batch: in order of arrival, without two requests of one serial key. A request
    /// with the key of a deferred one stays behind it, because the key is taken already.
    pub(super) fn take(&mut self) -> Batch<C> {
        let count_max = self.batch_requests_max;
        let mut batch = Batch { requests: Vec::with_capacity(count_max), ticks: Vec::new() };
        let mut keys = HashSet::new();
        for _ in 0..self.deferred.len() {
            let Some(waiting) = self.deferred.pop_front() else { break };
            self.place(waiting, &mut batch, &mut keys);
        }
        // The deferred are bounded: while a batch full of them waits, nothing new is taken.
        while self.deferred.len() < count_max && batch.requests.len() < count_max {
            if self.arrived.is_empty() {
                match self.receiver.try_recv() {
                    Ok(message) => self.arrived.push(message),
                    Err(_) => break,
                }
            }
            let mut arrived = std::mem::take(&mut self.arrived);
            for message in arrived.drain(..) {
                match message {
                    Message::Commit(waiting) => self.place(waiting, &mut batch, &mut keys),
                    Message::Tick(tick) => batch.ticks.push(tick),
                }
            }
            self.arrived = arrived;
        }
        batch
    }

    fn place(&mut self, waiting: Waiting<C>, batch: &mut Batch<C>, keys: &mut HashSet<u128>) {
        let key_taken = waiting.submission.serial_key.is_some_and(|key| !keys.insert(key));
        if key_taken || batch.requests.len() == self.batch_requests_max {
            self.deferred.push_back(waiting);
        } else {
            batch.requests.push(waiting);
        }
    }
}
