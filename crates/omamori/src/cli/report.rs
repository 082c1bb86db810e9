//! `omamori report …`: figures for authorities and books.

use clap::Subcommand;
use jiff::Timestamp;
use jiff::civil::Date;

use super::merchant::plain;
use super::open::SettingsArgs;
use super::say;
use crate::books::accounting::reason;
use crate::clock::{Clock, SystemClock};
use crate::db::Stores;
use crate::law::base::{BaseDate, day_end, day_start, deposit};
use crate::law::quota::Quota;
use crate::law::{Figures, figures};
use crate::refund::end;
use crate::refund::figures::{Sum, held, of as of_end};
use crate::refund::quota::promised;
use crate::web::filters::rfc3339;

type Error = Box<dyn std::error::Error>;

/// What to report.
#[derive(Subcommand)]
pub enum Command {
    /// What the Payment Services Act asks: unused value, issue, recovery, deposit, refund quota.
    Law {
        #[command(flatten)]
        settings: SettingsArgs,
        /// Days in Japan, both included: 2026-04-01..2026-09-30. Without it, the period of the last
        /// base date.
        #[arg(long, value_parser = period)]
        period: Option<(Date, Date)>,
        /// As lines of CSV: name,yen.
        #[arg(long)]
        csv: bool,
    },
    /// The refunds of the service's end: holders, claimed, paid, unclaimed (forms 18 and 19).
    EndOfService {
        #[command(flatten)]
        settings: SettingsArgs,
        /// As lines of CSV: figure,count,yen.
        #[arg(long)]
        csv: bool,
    },
}

/// `2026-04-01..2026-09-30`: days in Japan, both included.
pub(super) fn period(text: &str) -> Result<(Date, Date), String> {
    let wrong = || "a period is two days: 2026-04-01..2026-09-30".to_owned();
    let (first, last) = text.split_once("..").ok_or_else(wrong)?;
    let first: Date = first.parse().map_err(|_| wrong())?;
    let last: Date = last.parse().map_err(|_| wrong())?;
    if first <= last { Ok((first, last)) } else { Err(wrong()) }
}

/// Does it.
///
/// # Errors
/// If the journal cannot be read.
pub async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Law { settings, period, csv } => law(settings, period, csv).await,
        Command::EndOfService { settings, csv } => end_of_service(settings, csv).await,
    }
}

async fn end_of_service(settings: SettingsArgs, csv: bool) -> Result<(), Error> {
    let stores = Stores::open_as_they_are(&settings.read()?.store).await?;
    let standing = end::standing(&stores.registry).await.map_err(plain)?;
    let end = standing.ok_or("no end of the service is announced")?;
    let mut found = of_end(&stores, &end).await.map_err(plain)?;
    let now = SystemClock.now();
    if found.held.is_none() && end.has_ended(now) {
        // The service reads it once after the end; it may not have run since.
        let nanos = u64::try_from(end.plan.ends_at)?.saturating_mul(1_000);
        found.held = Some(held(&stores.journal, nanos).await.map_err(plain)?);
    }
    stores.close().await;
    if csv {
        say(format_args!("{}", found.csv().trim_end()));
        return Ok(());
    }
    let (ends, last) = (rfc3339(end.plan.ends_at), &end.plan.last_day);
    say(format_args!(
        "use ends {ends}, public notice {}, claims until {last}",
        end.plan.noticed_on
    ));
    for (name, Sum { count, yen }) in found.lines() {
        say(format_args!("{count:>9} {yen:>15}  {name}"));
    }
    Ok(())
}

async fn law(settings: SettingsArgs, period: Option<(Date, Date)>, csv: bool) -> Result<(), Error> {
    let now = Timestamp::from_microsecond(SystemClock.now())?;
    let last = BaseDate::last_before(now);
    let (first, end) = match period {
        Some(period) => period,
        None => (last.before().next_day(), last.day()),
    };
    let stores = Stores::open_as_they_are(&settings.read()?.store).await?;
    let of = async |from: Timestamp, until: Timestamp| {
        let (from, until) = (from.as_nanosecond().try_into()?, until.as_nanosecond().try_into()?);
        figures(&stores.journal, from, until).await.map_err(plain)
    };
    let found = of(day_start(first), day_end(end)).await?;
    // The quota of the period that runs, from the one that the last base date ended.
    let before = of(last.before().end(), last.end()).await?;
    let running = of(last.end(), now).await?;
    let promised = promised(&stores.registry).await.map_err(plain)?;
    stores.close().await;
    let mut lines = of_period((first, end), &found);
    if let Some(base) = BaseDate::of(end) {
        lines.push(("deposit".to_owned(), deposit(found.closing)));
        if !csv {
            say(format_args!("report and deposit are due on {}", base.due()));
        }
    }
    let refunded = running.refunded_of_quota();
    let quota = Quota::new(before.issued, before.closing, refunded);
    lines.push((format!("refunded within the quota since {}", last.day()), refunded));
    lines.push(("agreed on within the quota and not paid".to_owned(), promised));
    lines.push((format!("refund quota of issue since {}", last.day()), quota.of_issue));
    lines.push((format!("refund quota of unused since {}", last.day()), quota.of_unused));
    for (name, yen) in lines {
        if csv {
            say(format_args!("\"{name}\",{yen}"));
        } else {
            say(format_args!("{yen:>15}  {name}"));
        }
    }
    if found.unnamed == 0 && found.adds_up() {
        Ok(())
    } else {
        Err("there are transfers that this version does not know to report".into())
    }
}

fn of_period((first, last): (Date, Date), found: &Figures) -> Vec<(String, i64)> {
    let mut lines = vec![
        (format!("unused before {first}"), found.opening),
        ("issued".to_owned(), found.issued),
        ("recovered".to_owned(), found.recovered),
        (format!("unused at the end of {last}"), found.closing),
    ];
    for (code, yen) in &found.by_code {
        lines.push((format!("of it {}", reason(*code)), *yen));
    }
    lines
}
