//! Closing days, in Japan.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::clock::Micros;
use crate::web::filters::japan;

/// How often a merchant is settled.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// Every day.
    Daily,
    /// On the 15th and at the month's end.
    TwiceMonthly,
    /// At the month's end.
    #[default]
    Monthly,
}

impl Calendar {
    /// The calendar of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "daily" => Self::Daily,
            "twice_monthly" => Self::TwiceMonthly,
            "monthly" => Self::Monthly,
            _ => return None,
        })
    }

    /// The key of the text that says it.
    #[must_use]
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Daily => "settlement.daily",
            Self::TwiceMonthly => "settlement.twice_monthly",
            Self::Monthly => "settlement.monthly",
        }
    }

    fn closes_on(self, day: Date) -> bool {
        let is_last = day.day() == day.days_in_month();
        match self {
            Self::Daily => true,
            Self::TwiceMonthly => day.day() == 15 || is_last,
            Self::Monthly => is_last,
        }
    }

    /// The first closing day on or after a day; none at the end of time.
    #[must_use]
    pub fn next(self, from: Date) -> Option<Date> {
        let mut day = from;
        while !self.closes_on(day) {
            day = day.tomorrow().ok()?;
        }
        Some(day)
    }
}

/// The instant at which a day in Japan ends: the midnight after it.
#[must_use]
pub fn end_of(day: Date) -> Micros {
    let zone = japan(0).time_zone().clone();
    let midnight = day.checked_add(1.day()).ok().and_then(|next| next.to_zoned(zone).ok());
    midnight.map_or(Micros::MAX, |midnight| midnight.timestamp().as_microsecond())
}
