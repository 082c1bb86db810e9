//! Opening a ledger: the snapshot of the views, then the journal after it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::error::{JournalError, OpenError};
use super::ledger::Running;
use super::queue::Queue;
use super::recent::Recent;
use super::writer::Writer;
use super::{ChainCheck, Companion, Core, Ledger, Options, Shared};
use crate::views::{ACCOUNT_BLOCKS_PER_PAGE, Snapshot, Viewer, Views, follow};
use crate::{Account, Journal, Position, State, StoredEntry};

/// Entries read at once.
const PAGE_ENTRIES: usize = 1024;
/// Pages of accounts that wait to be put into the state.
const ACCOUNT_PAGES_WAITING: usize = 2;

pub(super) async fn open<C: Companion>(
    options: Options,
    companion: C,
) -> Result<Ledger<C>, OpenError> {
    let mut journal = Journal::open(options.journal.clone()).await?;
    if options.journal_keeps_nothing {
        journal = journal.keeping_nothing();
    }
    let views = Views::open(options.views.clone()).await?;
    let viewed = views.position().await?;
    let snapshot = Snapshot::newest(&views.db).await?;
    for position in [&viewed, &snapshot.position] {
        let is_ours =
            position.seq == 0 || journal.hash_of(position.seq).await? == Some(position.hash);
        if !is_ours {
            return Err(OpenError::OtherJournal { seq: position.seq });
        }
    }
    let state = load(&views, &snapshot).await?;
    let mut core = Core::new(state, companion, Recent::new(options.recent_transfers_max));
    look_back(&journal, &options, &mut core).await?;

    let shared = Arc::new(Shared::new(core, journal, views, viewed));
    let viewer = Viewer::new(Arc::clone(&shared), options.snapshot_facts_min);
    let viewing = follow(Arc::clone(&shared.feed), options.views.clone(), viewer).await?;
    let (messages, receiver) = mpsc::channel(options.queue_requests_max);
    let (stop, stopped) = watch::channel(false);
    if let Err(error) = shared.catch_up_with_views(&options).await {
        shared.feed.end();
        viewing.ended().await;
        return Err(error.into());
    }
    let writer = Writer {
        shared: Arc::clone(&shared),
        queue: Queue::new(receiver, options.batch_requests_max),
        now_nanos: options.now_nanos,
        observer: options.observer,
        stop: stopped,
    };
    let writer = parking_lot::Mutex::new(Some(start(writer)));
    let unviewed_transfers_max = options.unviewed_transfers_max;
    Ok(Ledger::new(messages, shared, Running { stop, writer, viewing, unviewed_transfers_max }))
}

/// Runs the writer in a task of its own; when it ends, for whatever reason, everybody who follows
/// is told.
fn start<C: Companion>(writer: Writer<C>) -> JoinHandle<()> {
    let feed = Arc::clone(&writer.shared.feed);
    let work = tokio::spawn(writer.run());
    tokio::spawn(async move {
        match work.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, source = ?error, "the ledger has stopped"),
            Err(error) => tracing::error!(%error, "the ledger has stopped: the writer panicked"),
        }
        feed.end();
    })
}

/// Puts the snapshot into a state. Reading and inserting run side by side, so the accounts are
/// never in memory twice.
async fn load(views: &Views, snapshot: &Snapshot) -> Result<State, OpenError> {
    if snapshot.position.seq == 0 {
        return Ok(State::new());
    }
    let position = snapshot.position;
    let account_count = snapshot.account_count as usize;
    let pendings = Snapshot::pendings(&views.db).await?;
    let (pages, mut waiting) = mpsc::channel::<Vec<Account>>(ACCOUNT_PAGES_WAITING);
    let state = tokio::task::spawn_blocking(move || {
        let accounts = std::iter::from_fn(|| waiting.blocking_recv()).flatten();
        let accounts = Counted { accounts, left: account_count };
        State::from_snapshot(position, accounts, pendings)
    });
    let read = send_accounts(views, &pages).await;
    drop(pages);
    let state = state.await;
    read?;
    let Ok(state) = state else { panic!("loading a snapshot does not panic") };
    let mut state = state.map_err(OpenError::Snapshot)?;
    if state.accounts().len() != account_count {
        return Err(OpenError::SnapshotCount);
    }
    Snapshot::ids(&views.db, |id| state.remember_old(id)).await?;
    Ok(state)
}

/// Reads all accounts of the snapshot, as long as somebody receives them.
async fn send_accounts(
    views: &Views,
    pages: &mpsc::Sender<Vec<Account>>,
) -> Result<(), omamori_db::Error> {
    for number in (0..).step_by(ACCOUNT_BLOCKS_PER_PAGE as usize) {
        let page = Snapshot::accounts(&views.db, number).await?;
        if page.is_empty() || pages.send(page).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// An iterator that knows how many accounts come.
struct Counted<I> {
    accounts: I,
    left: usize,
}

impl<I: Iterator<Item = Account>> Iterator for Counted<I> {
    type Item = Account;

    fn next(&mut self) -> Option<Account> {
        self.left = self.left.saturating_sub(1);
        self.accounts.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, None)
    }
}

/// Reads the journal before the snapshot, as far as it is to be checked or the companion has to
/// see it.
async fn look_back<C: Companion>(
    journal: &Journal,
    options: &Options,
    core: &mut Core<C>,
) -> Result<(), OpenError> {
    let end = *core.state.position();
    let history = core.companion.history_nanos();
    let since = (options.now_nanos)().saturating_sub(history);
    let mut base = match options.chain_check {
        ChainCheck::Whole => Position::default(),
        ChainCheck::Read if history == 0 => end,
        ChainCheck::Read => {
            let first = journal.seq_at(since).await?.min(end.seq + 1);
            journal.position_of(first - 1).await?
        }
    };
    let mut pages = Pages::new(journal, base.seq + 1);
    while base.seq < end.seq {
        let page = pages.next().await?;
        if page.is_empty() {
            return Err(JournalError::Replaced { seq: base.seq }.into());
        }
        for stored in page.iter().take((end.seq - base.seq) as usize) {
            let entry = stored.decode_after(&base).map_err(JournalError::from)?;
            base = entry.position();
            if base.timestamp >= since && history > 0 {
                core.companion.observe(&entry.facts);
            }
        }
    }
    if base != end {
        return Err(OpenError::OtherJournal { seq: end.seq });
    }
    Ok(())
}

/// Reads the journal page by page, the next one while the last is worked on.
struct Pages<'a> {
    journal: &'a Journal,
    next_seq: u64,
    reading: Option<JoinHandle<Result<Vec<StoredEntry>, omamori_db::Error>>>,
}

impl<'a> Pages<'a> {
    fn new(journal: &'a Journal, next_seq: u64) -> Self {
        Self { journal, next_seq, reading: None }
    }

    /// The next page; empty at the end of the journal.
    async fn next(&mut self) -> Result<Vec<StoredEntry>, JournalError> {
        let page = match self.reading.take() {
            None => self.journal.read_from(self.next_seq, PAGE_ENTRIES).await?,
            Some(reading) => {
                let Ok(page) = reading.await else { panic!("reading a page does not panic") };
                page?
            }
        };
        if let Some(last) = page.last() {
            self.next_seq = last.seq + 1;
            let (journal, seq) = (self.journal.clone(), self.next_seq);
            let read = async move { journal.read_from(seq, PAGE_ENTRIES).await };
            self.reading = Some(tokio::spawn(read));
        }
        Ok(page)
    }
}

impl<C: Companion> Shared<C> {
    /// Folds the journal to its end. Where the views are far behind it waits for them, so that
    /// memory does not have to hold all that they lack.
    async fn catch_up_with_views(&self, options: &Options) -> Result<(), JournalError> {
        let mut pages = Pages::new(&self.journal, self.read().state.position().seq + 1);
        loop {
            let page = pages.next().await?;
            if page.is_empty() {
                return Ok(());
            }
            for stored in page {
                self.fold_stored(&stored)?;
            }
            let mut viewed = self.viewed.subscribe();
            while self.unviewed_transfers() > options.recent_transfers_max {
                if viewed.changed().await.is_err() {
                    break;
                }
            }
        }
    }
}
