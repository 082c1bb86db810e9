//! `omamori incident …`: the incident desk from the operator's shell. Lists and money change at
//! the desk alone, where two people agree.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::merchant::{open, plain};
use super::open::SettingsArgs;
use super::say;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::gate::Act;
use crate::incident::report::{Kind, Report};
use crate::incident::{cohort, counting, log, receivers, row};
use crate::web::codes::Code;
use crate::web::error::Error as WebError;
use crate::web::filters::{rfc3339, yen_text};
use crate::web::text::{Lang, Text};
use crate::worker::ticks;

type Error = Box<dyn std::error::Error>;

/// How often it is looked whether another node has made a count.
const AGAIN: Duration = Duration::from_secs(1);

/// Which report.
#[derive(Clone, Copy, ValueEnum)]
pub enum Which {
    /// A draft of the public notice.
    Public,
    /// For the authority.
    Authority,
    /// For the board.
    Board,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// List the newest incidents.
    List {
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Print a report as Markdown. Its figures are those of the lists.
    Report {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `inc_…`.
        incident: String,
        /// For whom.
        kind: Which,
        /// `ja` or `en`.
        #[arg(long, default_value = "ja")]
        lang: String,
    },
    /// Ask the saved question again, up to now, and print what was found. A worker makes the count:
    /// one of the running service, or this command.
    Count {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `inc_…`.
        incident: String,
    },
    /// Print the log as CSV. The audit log keeps that it was taken.
    Log {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `inc_…`.
        incident: String,
    },
}

impl Command {
    const fn settings(&self) -> &SettingsArgs {
        match self {
            Self::List { settings }
            | Self::Count { settings, .. }
            | Self::Report { settings, .. }
            | Self::Log { settings, .. } => settings,
        }
    }
}

/// Does it.
///
/// # Errors
/// If the stores cannot be opened, or there is no such incident.
pub async fn run(command: Command) -> Result<(), Error> {
    let app = open(command.settings().clone()).await?;
    let done = act(&app, &command).await;
    app.close().await;
    done
}

async fn act(app: &Arc<App>, command: &Command) -> Result<(), Error> {
    match command {
        Command::List { .. } => list(app).await,
        Command::Count { incident, .. } => count(app, incident).await,
        Command::Report { incident, kind, lang, .. } => {
            let lang = Lang::parse(lang).ok_or("the language is ja or en")?;
            let kind = match kind {
                Which::Public => Kind::Public,
                Which::Authority => Kind::Authority,
                Which::Board => Kind::Board,
            };
            let incident = row::find(&app.stores.registry, incident).await.map_err(plain)?;
            let report = Report::of(app, &incident, kind, None, Text::new(lang)).await;
            say(report.map_err(plain)?.markdown());
            Ok(())
        }
        Command::Log { incident, .. } => {
            let registry = &app.stores.registry;
            let incident = row::find(registry, incident).await.map_err(plain)?;
            let lines = log::timeline(registry, &incident).await.map_err(plain)?;
            taken(app, &incident.incident_id).await.map_err(plain)?;
            say(log::csv(&lines));
            Ok(())
        }
    }
}

async fn list(app: &App) -> Result<(), Error> {
    let registry = &app.stores.registry;
    let extents = cohort::extents(registry).await.map_err(plain)?;
    for one in row::newest(registry, 100).await.map_err(plain)? {
        let (customers, loss) = extents.get(&one.incident_id).copied().unwrap_or_default();
        let state = if one.is_open() { "open" } else { "closed" };
        let (id, at) = (&one.incident_id, rfc3339(one.opened_at));
        let loss = yen_text(loss);
        say(format_args!("{id}  {at}  {state:6}  {customers:>7}  {loss:>14}  {}", one.title));
    }
    Ok(())
}

/// Asks for a count and sees it made. Whoever cuts this off loses nothing: it stays asked for.
async fn count(app: &Arc<App>, incident_id: &str) -> Result<(), Error> {
    let asked = counting::ask(app, &Actor::machine(), incident_id).await;
    let number = asked.map_err(told)?;
    tokio::select! {
        ended = make(app, incident_id, number) => ended.map_err(plain)?,
        never = say_percents(app, incident_id, number) => match never {},
    }
    let counts = cohort::counts(&app.stores.registry, incident_id).await.map_err(plain)?;
    let made = counts.into_iter().find(|count| count.number == number);
    let made = made.ok_or("the incident was closed meanwhile: its lists stay as they are")?;
    let receivers = receivers::list(&app.stores.registry, incident_id).await.map_err(plain)?;
    let (customers, loss) = (made.figures.customers, yen_text(made.figures.loss));
    let (version, as_of) = (made.version, rfc3339(made.position.at));
    say(format_args!("count {number} of question {version}, as of {as_of}"));
    say(format_args!("{customers:>9} customers, {loss} lost"));
    say(format_args!("{:>9} others received some of it", receivers.len()));
    Ok(())
}

/// Makes a count, or waits until another node has. Of other incidents it makes none: theirs may be
/// long, and what is wrong with them is not this one's.
async fn make(app: &Arc<App>, incident_id: &str, number: i64) -> Result<(), WebError> {
    let mut ticks = ticks(AGAIN);
    loop {
        ticks.tick().await;
        counting::work_one(app, incident_id).await?;
        let job = counting::newest(&app.stores.registry, incident_id).await?;
        if job.is_none_or(|job| job.number != number || !job.is_waiting) {
            return Ok(());
        }
    }
}

/// Says how far a count is, whoever makes it, whenever that has changed. What cannot be read now
/// is looked at again.
async fn say_percents(app: &App, incident_id: &str, number: i64) -> Infallible {
    let (mut ticks, mut told) = (ticks(AGAIN), 0);
    loop {
        ticks.tick().await;
        let job = counting::newest(&app.stores.registry, incident_id).await.ok().flatten();
        let job = job.filter(|job| job.number == number && job.is_waiting);
        if let Some(job) = job.filter(|job| job.percent > told) {
            told = job.percent;
            say(format_args!("{told:>8}%"));
        }
    }
}

/// What to do about a count that is not made.
fn told(error: WebError) -> Error {
    match error.code() {
        Code::NotFound => "there is no such incident, or it has no question yet".into(),
        _ => plain(error),
    }
}

/// Whoever takes persons' ids out of the house is written down.
async fn taken(app: &App, incident_id: &str) -> crate::web::error::Result<()> {
    let (actor, after) = (Actor::machine(), json!({ "file": "log" }));
    let clearance = actor.decide(app, Act::IncidentExport, None, &after, Ok(())).await?;
    let tx = app.stores.registry.begin().await?;
    let entry = Entry {
        actor: &actor,
        act: Act::IncidentExport,
        subject: incident_id,
        before: Value::Null,
        after,
        reason: "",
    };
    audit::commit(app, tx, &clearance, &entry).await
}
