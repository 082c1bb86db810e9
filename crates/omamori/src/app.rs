//! The running service: everything a handler needs, made once, shared by all requests.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::console::Console;
use crate::coupon::Campaigns;
use crate::db::Stores;
use crate::gate::Gate;
use crate::identity::Identity;
use crate::merchant::Merchants;
use crate::networks::Networks;
use crate::rng::Rng;
use crate::secret::Vault;
use crate::topup::Topups;
use crate::wallet::lines::Lines;
use crate::wallet::live::Live;

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
    /// Who runs which network, if the operator has a file that says so.
    pub networks: Networks,
    /// Merchants, stores, terminals.
    pub merchants: Merchants,
    /// Cards and the gateway that charges them.
    pub topups: Topups,
    /// Campaigns of now.
    pub campaigns: Campaigns,
    /// The histories as rows, for search.
    pub lines: Lines,
    /// Tells open wallets at once.
    pub live: Live,
    /// The staff console: what it keeps in memory.
    pub console: Console,
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
