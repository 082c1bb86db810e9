//! `omamori serve`: production. It refuses to start on anything that only looks like production.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::open::{SettingsArgs, open_here, read_key, read_or_make_key};
use crate::app::App;
use crate::config::{Card, Config, Mail, Push, Sms};
use crate::observe::{Traces, logs, ops};
use crate::server;

type Error = Box<dyn std::error::Error>;

/// What an operator may allow by name.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Start although this outside party is replaced by a sandbox adapter.
    #[arg(long, value_name = "PARTY", value_parser = ["sms", "mail", "push", "card"])]
    allow_sandbox: Vec<String>,
    /// Make a master key if there is none.
    #[arg(long)]
    allow_generated_key: bool,
    /// For `omamori surge`: answer payments and keep nothing of them.
    #[arg(long, hide = true, value_parser = ["nothing"])]
    journal: Option<String>,
}

/// Serves until it is told to stop.
///
/// # Errors
/// What to mend before it can start.
pub async fn run(args: Args) -> Result<(), Error> {
    let mut config = args.settings.read()?;
    config.journal_keeps_nothing = args.journal.is_some();
    let traces = Traces::start(&config.traces)?;
    logs::start_json(traces.as_ref());
    if config.journal_keeps_nothing {
        refuse_to_lose_money(&config)?;
        tracing::warn!("measuring: payments are answered and not kept");
    }
    refuse_sandbox(&config, &args.allow_sandbox)?;
    let key = if args.allow_generated_key {
        read_or_make_key(&config.key_file)?
    } else {
        read_key(&config.key_file)?
    };
    let watched = ops::bind(&config.metrics).await?;
    let app = open_here(config, &key).await?;
    if let Some(watched) = watched {
        ops::start(&app, watched);
    }
    let listener = TcpListener::bind(app.config.listen).await?;
    listen(app, listener).await?;
    if let Some(traces) = traces {
        tokio::task::spawn_blocking(move || traces.stop()).await?;
    }
    Ok(())
}

/// A journal that keeps nothing is for measuring on this machine, never for customers.
fn refuse_to_lose_money(config: &Config) -> Result<(), Error> {
    if config.is_https() || !config.listen.ip().is_loopback() {
        return Err("--journal nothing is for measurements on localhost alone".into());
    }
    Ok(())
}

fn refuse_sandbox(config: &Config, allowed: &[String]) -> Result<(), Error> {
    let parties = [
        ("sms", matches!(config.sms, Sms::Sandbox), "\"http\""),
        ("mail", matches!(config.mail, Mail::Sandbox), "\"smtp\" or \"none\""),
        ("push", matches!(config.push, Push::Sandbox), "\"web\" or \"none\""),
        ("card", matches!(config.card, Card::Sandbox { .. }), "\"stripe\" or \"none\""),
    ];
    for (party, is_sandbox, instead) in parties {
        if is_sandbox && !allowed.iter().any(|name| name == party) {
            return Err(format!(
                "{party}.adapter is the sandbox: no customer would get anything. Set \
                 {party}.adapter = {instead}, or start with --allow-sandbox {party}"
            )
            .into());
        }
    }
    Ok(())
}

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// If the listener fails.
pub async fn listen(app: Arc<App>, listener: TcpListener) -> Result<(), Error> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tracing::info!(address = %listener.local_addr()?, sandbox = app.sandbox(), "serving");
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
    };
    server::serve(app, listener, stop).await?;
    tracing::info!("stopped");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sandbox_must_be_allowed_by_name() {
        let all = ["sms", "mail", "push", "card"].map(str::to_owned);
        let mut config = Config { card: Card::Sandbox { port: 0 }, ..Config::default() };
        assert!(refuse_sandbox(&config, &all).is_ok());
        for missing in &all {
            let allowed: Vec<_> = all.iter().filter(|name| *name != missing).cloned().collect();
            let refused = refuse_sandbox(&config, &allowed).unwrap_err().to_string();
            assert!(refused.contains(&format!("--allow-sandbox {missing}")), "{refused}");
        }
        (config.mail, config.push, config.card) = (Mail::None, Push::None, Card::None);
        assert!(refuse_sandbox(&config, &all[..1]).is_ok(), "what is not there is no sandbox");
        assert!(refuse_sandbox(&config, &[]).is_err());
    }
}
