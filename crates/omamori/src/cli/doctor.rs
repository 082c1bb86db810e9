//! `omamori doctor`: is this installation as it should be?

use super::open::SettingsArgs;
use super::say;
use crate::clock::SystemClock;
use crate::observe::doctor::{Level, examine};

/// Looks, prints what it found, and fails if something must be mended.
///
/// # Errors
/// If the settings cannot be read, or something must be mended.
pub async fn run(args: SettingsArgs) -> Result<(), Box<dyn std::error::Error>> {
    let found = examine(&args.read()?, &SystemClock).await;
    for finding in &found {
        say(format_args!("{:<5} {:<16} {}", finding.level, finding.about, finding.text));
    }
    let count = |level| found.iter().filter(|finding| finding.level == level).count();
    let (failures, warnings) = (count(Level::Failure), count(Level::Warning));
    if failures > 0 {
        return Err(format!("{failures} to mend, {warnings} to look at").into());
    }
    say(format_args!("nothing to mend, {warnings} to look at"));
    Ok(())
}
