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
use crate::settlement::run::{self, Failed};
use crate::settlement::statement::Summary;
use crate::settlement::waiting::{self, Waiting};
use crate::settlement::{payout, progress, returned};
use crate::web::filters::yen_text;

type Error = Box<dyn std::error::Error>;

/// Waiting payouts in a list: the oldest.
const LISTED: i64 = 5_000;

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
/// If the stores cannot be opened, the day is not over, or a merchant could not be settled: all
/// others were, and their payouts are in the file.
pub async fn settle(args: SettleArgs) -> Result<(), Error> {
    let app = open(args.settings.clone()).await?;
    let done = settle_with(&app, &args).await;
    app.close().await;
    done
}

async fn settle_with(app: &App, args: &SettleArgs) -> Result<(), Error> {
    let ran = run::settle(app, args.until).await.map_err(plain)?;
    progress::record(app, &Actor::machine(), args.until, &ran).await.map_err(plain)?;
    table(&ran.made);
    if let (Some(path), Some(pay_on)) = (&args.file, args.pay_on) {
        make_file(app, pay_on, path).await?;
    }
    let failed = ran.failed.len();
    for Failed { merchant_id, error } in ran.failed {
        say(format_args!("{merchant_id} was not settled: {}", plain(error)));
    }
    if failed > 0 {
        return Err(format!("{failed} merchants were not settled; all others were").into());
    }
    Ok(())
}

fn table(made: &[Summary]) {
    say(format_args!(
        "{:10}  {:30}  {:>14}  {:>12}  {:>10}  {:>14}  {:>14}",
        "closing", "merchant", "net sales", "cash", "fee+tax", "payout", "carried"
    ));
    for one in made {
        say(format_args!(
            "{}  {:30}  {:>14}  {:>12}  {:>10}  {:>14}  {:>14}",
            one.closing_on,
            one.merchant_id,
            yen_text(one.net_sales),
            yen_text(one.net_cash),
            yen_text(one.fee_and_tax),
            yen_text(one.payout),
            yen_text(one.carried_out),
        ));
    }
    let total = made.iter().map(|one| one.payout).sum();
    say(format_args!("{} statements, {} to be paid", made.len(), yen_text(total)));
}

async fn make_file(app: &App, pay_on: Date, path: &Path) -> Result<(), Error> {
    let actor = Actor::machine();
    let made = payout::make_file(app, &actor, pay_on, "").await.map_err(plain)?;
    for (payout, why) in &made.waiting {
        let (yen, why) = (yen_text(payout.yen), words(*why));
        say(format_args!("{}  {yen} of {} {why}", payout.payout_id, payout.merchant_id));
    }
    if made.is_full {
        say("the file is full: make another one for what is left");
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

/// Why a payout is in no file.
const fn words(why: Waiting) -> &'static str {
    match why {
        Waiting::Account => "has no account that can be used yet",
        Waiting::Held => "is held",
        Waiting::TooLarge => "is more than one line of a file can hold",
        Waiting::Unreadable => "has an account that cannot be read: have it entered again",
        Waiting::Refused => "is refused by a rule",
    }
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
            payout::sent(app, &actor, file_id, "").await.map_err(plain)?;
            say(format_args!("{file_id} is sent"));
        }
        Command::Returned { payout_id, reason, .. } => {
            returned::returned(app, &actor, payout_id, reason).await.map_err(plain)?;
            say(format_args!("{payout_id} is owed again"));
        }
        Command::List { .. } => {
            for (payout, why) in waiting::listed(app, LISTED).await.map_err(plain)? {
                let (id, of) = (&payout.payout_id, &payout.merchant_id);
                let (yen, why) = (yen_text(payout.yen), why.map_or("", words));
                say(format_args!("{id}  {of}  {}  {yen}  {why}", payout.closing_on));
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
