//! `omamori reconcile …`: what the card gateway and partners say of money, against the ledger.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::merchant::{open, plain};
use super::open::SettingsArgs;
use super::report::period;
use super::say;
use crate::app::App;
use crate::audit::Actor;
use crate::reconcile::{Period, run};
use crate::web::error::Error as WebError;
use crate::web::filters::yen_text;

type Error = Box<dyn std::error::Error>;

/// Whom to compare with.
#[derive(Subcommand)]
pub enum Command {
    /// The card gateway's report of its account.
    Card(Of),
    /// A partner's days by terminal, as CSV: `day,terminal_id,count,yen`.
    Cash {
        #[command(flatten)]
        of: Of,
        /// `mer_…`.
        merchant_id: String,
        /// What the partner sent.
        file: PathBuf,
        /// Why there is another file than the one that opened differences which this one closes.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// What to compare.
#[derive(Args)]
pub struct Of {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Days in Japan, both included, that are over: 2026-04-01..2026-04-30.
    #[arg(long, value_parser = period)]
    period: (Date, Date),
}

/// Compares, and writes the differences down. To do it again changes nothing.
///
/// # Errors
/// If stores, file or gateway cannot be read; if anything differs, so that a timer tells somebody.
pub async fn run(command: Command) -> Result<(), Error> {
    let (Command::Card(of) | Command::Cash { of, .. }) = &command;
    let app = open(of.settings.clone()).await?;
    let done = compare(&app, &command).await;
    app.close().await;
    let done = done?;
    let line = |name: &str, (count, yen): (i64, i64)| {
        say(format_args!("{name:8}  {count:>8}  {:>16}", yen_text(yen)));
    };
    line("ledger", done.ours);
    line("theirs", done.theirs);
    if done.fee != 0 {
        say(format_args!("{:8}  {:>8}  {:>16}", "fee", "", yen_text(done.fee)));
    }
    for one in &done.differences {
        say(format_args!(
            "{}  {:11}  {:40}  ledger {:>12}  theirs {:>12}",
            one.day,
            one.what.as_str(),
            one.reference,
            yen_text(one.ours),
            yen_text(one.theirs)
        ));
    }
    match done.differences.len() {
        0 => {
            say("everything agrees");
            Ok(())
        }
        count => Err(format!("{count} differences: /console/reconciliation").into()),
    }
}

async fn compare(app: &App, command: &Command) -> Result<run::Done, Error> {
    let (Command::Card(of) | Command::Cash { of, .. }) = command;
    let days = Period::new(of.period.0, of.period.1, app.clock.now()).map_err(plain)?;
    let actor = Actor::machine();
    match command {
        Command::Card(_) => run::card(app, &actor, days).await.map_err(plain),
        Command::Cash { merchant_id, file, reason, .. } => {
            let text = std::fs::read_to_string(file)?;
            let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            let said = run::File { name: &name, csv: &text, reason };
            let done = run::cash(app, &actor, merchant_id, days, said).await;
            done.map_err(|error| match error {
                WebError::Invalid(fields) => {
                    let wrong = fields.iter().map(|one| format!("{}: {}", one.field, one.code));
                    wrong.collect::<Vec<_>>().join(", ").into()
                }
                other => plain(other),
            })
        }
    }
}
