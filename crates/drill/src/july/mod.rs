//! The attack of July 2019 on a crowd with ordinary traffic, in compressed time: a list of leaked
//! pairs from many networks; where a pair lets somebody in, another phone takes the account over,
//! loads it with the card on file, three times ¥30,000, and goes to the stores.
//!
//! Here: the crowd ([`crowd`]), the robbers ([`chain`]) and the figures beside the article's
//! ([`report`]). The same program attacks every service; what stops it is the service's matter.

mod chain;
mod crowd;
mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use indicatif::ProgressBar;
use tokio::task::JoinSet;

use crate::player::Failure;
use crate::scenario::Stage;
use chain::{Loot, Robbers};
use crowd::Crowd;
pub use report::{Figures, table};

/// One customer in so many has a password that leaked, and a card on file.
const ONE_LEAKED_IN: usize = 100;
/// So many pairs of the list for each that is right.
const PAIRS_FOR_ONE: usize = 50;
/// People and robbers who are at it at one time.
const AT_ONCE: usize = 12;
/// Customers have had their phones for so long: the bounds of a first day are not what stops it.
const AGE_SECONDS: u64 = 3 * 86_400;

/// One thing that happens.
#[derive(Clone, Copy)]
enum Event {
    /// A customer does what customers do.
    Own(usize),
    /// A pair of the list is tried.
    Pair(usize),
}

/// Lets a crowd of so many sign up at the stage's service and attacks it.
///
/// # Errors
/// [`Failure`]: the service does not answer, or customers could not sign up.
pub async fn run(
    stage: Arc<Stage>,
    customers: usize,
    progress: &ProgressBar,
) -> Result<Figures, Failure> {
    let began = Instant::now();
    progress.set_message("customers sign up");
    let crowd = Arc::new(Crowd::gather(&stage, customers, progress).await?);
    let gather_seconds = began.elapsed().as_secs_f64();
    (stage.pass)(AGE_SECONDS);
    let pairs = crowd.leaked() * PAIRS_FOR_ONE;
    let events = Arc::new(interleaved(customers, pairs));
    let robbers = Arc::new(Robbers::new(stage.clone(), crowd.clone(), pairs));
    progress.reset();
    progress.set_length(events.len() as u64);
    progress.set_message("the list is tried, customers buy");
    stage.desk.begin();
    let began = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut working = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (events, next, progress) = (events.clone(), next.clone(), progress.clone());
        let (stage, crowd, robbers) = (stage.clone(), crowd.clone(), robbers.clone());
        working.spawn(async move {
            while let Some(event) = events.get(next.fetch_add(1, Ordering::Relaxed)) {
                match *event {
                    Event::Own(customer) => crowd.live(&stage, customer).await?,
                    Event::Pair(pair) => robbers.try_pair(pair).await?,
                }
                progress.inc(1);
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(worked) = working.join_next().await {
        worked??;
    }
    let seconds = began.elapsed().as_secs_f64();
    stage.desk.alerted().await;
    stage.desk.settle().await;
    let seen = stage.desk.seen();
    let missing = crowd.missing(&stage).await?;
    let is_baseline = crowd.is_baseline(&stage).await?;
    let (bothered, leaked_bothered, refused) = crowd.bothered();
    let Loot { entered, moved, topped_up, spent, refused: answers } = robbers.loot();
    Ok(Figures {
        is_baseline,
        customers,
        leaked: crowd.leaked(),
        pairs,
        entered: entered.len(),
        moved: moved.len(),
        topped_up_from: topped_up.len(),
        yen_topped_up: topped_up.values().sum(),
        spent_from: spent.len(),
        yen_spent: spent.values().sum(),
        yen_missing: missing,
        alert_seconds: seen.alert.map(|after| after.as_secs_f64()),
        alerts: seen.kinds,
        gather_seconds,
        seconds,
        bothered,
        leaked_bothered,
        customers_refused: refused,
        robbers_refused: answers,
    })
}

/// Both evenly, from beginning to end.
fn interleaved(customers: usize, pairs: usize) -> Vec<Event> {
    let mut events = Vec::with_capacity(customers + pairs);
    let mut tried = 0;
    for customer in 0..customers {
        events.push(Event::Own(customer));
        while tried < (customer + 1) * pairs / customers.max(1) {
            events.push(Event::Pair(tried));
            tried += 1;
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_lives_once_and_every_pair_is_tried_once() {
        for (customers, pairs) in [(300, 150), (3, 50), (1, 0), (7, 7)] {
            let events = interleaved(customers, pairs);
            let count = |of: fn(&&Event) -> bool| events.iter().filter(of).count();
            assert_eq!(count(|event| matches!(event, Event::Own(_))), customers);
            assert_eq!(count(|event| matches!(event, Event::Pair(_))), pairs);
            let ordered = events.windows(2).all(|two| match (two[0], two[1]) {
                (Event::Pair(one), Event::Pair(other)) => one + 1 == other,
                _ => true,
            });
            assert!(ordered);
        }
    }
}
