//! Randomness is a parameter, and it is always the kind that keys are made of.

/// A source of unpredictable bytes.
pub trait Rng: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for bytes")]
    #[expect(clippy::expect_used, reason = "without randomness nothing here is safe: stop")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// `N` random bytes.
#[must_use]
pub fn random<const N: usize>(rng: &dyn Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill(&mut bytes);
    bytes
}

/// A random number below `bound`, without bias.
///
/// # Panics
/// If `bound` is 0.
#[must_use]
pub fn random_below(rng: &dyn Rng, bound: u64) -> u64 {
    assert!(bound > 0, "a range needs at least one number");
    let unbiased = u64::MAX - u64::MAX % bound;
    loop {
        let number = u64::from_be_bytes(random(rng));
        if number < unbiased {
            return number % bound;
        }
    }
}
