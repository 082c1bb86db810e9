//! The writer: the one task that appends to the journal and changes the state.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::error::{CommitError, JournalError};
use super::queue::{Answer, Batch, Queue, Waiting};
use super::{BatchSeen, Companion, Observer, Shared};
use crate::{Append, Applying, Delta, OlderTransfers, Position};

/// How often an idle node of several looks for what the others wrote.
const POLL_PERIOD: Duration = Duration::from_millis(100);
/// While pending transfers are open the writer looks at the clock at least so often, because a
/// clock may be set.
const CLOCK_PERIOD_MAX: Duration = Duration::from_secs(1);
const CLOCK_PERIOD_MIN: Duration = Duration::from_millis(1);
/// How often a batch is built again because another node was faster.
const CONFLICTS_MAX: usize = 100;

pub(super) struct Writer<C: Companion> {
    pub(super) shared: Arc<Shared<C>>,
    pub(super) queue: Queue<C>,
    pub(super) now_nanos: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) stop: watch::Receiver<bool>,
}

/// A batch that was applied to the state, but counts only once its entry is durable.
struct Built<C: Companion> {
    base: Position,
    delta: Delta,
    answers: Vec<Answer<C>>,
}

/// What became of one attempt to make a batch durable.
enum Attempt<C: Companion> {
    Durable(Vec<Answer<C>>),
    /// Others appended; their entries are folded now, and the batch must be built again.
    Overtaken,
    Failed(Failure),
}

/// Why a batch is given up.
enum Failure {
    Unavailable(Arc<omamori_db::Error>),
    Unknown(Arc<omamori_db::Error>),
}

impl<C: Companion> Writer<C> {
    /// Works until the ledger is closed and all that waits is answered.
    ///
    /// # Errors
    /// If the journal is not what it must be: then nothing more may be appended.
    pub(super) async fn run(mut self) -> Result<(), JournalError> {
        let mut closing = false;
        loop {
            let pause = self.pause();
            tokio::select! {
                biased;
                _ = self.stop.changed(), if !closing => {
                    closing = true;
                    self.queue.close();
                    continue;
                }
                arrived = self.queue.wait() => {
                    if !arrived {
                        return Ok(());
                    }
                    // Callers that are ready to run send their requests for the same entry.
                    tokio::task::yield_now().await;
                }
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {
                    if !self.shared.journal.is_embedded() {
                        self.poll().await?;
                    }
                    if !self.expiry_is_due() {
                        continue;
                    }
                }
            }
            let batch = self.queue.take();
            self.commit(batch).await?;
        }
    }

    /// How long the writer may sleep when no request comes; `None` for ever.
    fn pause(&self) -> Option<Duration> {
        let until_expiry = self.next_expiry().map(|at| {
            let nanos = at.saturating_sub((self.now_nanos)());
            Duration::from_nanos(nanos).clamp(CLOCK_PERIOD_MIN, CLOCK_PERIOD_MAX)
        });
        let until_poll = (!self.shared.journal.is_embedded()).then_some(POLL_PERIOD);
        until_expiry.into_iter().chain(until_poll).min()
    }

    fn next_expiry(&self) -> Option<u64> {
        self.shared.read().state.next_expiry()
    }

    /// Whether a pending transfer has expired by the clock.
    fn expiry_is_due(&self) -> bool {
        self.next_expiry().is_some_and(|at| at <= (self.now_nanos)())
    }

    /// Folds what other nodes wrote; a store that does not answer is asked again later.
    async fn poll(&self) -> Result<(), JournalError> {
        match self.shared.catch_up().await {
            Err(JournalError::Store(error)) => {
                tracing::warn!(%error, source = ?error, "the journal does not answer");
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// Makes a batch durable and answers it.
    async fn commit(&self, batch: Batch<C>) -> Result<(), JournalError> {
        let Batch { requests, ticks } = batch;
        let taken = Instant::now();
        for conflicts in 0..CONFLICTS_MAX {
            match self.attempt(&requests).await? {
                Attempt::Overtaken => {}
                Attempt::Durable(answers) => {
                    self.tell(&requests, taken, conflicts);
                    // Whoever does not wait for the answer any more can ask again.
                    for (waiting, answer) in requests.into_iter().zip(answers) {
                        let _gone = waiting.answer.send(answer);
                    }
                    for tick in ticks {
                        let _gone = tick.send(());
                    }
                    return Ok(());
                }
                Attempt::Failed(Failure::Unavailable(error)) => {
                    tracing::warn!(%error, source = ?error, "a batch was not appended");
                    fail(requests, || CommitError::Unavailable(Arc::clone(&error)));
                    return Ok(());
                }
                Attempt::Failed(Failure::Unknown(error)) => {
                    tracing::error!(%error, source = ?error, "the outcome of a batch is unknown");
                    fail(requests, || CommitError::Unknown(Arc::clone(&error)));
                    return Ok(());
                }
            }
        }
        fail(requests, || CommitError::Busy);
        Ok(())
    }

    /// Tells the observer of a batch that was taken from the queue at `taken` and is durable.
    fn tell(&self, requests: &[Waiting<C>], taken: Instant, conflicts: usize) {
        let (Some(observer), Some(first)) = (&self.observer, requests.first()) else { return };
        observer.committed(&BatchSeen {
            requests: requests.len(),
            waited: taken.saturating_duration_since(first.since),
            took: taken.elapsed(),
            conflicts,
        });
    }

    async fn attempt(&self, requests: &[Waiting<C>]) -> Result<Attempt<C>, JournalError> {
        let older = match self.look_up_older(requests).await {
            Ok(older) => older,
            Err(error) => return Ok(Attempt::Failed(Failure::Unavailable(Arc::new(error)))),
        };
        let Built { base, delta, answers } = self.build(requests, &older);
        if delta.is_empty() {
            return self.confirm(&base, answers, requests.is_empty()).await;
        }
        let entry = delta.encode();
        match self.shared.journal.append(&base, &entry).await {
            Append::Done => {
                self.shared.merge(delta, entry.position);
                Ok(Attempt::Durable(answers))
            }
            Append::Conflict => self.overtaken(&base).await,
            Append::Unknown(error) => Ok(Attempt::Failed(Failure::Unknown(Arc::new(error)))),
        }
    }

    /// Nothing is to be appended, but refusals and repetitions are answers too: they must be
    /// those of the newest state, so nobody may have appended meanwhile.
    async fn confirm(
        &self,
        base: &Position,
        answers: Vec<Answer<C>>,
        nobody_asks: bool,
    ) -> Result<Attempt<C>, JournalError> {
        if nobody_asks {
            return Ok(Attempt::Durable(answers));
        }
        match self.shared.journal.head().await {
            Ok(head) if head.seq == base.seq => Ok(Attempt::Durable(answers)),
            Ok(_) => self.overtaken(base).await,
            Err(error) => Ok(Attempt::Failed(Failure::Unavailable(Arc::new(error)))),
        }
    }

    /// Folds what others appended after `base`.
    async fn overtaken(&self, base: &Position) -> Result<Attempt<C>, JournalError> {
        match self.shared.catch_up().await {
            Ok(0) => Err(JournalError::Replaced { seq: base.seq }),
            Ok(_) => Ok(Attempt::Overtaken),
            Err(JournalError::Store(error)) => Ok(Attempt::Failed(Failure::Unavailable(error))),
            Err(error) => Err(error),
        }
    }

    /// Looks up the transfers that the requests may refer to and memory does not have.
    async fn look_up_older(
        &self,
        requests: &[Waiting<C>],
    ) -> Result<OlderTransfers, omamori_db::Error> {
        let mut older = OlderTransfers::default();
        let ids: Vec<u128> = {
            let state = &self.shared.read().state;
            let of_request = |waiting: &Waiting<C>| {
                state.older_ids(&waiting.submission.request).collect::<Vec<_>>()
            };
            requests.iter().flat_map(of_request).collect()
        };
        for id in &ids {
            older.insert(*id, None);
        }
        for stored in self.shared.views.transfers_by_id(&ids).await? {
            older.insert(stored.transfer.id, Some(stored));
        }
        Ok(older)
    }

    /// Applies the requests to the state, without changing it.
    fn build(&self, requests: &[Waiting<C>], older: &OlderTransfers) -> Built<C> {
        let core = self.shared.read();
        let base = *core.state.position();
        let timestamp = (self.now_nanos)().max(base.timestamp + 1);
        core.state.read_ahead(requests.iter().map(|waiting| &waiting.submission.request));
        let mut applying = Applying::new(&core.state, older, timestamp);
        let answers = requests.iter().map(|Waiting { submission, .. }| {
            if let Some(admission) = &submission.admission {
                core.companion
                    .admit(&core.state, &submission.request, admission, timestamp)
                    .map_err(CommitError::Refused)?;
            }
            Ok(applying.request(&submission.request))
        });
        let answers = answers.collect();
        Built { base, delta: applying.finish(), answers }
    }
}

/// Answers all with one error.
fn fail<C: Companion>(requests: Vec<Waiting<C>>, error: impl Fn() -> CommitError<C::Refusal>) {
    for waiting in requests {
        let _gone = waiting.answer.send(Err(error()));
    }
}
