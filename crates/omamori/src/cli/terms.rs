//! `omamori terms …`: what customers can read for ever.

use std::path::PathBuf;

use clap::Subcommand;

use super::merchant::{open, plain};
use super::open::SettingsArgs;
use super::say;
use crate::audit::{Actor, hex};
use crate::db::Stores;
use crate::terms::{Kind, broken, publish_as, versions};
use crate::web::filters::rfc3339;

type Error = Box<dyn std::error::Error>;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Publish the next version of a text, for good.
    Publish {
        #[command(flatten)]
        settings: SettingsArgs,
        /// Which text.
        kind: Kind,
        /// The text (TOML); `deploy/texts` has one of each to begin with.
        #[arg(long)]
        file: PathBuf,
    },
    /// List all versions, and check that each is what was published.
    List {
        #[command(flatten)]
        settings: SettingsArgs,
    },
}

/// Does it.
///
/// # Errors
/// What the text lacks; if the store cannot be opened or written, or a version was changed.
pub async fn run(command: Command) -> Result<(), Error> {
    let (Command::Publish { settings, .. } | Command::List { settings }) = &command;
    if let Command::Publish { settings, kind, file } = &command {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let app = open(settings.clone()).await?;
        let made = publish_as(&app, &Actor::machine(), *kind, &text).await;
        app.close().await;
        let made = made?;
        say(format_args!("published {} {} {}", kind.as_str(), made.version, hex(&made.hash)));
        return Ok(());
    }
    let stores = Stores::open(&settings.read()?.store).await?;
    let done = list(&stores).await;
    stores.close().await;
    done
}

async fn list(stores: &Stores) -> Result<(), Error> {
    let registry = &stores.registry;
    for kind in [Kind::Terms, Kind::Compensation] {
        for version in versions(registry, kind).await.map_err(plain)? {
            let (at, hash) = (rfc3339(version.published_at), hex(&version.hash));
            say(format_args!("{} {} {at} {hash}", kind.as_str(), version.version));
        }
        if let Some(version) = broken(registry, kind).await.map_err(plain)? {
            let kind = kind.as_str();
            return Err(format!("{kind} {version} is not what was published").into());
        }
    }
    Ok(())
}
