//! Filters of the templates: money and time as people read them. Instants are microseconds UTC
//! and are shown in Japan's time.

#![expect(missing_docs, reason = "the attribute makes items of its own beside the documented ones")]

use std::fmt::Display;

use askama::{Result, Values};
use jiff::civil::Weekday;
use jiff::tz::{TimeZone, offset};
use jiff::{Timestamp, Zoned};

/// `¥1,234`.
///
/// # Errors
/// Never.
#[askama::filter_fn]
pub fn yen(amount: &i64, _: &dyn Values) -> Result<String> {
    Ok(yen_text(*amount))
}

/// `1,234`.
///
/// # Errors
/// Never.
#[askama::filter_fn]
pub fn count(number: &i64, _: &dyn Values) -> Result<String> {
    Ok(yen_text(*number).replace('¥', ""))
}

/// `+¥1,234` or `−¥1,234`.
///
/// # Errors
/// Never.
#[askama::filter_fn]
pub fn yen_signed(amount: &i64, _: &dyn Values) -> Result<String> {
    let sign = if *amount > 0 { "+" } else { "" };
    Ok(format!("{sign}{}", yen_text(*amount)))
}

/// `2026/11/22 09:05`.
///
/// # Errors
/// Never.
#[askama::filter_fn]
pub fn datetime(at: &i64, _: &dyn Values) -> Result<String> {
    Ok(japan(*at).strftime("%Y/%m/%d %H:%M").to_string())
}

/// `09:05`.
///
/// # Errors
/// Never.
#[askama::filter_fn]
pub fn time(at: &i64, _: &dyn Values) -> Result<String> {
    Ok(japan(*at).strftime("%H:%M").to_string())
}

/// `2026/11/22`.
///
/// # Errors
/// Never.
#[askama::filter_fn]
pub fn date(at: &i64, _: &dyn Values) -> Result<String> {
    Ok(civil_text(japan(*at).date()))
}

/// A day or month that is no instant, as people read it: `2026/11/22` for `2026-11-22`.
///
/// # Errors
/// Never.
#[askama::filter_fn]
pub fn civil<T: Display>(day: T, _: &dyn Values) -> Result<String> {
    Ok(civil_text(day))
}

/// `2026-11-22`, for machines: fields of forms, attributes.
///
/// # Errors
/// Never.
#[askama::filter_fn]
pub fn iso_date(at: &i64, _: &dyn Values) -> Result<String> {
    Ok(japan(*at).date().to_string())
}

/// `11月22日(日)` or `Sunday 22 November`.
///
/// # Errors
/// Never.
#[askama::filter_fn]
pub fn day(at: &i64, _: &dyn Values, lang: &str) -> Result<String> {
    Ok(day_text(*at, lang))
}

/// `2026-11-22T00:05:00Z`, for machines.
///
/// # Errors
/// Never.
#[askama::filter_fn]
pub fn iso(at: &i64, _: &dyn Values) -> Result<String> {
    Ok(rfc3339(*at))
}

/// `¥1,234` as text; a negative amount with U+2212 before the sign.
#[must_use]
pub fn yen_text(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 5);
    if amount < 0 {
        text.push('−');
    }
    text.push('¥');
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A civil date (`2026-11-22`) or month as pages, notices and letters have it, in both languages:
/// with slashes, like the dates of [`datetime`]. Files and APIs keep ISO 8601.
#[must_use]
pub fn civil_text(day: impl Display) -> String {
    day.to_string().replace('-', "/")
}

/// An instant on the clocks of Japan.
#[must_use]
pub fn japan(at: i64) -> Zoned {
    let timestamp = Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.to_zoned(TimeZone::fixed(offset(9))) // no daylight saving since 1952
}

/// RFC 3339 in UTC.
#[must_use]
pub fn rfc3339(at: i64) -> String {
    Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// For fields of JSON: an instant as [`rfc3339`].
///
/// # Errors
/// Those of the serializer.
pub fn as_rfc3339<S: serde::Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

/// For fields of JSON: an instant as [`rfc3339`], or null.
///
/// # Errors
/// Those of the serializer.
pub fn as_rfc3339_or_null<S: serde::Serializer>(
    at: &Option<i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&at.map(rfc3339), serializer)
}

/// The day of an instant in Japan, without the year.
#[must_use]
pub fn day_text(at: i64, lang: &str) -> String {
    let zoned = japan(at);
    if lang == "ja" {
        let weekday = match zoned.weekday() {
            Weekday::Monday => '月',
            Weekday::Tuesday => '火',
            Weekday::Wednesday => '水',
            Weekday::Thursday => '木',
            Weekday::Friday => '金',
            Weekday::Saturday => '土',
            Weekday::Sunday => '日',
        };
        format!("{}月{}日({weekday})", zoned.month(), zoned.day())
    } else {
        zoned.strftime("%A %-d %B").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_read_as_people_write_them() {
        assert_eq!(yen_text(0), "¥0");
        assert_eq!(yen_text(999), "¥999");
        assert_eq!(yen_text(1_234_567), "¥1,234,567");
        assert_eq!(yen_text(-1_000), "−¥1,000");
        assert_eq!(yen_text(i64::MIN), "−¥9,223,372,036,854,775,808");
        let launch = 1_561_906_800_000_000; // 2019-07-01 00:00 JST
        assert_eq!(rfc3339(launch), "2019-06-30T15:00:00Z");
        assert_eq!(civil_text(japan(launch).date()), "2019/07/01");
        assert_eq!(day_text(launch, "ja"), "7月1日(月)");
        assert_eq!(day_text(launch, "en"), "Monday 1 July");
    }
}
