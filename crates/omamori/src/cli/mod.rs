//! The commands of the one binary.

mod audit;
mod backup;
mod campaign;
mod control;
mod customer;
mod demo;
mod doctor;
pub mod drill;
mod export;
mod incident;
mod merchant;
pub mod open;
mod out;
mod reconcile;
mod report;
mod risk;
mod serve;
mod settle;
mod staff;
mod surge;
mod terms;
mod verify;

use clap::{Parser, Subcommand};

/// Omamori: a self-hosted, prepaid barcode-payment service.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service.
    Serve(serve::Args),
    /// Run the service with a demo merchant and sandbox adapters, to try it.
    Demo(demo::Args),
    /// Attack it: scenarios against a service that is started for them, and what came of it.
    Drill(drill::Args),
    /// Measure this machine: sales a second, beside the usual ways.
    Surge(surge::SurgeArgs),
    /// Bring the schemas of all stores up to date, then stop.
    Migrate(open::SettingsArgs),
    /// Recompute every balance from the journal, on a second code path, and compare.
    Verify(open::SettingsArgs),
    /// Write the journal for other accounting programs.
    #[command(subcommand)]
    Export(export::Command),
    /// Publish what customers can read for ever.
    #[command(subcommand)]
    Terms(terms::Command),
    /// Figures for authorities.
    #[command(subcommand)]
    Report(report::Command),
    /// Copy all stores as they are at one instant, while the service runs.
    Backup(backup::BackupArgs),
    /// Fill empty stores from a backup, and verify them.
    Restore(backup::RestoreArgs),
    /// Look at settings, key, stores, clock and disk; say what to mend.
    Doctor(open::SettingsArgs),
    /// Add merchants, stores, terminals and people.
    #[command(subcommand)]
    Merchant(merchant::Command),
    /// Begin and end the operator's campaigns.
    #[command(subcommand)]
    Campaign(campaign::Command),
    /// Reckon what merchants are paid, up to a day, and make the file for the bank.
    Settle(settle::SettleArgs),
    /// Files for the bank, and what the bank says.
    #[command(subcommand)]
    Payout(settle::Command),
    /// Compare what the card gateway and cash partners say with the ledger.
    #[command(subcommand)]
    Reconcile(reconcile::Command),
    /// Close a function at once, open it again, or list what is closed.
    #[command(subcommand)]
    Control(control::Command),
    /// Check risk rules, and try them over the decisions of the past.
    #[command(subcommand)]
    Risk(risk::Command),
    /// Stop a customer's account or start it again; copy, hold or delete their data.
    #[command(subcommand)]
    Customer(customer::Command),
    /// Read the incident desk; count a cohort again.
    #[command(subcommand)]
    Incident(incident::Command),
    /// Invite the operator's first people, list them, take their access away.
    #[command(subcommand)]
    Staff(staff::Command),
    /// The log of what staff did: sign it, verify it, export it.
    #[command(subcommand)]
    Audit(audit::Command),
}

/// Parses the command line and runs it.
///
/// # Errors
/// What to tell the person at the terminal.
pub async fn run() -> Result<(), Box<dyn std::error::Error>> {
    match Cli::parse().command {
        Command::Serve(args) => serve::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Drill(args) => drill::run(args).await,
        Command::Surge(args) => Ok(surge::run(args).await?),
        Command::Migrate(args) => open::migrate(args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Export(command) => export::run(command).await,
        Command::Terms(command) => terms::run(command).await,
        Command::Report(command) => report::run(command).await,
        Command::Backup(args) => backup::backup(args).await,
        Command::Restore(args) => backup::restore(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Merchant(command) => merchant::run(command).await,
        Command::Campaign(command) => campaign::run(command).await,
        Command::Settle(args) => settle::settle(args).await,
        Command::Payout(command) => settle::payout(command).await,
        Command::Reconcile(command) => reconcile::run(command).await,
        Command::Control(command) => control::run(command).await,
        Command::Customer(command) => customer::run(command).await,
        Command::Incident(command) => incident::run(command).await,
        Command::Risk(command) => risk::run(command).await,
        Command::Staff(command) => staff::run(command).await,
        Command::Audit(command) => audit::run(command).await,
    }
}

/// One line to the terminal: everything else logs.
fn say(line: impl std::fmt::Display) {
    out::line(&line);
}
