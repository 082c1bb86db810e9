//! `omamori merchant …`: the first rows of a merchant, made by the operator.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;
use omamori_zengin::Kana;

use super::open::{SettingsArgs, open_here, read_key};
use super::say;
use crate::app::App;
use crate::audit::{Actor, MACHINE};
use crate::checkout::shop::{self, ONLINE};
use crate::merchant::access::Role;
use crate::merchant::keys::{self, By};
use crate::merchant::{create_merchant, create_store, create_terminal, invite_as};
use crate::settlement::bank::{self, Bank};
use crate::settlement::calendar::Calendar;
use crate::settlement::terms::{self, Terms};
use crate::web::error::Error as WebError;
use crate::web::filters::rfc3339;

type Error = Box<dyn std::error::Error>;

/// What to add.
#[derive(Subcommand)]
pub enum Command {
    /// A merchant.
    Add {
        #[command(flatten)]
        settings: SettingsArgs,
        /// The merchant's name.
        name: String,
    },
    /// A store of a merchant, with one web register; prints the register's key once.
    AddStore {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `mer_…`.
        merchant_id: String,
        /// The store's name.
        name: String,
    },
    /// A further terminal of a store; prints its key once.
    AddTerminal {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `sto_…`.
        store_id: String,
        /// Its name in the store.
        name: String,
        /// What it is: an ATM takes cash of customers and does nothing else.
        #[arg(long, value_parser = ["till", "pos", "atm", "online"])]
        kind: String,
        /// Of an online shop: where its pages are, as `https://shop.example.jp`.
        #[arg(long, required_if_eq("kind", "online"))]
        origin: Option<String>,
    },
    /// On which terms a merchant is settled, from its next statement on.
    Terms {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `mer_…`.
        merchant_id: String,
        /// When its accounts are closed.
        #[arg(long, value_parser = ["daily", "twice_monthly", "monthly"])]
        calendar: String,
        /// The fee of sales less refunds, in hundredths of a percent; tax comes on top.
        #[arg(long)]
        fee: i64,
        /// Kept for refunds, in hundredths of a percent of sales less refunds.
        #[arg(long, default_value_t = 0)]
        holdback: i64,
        /// Kept for refunds, in yen.
        #[arg(long, default_value_t = 0)]
        holdback_yen: i64,
    },
    /// To which bank account a merchant is paid; nothing goes there for the first days.
    PayoutAccount {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `mer_…`.
        merchant_id: String,
        /// The account (TOML); `docs/settlement.md` shows one.
        #[arg(long)]
        file: PathBuf,
    },
    /// A person of a merchant; prints a one-time address for their passkey.
    Invite {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `mer_…`.
        merchant_id: String,
        /// The person's name.
        name: String,
        /// What the person may do.
        #[arg(long, default_value = "owner", value_parser = ["owner", "manager", "clerk"])]
        role: String,
    },
    /// A new key for a terminal; prints it once.
    RotateKey {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `ter_…`.
        terminal_id: String,
        /// The old key ends at once, not after `terminal_key_overlap_hours`.
        #[arg(long)]
        at_once: bool,
    },
}

/// Adds, or changes.
///
/// # Errors
/// If the stores cannot be opened or written.
pub async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Add { settings, name } => {
            let app = open(settings).await?;
            let merchant_id = create_merchant(&app, &name).await.map_err(plain)?;
            say(format_args!("merchant {merchant_id}"));
            app.close().await;
        }
        Command::AddStore { settings, merchant_id, name } => {
            let app = open(settings).await?;
            let store_id = create_store(&app, &merchant_id, &name).await.map_err(plain)?;
            let till = create_terminal(&app, &store_id, "レジ1", "till").await.map_err(plain)?;
            say(format_args!("store    {store_id}"));
            say(format_args!("terminal {}", till.terminal_id));
            say(format_args!("key      {}   (shown this once)", till.api_key));
            app.close().await;
        }
        Command::AddTerminal { settings, store_id, name, kind, origin } => {
            let app = open(settings).await?;
            let made = match origin.filter(|_| kind == ONLINE) {
                Some(origin) => shop::create(&app, MACHINE, &store_id, &name, &origin).await,
                None => create_terminal(&app, &store_id, &name, &kind).await,
            };
            let made = made.map_err(plain)?;
            say(format_args!("terminal {}", made.terminal_id));
            say(format_args!("key      {}   (shown this once)", made.api_key));
            app.close().await;
        }
        Command::Terms { settings, merchant_id, calendar, fee, holdback, holdback_yen } => {
            let calendar = Calendar::parse(&calendar).ok_or("there is no such calendar")?;
            let terms = Terms {
                calendar,
                fee_basis_points: fee,
                holdback_basis_points: holdback,
                holdback_yen,
            };
            let app = open(settings).await?;
            let set = terms::set(&app, &Actor::machine(), &merchant_id, terms).await;
            app.close().await;
            set.map_err(plain)?;
            say(format_args!("{merchant_id} has these terms from its next statement on"));
        }
        Command::PayoutAccount { settings, merchant_id, file } => {
            let account: Bank = toml::from_str(&std::fs::read_to_string(file)?)?;
            Kana::convert(&account.holder)?;
            let app = open(settings).await?;
            let set = bank::set(&app, &Actor::machine(), &merchant_id, &account).await;
            app.close().await;
            let from = rfc3339(set.map_err(plain)?);
            say(format_args!("{merchant_id} is paid to the new account from {from} on"));
        }
        Command::RotateKey { settings, terminal_id, at_once } => {
            rotate_key(settings, &terminal_id, at_once).await?;
        }
        Command::Invite { settings, merchant_id, name, role } => {
            let role = Role::parse(&role).ok_or("there is no such role")?;
            let app = open(settings).await?;
            let made = invite_as(&app, &merchant_id, &name, role, None).await;
            let token = made.map_err(plain)?;
            say(format_args!("{}/merchant?invite={token}", app.config.public_url));
            app.close().await;
        }
    }
    Ok(())
}

async fn rotate_key(settings: SettingsArgs, id: &str, at_once: bool) -> Result<(), Error> {
    let app = open(settings).await?;
    let by = By { merchant_id: None, who: MACHINE };
    let made = keys::rotate(&app, by, id, at_once).await;
    app.close().await;
    let (made, until) = made.map_err(plain)?;
    say(format_args!("key      {}   (shown this once)", made.api_key));
    match until {
        Some(until) => say(format_args!("the old key works until {}", rfc3339(until))),
        None => say("the old key has ended"),
    }
    Ok(())
}

/// Opens the service of the settings, for one command.
///
/// # Errors
/// If settings, key or stores cannot be read.
pub async fn open(settings: SettingsArgs) -> Result<Arc<App>, Error> {
    let config = settings.read()?;
    let key = read_key(&config.key_file)?;
    open_here(config, &key).await
}

/// An error of the HTTP edge, told at a terminal.
pub fn plain(error: WebError) -> Error {
    match error {
        WebError::Fault(fault) => fault,
        other => other.code().message().into(),
    }
}
