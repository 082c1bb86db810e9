//! `omamori drill`: attacks, run against a service that is started for each of them, or against
//! one that is named.
//!
//! Everything that attacks is in the crate `drill` and speaks HTTP. Here is what needs the inside:
//! a service with a shop, somebody who watches its alerts and closes doors ([`stage`]).

mod elsewhere;
pub mod july;
mod office;
mod remote;
pub mod stage;
pub mod tampering;

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use omamori_drill::scenario::{self, Outcome, Scenario, Verdict, markdown};

use super::say;
use crate::baseline;
use crate::config::Store;
use crate::observe::logs;

type Error = Box<dyn std::error::Error>;

/// The file of outcomes in the folder of reports.
const FILE: &str = "drill.json";
const NOT_BASELINE: &str =
    "--baseline needs a program that was built with the feature baseline-2019";

/// Attacks the service.
#[derive(clap::Args)]
pub struct Args {
    /// A scenario by its name, `july-2019` for the attack on a crowd, or `list` for all names.
    #[arg(required_unless_present = "all")]
    name: Option<String>,
    /// All scenarios, one after the other.
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// Scenarios of your own: a folder with TOML files, in the place of those that ship.
    #[arg(long)]
    scenarios: Option<PathBuf>,
    /// A running service, `127.0.0.1:8080`, in the place of one that is started for each scenario.
    /// It needs the sandbox for messages, and must trust this machine as a proxy.
    #[arg(long, requires = "keys")]
    address: Option<String>,
    /// Registers of that service: JSON with `registers`, and `rival`, `revoked` and `insider` if
    /// there are.
    #[arg(long)]
    keys: Option<PathBuf>,
    /// Allows an address that is not of this machine. Attack only what is yours.
    #[arg(long)]
    allow_remote: bool,
    /// Where the reports are written: `drill.json` and `drill.md`.
    #[arg(long)]
    report: Option<PathBuf>,
    /// `july-2019`: how many customers there are.
    #[arg(long, default_value_t = 20_000)]
    customers: usize,
    /// Attack the service without its controls first, and print both: a program built with the
    /// feature `baseline-2019`, or nothing, and it is built of the source around here.
    #[arg(long, num_args = 0..=1, default_missing_value = elsewhere::BUILD)]
    #[arg(conflicts_with = "address", value_name = "PROGRAM")]
    baseline: Option<PathBuf>,
    /// The folder for the services that are started. What is made in it is removed.
    #[arg(long, default_value = "data/drill")]
    data: PathBuf,
}

/// Runs what is asked for.
///
/// # Errors
/// If a scenario was not withstood, or none could be run.
pub async fn run(args: Args) -> Result<(), Error> {
    let program = args.baseline.as_deref().map(elsewhere::program).transpose()?;
    if args.name.as_deref() == Some(july::NAME) {
        logs::start_text("off");
        return july::run(july::Asked {
            customers: args.customers,
            baseline: program.as_deref(),
            data: &args.data,
            report: args.report.as_deref(),
        })
        .await;
    }
    let all = read(args.scenarios.as_deref())?;
    if args.name.as_deref() == Some("list") {
        for scenario in &all {
            say(format_args!("{:<28} {}", scenario.name, scenario.title.ja));
            say(format_args!("{:<28} {}", "", scenario.title.en));
        }
        say(format_args!("{:<28} 2019年7月の攻撃を、多くの客と同時に", july::NAME));
        say(format_args!("{:<28} The attack of July 2019 on a crowd", ""));
        return Ok(());
    }
    let chosen: Vec<_> = match &args.name {
        None => all.iter().collect(),
        Some(name) => all.iter().filter(|scenario| scenario.name == *name).collect(),
    };
    if chosen.is_empty() {
        return Err("there is no such scenario; `omamori drill list` names them".into());
    }
    logs::start_text("off");
    let mut outcomes = match program {
        Some(program) => on_baseline(&program, &args).await?,
        None => Vec::new(),
    };
    outcomes.extend(run_all(&chosen, &args).await?);
    let text = markdown(&outcomes);
    say(&text);
    if let Some(folder) = &args.report {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(FILE), serde_json::to_string_pretty(&outcomes)?)?;
        std::fs::write(folder.join("drill.md"), &text)?;
    }
    // What the service without its controls did not withstand is what it is there for.
    let ours = || outcomes.iter().filter(|outcome| baseline::IS_ON || !outcome.is_baseline);
    let failed = ours().filter(|outcome| outcome.verdict != Verdict::Held).count();
    match failed {
        0 => Ok(()),
        _ => Err(format!("{failed} of {} scenarios were not withstood", ours().count()).into()),
    }
}

/// The same scenarios by the program without controls.
async fn on_baseline(program: &Path, args: &Args) -> Result<Vec<Outcome>, Error> {
    let mut asked = vec![args.name.clone().unwrap_or_else(|| "--all".to_owned())];
    if let Some(folder) = &args.scenarios {
        asked.extend(["--scenarios".to_owned(), folder.to_string_lossy().into_owned()]);
    }
    let outcomes: Vec<Outcome> = elsewhere::report(program, &asked, (&args.data, FILE)).await?;
    // One that broke off did not get as far as the page that says it.
    let is_known = |outcome: &Outcome| outcome.is_baseline || outcome.customers == 0;
    if !outcomes.iter().all(is_known) {
        return Err(NOT_BASELINE.into());
    }
    Ok(outcomes)
}

fn read(folder: Option<&Path>) -> Result<Vec<Scenario>, Error> {
    let Some(folder) = folder else { return Ok(scenario::all()?) };
    let mut files = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut all = Vec::with_capacity(files.len());
    for file in files {
        all.push(Scenario::parse(&std::fs::read_to_string(&file)?)?);
    }
    Ok(all)
}

async fn run_all(chosen: &[&Scenario], args: &Args) -> Result<Vec<Outcome>, Error> {
    let progress = ProgressBar::new(chosen.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("  {bar:40} {pos:>3} of {len}  {msg}") {
        progress.set_style(style);
    }
    let mut outcomes = Vec::with_capacity(chosen.len());
    for scenario in chosen {
        progress.set_message(scenario.name.clone());
        outcomes.push(match (&args.address, &args.keys) {
            (Some(address), Some(keys)) => {
                let place = (address.as_str(), args.allow_remote);
                remote::run_at(place, keys, outcomes.len(), scenario).await?
            }
            _ => run_here(&args.data, scenario).await?,
        });
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(outcomes)
}

/// A folder that was not there.
fn fresh_folder(data: &Path, name: &str) -> Result<PathBuf, Error> {
    let folder = data.join(name);
    if folder.exists() {
        return Err(format!("{} is there already; remove it", folder.display()).into());
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs one against a service of its own, whose folder is removed.
async fn run_here(data: &Path, scenario: &Scenario) -> Result<Outcome, Error> {
    let folder = fresh_folder(data, &scenario.name)?;
    let store = Store::Sqlite { folder: folder.clone() };
    let outcome = stage::attack(store, &folder, scenario).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}
