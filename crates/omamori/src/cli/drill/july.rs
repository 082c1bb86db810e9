//! `omamori drill july-2019`: the attack of July 2019 on a crowd, beside the figures of 2019, and
//! beside the same on a build without the controls.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use omamori_drill::july::{Figures, run as play, table};

use super::stage::Service;
use super::{Error, NOT_BASELINE, elsewhere, fresh_folder, say};
use crate::baseline;
use crate::config::Store;

/// Its name among the scenarios.
pub(super) const NAME: &str = "july-2019";
/// The file of figures in the folder of reports.
const FILE: &str = "july.json";
/// An alert must be out within so many seconds.
const ALERT_SECONDS: f64 = 60.0;
/// Fewer ordinary customers than so many of ten thousand may be refused something.
const BOTHERED: usize = 50;

/// What is run.
pub(super) struct Asked<'a> {
    pub(super) customers: usize,
    /// A build with `baseline-2019`.
    pub(super) baseline: Option<&'a Path>,
    pub(super) data: &'a Path,
    pub(super) report: Option<&'a Path>,
}

/// Runs it here, and on the baseline if there is one.
///
/// # Errors
/// If it was not withstood, or could not be run.
pub(super) async fn run(asked: Asked<'_>) -> Result<(), Error> {
    if asked.customers == 0 {
        return Err("--customers must be at least 1".into());
    }
    let mut runs = Vec::new();
    if let Some(program) = asked.baseline {
        let customers = asked.customers.to_string();
        let again = [NAME, "--customers", &customers].map(str::to_owned);
        let theirs: Vec<Figures> = elsewhere::report(program, &again, (asked.data, FILE)).await?;
        let figures = theirs.into_iter().next().ok_or("the baseline has no figures")?;
        if !figures.is_baseline {
            return Err(NOT_BASELINE.into());
        }
        runs.push(figures);
        keep(asked.report, &runs)?; // they took long, and ours may break off
    }
    let folder = fresh_folder(asked.data, NAME)?;
    let store = Store::Sqlite { folder: folder.clone() };
    let here = attack(store, &folder, asked.customers).await;
    std::fs::remove_dir_all(&folder)?;
    runs.push(here?);
    say(table(&runs));
    keep(asked.report, &runs)?;
    match runs.last() {
        Some(figures) if !baseline::IS_ON => judge(figures),
        _ => Ok(()),
    }
}

/// Writes the figures down, if there is a folder for them.
fn keep(folder: Option<&Path>, runs: &[Figures]) -> Result<(), Error> {
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(FILE), serde_json::to_string_pretty(runs)?)?;
        std::fs::write(folder.join("july.md"), table(runs))?;
    }
    Ok(())
}

/// Lets it play against a service on empty stores. `folder` is for its key.
///
/// # Errors
/// If the service cannot be started, customers cannot sign up, or the books do not add up.
pub async fn attack(store: Store, folder: &Path, customers: usize) -> Result<Figures, Error> {
    let progress = ProgressBar::new(customers as u64);
    if let Ok(style) = ProgressStyle::with_template("  {bar:40} {pos:>6} of {len}  {msg}") {
        progress.set_style(style);
    }
    let service = Service::start(store, folder).await?;
    let watching = service.watch(None);
    let figures = play(service.stage(), customers, &progress).await;
    watching.abort();
    progress.finish_and_clear();
    service.end().await?;
    Ok(figures?)
}

/// What must be for it to be withstood.
///
/// # Errors
/// What was not.
pub fn judge(figures: &Figures) -> Result<(), Error> {
    let alert = figures.alert_seconds.is_some_and(|after| after < ALERT_SECONDS);
    let faults = [
        (figures.entered > 0 || figures.moved > 0, "strangers were let in"),
        (figures.yen_topped_up > 0 || figures.yen_spent > 0, "strangers got yen"),
        (figures.yen_missing > 0, "customers miss yen"),
        (!alert, "no alert came within a minute"),
        (figures.bothered_of_ten_thousand() >= BOTHERED, "too many customers were refused"),
    ];
    let faults: Vec<_> =
        faults.into_iter().filter(|(is_so, _)| *is_so).map(|(_, text)| text).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ").into()) }
}
