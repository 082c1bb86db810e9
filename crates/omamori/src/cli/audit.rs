//! `omamori audit …`: the log of what staff did, checked and taken out of the house.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::merchant::plain;
use super::open::{SettingsArgs, read_key};
use super::say;
use crate::audit::checkpoint::{Checkpoint, sign};
use crate::audit::decisions::{self, Head};
use crate::audit::list::after;
use crate::audit::verify::verify_all;
use crate::clock::{Clock, SystemClock};
use crate::db::Stores;
use crate::gate::seal::SealKey;
use crate::secret::Vault;

type Error = Box<dyn std::error::Error>;

/// Entries of one read.
const PAGE: i64 = 1_000;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Sign the newest entry: one line, to be kept where this machine cannot reach.
    Checkpoint {
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Find what was changed, taken out, moved or cut off.
    Verify {
        #[command(flatten)]
        settings: SettingsArgs,
        /// A file of checkpoints, one a line: the log must hold what they signed.
        #[arg(long)]
        checkpoint: Option<PathBuf>,
    },
    /// Print every entry as a line of JSON.
    Export {
        #[command(flatten)]
        settings: SettingsArgs,
    },
}

/// Does it.
///
/// # Errors
/// If the stores cannot be read, or the log is not as it was written.
pub async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Checkpoint { settings } => {
            let (stores, vault) = open(&settings).await?;
            let signed = sign(&stores.registry, &stores.evidence, &vault, SystemClock.now())
                .await
                .map_err(plain)?;
            stores.close().await;
            say(serde_json::to_string(&signed)?);
            Ok(())
        }
        Command::Verify { settings, checkpoint } => {
            let (stores, vault) = open(&settings).await?;
            let checkpoints = match checkpoint {
                Some(file) => read(&file, &vault)?,
                None => Vec::new(),
            };
            let (key, now) = (SealKey::of(&vault), SystemClock.now());
            let report = verify_all(&stores, &key, &checkpoints, now).await.map_err(plain)?;
            let heads: Vec<Head> = checkpoints.iter().flat_map(|c| c.decisions.clone()).collect();
            let (evidence, journal) = (&stores.evidence, &stores.journal);
            let of_decisions = decisions::verify(evidence, journal, &key, &heads, now);
            let of_decisions = of_decisions.await.map_err(plain)?;
            stores.close().await;
            say(format_args!("read      {} entries", report.entries));
            say(format_args!("newest    {}", report.hash));
            say(format_args!("signed    {} checkpoints hold", checkpoints.len()));
            for problem in &report.problems {
                say(format_args!("differs   {problem}"));
            }
            let decisions::Report { rows, emptied, without_seal, problems } = of_decisions;
            say(format_args!(
                "decisions {rows} rows, {emptied} past their time, {without_seal} older than seals"
            ));
            for problem in &problems {
                say(format_args!("differs   {problem}"));
            }
            let count = report.problems.len() + problems.len();
            if count > 0 {
                return Err(format!("{count} problems: the logs do not verify").into());
            }
            say("clean");
            Ok(())
        }
        Command::Export { settings } => {
            let (stores, _) = open(&settings).await?;
            let mut last = 0;
            loop {
                let entries = after(&stores.registry, last, PAGE).await.map_err(plain)?;
                let Some(newest) = entries.last() else { break };
                last = newest.seq;
                for entry in &entries {
                    say(serde_json::to_string(entry)?);
                }
            }
            stores.close().await;
            Ok(())
        }
    }
}

async fn open(settings: &SettingsArgs) -> Result<(Stores, Vault), Error> {
    let config = settings.read()?;
    let vault = Vault::new(&read_key(&config.key_file)?);
    Ok((Stores::open(&config.store).await?, vault))
}

fn read(file: &Path, vault: &Vault) -> Result<Vec<Checkpoint>, Error> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let mut checkpoints = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read = Checkpoint::read(line, vault).map_err(plain)?;
        let at = |why| format!("line {} of {}: {why}", number + 1, file.display());
        checkpoints.push(read.map_err(at)?);
    }
    Ok(checkpoints)
}
