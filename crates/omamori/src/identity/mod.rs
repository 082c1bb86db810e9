//! Customers: what proves that it is them, their phones and their sessions.
//!
//! Here: sign-up (SMS code, passkey or password and TOTP, bound phone, recovery codes), sign-in on
//! the same phone, the recognition of attacks on it, sessions that are worth nothing without the
//! phone's key, and the check of payment codes.
//! Not here: limits and decision records (`gate`), money (`gate` and the ledger).
//!
//! What always holds: there is no account without two factors (a passkey with user verification, or
//! TOTP and a password or an account elsewhere) and a bound phone; one phone of an account pays; no
//! answer tells whether a number has an account; every request of a customer carries a proof by the
//! phone's key.

pub mod account;
mod attack;
mod binding;
mod boot;
mod ceremony;
pub mod codes;
mod contacts;
mod customer;
pub mod desk;
pub mod devices;
mod directory;
mod dpop;
mod enrol;
pub mod external;
mod factor;
mod factors;
pub mod guesses;
mod holes;
mod jwk;
pub(crate) mod moves;
mod pages;
pub mod passkey;
mod passkeys_of;
mod password;
mod phone;
mod proxy;
mod rate;
pub mod recover;
pub mod recovery;
mod replay;
mod session;
mod sessions;
mod signin;
mod signout;
mod signup;
pub mod standing;
pub mod stepup;
#[cfg(test)]
pub(crate) mod tests;
mod time;
mod totp;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use omamori_db::Db;
use omamori_paycode::code::DeviceNumber;

pub use customer::{Customer, PageCustomer, Visitor};
pub use devices::phone_of;
pub use directory::DeviceEntry;
pub(crate) use directory::secret_place;
pub(crate) use external::reach;
pub(crate) use jwk::Jwk;
pub use moves::{long_bound, rested};
pub(crate) use password::hash::phc;
pub use phone::Phone;
pub use rate::{Network, RateLimit};
pub use session::IDLE_MAX as SESSION_IDLE_MAX;
pub(crate) use totp::secret_place as totp_place;

use crate::app::App;
use crate::clock::{Clock, MINUTE, SECOND};
use crate::config::Config;
use crate::notify::Outbox;
use crate::observe::Metrics;
use crate::web::error::Result;
use attack::{Attacks, Scope};
use codes::Codes;
use directory::Directory;
use external::External;
use passkey::{NoRelyingParty, Passkeys};
use password::breached::RangeQuery;
use password::hash::Pool;
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
    passwords: Pool,
    breached: Option<RangeQuery>,
    attacks: Attacks,
    external: External,
    doors: Doors,
}

/// Limits per network of what needs no session.
struct Doors {
    signup_start: RateLimit,
    /// Of a whole /24 or /48.
    signup_neighbours: RateLimit<Scope>,
    /// By block of telephone numbers.
    signup_block: RateLimit<u64>,
    signup_verify: RateLimit,
    signin: RateLimit,
    /// Of all who sign in with a password and a key that no phone has, together.
    strangers: RateLimit<()>,
    recover: RateLimit,
    recover_verify: RateLimit,
    /// Trips to an issuer and back: what we ask an issuer is bounded by these.
    external: RateLimit,
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
        metrics: Arc<Metrics>,
    ) -> Result<Self, NoRelyingParty> {
        Ok(Self {
            codes: Codes::default(),
            passkeys: Passkeys::new(config, registry)?,
            outbox: Outbox::new(config, clock, metrics),
            directory: Directory::default(),
            replays: ReplayCache::default(),
            passwords: Pool::default(),
            breached: config.breached_passwords.clone().map(RangeQuery::new),
            attacks: Attacks::default(),
            external: External::new(&config.external_sign_in),
            doors: Doors {
                signup_start: RateLimit::new(10, 2 * MINUTE),
                signup_neighbours: RateLimit::new(50, 20 * SECOND),
                signup_block: RateLimit::new(20, 3 * MINUTE),
                signup_verify: RateLimit::new(30, 20 * SECOND),
                signin: RateLimit::new(30, 10 * SECOND),
                strangers: RateLimit::new(500, SECOND / 50),
                recover: RateLimit::new(10, 2 * MINUTE),
                recover_verify: RateLimit::new(30, 20 * SECOND),
                external: RateLimit::new(30, 10 * SECOND),
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

    /// The ways out for messages.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Begins what runs beside the requests, as long as the service lives.
    pub fn start(app: &Arc<App>) {
        attack::start(app);
        directory::start(app);
        moves::settle::start(app);
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
        .route("/signup/password/options", post(signup::password::options))
        .route("/signup/password/finish", post(signup::password::finish))
        .route("/signup/finish", post(signup::finish::handle))
        .route("/signin/options", post(signin::options::handle))
        .route("/signin/finish", post(signin::finish::handle))
        .route("/signin/password/work", post(signin::password::challenge))
        .route("/signin/password", post(signin::password::handle))
        .route("/signin/external/start", post(external::begin::signin))
        .route("/signin/external", post(external::signin::handle))
        .route("/signup/external/start", post(external::begin::signup))
        .route("/signup/external/options", post(external::signup::options))
        .route("/signup/external/finish", post(external::signup::finish))
        .route("/external/link/options", post(external::link::link_options))
        .route("/external/link", post(external::link::link))
        .route("/external/link/finish", post(external::link::finish))
        .route("/external/unlink/options", post(external::link::unlink_options))
        .route("/external/unlink", post(external::link::unlink))
        .route("/signout", post(signout::handle))
        .route("/recovery-codes/options", post(recovery::options))
        .route("/recovery-codes", post(recovery::renew))
        .route("/devices", get(devices::handle))
        .route("/devices/rename", post(devices::rename::handle))
        .route("/devices/end/options", post(devices::end::options))
        .route("/devices/end", post(devices::end::handle))
        .route("/sessions/end", post(sessions::end))
        .route("/sessions/end-others", post(sessions::end_others))
        .route("/move/options", post(moves::start::options))
        .route("/move/start", post(moves::start::handle))
        .route("/move/password/start", post(moves::password::handle))
        .route("/move/finish", post(moves::finish::handle))
        .route("/move/undo", post(moves::undo::handle))
        .route("/account/stop", post(standing::stop_own))
        .route("/account/resume/options", post(standing::options))
        .route("/account/resume", post(standing::resume))
        .route("/contacts/change/options", post(contacts::options))
        .route("/contacts/change", post(contacts::change))
        .route("/contacts/confirm", post(contacts::confirm))
        .route("/factors/passkeys/options", post(factors::passkey_add::options))
        .route("/factors/passkeys", post(factors::passkey_add::handle))
        .route("/factors/passkeys/finish", post(factors::passkey_add::finish))
        .route("/factors/passkeys/remove/options", post(factors::passkey_remove::options))
        .route("/factors/passkeys/remove", post(factors::passkey_remove::handle))
        .route("/factors/totp/options", post(factors::app::options))
        .route("/factors/totp", post(factors::app::handle))
        .route("/factors/totp/finish", post(factors::app::finish))
        .route("/factors/password/options", post(factors::password::options))
        .route("/factors/password", post(factors::password::handle))
        .route("/factors/password/remove/options", post(factors::password::removal_options))
        .route("/factors/password/remove", post(factors::password::remove))
        .route("/recover/start", post(recover::start::handle))
        .route("/recover/verify", post(recover::verify::handle))
        .route("/recover/passkey/options", post(recover::options::handle))
        .route("/recover/password/options", post(recover::password::options))
        .route("/recover/password/finish", post(recover::password::finish))
        .route("/recover/finish", post(recover::finish::handle))
        .route("/recover/cancel", post(recover::cancel::handle))
        .route("/recover/cancel/code", post(recover::cancel::by_code));
    Router::new()
        .route("/signup", get(pages::signup))
        .route("/signin", get(pages::signin))
        .route("/move", get(moves::page::new_phone))
        .route("/moved", get(moves::page::old_phone))
        .route("/recover", get(pages::recover))
        .route("/external/{provider}/callback", get(external::callback::handle))
        .route("/recover/cancel", get(pages::recover_cancel))
        .route("/settings/factors", get(factors::page::handle))
        .nest("/api/wallet/v1", api)
        .nest("/api/wallet/v1", holes::router())
}
