//! `omamori control …`: the handles of the doors, for when the console is down.

use clap::{Args, Subcommand};

use super::merchant::{open, plain};
use super::open::SettingsArgs;
use super::say;
use crate::app::App;
use crate::audit::Actor;
use crate::clock::{DAY, HOUR, MINUTE, Micros};
use crate::control::{self, Closing, Closure, Door, Scope, Version};
use crate::networks::Country;
use crate::web::filters::rfc3339;

type Error = Box<dyn std::error::Error>;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Close a door: in force on every node within a second.
    Close(CloseArgs),
    /// Open what was closed.
    Open {
        #[command(flatten)]
        settings: SettingsArgs,
        /// `ctl_…`, as `close` and `list` print it.
        control_id: String,
        /// Who opens it.
        #[arg(long)]
        by: String,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Every door, and what is closed.
    List {
        #[command(flatten)]
        settings: SettingsArgs,
    },
}

/// What to close.
#[derive(Args)]
pub struct CloseArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The door, as `list` prints it: `payment`, `topup-register` …
    #[arg(value_parser = door)]
    door: Door,
    /// Why: for staff.
    #[arg(long)]
    reason: String,
    /// Who closes it.
    #[arg(long)]
    by: String,
    /// Only in this store (`sto_…`).
    #[arg(long, group = "part")]
    store: Option<String>,
    /// Only in the stores of this merchant (`mer_…`).
    #[arg(long, group = "part")]
    merchant: Option<String>,
    /// Only for so many of a hundred customers.
    #[arg(long, group = "part", value_parser = clap::value_parser!(u8).range(1..100))]
    percent: Option<u8>,
    /// Only for requests from networks of this autonomous system.
    #[arg(long, group = "part")]
    asn: Option<u32>,
    /// Only for requests from networks of this country: `JP`.
    #[arg(long, group = "part", value_parser = country)]
    country: Option<Country>,
    /// Only for apps that say they are older than this version: `1.4.0`.
    #[arg(long, group = "part", value_parser = version)]
    app_older_than: Option<Version>,
    /// Only for accounts of this issuer, by its id in the settings.
    #[arg(long, group = "part")]
    issuer: Option<String>,
    /// Opens by itself after this time: `30m`, `2h`, `1d`.
    #[arg(long = "for", value_parser = span)]
    span: Option<Micros>,
    /// What everybody reads on the status page, in Japanese.
    #[arg(long, default_value = "")]
    notice_ja: String,
    /// The same in English.
    #[arg(long, default_value = "")]
    notice_en: String,
}

fn door(word: &str) -> Result<Door, String> {
    let all = || Door::ALL.iter().map(|door| door.as_str()).collect::<Vec<_>>().join(", ");
    Door::of(word).ok_or_else(|| format!("there are these doors: {}", all()))
}

fn country(text: &str) -> Result<Country, String> {
    Country::parse(text).ok_or_else(|| "a country is two capital letters: JP".to_owned())
}

fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| "a version is up to three numbers: 1.4.0".to_owned())
}

fn span(text: &str) -> Result<Micros, String> {
    let wrong = || "a time is a number and m, h or d: 30m, 2h, 1d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let unit = match unit {
        'm' => MINUTE,
        'h' => HOUR,
        'd' => DAY,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).filter(|span| (1..=366 * DAY).contains(span)).ok_or_else(wrong)
}

/// Does it.
///
/// # Errors
/// If the stores cannot be opened or written, or there is nothing to open.
pub async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Close(args) => close(args).await,
        Command::Open { settings, control_id, by, reason } => {
            let app = open(settings).await?;
            let opened = control::open(&app, &Actor::machine(), &by, &control_id, &reason).await;
            app.close().await;
            opened.map_err(plain)?;
            say(format_args!("opened {control_id}"));
            Ok(())
        }
        Command::List { settings } => {
            let app = open(settings).await?;
            list(&app);
            app.close().await;
            Ok(())
        }
    }
}

async fn close(args: CloseArgs) -> Result<(), Error> {
    let app = open(args.settings).await?;
    let parts = [
        args.store.map(Scope::Store),
        args.merchant.map(Scope::Merchant),
        args.percent.map(Scope::Percent),
        args.asn.map(Scope::Asn),
        args.country.map(Scope::Country),
        args.app_older_than.map(Scope::AppVersion),
        args.issuer.map(Scope::Issuer),
    ];
    let scope = parts.into_iter().flatten().next().unwrap_or(Scope::All);
    if !scope.fits(args.door) {
        return Err(format!("{} cannot be closed for such a part", args.door.as_str()).into());
    }
    let closing = Closing {
        door: args.door,
        scope,
        reason: args.reason,
        notice_ja: args.notice_ja,
        notice_en: args.notice_en,
        ends_at: args.span.map(|span| app.clock.now() + span),
    };
    let closed = control::close(&app, &Actor::machine(), &args.by, closing).await;
    let control_id = closed.map_err(plain)?;
    say(format_args!(
        "closed {} · open it again with: omamori control open {control_id}",
        args.door.as_str()
    ));
    app.close().await;
    Ok(())
}

fn list(app: &App) {
    let now = app.clock.now();
    let closed = app.gate.controls().closed(now);
    for door in Door::ALL {
        let here: Vec<&Closure> = closed.iter().filter(|closure| closure.door == *door).collect();
        if here.is_empty() {
            say(format_args!("{:<16} open", door.as_str()));
        }
        for closure in here {
            let (scope, subject) = closure.scope.columns();
            let until = closure.ends_at.map_or_else(|| "opened".to_owned(), rfc3339);
            say(format_args!(
                "{:<16} CLOSED  {scope} {subject}  {}  since {} by {}, until {until}: {}",
                door.as_str(),
                closure.control_id,
                rfc3339(closure.closed_at),
                closure.closed_by,
                closure.reason,
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_a_number_and_a_unit() {
        assert_eq!(span("30m"), Ok(30 * MINUTE));
        assert_eq!(span("2h"), Ok(2 * HOUR));
        assert_eq!(span("1d"), Ok(DAY));
        for wrong in ["", "m", "5", "-1h", "0m", "400d", "2 h", "99999999999999999d", "2時"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
