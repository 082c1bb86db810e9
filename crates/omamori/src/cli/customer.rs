//! `omamori customer …`: what support can do for an account.

use clap::Subcommand;

use super::merchant::{open, plain};
use super::open::SettingsArgs;
use super::say;
use crate::audit::Actor;
use crate::console::customer_acts;
use crate::identity::standing;

type Error = Box<dyn std::error::Error>;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Stop an account: nothing is paid or loaded, and its holder cannot start it again.
    Freeze {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `cus_…`, or the phone number.
        who: String,
    },
    /// Start a stopped account again, whoever stopped it.
    Unfreeze {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `cus_…`, or the phone number.
        who: String,
    },
}

/// Does it.
///
/// # Errors
/// If the stores cannot be opened or written, or there is no such customer.
pub async fn run(command: Command) -> Result<(), Error> {
    let (settings, who, freezes) = match command {
        Command::Freeze { settings, who } => (settings, who, true),
        Command::Unfreeze { settings, who } => (settings, who, false),
    };
    let app = open(settings).await?;
    let customer_id = standing::find(&app, &who).await.map_err(plain)?;
    let customer_id = customer_id.ok_or("there is no such customer")?;
    let actor = Actor::machine();
    if freezes {
        customer_acts::freeze(&app, &actor, &customer_id, "").await.map_err(plain)?;
        say(format_args!("stopped {customer_id}"));
    } else if customer_acts::unfreeze(&app, &actor, &customer_id).await.map_err(plain)? {
        say(format_args!("started {customer_id}"));
    } else {
        say(format_args!("{customer_id} was not stopped"));
    }
    app.close().await;
    Ok(())
}
