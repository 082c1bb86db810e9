//! Time is a parameter. Nothing else in the program reads a clock (clippy bans it).

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// An instant: microseconds since 1970-01-01 UTC, as every table stores it.
pub type Micros = i64;

/// One second in [`Micros`].
pub const SECOND: Micros = 1_000_000;
/// One minute in [`Micros`].
pub const MINUTE: Micros = 60 * SECOND;
/// One hour in [`Micros`].
pub const HOUR: Micros = 60 * MINUTE;
/// Twenty-four hours in [`Micros`].
pub const DAY: Micros = 24 * HOUR;

/// Where the program learns what time it is.
pub trait Clock: Send + Sync {
    /// Now, in microseconds UTC.
    fn now(&self) -> Micros;

    /// Now, in nanoseconds UTC, as the ledger counts.
    ///
    /// # Panics
    /// If the clock stands before 1970: a machine that no ledger may run on.
    fn now_nanos(&self) -> u64 {
        u64::try_from(self.now()).map(|us| us * 1_000).unwrap_or_else(|_| {
            panic!("the clock of this machine stands before 1970");
        })
    }
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Micros {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
    }
}

/// A clock that stands still until it is moved: for tests and for the drill.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Micros) -> Self {
        Self(AtomicI64::new(now))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Micros) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }

    /// Moves it forward to `now`; never back.
    pub fn advance_to(&self, now: Micros) {
        self.0.fetch_max(now, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Micros {
        self.0.load(Ordering::SeqCst)
    }
}
