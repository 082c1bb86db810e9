//! `omamori export …`: what the service knows, for other programs.

use std::io::BufWriter;

use clap::Subcommand;
use jiff::Timestamp;
use jiff::civil::Date;

use super::merchant::plain;
use super::open::SettingsArgs;
use super::out::Out;
use crate::books::accounting::{Grain, export};
use crate::db::Stores;

type Error = Box<dyn std::error::Error>;

/// What to write.
#[derive(Subcommand)]
pub enum Command {
    /// The journal as a plain-text accounting file, for hledger and its kin, on standard output.
    Ledger {
        #[command(flatten)]
        settings: SettingsArgs,
        /// Only what was before this instant (RFC 3339), or up to the end of this day in Japan.
        #[arg(long, value_parser = instant)]
        until: Option<Timestamp>,
        /// One account for each kind, as a general ledger takes it, instead of every account.
        #[arg(long)]
        accounting: bool,
    },
}

/// An instant, or the end of a day in Japan.
fn instant(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let day = text.parse().and_then(|day: Date| day.tomorrow()?.in_tz("Asia/Tokyo"));
    let day = day.map_err(|_| "neither 2026-03-31 nor 2026-03-31T15:00:00Z".to_owned())?;
    Ok(day.timestamp())
}

/// Does it.
///
/// # Errors
/// If the journal cannot be read or the output not be written.
pub async fn run(command: Command) -> Result<(), Error> {
    let Command::Ledger { settings, until, accounting } = command;
    let stores = Stores::open_as_they_are(&settings.read()?.store).await?;
    let until = until.map(|at| u64::try_from(at.as_nanosecond())).transpose()?;
    let grain = if accounting { Grain::Kinds } else { Grain::Accounts };
    let out = BufWriter::new(Out::new());
    export(&stores.journal, until, grain, out).await.map_err(plain)?;
    stores.close().await;
    Ok(())
}
