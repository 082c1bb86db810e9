//! `omamori verify`: the journal recomputed on a code path of its own.

use omamori_ledger::{Report, verify};

use super::open::SettingsArgs;
use super::say;
use crate::config::Store;
use crate::db::Stores;

/// Verifies, prints what it found, and fails if anything differs.
///
/// # Errors
/// If a store cannot be read or something differs.
pub async fn run(args: SettingsArgs) -> Result<(), Box<dyn std::error::Error>> {
    check(&args.read()?.store).await
}

/// The same for stores that are not in use.
///
/// # Errors
/// If a store cannot be read or something differs.
pub async fn check(store: &Store) -> Result<(), Box<dyn std::error::Error>> {
    let report = read(store).await?;
    say(format_args!(
        "read      {} entries, {} facts, {} transfers",
        report.entry_count, report.fact_count, report.transfer_count
    ));
    say(format_args!(
        "compared  {} of {} accounts, {} transfers of the views",
        report.snapshot_account_count, report.account_count, report.viewed_transfer_count
    ));
    for problem in &report.problems {
        say(format_args!("differs   {problem}"));
    }
    judge(&report)?;
    say("clean");
    Ok(())
}

/// [`check`] without a word.
///
/// # Errors
/// As [`check`].
pub async fn must_be_clean(store: &Store) -> Result<(), Box<dyn std::error::Error>> {
    judge(&read(store).await?)
}

async fn read(store: &Store) -> Result<Report, Box<dyn std::error::Error>> {
    let stores = Stores::open(store).await?;
    let report = verify(&stores.journal, &stores.views).await?;
    stores.close().await;
    Ok(report)
}

fn judge(report: &Report) -> Result<(), Box<dyn std::error::Error>> {
    if report.is_clean() {
        return Ok(());
    }
    Err(format!("{} problems: the journal does not verify", report.problem_count).into())
}
