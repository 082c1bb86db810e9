//! Following the journal into tables, with a position that moves in the same transaction.

use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use omamori_db::{Db, Error, Step, Tx, sql};
use tokio::sync::{Notify, watch};

use crate::engine::Feed;
use crate::{Entry, JournalError, Position, Subscription};

const STEPS: &[Step] = &[Step {
    version: 1,
    name: "follower",
    text: include_str!("../../../../migrations/ledger_follower/0001_follower.sql"),
}];

/// Facts of one transaction, about.
const FACTS_PER_TRANSACTION: usize = 32_768;
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);
/// How often a follower that stands by looks how far the one of the other node is.
const STAND_BY_PERIOD: Duration = Duration::from_millis(200);
/// After so many looks without progress it takes over.
const STAND_BY_LOOKS_MAX: u32 = 10;

/// Something that turns the entries of the journal into rows, each entry once and in order.
pub trait Follower: Send + 'static {
    /// Under which its position is kept; one name, one follower.
    fn name(&self) -> &'static str;

    /// Writes what the entries mean. Called in a transaction that also moves the position: both
    /// happen or neither. What it keeps in memory counts from [`Follower::applied`] on; if that
    /// does not come, [`Follower::resume`] does.
    ///
    /// # Errors
    /// The transaction is rolled back, and the entries come again after a pause.
    fn apply(
        &mut self,
        tx: &mut Tx,
        entries: &[Arc<Entry>],
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// The follower goes on from `position`: at the start, after an error, and when it takes over
    /// from the same follower of another node. What was kept in memory may be wrong.
    ///
    /// # Errors
    /// It is called again after a pause.
    fn resume(&mut self, position: &Position) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = position;
        ready(Ok(()))
    }

    /// The last [`Follower::apply`] is durable, and the follower stands at `position`.
    fn applied(&mut self, position: &Position) {
        let _ = position;
    }

    /// The same follower of another node is at work, and stands at `position`.
    fn overtaken(&mut self, position: &Position) {
        let _ = position;
    }

    /// How long it waits for more entries before it writes the first: larger transactions cost
    /// less an entry.
    fn linger(&self) -> Duration {
        Duration::ZERO
    }
}

/// A follower at work. Dropping it does not stop the follower, which ends with its ledger.
#[derive(Clone, Debug)]
pub struct Following {
    position: watch::Receiver<Position>,
    hurry: Arc<Notify>,
}

impl Following {
    /// Up to where the follower's rows are durable.
    #[must_use]
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// Waits until the follower has applied entry `seq`, without lingering. False if it ended
    /// before.
    pub async fn reach(&self, seq: u64) -> bool {
        let mut position = self.position.clone();
        loop {
            if position.borrow_and_update().seq >= seq {
                return true;
            }
            self.hurry.notify_one();
            if position.changed().await.is_err() {
                return position.borrow().seq >= seq;
            }
        }
    }

    /// Waits until the follower has ended.
    pub async fn ended(&self) {
        let mut position = self.position.clone();
        while position.changed().await.is_ok() {}
    }
}

/// Starts a follower in a task of its own.
pub(crate) async fn follow<F: Follower>(
    feed: Arc<Feed>,
    db: Db,
    follower: F,
) -> Result<Following, Error> {
    db.migrate("ledger_follower", STEPS).await?;
    let start = load_position(&db, follower.name()).await?;
    let position = watch::Sender::new(start);
    let hurry = Arc::new(Notify::new());
    let following = Following { position: position.subscribe(), hurry: Arc::clone(&hurry) };
    tokio::spawn(Loop { feed, db, follower, position, hurry }.run());
    Ok(following)
}

/// Where the follower of this name stands in `db`; at the beginning if it was never there.
pub(crate) async fn load_position(db: &Db, name: &'static str) -> Result<Position, Error> {
    let query = sql("SELECT seq, timestamp, hash FROM ledger_follower WHERE name = $1").bind(name);
    let Some(row) = db.optional(query).await? else { return Ok(Position::default()) };
    Ok(Position {
        seq: row.int(0)?.cast_unsigned(),
        timestamp: row.int(1)?.cast_unsigned(),
        hash: row.array(2)?,
    })
}

/// Makes the schema that [`load_position`] reads.
pub(crate) async fn migrate(db: &Db) -> Result<(), Error> {
    db.migrate("ledger_follower", STEPS).await
}

struct Loop<F> {
    feed: Arc<Feed>,
    db: Db,
    follower: F,
    position: watch::Sender<Position>,
    hurry: Arc<Notify>,
}

/// Why the loop starts again from the stored position.
enum Pause {
    Store(Error),
    Journal(JournalError),
    Overtaken,
}

impl From<Error> for Pause {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<JournalError> for Pause {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl<F: Follower> Loop<F> {
    /// Works until the ledger has ended and all its entries are applied.
    async fn run(mut self) {
        loop {
            let goes_on = match self.run_from_stored().await {
                Ok(()) => return,
                Err(Pause::Overtaken) => self.stand_by().await,
                Err(Pause::Store(error)) => self.pause_after(&error).await,
                Err(Pause::Journal(error)) => self.pause_after(&error).await,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Waits while the same follower of another node is at work; false if the ledger has ended.
    async fn stand_by(&mut self) -> bool {
        let mut looks = 0;
        while looks < STAND_BY_LOOKS_MAX {
            if self.ends_within(STAND_BY_PERIOD).await {
                return false;
            }
            match load_position(&self.db, self.follower.name()).await {
                Ok(position) if position == *self.position.borrow() => {
                    let is_behind = position.seq < self.feed.progress().borrow().seq;
                    looks = if is_behind { looks + 1 } else { 0 };
                }
                Ok(position) => {
                    looks = 0;
                    self.follower.overtaken(&position);
                    self.position.send_replace(position);
                }
                Err(error) => tracing::warn!(%error, source = ?error, "a follower stands by"),
            }
        }
        true
    }

    /// A ledger that has ended does not wait for a store that does not answer.
    async fn ends_within(&mut self, period: Duration) -> bool {
        let mut progress = self.feed.progress();
        tokio::time::timeout(period, progress.wait_for(|progress| progress.ended)).await.is_ok()
    }

    /// Says what went wrong, and waits; false if the ledger has ended.
    async fn pause_after(&mut self, error: &(dyn std::error::Error + Send + Sync)) -> bool {
        tracing::error!(follower = self.follower.name(), ?error, "the follower waits: {error}");
        !self.ends_within(PAUSE_AFTER_ERROR).await
    }

    async fn run_from_stored(&mut self) -> Result<(), Pause> {
        let start = load_position(&self.db, self.follower.name()).await?;
        self.position.send_replace(start);
        self.follower.resume(&start).await?;
        let mut subscription = Subscription::new(Arc::clone(&self.feed), start);
        loop {
            let base = *subscription.position();
            let mut entries = subscription.next_many(FACTS_PER_TRANSACTION).await?;
            if entries.is_empty() {
                return Ok(());
            }
            self.gather(&mut subscription, &mut entries).await?;
            self.apply(&base, &entries).await?;
        }
    }

    /// Waits a little for more entries, unless somebody is in a hurry.
    async fn gather(
        &mut self,
        subscription: &mut Subscription,
        entries: &mut Vec<Arc<Entry>>,
    ) -> Result<(), Pause> {
        let linger = tokio::time::sleep(self.follower.linger());
        tokio::pin!(linger);
        let mut fact_count: usize = entries.iter().map(|entry| entry.facts.len()).sum();
        while fact_count < FACTS_PER_TRANSACTION {
            let more = tokio::select! {
                biased;
                () = self.hurry.notified() => return Ok(()),
                more = subscription.next_many(FACTS_PER_TRANSACTION - fact_count) => more,
                () = &mut linger => return Ok(()),
            };
            let more = more?;
            if more.is_empty() {
                return Ok(());
            }
            fact_count += more.iter().map(|entry| entry.facts.len()).sum::<usize>();
            entries.extend(more);
        }
        Ok(())
    }

    async fn apply(&mut self, base: &Position, entries: &[Arc<Entry>]) -> Result<(), Pause> {
        let Some(last) = entries.last() else { return Ok(()) };
        let position = last.position();
        let mut tx = self.db.begin().await?;
        if !move_position(&mut tx, self.follower.name(), base, &position).await? {
            return Err(Pause::Overtaken);
        }
        self.follower.apply(&mut tx, entries).await?;
        tx.commit().await?;
        self.follower.applied(&position);
        self.position.send_replace(position);
        Ok(())
    }
}

/// Moves the position from `base` to `to`; false if it does not stand at `base`.
async fn move_position(
    tx: &mut Tx,
    name: &'static str,
    base: &Position,
    to: &Position,
) -> Result<bool, Error> {
    let statement = if base.seq == 0 {
        "INSERT INTO ledger_follower (name, seq, timestamp, hash) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO NOTHING"
    } else {
        "UPDATE ledger_follower SET seq = $2, timestamp = $3, hash = $4 \
         WHERE name = $1 AND seq = $5 AND hash = $6"
    };
    let mut query = sql(statement)
        .bind(name)
        .bind(to.seq.cast_signed())
        .bind(to.timestamp.cast_signed())
        .bind(to.hash);
    if base.seq > 0 {
        query = query.bind(base.seq.cast_signed()).bind(base.hash);
    }
    Ok(tx.execute(query).await? == 1)
}
