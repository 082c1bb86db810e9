//! `omamori campaign …`: the operator's own campaigns.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Deserialize;

use super::merchant::{open, plain};
use super::open::SettingsArgs;
use super::say;
use crate::coupon::manage::{self, Owner};
use crate::coupon::{Terms, period};

type Error = Box<dyn std::error::Error>;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Begin a campaign that the operator pays for.
    Create {
        #[command(flatten)]
        settings: SettingsArgs,
        /// What is promised (TOML); `docs/value.md` shows one.
        #[arg(long)]
        file: PathBuf,
    },
    /// End one at once.
    Stop {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `cmp_…`.
        campaign_id: String,
    },
}

/// The file of a campaign.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The first day in Japan, as text.
    starts_on: String,
    /// The last day.
    ends_on: String,
    /// What is promised.
    terms: Terms,
}

const OPERATOR: Owner<'_> = Owner { merchant_id: None, by: "command" };

/// Does it.
///
/// # Errors
/// What is wrong with the file; if the stores cannot be opened or written.
pub async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Create { settings, file } => {
            let file: File = toml::from_str(&std::fs::read_to_string(file)?)?;
            let (starts_at, ends_at) = period(&file.starts_on, &file.ends_on).map_err(plain)?;
            let app = open(settings).await?;
            let made = manage::create(&app, OPERATOR, file.terms, starts_at, ends_at).await;
            app.close().await;
            say(format_args!("campaign {}", made.map_err(plain)?));
        }
        Command::Stop { settings, campaign_id } => {
            let app = open(settings).await?;
            let stopped = manage::stop(&app, OPERATOR, &campaign_id).await;
            app.close().await;
            stopped.map_err(plain)?;
            say(format_args!("campaign {campaign_id} has ended"));
        }
    }
    Ok(())
}
