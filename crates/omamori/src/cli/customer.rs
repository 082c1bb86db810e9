//! `omamori customer …`: what support can do for an account.

use clap::Subcommand;

use super::merchant::{open, plain};
use super::open::SettingsArgs;
use super::say;
use crate::app::App;
use crate::audit::Actor;
use crate::console::customer_acts;
use crate::identity::standing;
use crate::privacy::{self, NewHold};
use crate::web::filters::rfc3339;

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
    /// Print everything about a customer as JSON, without secrets.
    Export {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `cus_…`, or the phone number.
        who: String,
    },
    /// Close an account at its holder's wish: in seven days its personal data are deleted. Until
    /// then, a sign-in calls it off.
    Delete {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `cus_…`, or the phone number.
        who: String,
    },
    /// Forbid that an account is closed, for a legal duty or a dispute.
    Hold {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `cus_…`, or the phone number.
        who: String,
        /// Why: for staff and auditors; the customer is not told.
        #[arg(long)]
        reason: String,
        /// The last day of it in Japan, as 2027-03-31.
        #[arg(long)]
        until: jiff::civil::Date,
        /// Who places it.
        #[arg(long)]
        by: String,
    },
    /// End all holds on an account.
    Release {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `cus_…`, or the phone number.
        who: String,
    },
}

impl Command {
    const fn settings_and_who(&self) -> (&SettingsArgs, &String) {
        match self {
            Self::Freeze { settings, who }
            | Self::Unfreeze { settings, who }
            | Self::Export { settings, who }
            | Self::Delete { settings, who }
            | Self::Hold { settings, who, .. }
            | Self::Release { settings, who } => (settings, who),
        }
    }
}

/// Does it.
///
/// # Errors
/// If the stores cannot be opened or written, or there is no such customer.
pub async fn run(command: Command) -> Result<(), Error> {
    let (settings, who) = command.settings_and_who();
    let app = open(settings.clone()).await?;
    let customer_id = standing::find(&app, who).await.map_err(plain)?;
    let customer_id = customer_id.ok_or("there is no such customer")?;
    let done = act(&app, &command, &customer_id).await;
    app.close().await;
    done
}

async fn act(app: &App, command: &Command, customer_id: &str) -> Result<(), Error> {
    let actor = Actor::machine();
    match command {
        Command::Freeze { .. } => {
            customer_acts::freeze(app, &actor, customer_id, "").await.map_err(plain)?;
            say(format_args!("stopped {customer_id}"));
        }
        Command::Unfreeze { .. } => {
            let status = customer_acts::unfreeze(app, &actor, customer_id).await.map_err(plain)?;
            let done = match status {
                None => "was not stopped:",
                Some("active") => "started",
                Some(_) => "closes, and stays shut as long as its rest is claimed:",
            };
            say(format_args!("{done} {customer_id}"));
        }
        Command::Export { .. } => {
            let copy = privacy::export_for_staff(app, &actor, customer_id).await.map_err(plain)?;
            say(serde_json::to_string_pretty(&copy)?);
        }
        Command::Delete { .. } => {
            let due_at = privacy::ask_for_closing(app, &actor, customer_id).await.map_err(plain)?;
            let at = rfc3339(due_at);
            say(format_args!("{customer_id} is closed after {at}, unless its holder signs in"));
        }
        Command::Hold { reason, until, by, .. } => {
            let end = until.tomorrow()?.in_tz("Asia/Tokyo")?.timestamp().as_microsecond();
            let hold = NewHold { reason, until: end, by };
            let hold_id = privacy::place_hold(app, &actor, customer_id, &hold).await;
            say(format_args!("{} on {customer_id}", hold_id.map_err(plain)?));
        }
        Command::Release { .. } => {
            let ended = privacy::release_holds(app, &actor, customer_id).await.map_err(plain)?;
            say(format_args!("ended {ended} on {customer_id}"));
        }
    }
    Ok(())
}
