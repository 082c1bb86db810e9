//! `omamori staff …`: the first of the operator's people, whom nobody else can invite.

use clap::Subcommand;

use super::merchant::{open, plain};
use super::open::SettingsArgs;
use super::say;
use crate::console::access::Role;
use crate::console::staff;
use crate::web::filters::rfc3339;

type Error = Box<dyn std::error::Error>;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Invite a person; prints a one-time invitation for their passkey, good for an hour.
    Invite {
        #[command(flatten)]
        settings: SettingsArgs,
        /// The person's name.
        name: String,
        /// What they are there for.
        #[arg(long, value_parser = ["viewer", "support", "fraud", "finance", "admin"])]
        role: String,
    },
    /// List all people.
    List {
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Take a person's access away at once.
    Remove {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `stf_…`.
        staff_id: String,
    },
}

/// Does it.
///
/// # Errors
/// If the stores cannot be opened or written, or there is no such person.
pub async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Invite { settings, name, role } => {
            let app = open(settings).await?;
            let role = Role::parse(&role).ok_or("there is no such role")?;
            let invitation = staff::invite(&app, &name, role).await.map_err(plain)?;
            say(format_args!("open        {}/console", app.config.public_url));
            say(format_args!("invitation  {invitation}   (once, within an hour)"));
            app.close().await;
        }
        Command::List { settings } => {
            let app = open(settings).await?;
            for person in staff::list(&app.stores.registry).await.map_err(plain)? {
                let used = person.last_used_at.map_or_else(|| "-".to_owned(), rfc3339);
                say(format_args!(
                    "{}  {:8}  {:8}  {}  {used}",
                    person.staff_id, person.role, person.state, person.name
                ));
            }
            app.close().await;
        }
        Command::Remove { settings, staff_id } => {
            let app = open(settings).await?;
            staff::remove(&app, &staff_id).await.map_err(plain)?;
            say(format_args!("removed {staff_id}"));
            app.close().await;
        }
    }
    Ok(())
}
