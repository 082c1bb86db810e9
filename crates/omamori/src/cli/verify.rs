//! `omamori verify`: the journal recomputed on a code path of its own.

use omamori_ledger::verify;

use super::open::SettingsArgs;
use super::say;
use crate::config::Config;
use crate::db::Stores;

/// Verifies, prints what it found, and fails if anything differs.
///
/// # Errors
/// If a store cannot be read or something differs.
pub async fn run(args: SettingsArgs) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::read(&args.config)?;
    let stores = Stores::open(&config.store).await?;
    let report = verify(&stores.journal, Some(&stores.views)).await?;
    stores.close().await;
    say(&report);
    if report.problems.is_empty() { Ok(()) } else { Err("the journal does not verify".into()) }
}
