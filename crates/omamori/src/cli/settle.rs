//! `omamori settle` and `omamori payout`: statements of merchants, files for the bank, and what
//! the bank says.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::merchant::{open, plain};
use super::open::SettingsArgs;
use super::say;
use crate::app::App;
use crate::audit::Actor;
use crate::settlement::payout::{self, Waiting};
use crate::settlement::run;
use crate::settlement::statement::Settlement;
use crate::web::filters::yen_text;

type Error = Box<dyn std::error::Error>;

/// What to settle.
#[derive(Args)]
pub struct SettleArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The last day in Japan, `2026-04-30`: all closing days up to it. It must be over.
    #[arg(long)]
    until: Date,
    /// Puts what can be paid into this file, for the bank.
    #[arg(long, requires = "pay_on")]
    file: Option<PathBuf>,
    /// The day on which the bank pays.
    #[arg(long, requires = "file")]
    pay_on: Option<Date>,
}

/// Settles. To do it again changes nothing; what a run that died left over is finished.
///
/// # Errors
/// If the stores cannot be opened, the day is not over, or the books do not add up.
pub async fn settle(args: SettleArgs) -> Result<(), Error> {
    let app = open(args.settings.clone()).await?;
    let done = settle_with(&app, &args).await;
    app.close().await;
    done
}

async fn settle_with(app: &App, args: &SettleArgs) -> Result<(), Error> {
    let made = run::settle(app, args.until).await.map_err(plain)?;
    table(&made);
    if let (Some(path), Some(pay_on)) = (&args.file, args.pay_on) {
        make_file(app, pay_on, path).await?;
    }
    Ok(())
}

fn table(made: &[Settlement]) {
    say(format_args!(
        "{:10}  {:30}  {:>14}  {:>12}  {:>10}  {:>14}  {:>14}",
        "closing", "merchant", "net sales", "cash", "fee+tax", "payout", "carried"
    ));
    for one in made {
        let statement = &one.statement;
        say(format_args!(
            "{}  {:30}  {:>14}  {:>12}  {:>10}  {:>14}  {:>14}",
            one.closing_on,
            one.merchant_id,
            yen_text(statement.net_sales),
            yen_text(statement.net_cash),
            yen_text(statement.fee + statement.tax),
            yen_text(statement.payout),
            yen_text(statement.carried_out),
        ));
    }
    let total = made.iter().map(|one| one.statement.payout).sum();
    say(format_args!("{} statements, {} to be paid", made.len(), yen_text(total)));
}

async fn make_file(app: &App, pay_on: Date, path: &Path) -> Result<(), Error> {
    let actor = Actor::machine();
    let made = payout::make_file(app, &actor, pay_on).await.map_err(plain)?;
    for (payout, why) in &made.waiting {
        let why = match why {
            Waiting::Account => "has no account that can be used yet",
            Waiting::Held => "is held",
        };
        say(format_args!("{} of {} {why}", yen_text(payout.yen), payout.merchant_id));
    }
    match &made.file {
        None => say("nothing to pay"),
        Some(file) => {
            write(app, &file.file_id, path).await?;
            let total = yen_text(file.total);
            say(format_args!(
                "{}  {} payouts  {total}  {}",
                file.file_id,
                file.count,
                path.display()
            ));
        }
    }
    Ok(())
}

/// Writes a file for the bank, readable by nobody else; never over another one.
async fn write(app: &App, file_id: &str, path: &Path) -> Result<(), Error> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let bytes = payout::contents(app, &Actor::machine(), file_id).await.map_err(plain)?;
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(path);
    let again = |error: std::io::Error| {
        format!("{error}; once there is room: omamori payout file {file_id} --out …")
    };
    let mut file = opened.map_err(again)?;
    file.write_all(&bytes)?;
    Ok(file.sync_all()?)
}

/// What to do with payouts.
#[derive(Subcommand)]
pub enum Command {
    /// Write a file for the bank again.
    File {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `pof_…`.
        file_id: String,
        /// Where to.
        #[arg(long)]
        out: PathBuf,
    },
    /// The bank has taken a file.
    Sent {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `pof_…`.
        file_id: String,
    },
    /// The bank gave a payout back (組戻し): it is owed again.
    Returned {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `pot_…`.
        payout_id: String,
        /// What the bank says.
        #[arg(long)]
        reason: String,
    },
    /// What is in no file yet, and the newest files.
    List {
        #[command(flatten)]
        settings: SettingsArgs,
    },
}

impl Command {
    const fn settings(&self) -> &SettingsArgs {
        match self {
            Self::File { settings, .. }
            | Self::Sent { settings, .. }
            | Self::Returned { settings, .. }
            | Self::List { settings } => settings,
        }
    }
}

/// Does it.
///
/// # Errors
/// If the stores cannot be opened or written, or there is no such file or payout.
pub async fn payout(command: Command) -> Result<(), Error> {
    let app = open(command.settings().clone()).await?;
    let done = payout_with(&app, &command).await;
    app.close().await;
    done
}

async fn payout_with(app: &App, command: &Command) -> Result<(), Error> {
    let actor = Actor::machine();
    match command {
        Command::File { file_id, out, .. } => write(app, file_id, out).await?,
        Command::Sent { file_id, .. } => {
            payout::sent(app, &actor, file_id).await.map_err(plain)?;
            say(format_args!("{file_id} is sent"));
        }
        Command::Returned { payout_id, reason, .. } => {
            payout::returned(app, &actor, payout_id, reason).await.map_err(plain)?;
            say(format_args!("{payout_id} is owed again"));
        }
        Command::List { .. } => {
            for payout in payout::waiting(app).await.map_err(plain)? {
                let (id, of) = (&payout.payout_id, &payout.merchant_id);
                say(format_args!("{id}  {of}  {}  {}", payout.closing_on, yen_text(payout.yen)));
            }
            for file in payout::files(app, 50).await.map_err(plain)? {
                let state = if file.sent_at.is_some() { "sent" } else { "not sent" };
                let (id, total) = (&file.file_id, yen_text(file.total));
                say(format_args!("{id}  {}  {}  {total}  {state}", file.pay_on, file.count));
            }
        }
    }
    Ok(())
}
