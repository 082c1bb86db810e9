//! A month in the life of a shop and its customers: they sign up, top up, buy, use coupons and
//! points, send each other money, bring things back; on ordinary days, at ordinary hours.
//!
//! Here: the script of it, which follows from a seed ([`script`]), and the players, who ask over
//! HTTP what a phone or a register would ask. The time is the script's: the server must be on a
//! clock that [`Settings::clock`] moves. Fraud, if it is wanted ([`Settings::with_fraud`]), is
//! further events of the script with labels: [`fraud`].

mod acts;
mod fraud;
mod habits;
mod play;
mod script;
mod tally;
mod writer;

use indicatif::ProgressBar;

pub use crate::player::{Failure, Server};
pub use habits::Popularity;
pub use script::{Product, Scale};
pub use tally::{Count, Label, StoreTally, Tally};

use play::Player;
use script::Script;

/// What a month is told.
pub struct Settings {
    /// Where the service is. It must believe this machine when it says for whom it speaks
    /// (`trusted_proxies`), for every customer has a network of their own.
    pub server: Server,
    /// The keys of the registers, one for each store.
    pub terminal_keys: Vec<String>,
    /// What the stores sell.
    pub shelf: Vec<Product>,
    /// Where the random choices start: the same seed makes the same month.
    pub seed: u64,
    /// How large it is.
    pub scale: Scale,
    /// Whether fraud happens, labelled in [`Tally::labels`].
    pub with_fraud: bool,
    /// When it ends, in seconds since 1970-01-01 UTC.
    pub until: u64,
    /// Sets the service's clock, in the same seconds. It only ever rises.
    pub clock: Box<dyn Fn(u64) + Send + Sync>,
}

/// Plays a month. `progress` counts its events.
///
/// # Errors
/// [`Failure`]: the month is not whole.
pub async fn play(settings: Settings, progress: &ProgressBar) -> Result<Tally, Failure> {
    let place = (settings.terminal_keys.len(), &settings.shelf[..]);
    let seed = (settings.seed, settings.with_fraud);
    let script = Script::new(seed, settings.scale, place, settings.until);
    Player::new(settings, &script.networks).play(script.events, progress).await
}
