//! Base dates, and the deposit that each may ask for.

use jiff::civil::{Date, date};
use jiff::tz::{TimeZone, offset};
use jiff::{Timestamp, ToSpan};

/// Above this much unused value at a base date a deposit is due (令6条).
pub const DEPOSIT_ABOVE: i64 = 10_000_000;

/// The 31st of March or the 30th of September (法3条2項).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaseDate(Date);

impl BaseDate {
    /// This day, if it is one.
    #[must_use]
    pub fn of(day: Date) -> Option<Self> {
        matches!((day.month(), day.day()), (3, 31) | (9, 30)).then_some(Self(day))
    }

    /// The last one whose day was over in Japan at an instant.
    #[must_use]
    pub fn last_before(at: Timestamp) -> Self {
        let today = at.to_zoned(japan()).date();
        let year = today.year();
        Self(match (today.month(), today.day()) {
            (4..=9, _) => date(year, 3, 31),
            (10..=12, _) => date(year, 9, 30),
            _ => date(year - 1, 9, 30),
        })
    }

    /// The day.
    #[must_use]
    pub const fn day(self) -> Date {
        self.0
    }

    /// The first day of the period after it.
    #[must_use]
    pub fn next_day(self) -> Date {
        let year = self.0.year();
        if self.0.month() == 9 { date(year, 10, 1) } else { date(year, 4, 1) }
    }

    /// The one half a year before.
    #[must_use]
    pub fn before(self) -> Self {
        if self.0.month() == 9 {
            Self(date(self.0.year(), 3, 31))
        } else {
            Self(date(self.0.year() - 1, 9, 30))
        }
    }

    /// The first instant after its day in Japan: what is unused then is the base date's.
    #[must_use]
    pub fn end(self) -> Timestamp {
        day_end(self.0)
    }

    /// Until when report and deposit are due: two months from the day after (府令24条, 47条).
    #[must_use]
    pub fn due(self) -> Date {
        if self.0.month() == 9 { date(self.0.year(), 11, 30) } else { date(self.0.year(), 5, 31) }
    }
}

/// Japan's time, which has had no daylight saving since 1952.
fn japan() -> TimeZone {
    TimeZone::fixed(offset(9))
}

/// The first instant of a day in Japan.
#[must_use]
pub fn day_start(day: Date) -> Timestamp {
    day.to_zoned(japan()).map_or(Timestamp::UNIX_EPOCH, |start| start.timestamp())
}

/// The first instant after a day in Japan.
#[must_use]
pub fn day_end(day: Date) -> Timestamp {
    day.checked_add(1.day()).map_or(Timestamp::MAX, day_start)
}

/// The least that must be deposited for so much unused value (法14条1項): half of all of it, if it is
/// above [`DEPOSIT_ABOVE`]. Half a yen counts as one.
#[must_use]
pub const fn deposit(unused: i64) -> i64 {
    if unused > DEPOSIT_ABOVE { unused / 2 + unused % 2 } else { 0 }
}
