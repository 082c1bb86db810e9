//! Sales over HTTP: closed loops of 1, 64 and 256 connections, an open loop at half of what the
//! last of them carried, and the closed loops once more with a journal that keeps nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use omamori_drill::load::{self, Pace, Plan, Report};
use omamori_drill::sale::{Sales, Settings};

use super::SurgeError;
use super::child::Server;
use super::lag::{self, Lag};
use super::world::World;
use crate::clock::{Clock, SECOND};

const CONNECTIONS: [usize; 3] = [1, 64, 256];
const CONNECTIONS_MAX: usize = 256;
pub(super) const WARM_UP: Duration = Duration::from_secs(2);
/// The choices of the run are the same every time.
pub(super) const SEED: u64 = 20_190_704;
/// The hidden flag of `serve` under which entries are answered and not kept.
const NO_JOURNAL: &[&str] = &["--journal", "nothing"];

/// What was measured over HTTP.
pub(super) struct Measured {
    /// From the start of the server until it answered, with all accounts.
    pub(super) started_in: Duration,
    pub(super) steps: Vec<Step>,
}

/// One run.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) report: Report,
    /// Of the server, at the end of the run.
    pub(super) memory_bytes: Option<u64>,
    /// Of the server, for each right answer.
    pub(super) processor_micros: Option<u64>,
    pub(super) lag: Option<Lag>,
    /// What ratios are taken to: the journal kept nothing.
    pub(super) is_baseline: bool,
}

pub(super) async fn measure(
    folder: &Path,
    world: &Arc<World>,
    clock: &Arc<dyn Clock>,
    duration: Duration,
) -> Result<Measured, SurgeError> {
    let now = clock.clone();
    let unix_seconds = Box::new(move || (now.now() / SECOND).unsigned_abs());
    let settings = Settings { run: "", seed: SEED, unix_seconds };
    let mut sales = Sales::new(world.cast(), settings);
    let mut steps = Vec::new();

    let server = Server::start(folder, &[]).await?;
    let started_in = server.started_in;
    let plan = |name: String, connections, pace| Plan {
        label: name,
        connections,
        pace,
        warm_up: WARM_UP,
        duration,
    };
    for connections in CONNECTIONS {
        let name = format!("closed loop, connections: {connections}");
        let plan = plan(name, connections, Pace::Closed);
        let step;
        (step, sales) = sell(&server, plan, sales, Some(folder)).await?;
        steps.push(step);
    }
    let most = steps.last().map_or(0, |step| step.report.per_second());
    let per_second = u32::try_from(most / 2).unwrap_or(u32::MAX).max(1);
    let name = format!("open loop, {per_second} a second");
    let plan_open = plan(name, CONNECTIONS_MAX, Pace::Open { per_second });
    let step;
    (step, sales) = sell(&server, plan_open, sales, Some(folder)).await?;
    steps.push(step);
    drop(server);

    // Last, for what it answers is in no journal. Only the last loop is compared; the others come
    // before it as they did above, so that as many phones were read before.
    let server = Server::start(folder, NO_JOURNAL).await?;
    let mut baseline = None;
    for connections in CONNECTIONS {
        let name = format!("closed loop, connections: {connections}, journal keeps nothing");
        let step;
        (step, sales) = sell(&server, plan(name, connections, Pace::Closed), sales, None).await?;
        baseline = Some(Step { is_baseline: true, ..step });
    }
    steps.extend(baseline);
    Ok(Measured { started_in, steps })
}

/// Runs one plan; the lag is measured if the data folder is given.
async fn sell(
    server: &Server,
    plan: Plan,
    mut sales: Sales,
    folder: Option<&Path>,
) -> Result<(Step, Sales), SurgeError> {
    let name = plan.label.clone();
    let address = server.address;
    let (processor_before, begun) = (server.processor_micros(), Instant::now());
    // Ids of one run are unlike those of the others.
    sales.restart(&name.replace([' ', ',', ':'], "."));
    let run = tokio::task::spawn_blocking(move || load::run(address, &plan, sales));
    let (report, sales) = match run.await {
        Ok(outcome) => outcome?,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    let processor = server.processor_micros().zip(processor_before);
    let processor_micros =
        processor.and_then(|(after, before)| (after - before).checked_div(report.sent));
    let memory_bytes = server.memory_bytes();
    let lag = match folder {
        Some(folder) => Some(lag::measure(folder, begun.elapsed()).await?),
        None => None,
    };
    let step = Step { name, report, memory_bytes, processor_micros, lag, is_baseline: false };
    Ok((step, sales))
}
