//! A month of life, before the demo begins: thirty days of a shop and its customers, through the
//! service's own doors, on a clock that runs from thirty days ago to now.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use omamori_drill::month::{Scale, Server, Settings, Tally, play};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::shop::{self, Campaigns};
use super::{Error, books};
use crate::app::App;
use crate::cli::open::{open, read_or_make_key};
use crate::cli::{say, verify};
use crate::clock::{Clock, DAY, ManualClock, Micros, SECOND, SystemClock};
use crate::config::{Card, Config};
use crate::rng::SystemRng;
use crate::server;

/// Says in the demo's folder how far a month came.
const FILE: &str = "month.json";
/// What was fraud.
const LABELS: &str = "fraud.json";
/// Whatever is drawn follows from it.
const SEED: u64 = 20_190_701;
const DAYS: u64 = 30;
/// What a month that was not finished leaves behind, and nothing else, is removed.
const STORES: [&str; 4] = ["journal", "registry", "evidence", "views"];

/// What a month is like. Its size is for trying out.
#[derive(Clone, Copy, clap::Args)]
pub(super) struct Kind {
    /// People who sign up.
    #[arg(long, hide = true, default_value_t = 2_000)]
    month_customers: usize,
    /// Sales.
    #[arg(long, hide = true, default_value_t = 60_000)]
    month_sales: usize,
    /// Fraud of six kinds beside it, named in `fraud.json` of the data folder, with no risk rule in
    /// force: what rules are tried on.
    #[arg(long, requires = "month")]
    with_fraud: bool,
}

/// What a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "month", rename_all = "snake_case")]
pub(super) enum Found {
    /// No month.
    None,
    /// One that was not finished.
    Half {
        /// When it was to end.
        until: Micros,
    },
    /// A whole one.
    Whole {
        /// When it ends.
        until: Micros,
    },
}

/// Looks what a folder holds.
pub(super) fn find(folder: &Path) -> Result<Found, Error> {
    match std::fs::read_to_string(folder.join(FILE)) {
        Ok(text) => Ok(serde_json::from_str(&text)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Found::None),
        Err(error) => Err(error.into()),
    }
}

/// Whether a month is to be made; half of one is removed for it.
pub(super) fn is_to_be_made(asked: bool, found: &Found, folder: &Path) -> Result<bool, Error> {
    match found {
        _ if !asked => Ok(false),
        Found::Whole { .. } => {
            say("The month is there already; an empty --data folder gets another one.");
            Ok(false)
        }
        Found::Half { .. } => {
            say("The month in this folder was not finished: it is made anew.");
            remove(folder)?;
            Ok(true)
        }
        Found::None if folder.join("journal.sqlite").exists() => Err(format!(
            "{} holds a demo, whose journal cannot get days before its own. A month of life needs \
             a folder of its own: ./run --month takes one; or name another with --data",
            folder.display()
        )
        .into()),
        Found::None => Ok(true),
    }
}

fn remove(folder: &Path) -> Result<(), Error> {
    let files = STORES
        .iter()
        .flat_map(|store| ["", "-wal", "-shm"].map(|suffix| format!("{store}.sqlite{suffix}")));
    for file in files.chain([shop::FILE, FILE, LABELS].map(str::to_owned)) {
        match std::fs::remove_file(folder.join(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

fn note(folder: &Path, found: Found) -> Result<(), Error> {
    let draft = folder.join("month.draft");
    std::fs::write(&draft, serde_json::to_string(&found)?)?;
    Ok(std::fs::rename(&draft, folder.join(FILE))?)
}

/// Makes the month, prints what came of it, and proves that it adds up.
pub(super) async fn make(
    config: &Config,
    folder: &Path,
    kind: Kind,
    listener: TcpListener,
) -> Result<(), Error> {
    let until = SystemClock.now();
    note(folder, Found::Half { until })?;
    let scale = Scale { customers: kind.month_customers, sales: kind.month_sales, days: DAYS };
    say("");
    say(format_args!(
        "  A month of life: {} customers and {} sales in three stores, over the service's own API.",
        scale.customers, scale.sales
    ));
    say("  It takes some minutes, once. Ctrl-C stops it; then it is made anew the next time.");
    say("");
    let config = Config {
        // Every customer comes from a network of their own, for whom the players speak.
        trusted_proxies: vec!["127.0.0.1/32".parse()?],
        card: Card::Sandbox { port: 0 },
        // Rules are tried on fraud that nobody stopped; the demo begins with them.
        starter_rules: !kind.with_fraud,
        ..config.clone()
    };
    let start = until / SECOND - i64::try_from(DAYS)? * (DAY / SECOND);
    let clock = Arc::new(ManualClock::at(start * SECOND));
    let key = read_or_make_key(&config.key_file)?;
    let store = config.store.clone();
    let app = open(config, &key, clock.clone(), Arc::new(SystemRng)).await?;
    let tally = live(&app, (clock, until), folder, (scale, kind.with_fraud), listener).await?;
    drop(app);
    verify::check(&store).await?;
    if kind.with_fraud {
        let labels = serde_json::to_string_pretty(&tally.labels)?;
        std::fs::write(folder.join(LABELS), labels)?;
    }
    note(folder, Found::Whole { until })?;
    print(&tally);
    Ok(())
}

/// Serves while the month is played.
async fn live(
    app: &Arc<App>,
    (clock, until): (Arc<ManualClock>, Micros),
    folder: &Path,
    (scale, with_fraud): (Scale, bool),
    listener: TcpListener,
) -> Result<Tally, Error> {
    let memory = shop::remember_or_make(app, &folder.join(shop::FILE), Campaigns::OfAMonth).await?;
    let settings = Settings {
        server: Server { address: listener.local_addr()?, origin: app.config.public_url.clone() },
        terminal_keys: memory.stores.iter().map(|store| store.pos_key.clone()).collect(),
        shelf: shop::shelf(),
        seed: SEED,
        scale,
        with_fraud,
        until: u64::try_from(until / SECOND)?,
        clock: Box::new(move |seconds| {
            clock.advance_to(i64::try_from(seconds).unwrap_or_default() * SECOND);
        }),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server::serve(app.clone(), listener, async move {
        let _gone = stopped.await;
    }));
    let progress = bar();
    let played = tokio::select! {
        tally = play(settings, &progress) => tally.map_err(Error::from),
        _ = tokio::signal::ctrl_c() => Err("stopped; the next --month begins anew".into()),
    };
    progress.finish_and_clear();
    let checked = match played {
        Ok(tally) => books::check(app, &memory, &tally).await.map(|()| tally),
        Err(error) => Err(error),
    };
    let _gone = stop.send(());
    served.await??;
    checked
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    let template = "  {msg:<15} {bar:40} {percent:>3}%  {human_pos} of {human_len}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

fn print(tally: &Tally) {
    let line = |what: &str, times: u64, yen: i64| {
        say(format_args!("  {what:<26} {times:>8} {:>13}", crate::web::filters::yen_text(yen)));
    };
    say("");
    say(format_args!("  {:<26} {:>8}", "customers", tally.signups));
    for (what, count) in [
        ("cash top-ups", tally.sum(|store| store.top_ups)),
        ("  of which canceled", tally.sum(|store| store.top_ups_canceled)),
        ("card top-ups", tally.card_top_ups),
        ("sales", tally.sum(|store| store.sales)),
        ("  of which canceled", tally.sum(|store| store.cancels)),
        ("refunds", tally.sum(|store| store.refunds)),
        ("coupons used", tally.discounts),
        ("sales paid with points", tally.points_used),
        ("sent to friends", tally.sends),
        ("  of which taken", tally.taken),
    ] {
        line(what, count.times, count.yen);
    }
    for (reason, times) in &tally.refused {
        say(format_args!("  {:<26} {times:>8}", format!("refused: {reason}")));
    }
    for (what, times) in &tally.stopped {
        say(format_args!("  {:<26} {times:>8}", format!("by rule: {what}")));
    }
    if !tally.bothered.is_empty() {
        say(format_args!("  {:<26} {:>8}", "customers rules stopped", tally.bothered.len()));
    }
    say("  Every sum is the ledger's own; the journal verifies.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_says_what_it_holds_and_half_a_month_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(find(path).unwrap(), Found::None);
        assert!(is_to_be_made(true, &Found::None, path).unwrap());
        note(path, Found::Half { until: 7 }).unwrap();
        let half = find(path).unwrap();
        assert_eq!(half, Found::Half { until: 7 });
        assert!(!is_to_be_made(false, &half, path).unwrap(), "nobody asked");
        for file in ["journal.sqlite", "journal.sqlite-wal", "master.key"] {
            std::fs::write(path.join(file), "x").unwrap();
        }
        assert!(is_to_be_made(true, &half, path).unwrap());
        assert!(!path.join("journal.sqlite").exists() && path.join("master.key").exists());
        assert_eq!(find(path).unwrap(), Found::None);
        std::fs::write(path.join("journal.sqlite"), "x").unwrap();
        assert!(is_to_be_made(true, &Found::None, path).is_err(), "somebody's demo");
        assert!(!is_to_be_made(true, &Found::Whole { until: 7 }, path).unwrap());
    }
}
