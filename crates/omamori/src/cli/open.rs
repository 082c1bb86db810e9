//! Opening the service: settings, key, stores, gate; and what a production start refuses.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::app::App;
use crate::audit::witness::Witness;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Store};
use crate::console::Console;
use crate::coupon::Campaigns;
use crate::crowd::Room;
use crate::db::{Stores, changes};
use crate::gate::Gate;
use crate::gate::seal::SealKey;
use crate::identity::Identity;
use crate::load::Shed;
use crate::merchant::Merchants;
use crate::merchant::sales::Sales;
use crate::networks::Networks;
use crate::notify::money;
use crate::observe::{Metrics, Readiness};
use crate::order::Scanning;
use crate::risk::{Risk, follow, watch};
use crate::rng::{Rng, SystemRng, random};
use crate::secret::Vault;
use crate::topup::Topups;
use crate::topup::card::auto;
use crate::value::promise;
use crate::wallet::lines::Lines;
use crate::wallet::live::Live;
use crate::webhook::{self, Webhooks};

type Error = Box<dyn std::error::Error>;

/// Where the settings are.
#[derive(Clone, clap::Args)]
pub struct SettingsArgs {
    /// The settings file (TOML).
    #[arg(long, default_value = "omamori.toml")]
    pub config: PathBuf,
    /// Instead of a settings file: the folder of an embedded store, such as the demo's.
    #[arg(long, conflicts_with = "config")]
    pub data: Option<PathBuf>,
}

impl SettingsArgs {
    /// The settings that these arguments name.
    ///
    /// # Errors
    /// [`crate::config::ConfigError`].
    pub fn read(&self) -> Result<Config, crate::config::ConfigError> {
        match &self.data {
            Some(folder) => Ok(Config {
                store: Store::Sqlite { folder: folder.clone() },
                key_file: folder.join("master.key"),
                ..Config::default()
            }),
            None => Config::read(&self.config),
        }
    }
}

/// Opens everything but the network.
///
/// # Errors
/// If a store fails, the journal is not sound, or the settings cannot work.
pub async fn open(
    config: Config,
    master_key: &[u8; 32],
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
) -> Result<Arc<App>, Error> {
    config.check()?;
    if let Store::Sqlite { folder } = &config.store {
        std::fs::create_dir_all(folder)?;
    }
    let stores = Stores::open(&config.store).await?;
    let metrics = Arc::new(Metrics::new());
    let vault = Vault::new(master_key);
    let networks = Networks::open(config.networks.as_deref(), config.countries.as_deref())
        .map_err(|error| format!("the file of networks cannot be used: {error}"))?;
    let networks = Arc::new(networks);
    let (risk, taken) = Risk::open(&stores, &config, networks.clone(), clock.now()).await?;
    let keeps_nothing = config.journal_keeps_nothing;
    let limits = config.limits.clone();
    let watch = (SealKey::of(&vault), metrics.clone());
    let gate = Gate::open(&stores, clock.clone(), (risk, limits), keeps_nothing, watch).await?;
    let identity = Identity::new(&config, stores.registry.clone(), clock.clone(), metrics.clone())?;
    let app = Arc::new(App {
        networks,
        topups: Topups::open(&config, clock.clone()).await?,
        merchants: Merchants::new(stores.registry.clone(), clock.clone()),
        campaigns: Campaigns::new(stores.registry.clone()),
        webhooks: Webhooks::new(&config),
        lines: Lines::start(&stores.views, &gate).await?,
        sales: Sales::start(&stores.views, &gate).await?,
        live: Live::start(gate.reader().subscribe()),
        audit: Witness::default(),
        console: Console::default(),
        scanning: Scanning::default(),
        metrics,
        shed: Shed::new(&config.load),
        crowd: Room::new(&config.waiting_room),
        readiness: Readiness::default(),
        config,
        vault,
        clock,
        rng,
        stores,
        gate,
        identity,
    });
    changes::start(&app);
    follow::start(&app, taken);
    watch::start(&app);
    promise::follow(&app).await?;
    Identity::start(&app);
    money::start(&app).await?;
    webhook::follow(&app).await?;
    auto::follow(&app).await?;
    Ok(app)
}

/// The same, on this machine's clock and randomness.
///
/// # Errors
/// As [`open`].
pub async fn open_here(config: Config, master_key: &[u8; 32]) -> Result<Arc<App>, Error> {
    open(config, master_key, Arc::new(SystemClock), Arc::new(SystemRng)).await
}

/// Brings all schemas up to date.
///
/// # Errors
/// If a migration fails.
pub async fn migrate(args: SettingsArgs) -> Result<(), Error> {
    let config = args.read()?;
    let app = open_here(config.clone(), &read_key(&config.key_file)?).await?;
    app.close().await;
    super::say("The schemas of all stores are up to date.");
    Ok(())
}

/// Reads the master key.
///
/// # Errors
/// If there is none, others can read it, or it is not 32 bytes in base64.
pub fn read_key(path: &Path) -> Result<[u8; 32], Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read the master key {}: {error}", path.display()))?;
    refuse_if_others_can_read(path)?;
    let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
    let key = bytes.try_into();
    key.map_err(|_| format!("{} does not hold 32 bytes in base64", path.display()).into())
}

fn refuse_if_others_can_read(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        let path = path.display();
        return Err(format!("others can read {path}: chmod 600 {path}").into());
    }
    Ok(())
}

/// Reads the master key, or makes one where there is none.
///
/// # Errors
/// As [`read_key`], or if the file cannot be written.
pub fn read_or_make_key(path: &Path) -> Result<[u8; 32], Error> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    if path.exists() {
        return read_key(path);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let key: [u8; 32] = random(&SystemRng);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", STANDARD.encode(key))?;
    file.sync_all()?;
    tracing::warn!(path = %path.display(), "made a new master key: keep a copy of it elsewhere");
    Ok(key)
}
