//! Choices that look like life's and can be repeated. Nothing here is secret.

/// A sequence of choices: `SplitMix64` (Steele, Lea and Flood, 2014): <https://doi.org/10.1145/2714064.2660195>.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The same seed makes the same choices.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, each number equally often; 0 if `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// Below `bound`, small numbers more often: Zipf's law with exponent 1, in steps. Rank 1,
    /// ranks 2 and 3, ranks 4 to 7 … are all drawn equally often.
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn skewed_below(&mut self, bound: usize) -> usize {
        let octaves = bound.ilog2() as usize + 1;
        let first = 1usize << self.below(octaves);
        let last = (2 * first - 1).min(bound);
        first - 1 + self.below(last - first + 1)
    }

    /// Puts things into an order that has nothing to do with the one before (Fisher and Yates).
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut random = Random::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973];
        assert_eq!([random.next(), random.next()], expected);
    }

    #[test]
    fn skewed_choices_reach_every_rank_and_prefer_the_first() {
        let mut random = Random::new(7);
        let mut drawn = [0; 100];
        for _ in 0..70_000 {
            drawn[random.skewed_below(100)] += 1;
        }
        assert!(drawn.iter().all(|times| *times > 0));
        let first: i32 = drawn[0];
        assert!((first - 10_000).abs() < 500, "one octave of seven, {first} times");
        assert!(drawn[1] > drawn[3] && drawn[3] > drawn[7] && drawn[7] > drawn[60]);
        assert_eq!(random.skewed_below(1), 0);
    }

    #[test]
    fn shuffled_things_are_the_same_things() {
        let mut things: Vec<u32> = (0..1_000).collect();
        Random::new(3).shuffle(&mut things);
        assert!(!things.is_sorted());
        things.sort_unstable();
        assert!(things.iter().copied().eq(0..1_000));
        Random::new(3).shuffle::<u32>(&mut []);
    }
}
