//! `omamori merchant …`: the first rows of a merchant, made by the operator.

use std::sync::Arc;

use clap::Subcommand;

use super::open::{SettingsArgs, open_here, read_key};
use super::say;
use crate::app::App;
use crate::checkout::shop::{self, ONLINE};
use crate::merchant::{create_merchant, create_store, create_terminal, invite};
use crate::web::error::Error as WebError;

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
    /// A person of a merchant; prints a one-time address for their passkey.
    Invite {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `mer_…`.
        merchant_id: String,
        /// The person's name.
        name: String,
    },
}

/// Adds.
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
                Some(origin) => shop::create(&app, &store_id, &name, &origin).await,
                None => create_terminal(&app, &store_id, &name, &kind).await,
            };
            let made = made.map_err(plain)?;
            say(format_args!("terminal {}", made.terminal_id));
            say(format_args!("key      {}   (shown this once)", made.api_key));
            app.close().await;
        }
        Command::Invite { settings, merchant_id, name } => {
            let app = open(settings).await?;
            let token = invite(&app, &merchant_id, &name).await.map_err(plain)?;
            say(format_args!("{}/merchant?invite={token}", app.config.public_url));
            app.close().await;
        }
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
