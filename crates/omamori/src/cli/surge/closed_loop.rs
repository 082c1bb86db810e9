//! Payments made from inside the process by many tasks at once, each waiting for its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use omamori_drill::load::Report;
use omamori_drill::random::Random;
use omamori_drill::sale::AMOUNT_YEN_MAX;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::spinner;
use super::world::World;

const WARM_UP: Duration = Duration::from_secs(2);

/// One payment to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payment {
    /// Unlike that of any other payment of the process.
    pub(super) number: u64,
    /// A customer's number.
    pub(super) payer: u32,
    /// A store's number.
    pub(super) store: u32,
    /// Yen.
    pub(super) amount: u32,
}

/// A way to make a payment durable.
pub(super) trait Pay: Send + Sync + 'static {
    /// Makes it; the error is a short name of what went wrong.
    fn pay(&self, payment: Payment) -> impl Future<Output = Result<(), String>> + Send;
}

/// Which stores sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// All, few of them much.
    EveryStore,
    /// One takes every payment.
    OneStore,
}

/// Numbers payments across all loops of the process.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Lets `tasks` tasks pay, each its next payment when the one before is durable. Payers are
/// drawn evenly: here no phone holds a keen one back, and a hot payer would hide a hot store.
pub(super) async fn run(
    label: &str,
    way: &Arc<impl Pay>,
    world: &World,
    tasks: usize,
    place: Where,
    duration: Duration,
) -> Report {
    let progress = spinner(label);
    let report = Arc::new(Mutex::new(Report::new(duration)));
    let counted_from = Instant::now() + WARM_UP;
    let end = counted_from + duration;
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let (way, report) = (way.clone(), report.clone());
        let (payers, stores) = (world.customers as usize, world.stores as usize);
        let mut random = Random::new(task as u64);
        running.spawn(async move {
            let mut begun = Instant::now();
            while begun < end {
                let payment = Payment {
                    number: NUMBER.fetch_add(1, Ordering::Relaxed),
                    payer: random.below(payers) as u32,
                    store: match place {
                        Where::EveryStore => random.skewed_below(stores) as u32,
                        Where::OneStore => 0,
                    },
                    amount: random.below(AMOUNT_YEN_MAX as usize) as u32 + 1,
                };
                let outcome = way.pay(payment).await;
                if begun >= counted_from {
                    report.lock().count(begun.elapsed(), outcome);
                }
                begun = Instant::now();
            }
        });
    }
    running.join_all().await;
    progress.finish_and_clear();
    report.lock().clone()
}
