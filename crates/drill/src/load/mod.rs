//! A lean load generator for HTTP/1.1 with kept-alive connections.
//!
//! It shares the machine with the server that it measures, so it is one thread with a plain loop
//! per connection: no pool, no header map, no copy of a body. [`Pace::Closed`] asks as fast as
//! the server answers and finds its capacity. [`Pace::Open`] asks at a fixed rate whatever the
//! server does, and counts a request's time from when it was *due*, so that a server that stalls
//! is charged for all who would have waited (no coordinated omission).

mod answer;
mod connection;
mod pacer;
mod report;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::LocalSet;

pub use answer::Answer;
pub use connection::Request;
pub use report::Report;

pub(crate) use connection::Connection;
use pacer::Pacer;

/// How long after the end of a run its last answers are waited for.
const GRACE: Duration = Duration::from_secs(10);
/// How long a connection that the server refused waits before it tries again.
const RECONNECT: Duration = Duration::from_millis(20);
const PROGRESS: Duration = Duration::from_millis(250);

/// Makes the requests and judges the answers. All connections of a run share one source.
pub trait Source {
    /// What [`Source::judge`] must know of the request.
    type Ticket;

    /// The next request; `None` if there is nothing left to ask, which ends the run.
    fn next(&mut self) -> Option<(Request, Self::Ticket)>;

    /// Looks whether the answer is right.
    ///
    /// # Errors
    /// A short stable name of what is wrong, under which the report counts it.
    fn judge(&mut self, ticket: Self::Ticket, answer: &Answer<'_>) -> Result<(), String>;
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each connection sends its next request when it has its answer.
    Closed,
    /// So many requests a second over all connections together.
    Open {
        /// Requests a second.
        per_second: u32,
    },
}

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Shown beside the progress bar.
    pub label: String,
    /// How many connections.
    pub connections: usize,
    /// When requests are sent.
    pub pace: Pace,
    /// Requests sent (or due) in this time are made and not counted.
    pub warm_up: Duration,
    /// For how long requests are counted.
    pub duration: Duration,
}

/// The run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The generator's thread cannot be set up.
    #[error("the load generator cannot start")]
    Start(#[source] std::io::Error),
    /// Nobody listens at the address.
    #[error("no connection to {0}")]
    Connect(SocketAddr, #[source] std::io::Error),
}

/// Runs a plan on the calling thread, which it takes for itself until the end.
///
/// # Errors
/// [`LoadError`]. What the server does wrong is no error but a line of the [`Report`].
pub fn run<S: Source + 'static>(
    target: SocketAddr,
    plan: &Plan,
    source: S,
) -> Result<(Report, S), LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(LoadError::Start)?;
    runtime.block_on(LocalSet::new().run_until(drive(target, plan, source)))
}

async fn drive<S: Source + 'static>(
    target: SocketAddr,
    plan: &Plan,
    source: S,
) -> Result<(Report, S), LoadError> {
    let mut connections = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        let connected = Connection::open(target).await;
        connections.push(connected.map_err(|error| LoadError::Connect(target, error))?);
    }
    let start = Instant::now();
    let counted_from = start + plan.warm_up;
    let end = counted_from + plan.duration;
    let run = Rc::new(Run {
        target,
        counted_from,
        end,
        pacer: match plan.pace {
            Pace::Closed => None,
            Pace::Open { per_second } => Some(Pacer::start(start, end, per_second)),
        },
        source: RefCell::new(source),
        report: RefCell::new(Report::new(plan.duration)),
        exhausted: Cell::new(false),
    });
    let workers: Vec<_> = (connections.into_iter())
        .map(|connection| tokio::task::spawn_local(worker(run.clone(), connection)))
        .collect();
    let progress = tokio::task::spawn_local(show(run.clone(), bar(plan)));

    let deadline = tokio::time::Instant::from_std(end + GRACE);
    for mut worker in workers {
        if tokio::time::timeout_at(deadline, &mut worker).await.is_err() {
            worker.abort();
            let _ = worker.await;
            run.report.borrow_mut().fail("no_answer", 1);
        }
    }
    if let Some(pacer) = &run.pacer
        && let left @ 1.. = pacer.left().await
    {
        run.report.borrow_mut().fail("not_sent_in_time", left);
    }
    progress.abort();
    let _ = progress.await;
    let Ok(run) = Rc::try_unwrap(run) else { panic!("all workers have ended") };
    let mut report = run.report.into_inner();
    if run.exhausted.get() {
        report.cut_short(Instant::now().saturating_duration_since(counted_from));
    }
    Ok((report, run.source.into_inner()))
}

/// What the connections of a run share, on one thread.
struct Run<S> {
    target: SocketAddr,
    counted_from: Instant,
    end: Instant,
    pacer: Option<Pacer>,
    source: RefCell<S>,
    report: RefCell<Report>,
    exhausted: Cell<bool>,
}

impl<S: Source> Run<S> {
    /// When the next request is due: `None` when the run is over.
    async fn due(&self) -> Option<Instant> {
        if self.exhausted.get() {
            return None;
        }
        match &self.pacer {
            Some(pacer) => pacer.next().await,
            None => Some(Instant::now()).filter(|now| *now < self.end),
        }
    }
}

async fn worker<S: Source>(run: Rc<Run<S>>, mut connection: Connection) {
    while let Some(due) = run.due().await {
        let Some((request, ticket)) = run.source.borrow_mut().next() else {
            run.exhausted.set(true);
            return;
        };
        let verdict = match connection.exchange(&request).await {
            Ok(answer) => run.source.borrow_mut().judge(ticket, &answer),
            Err(error) => Err(format!("connection: {}", error.kind())),
        };
        let took = due.elapsed();
        run.report.borrow_mut().sent += 1;
        if due >= run.counted_from {
            run.report.borrow_mut().count(took, verdict);
        }
        if !connection.is_open() {
            match Connection::open(run.target).await {
                Ok(opened) => connection = opened,
                Err(_) => tokio::time::sleep(RECONNECT).await,
            }
        }
    }
}

fn bar(plan: &Plan) -> ProgressBar {
    let total = plan.warm_up + plan.duration;
    let bar = ProgressBar::new(u64::try_from(total.as_millis()).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{prefix:<44} {bar:20} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(plan.label.clone());
    bar
}

async fn show<S: Source>(run: Rc<Run<S>>, bar: ProgressBar) {
    let _erase = Erase(bar.clone());
    let start = Instant::now();
    loop {
        tokio::time::sleep(PROGRESS).await;
        bar.set_position(u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX));
        bar.set_message(run.report.borrow().in_short(run.counted_from.elapsed()));
    }
}

/// Takes the bar off the screen when the task that draws it is stopped.
struct Erase(ProgressBar);

impl Drop for Erase {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
