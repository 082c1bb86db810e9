//! `omamori backup` and `omamori restore`.

use std::path::PathBuf;

use super::open::{SettingsArgs, read_key};
use super::say;
use crate::backup::{self, Manifest};
use crate::clock::SystemClock;
use crate::db::Stores;
use crate::secret::Vault;

type Error = Box<dyn std::error::Error>;

/// Where from, where to.
#[derive(clap::Args)]
pub struct BackupArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The folder to write into: new, or empty.
    #[arg(long)]
    to: PathBuf,
}

/// Where from; where to is what the settings name.
#[derive(clap::Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The folder with the backup.
    #[arg(long)]
    from: PathBuf,
}

/// Takes a backup beside the running service.
///
/// # Errors
/// What to tell the person at the terminal.
pub async fn backup(args: BackupArgs) -> Result<(), Error> {
    let config = args.settings.read()?;
    let vault = Vault::new(&read_key(&config.key_file)?);
    let stores = Stores::open_as_they_are(&config.store).await?;
    let manifest = backup::take(&stores, &args.to, &vault, &SystemClock, row).await?;
    stores.close().await;
    tell(&manifest);
    say("The master key is not in it: keep a copy of that elsewhere.");
    Ok(())
}

/// Fills empty stores from a backup.
///
/// # Errors
/// What to tell the person at the terminal.
pub async fn restore(args: RestoreArgs) -> Result<(), Error> {
    let config = args.settings.read()?;
    let vault = Vault::new(&read_key(&config.key_file)?);
    let (from, into) = (&args.from, &config.store);
    let manifest = backup::restore(from, into, &vault, &SystemClock, row).await?;
    tell(&manifest);
    say("clean");
    Ok(())
}

fn row(table: &str, rows: u64) {
    if rows > 0 {
        say(format_args!("{rows:>10}  {table}"));
    }
}

fn tell(manifest: &Manifest) {
    say(format_args!("taken     {} by {}", manifest.taken_at, manifest.version));
    say(format_args!("rows      {}, {} bytes", manifest.rows(), manifest.bytes()));
    say(format_args!("journal   entry {} {}", manifest.journal.seq, manifest.journal.hash));
    say(format_args!("audit     entry {} {}", manifest.audit.seq, manifest.audit.hash));
}
