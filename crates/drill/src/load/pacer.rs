//! The schedule of an open loop: the n-th request is due n/rate seconds after the start.

use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};

/// The pacer wakes no more often than this. It is finer than the runtime's timer, whose
/// millisecond would show in every latency.
const TICK: Duration = Duration::from_micros(200);

/// Hands out due times, each once, when they have come.
pub(super) struct Pacer(Mutex<mpsc::UnboundedReceiver<Instant>>);

impl Pacer {
    /// Starts the schedule on a thread of its own.
    pub(super) fn start(start: Instant, end: Instant, per_second: u32) -> Self {
        let (due, handed_out) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for number in 0.. {
                let at = start + offset(number, per_second);
                if at >= end {
                    return;
                }
                if at > Instant::now() {
                    wait(at.saturating_duration_since(Instant::now()).max(TICK));
                }
                if due.send(at).is_err() {
                    return;
                }
            }
        });
        Self(Mutex::new(handed_out))
    }

    /// The next due time, once it has come; `None` when the schedule is at its end.
    pub(super) async fn next(&self) -> Option<Instant> {
        self.0.lock().await.recv().await
    }

    /// How many requests are due and were not taken.
    pub(super) async fn left(&self) -> u64 {
        self.0.lock().await.len() as u64
    }
}

/// When the request of this number is due, after the start.
fn offset(number: u64, per_second: u32) -> Duration {
    let per_second = u64::from(per_second.max(1));
    let nanos = (number % per_second) * 1_000_000_000 / per_second;
    Duration::from_secs(number / per_second) + Duration::from_nanos(nanos)
}

#[expect(clippy::disallowed_methods, reason = "keeping a rate is waiting for the time to come")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_are_evenly_spaced_and_do_not_drift() {
        assert_eq!(offset(0, 3), Duration::ZERO);
        assert_eq!(offset(1, 3), Duration::from_nanos(333_333_333));
        assert_eq!(offset(3, 3), Duration::from_secs(1));
        assert_eq!(offset(3_000_000, 3), Duration::from_secs(1_000_000));
        assert_eq!(offset(5, 0), Duration::from_secs(5), "no rate is the slowest rate");
    }
}
