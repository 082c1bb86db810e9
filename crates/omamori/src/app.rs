//! The running service: everything a handler needs, made once, shared by all requests.

use std::sync::Arc;

use crate::audit::witness::Witness;
use crate::clock::Clock;
use crate::config::Config;
use crate::console::Console;
use crate::coupon::Campaigns;
use crate::crowd::Room;
use crate::db::Stores;
use crate::gate::Gate;
use crate::identity::Identity;
use crate::load::Shed;
use crate::merchant::Merchants;
use crate::merchant::sales::Sales;
use crate::networks::Networks;
use crate::observe::{Metrics, Readiness};
use crate::order::Scanning;
use crate::rng::Rng;
use crate::secret::Vault;
use crate::topup::Topups;
use crate::wallet::lines::Lines;
use crate::wallet::live::Live;
use crate::webhook::Webhooks;

/// The running service.
pub struct App {
    /// The operator's settings.
    pub config: Config,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub rng: Arc<dyn Rng>,
    /// The four stores.
    pub stores: Stores,
    /// Seals secrets at rest.
    pub vault: Vault,
    /// The one gate, and behind it the ledger.
    pub gate: Gate,
    /// Customers, their factors, phones and sessions.
    pub identity: Identity,
    /// Who runs which network and where it is, if the operator has files that say so.
    pub networks: Arc<Networks>,
    /// Merchants, stores, terminals.
    pub merchants: Merchants,
    /// Cards and the gateway that charges them.
    pub topups: Topups,
    /// Campaigns of now.
    pub campaigns: Campaigns,
    /// What the reading of codes by the camera is bounded by.
    pub scanning: Scanning,
    /// Goes to merchants' own servers.
    pub webhooks: Webhooks,
    /// The histories as rows, for search.
    pub lines: Lines,
    /// What merchants sold, by day.
    pub sales: Sales,
    /// Tells open wallets at once.
    pub live: Live,
    /// Remembers the newest entry of the audit log.
    pub audit: Witness,
    /// The staff console: what it keeps in memory.
    pub console: Console,
    /// What is counted and timed, for the operator's engineers.
    pub metrics: Arc<Metrics>,
    /// Bounds on the requests at work.
    pub shed: Shed,
    /// The waiting room for sign-up.
    pub crowd: Room,
    /// Whether a load balancer may send requests here.
    pub readiness: Readiness,
}

impl App {
    /// True if an outside party is replaced by a sandbox adapter; every page says so.
    #[must_use]
    pub fn sandbox(&self) -> bool {
        self.config.has_sandbox()
    }

    /// Finishes what was begun, then lets go of the stores.
    pub async fn close(&self) {
        self.gate.close().await;
        self.stores.close().await;
    }
}
