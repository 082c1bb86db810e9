//! The one-time part: what the phone computes and the server recomputes.

use std::array::from_fn;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroize;

use super::{DeviceNumber, ONE_TIME_VALUES, OneTime};

/// Length of a time step.
pub const STEP_SECONDS: u64 = 30;

/// How many steps before the accepted ones still count as "expired" and not as "wrong": ten
/// minutes, the longest time that a clerk will plausibly look at an old screen.
pub const EXPIRED_STEPS: u64 = 20;

const REFRESH_COUNTS: u8 = 4;

/// The secret that one enrolled phone and the server share. Wiped when dropped; `Debug` hides it.
#[derive(Clone)]
pub struct CodeSecret([u8; 32]);

impl CodeSecret {
    /// Takes the 32 bytes agreed at enrolment.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Drop for CodeSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for CodeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeSecret(***)")
    }
}

/// A span of [`STEP_SECONDS`], counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeStep(u64);

impl TimeStep {
    /// The step with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The step that contains an instant.
    #[must_use]
    pub const fn at(unix_seconds: u64) -> Self {
        Self(unix_seconds / STEP_SECONDS)
    }

    /// The number of the step.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// How often the customer asked for another code within a step: 0 to 3. It lets someone pay twice
/// within thirty seconds although each code works once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefreshCount(u8);

impl RefreshCount {
    /// The first code of a step.
    pub const ZERO: Self = Self(0);

    /// `None` for more than 3.
    #[must_use]
    pub const fn new(count: u8) -> Option<Self> {
        if count < REFRESH_COUNTS { Some(Self(count)) } else { None }
    }

    /// The count itself.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// What [`verify`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right, now. It may have been used already: that is the ledger's to say.
    Valid {
        /// The step that it was made in.
        step: TimeStep,
        /// Which of the step's codes it is.
        count: RefreshCount,
    },
    /// It was right within the last ten minutes: the customer has to refresh the screen.
    Expired {
        /// The step that it was made in.
        step: TimeStep,
        /// Which of the step's codes it is.
        count: RefreshCount,
    },
    /// A guess, a damaged secret, or a phone whose clock is wrong.
    Wrong,
}

/// The one-time part of a step.
///
/// HMAC-SHA-256 under the device's secret, over the step's number as eight bytes big-endian and
/// the refresh count as one byte; then the dynamic truncation of RFC 4226 §5.3, over 32 bytes
/// instead of 20: the low four bits of the last byte say where to take four bytes, whose low 31
/// bits modulo 10^8 are the digits.
#[must_use]
pub fn one_time(secret: &CodeSecret, step: TimeStep, count: RefreshCount) -> OneTime {
    truncated(keyed(secret), step.0, count.0)
}

/// Says whether `presented` is right at `now_unix_seconds`.
///
/// Accepted are the current step, the one before and the one after, with every refresh count. All
/// twelve are computed and compared in constant time, so that the time taken says nothing about
/// which one was near. Only when none is right, the older steps are tried in the same way.
#[must_use]
pub fn verify(secret: &CodeSecret, now_unix_seconds: u64, presented: OneTime) -> Verdict {
    let now = TimeStep::at(now_unix_seconds).0;
    let keyed = keyed(secret);
    let oldest_accepted = now.saturating_sub(1);
    if let Some((step, count)) = find(&keyed, presented, oldest_accepted..=now + 1) {
        return Verdict::Valid { step, count };
    }
    let expired = oldest_accepted.saturating_sub(EXPIRED_STEPS)..oldest_accepted;
    match find(&keyed, presented, expired) {
        Some((step, count)) => Verdict::Expired { step, count },
        None => Verdict::Wrong,
    }
}

/// The name of the one authorization that a code may lead to: two sales with the same code ask
/// the ledger for the same transfer, and it makes only one.
///
/// SHA-256 with a tag of its own, cut to 128 bits. Never 0 and never the largest value, which
/// the ledger does not take as ids.
#[must_use]
pub fn authorization_id(device: DeviceNumber, step: TimeStep, count: RefreshCount) -> u128 {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(b"omamori paycode authorization v1\0")
        .chain_update(device.get().to_be_bytes())
        .chain_update(step.0.to_be_bytes())
        .chain_update([count.0])
        .finalize()
        .into();
    u128::from_be_bytes(from_fn(|index| digest[index])).clamp(1, u128::MAX - 1)
}

fn keyed(secret: &CodeSecret) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    Hmac::new_from_slice(&secret.0).expect("HMAC takes a key of any length")
}

fn truncated(mut mac: Hmac<Sha256>, step: u64, count: u8) -> OneTime {
    mac.update(&step.to_be_bytes());
    mac.update(&[count]);
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    let offset = usize::from(digest[31] & 0x0f);
    let word = u32::from_be_bytes(from_fn(|index| digest[offset + index]));
    OneTime((word & 0x7fff_ffff) % ONE_TIME_VALUES)
}

/// Looks at every code of `steps`, always at all of them. Should two of them have the same digits,
/// the later one is named.
fn find(
    keyed: &Hmac<Sha256>,
    presented: OneTime,
    steps: impl Iterator<Item = u64>,
) -> Option<(TimeStep, RefreshCount)> {
    let mut found = Choice::from(0);
    let (mut found_step, mut found_count) = (0u64, 0u8);
    for step in steps {
        for count in 0..REFRESH_COUNTS {
            let equal = truncated(keyed.clone(), step, count).0.ct_eq(&presented.0);
            found_step.conditional_assign(&step, equal);
            found_count.conditional_assign(&count, equal);
            found |= equal;
        }
    }
    bool::from(found).then_some((TimeStep(found_step), RefreshCount(found_count)))
}
