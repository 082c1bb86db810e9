//! `omamori surge`: how much it carries, beside what others would carry on the same machine.
//!
//! It fills a data folder with customers and stores, starts `omamori serve` on it as a process of
//! its own, and sells over HTTP. Then, given a PostgreSQL server, it makes the same payments in
//! two more ways: one transaction each, as people usually write it, and through the ledger's
//! engine with its journal there. Figures are printed, never judged.

mod child;
mod closed_loop;
mod engine;
mod lag;
mod list_attack;
mod plain;
mod postgres;
mod prepare;
mod sales;
mod table;
#[cfg(test)]
mod tests;
mod world;

use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::RangedI64ValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use omamori_drill::load::LoadError;

use super::say;
use crate::clock::{Clock, SystemClock};
use crate::rng::{SystemRng, random};
use world::World;

/// Measures this machine.
#[derive(Clone, Debug, clap::Args)]
pub struct SurgeArgs {
    /// How many customers there are.
    #[arg(long, default_value_t = 1_000_000, value_parser = count(1..=100_000_000))]
    customers: u32,
    /// How many stores there are.
    #[arg(long, default_value_t = 20_000, value_parser = count(1..=1_000_000))]
    stores: u32,
    /// How long each step is measured, in seconds.
    #[arg(long, default_value_t = 10, value_parser = count(1..=3_600))]
    seconds: u32,
    /// The folder that is filled; it must not exist. On the disk that is to be measured.
    #[arg(long, default_value = "data/surge")]
    data: PathBuf,
    /// Leaves the folder when all is done.
    #[arg(long)]
    keep: bool,
    /// A PostgreSQL server for the comparison, `postgres://…`; it gets a schema
    /// `omamori_surge`, which is dropped afterwards.
    #[arg(long, env = "OMAMORI_SURGE_POSTGRES")]
    postgres: Option<String>,
    /// Measures, instead, what a list attack on sign-in takes from the sales.
    #[arg(long, conflicts_with = "postgres")]
    list_attack: bool,
    /// Writes the tables to this file too.
    #[arg(long)]
    output: Option<PathBuf>,
}

fn count(range: RangeInclusive<i64>) -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(range)
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum SurgeError {
    /// The folder would be overwritten.
    #[error("{0} exists: delete it, or name another folder with --data")]
    FolderExists(PathBuf),
    /// A file or process.
    #[error("{0}")]
    Io(&'static str, #[source] io::Error),
    /// The master key of the folder.
    #[error("the master key")]
    Key(#[source] Box<dyn std::error::Error>),
    /// A database.
    #[error("a database")]
    Db(#[from] omamori_db::Error),
    /// PostgreSQL, in the plain loop.
    #[error("PostgreSQL")]
    Sqlx(#[from] sqlx::Error),
    /// A ledger does not open.
    #[error("a ledger does not open")]
    Ledger(#[from] omamori_ledger::OpenError),
    /// A ledger does not take what prepares the measurement.
    #[error("the ledger refused what it was filled with: {0}")]
    Refused(String),
    /// The load generator.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The server ended by itself.
    #[error("the server ended at once; {0} says why")]
    ServerEnded(PathBuf),
    /// The comparison would be worth nothing.
    #[error("PostgreSQL runs with {0} = off: it would not be durable, so nothing is compared")]
    NotDurable(&'static str),
}

/// Measures and prints.
///
/// # Errors
/// [`SurgeError`].
pub async fn run(args: SurgeArgs) -> Result<(), SurgeError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let world = World::new(args.customers, args.stores, random(&SystemRng));
    let members = if args.list_attack { list_attack::members(args.seconds) } else { 0 };
    let world = Arc::new(world.with_members(members));
    if args.data.exists() {
        return Err(SurgeError::FolderExists(args.data));
    }
    std::fs::create_dir_all(&args.data).map_err(|e| SurgeError::Io("the data folder", e))?;
    // After an error the folder stays: the server's log in it may say why.
    let text = measure(&args, &world, &clock).await?;
    say(&text);
    if !args.keep {
        std::fs::remove_dir_all(&args.data).map_err(|e| SurgeError::Io("the data folder", e))?;
    }
    match &args.output {
        Some(path) => std::fs::write(path, text).map_err(|e| SurgeError::Io("the output", e)),
        None => Ok(()),
    }
}

async fn measure(
    args: &SurgeArgs,
    world: &Arc<World>,
    clock: &Arc<dyn Clock>,
) -> Result<String, SurgeError> {
    let duration = Duration::from_secs(args.seconds.into());
    let prepared = prepare::prepare(&args.data, world, clock).await?;
    let mut text = table::heading(world, args.seconds);
    if args.list_attack {
        let steps = list_attack::measure(&args.data, world, clock, duration).await?;
        return Ok(text + list_attack::table(&steps).as_str());
    }
    text += &table::sales(&sales::measure(&args.data, world, clock, duration).await?);
    if let Some(address) = &args.postgres {
        let steps = postgres::measure(address, world, clock, duration).await?;
        text += &table::payments(&steps);
    }
    text += &table::preparation(&prepared);
    Ok(text)
}

/// A bar for `total` things of a kind.
fn bar(label: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{prefix:<44} {bar:20} {human_pos}") {
        bar.set_style(style);
    }
    bar.set_prefix(label.to_owned());
    bar
}

/// A sign of life for what cannot be counted.
fn spinner(label: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(label.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
