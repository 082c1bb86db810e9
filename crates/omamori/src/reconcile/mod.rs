//! What others say about money, against the ledger: the card gateway's report of its account
//! ([`card`]), and the days of partners who take cash ([`cash`]).
//!
//! [`compare`] is pure: two lists in, differences out. [`run`] writes them down: a run again finds
//! the same rows, what agrees by now is closed, and what somebody has taken up or explained stays
//! so unless its figures change. Nothing here moves value: whoever explains a difference makes what
//! it takes by the acts there are for it.

pub mod card;
pub mod cash;
pub mod compare;
pub mod row;
pub mod run;

use jiff::civil::Date;

use crate::clock::{DAY, Micros};
use crate::settlement::calendar::end_of;
use crate::web::error::{Error, Result};

/// The longest period of one run.
const DAYS_MAX: i32 = 92;

/// Days in Japan, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first.
    pub from: Date,
    /// The last.
    pub until: Date,
}

impl Period {
    /// Refuses what ends before it begins, is too long, or is not over.
    ///
    /// # Errors
    /// The field.
    pub fn new(from: Date, until: Date, now: Micros) -> Result<Self> {
        let days = until.since(from).map_or(-1, |span| span.get_days()) + 1;
        if !(1..=DAYS_MAX).contains(&days) || end_of(until) > now {
            return Err(Error::field("until", "out_of_range"));
        }
        Ok(Self { from, until })
    }

    /// Its first instant.
    #[must_use]
    pub fn start(&self) -> Micros {
        end_of(self.from) - DAY
    }

    /// The first instant after it.
    #[must_use]
    pub fn end(&self) -> Micros {
        end_of(self.until)
    }

    fn has(&self, at: Micros) -> bool {
        (self.start()..self.end()).contains(&at)
    }
}
