//! Customers: what proves that it is them, their phones and their sessions.
//!
//! Here: sign-up (SMS code, passkey, bound phone, recovery codes), sign-in on the same phone,
//! sessions that are worth nothing without the phone's key, and the check of payment codes.
//! Not here: limits and decision records (`gate`), money (`gate` and the ledger).
//!
//! What always holds: there is no account without a passkey with user verification and a bound
//! phone; one phone of an account pays; no answer tells whether a number has an account; every
//! request of a customer carries a proof by the phone's key.

pub mod account;
mod boot;
pub mod codes;
mod customer;
pub mod devices;
mod directory;
mod dpop;
mod enrol;
mod guesses;
mod jwk;
mod pages;
pub mod passkey;
mod passkeys_of;
mod phone;
mod rate;
pub mod recovery;
mod replay;
mod session;
mod signin;
mod signout;
mod signup;
mod stepup;
#[cfg(test)]
mod tests;
mod time;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use omamori_db::Db;
use omamori_paycode::code::DeviceNumber;

pub use customer::{Customer, PageCustomer, Visitor};
pub use directory::DeviceEntry;
pub use rate::{Network, RateLimit};

use crate::app::App;
use crate::clock::{Clock, MINUTE, SECOND};
use crate::config::Config;
use crate::notify::Outbox;
use crate::web::error::Result;
use codes::Codes;
use directory::Directory;
use passkey::{NoRelyingParty, Passkeys};
use replay::ReplayCache;

/// The identity feature: what it keeps in memory.
pub struct Identity {
    /// Payment codes: checked, and wrong ones counted.
    pub codes: Codes,
    /// The relying party of all passkeys, merchants' too.
    pub passkeys: Passkeys,
    outbox: Outbox,
    directory: Directory,
    replays: ReplayCache,
    doors: Doors,
}

/// Limits per network of what needs no session.
struct Doors {
    signup_start: RateLimit,
    signup_verify: RateLimit,
    signin: RateLimit,
}

impl Identity {
    /// The feature of these settings, on the stores' registry.
    ///
    /// # Errors
    /// [`NoRelyingParty`]: passkeys do not work under this `public_url`.
    pub fn new(
        config: &Config,
        registry: Db,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NoRelyingParty> {
        Ok(Self {
            codes: Codes::default(),
            passkeys: Passkeys::new(config, registry)?,
            outbox: Outbox::new(&config.sms, clock),
            directory: Directory::default(),
            replays: ReplayCache::default(),
            doors: Doors {
                signup_start: RateLimit::new(10, 2 * MINUTE),
                signup_verify: RateLimit::new(30, 20 * SECOND),
                signin: RateLimit::new(30, 10 * SECOND),
            },
        })
    }

    /// The phone with this number, active or not; `None` if there never was one.
    ///
    /// # Errors
    /// A fault if the registry fails.
    pub async fn device(
        &self,
        app: &App,
        number: DeviceNumber,
    ) -> Result<Option<Arc<DeviceEntry>>> {
        self.directory.find(&app.stores.registry, &app.vault, number).await
    }

    /// Drops what is remembered of a phone: its row, or the standing of its customer, changed.
    pub fn forget(&self, number: DeviceNumber) {
        self.directory.forget(number);
    }

    /// The way out for SMS.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn replays(&self) -> &ReplayCache {
        &self.replays
    }
}

/// Sign-up, sign-in and the API of account and devices.
pub fn router() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/time", get(time::now))
        .route("/signup/start", post(signup::start::handle))
        .route("/signup/verify", post(signup::verify::handle))
        .route("/signup/passkey/options", post(signup::options::handle))
        .route("/signup/finish", post(signup::finish::handle))
        .route("/signin/options", post(signin::options::handle))
        .route("/signin/finish", post(signin::finish::handle))
        .route("/signout", post(signout::handle))
        .route("/recovery-codes/options", post(recovery::options))
        .route("/recovery-codes", post(recovery::renew))
        .route("/devices", get(devices::handle));
    Router::new()
        .route("/signup", get(pages::signup))
        .route("/signin", get(pages::signin))
        .nest("/api/wallet/v1", api)
}
