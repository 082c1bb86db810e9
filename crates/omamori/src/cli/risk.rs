//! `omamori risk …`: rules checked and tried over the past, on the server.

use std::collections::BTreeSet;
use std::path::PathBuf;

use askama::Template;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use omamori_risk::backtest::{Answers, Kind, Report, Tally};

use super::merchant::{open, plain};
use super::open::SettingsArgs;
use super::say;
use crate::audit::Actor;
use crate::console::rules_period;
use crate::risk::backtest::{Bar, Run, run as run_over};
use crate::risk::{label_file, rules};
use crate::web::filters;
use crate::web::filters::yen_text;
use crate::web::text::{Lang, Text};

type Error = Box<dyn std::error::Error>;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Say whether a file of rules may be published, and why not.
    Check {
        /// The rules (TOML), as crates/risk/rules/starter.toml.
        file: PathBuf,
    },
    /// Run rules over the decisions of a period, beside the rules in force.
    Backtest(BacktestArgs),
    /// Label decisions as fraud, as a file says: `fraud.json` of a month with fraud.
    Label {
        #[command(flatten)]
        settings: SettingsArgs,
        /// The labels (JSON).
        file: PathBuf,
    },
}

/// Of what.
#[derive(Args)]
pub struct BacktestArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The first day in Japan: 2026-12-01.
    #[arg(long)]
    from: String,
    /// The last day.
    #[arg(long)]
    to: String,
    /// The rules (TOML); the rules in force if left out.
    #[arg(long)]
    rules: Option<PathBuf>,
    /// Write table and plot into this file (HTML with SVG).
    #[arg(long)]
    plot: Option<PathBuf>,
    /// In Japanese.
    #[arg(long)]
    ja: bool,
}

/// Does it.
///
/// # Errors
/// Why rules may not be published; if the stores cannot be opened or read.
pub async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Check { file } => {
            let set = rules::check(&std::fs::read_to_string(file)?)?;
            say(format_args!("{} rules: they may be published", set.rules().count()));
            Ok(())
        }
        Command::Backtest(args) => backtest(args).await,
        Command::Label { settings, file } => {
            let text = std::fs::read_to_string(file)?;
            let app = open(settings).await?;
            let set = label_file::set(&app, &Actor::machine(), &text).await;
            app.close().await;
            let label_file::Set { lines, found, decisions } = set.map_err(plain)?;
            say(format_args!("{found} of {lines} labels found, {decisions} decisions labelled"));
            Ok(())
        }
    }
}

#[derive(Template)]
#[template(path = "backtest_report.htm")]
struct ReportFile<'a> {
    text: Text,
    from: &'a str,
    to: &'a str,
    run: &'a Run,
    bars: &'a [Bar],
}

async fn backtest(args: BacktestArgs) -> Result<(), Error> {
    let period = rules_period(&args.from, &args.to).map_err(plain)?;
    let file = args.rules.map(std::fs::read_to_string).transpose()?;
    let tested = file.as_deref().map(rules::check).transpose()?;
    let app = open(args.settings).await?;
    let live = app.gate.risk().in_force();
    let style = ProgressStyle::with_template("{spinner} {human_pos} decisions {per_sec}")?;
    let progress = ProgressBar::new_spinner().with_style(style);
    let sets = (tested.as_ref().unwrap_or(&live.set), &live.set);
    let told = |acts| progress.set_position(acts);
    let found = run_over(&app.stores, period, sets, u64::MAX, told).await;
    progress.finish_and_clear();
    let found = found.map_err(plain)?;
    let bars = found.bars();
    print(&found, &bars);
    if let Some(path) = args.plot {
        let text = Text::new(if args.ja { Lang::Ja } else { Lang::En });
        let report = ReportFile { text, from: &args.from, to: &args.to, run: &found, bars: &bars };
        std::fs::write(&path, report.render()?)?;
        say(format_args!("wrote {}", path.display()));
    }
    app.close().await;
    Ok(())
}

fn print(run: &Run, bars: &[Bar]) {
    let Report { acts, customers, .. } = &run.tested;
    say(format_args!("{acts} decisions of {customers} customers, {} labelled fraud", run.labelled));
    say(format_args!(
        "{:<28} {:>8} {:>8} {:>12} {:>9} {:>7}   {:>12} {:>9}",
        "rule", "hits", "frauds", "caught", "bothered", "errors", "live caught", "bothered"
    ));
    let none = Tally::default();
    for bar in bars {
        let name = if bar.rule.is_empty() { "(all)" } else { &bar.rule };
        let (tested, live) =
            (bar.tested.as_ref().unwrap_or(&none), bar.live.as_ref().unwrap_or(&none));
        say(format_args!(
            "{name:<28} {:>8} {:>8} {:>12} {:>9} {:>7}   {:>12} {:>9}",
            tested.hits,
            tested.frauds,
            yen_text(tested.caught_yen),
            tested.bothered,
            tested.errors,
            yen_text(live.caught_yen),
            live.bothered
        ));
    }
    if run.labelled > 0 {
        kinds(run);
    }
}

/// What was said to the acts of each kind of fraud, act by act.
fn by_act(run: &Run) {
    say("");
    say(format_args!(
        "{:<16} {:<14} {:>6} {:>8} {:>8} {:>11} {:>8} {:>8}",
        "kind", "act", "acts", "passed", "alerted", "stepped up", "held", "refused"
    ));
    for (name, found) in &run.tested.kinds {
        for (act, says) in &found.by_act {
            let Answers { acts, alerted, stepped_up, held, refused } = *says;
            let passed = acts - alerted - stepped_up - held - refused;
            let act = act.as_str();
            say(format_args!(
                "{name:<16} {act:<14} {acts:>6} {passed:>8} {alerted:>8} {stepped_up:>11} \
                 {held:>8} {refused:>8}"
            ));
        }
    }
    say("");
}

/// The kinds of fraud, and what ordinary customers had of it.
fn kinds(run: &Run) {
    say("");
    say(format_args!(
        "{:<16} {:>6} {:>9} {:>7} {:>8} {:>12} {:>12} {:>12}",
        "kind", "acts", "by gate", "alerted", "stopped", "yen", "stopped", "lost"
    ));
    let mut names: BTreeSet<&str> = run.tested.kinds.keys().map(|name| &**name).collect();
    names.extend(run.refused.keys().map(|name| &**name));
    let none = Kind::default();
    for name in names {
        let found = run.tested.kinds.get(name).unwrap_or(&none);
        let by_gate = run.refused.get(name).copied().unwrap_or_default();
        say(format_args!(
            "{name:<16} {:>6} {by_gate:>9} {:>7} {:>8} {:>12} {:>12} {:>12}",
            found.acts + by_gate,
            found.alerted,
            found.stopped,
            yen_text(found.yen),
            yen_text(found.stopped_yen),
            yen_text(found.yen - found.stopped_yen)
        ));
    }
    by_act(run);
    let Report { total, customers, .. } = &run.tested;
    let in_ten_thousand = total.bothered * 10_000 / (*customers).max(1);
    say(format_args!(
        "ordinary customers bothered: {} of {customers} ({}.{:02} %)",
        total.bothered,
        in_ten_thousand / 100,
        in_ten_thousand % 100
    ));
}
