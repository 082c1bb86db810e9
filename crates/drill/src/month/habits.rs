//! When people come and what they take: the rhythm of a convenience store. Whole numbers only, so
//! that every machine draws the same month.

use crate::random::Random;

/// Seconds of a day.
pub(super) const DAY: u64 = 86_400;
/// Japan is so many seconds ahead of UTC, all year.
const JAPAN: u64 = 9 * 3_600;

/// How many people come in each hour of Japan's day, against each other: before work, at noon, on
/// the way home.
const HOURS: [usize; 24] =
    [12, 8, 6, 5, 8, 18, 40, 85, 95, 60, 45, 60, 105, 75, 50, 48, 52, 70, 85, 75, 60, 48, 35, 22];
/// Monday to Sunday, in percent: offices are closed at the weekend.
const WEEKDAYS: [usize; 7] = [100, 98, 99, 102, 110, 92, 84];
const BUSIEST: usize = 105 * 110;

/// How keen people are on a thing, against others, in the morning, at noon, in the afternoon and
/// in the evening.
pub type Popularity = [usize; 4];

/// Hour of the day and day of the week (0 is Monday) in Japan.
pub(super) const fn local(at: u64) -> (usize, usize) {
    let seconds = at + JAPAN;
    ((seconds % DAY / 3_600) as usize, ((seconds / DAY + 3) % 7) as usize) // day 0 was a Thursday
}

/// The part of the day, as [`Popularity`] has them.
pub(super) const fn part(at: u64) -> usize {
    match local(at).0 {
        5..10 => 0,
        10..14 => 1,
        14..18 => 2,
        _ => 3,
    }
}

/// An instant at which people come, between two others.
pub(super) fn instant(random: &mut Random, from: u64, to: u64) -> u64 {
    loop {
        let at = from + random.below((to - from) as usize) as u64;
        let (hour, weekday) = local(at);
        if random.below(BUSIEST) < HOURS[hour] * WEEKDAYS[weekday] {
            return at;
        }
    }
}

/// One of the choices, each as often as its weight says.
pub(super) fn weighted(random: &mut Random, weights: impl Iterator<Item = usize> + Clone) -> usize {
    let mut left = random.below(weights.clone().sum());
    for (choice, weight) in weights.enumerate() {
        if left < weight {
            return choice;
        }
        left -= weight;
    }
    0
}

/// Once in so many, by percent of a percent.
pub(super) fn happens(random: &mut Random, in_ten_thousand: usize) -> bool {
    random.below(10_000) < in_ten_thousand
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-04-01 12:00 in Japan, a Wednesday.
    const NOON: u64 = 1_775_012_400;

    #[test]
    fn days_are_those_of_japan() {
        assert_eq!(local(NOON), (12, 2));
        assert_eq!(local(NOON + 12 * 3_600), (0, 3));
        assert_eq!((part(NOON), part(NOON - 5 * 3_600), part(NOON + 14 * 3_600)), (1, 0, 3));
    }

    #[test]
    fn more_come_at_noon_than_at_night_and_on_friday_than_on_sunday() {
        let mut random = Random::new(1);
        let mut hours = [0; 24];
        let mut weekdays = [0; 7];
        for _ in 0..20_000 {
            let (hour, weekday) = local(instant(&mut random, NOON, NOON + 28 * DAY));
            hours[hour] += 1;
            weekdays[weekday] += 1;
        }
        assert!(hours[12] > 10 * hours[3] && hours[8] > hours[10], "{hours:?}");
        assert!(weekdays[4] > weekdays[6], "{weekdays:?}");
    }

    #[test]
    fn choices_come_as_often_as_their_weights() {
        let mut random = Random::new(2);
        let mut drawn = [0; 3];
        for _ in 0..10_000 {
            drawn[weighted(&mut random, [1, 0, 3].into_iter())] += 1;
        }
        assert!(drawn[1] == 0 && (2_300..2_700).contains(&drawn[0]), "{drawn:?}");
    }
}
