//! `omamori serve`: production. It refuses to start on anything that only looks like production.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::open::{SettingsArgs, open_here, read_key, read_or_make_key};
use crate::app::App;
use crate::config::{Config, Sms};
use crate::server;

type Error = Box<dyn std::error::Error>;

/// What an operator may allow by name.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Start although this outside party is replaced by a sandbox adapter.
    #[arg(long, value_name = "PARTY", value_parser = ["sms"])]
    allow_sandbox: Vec<String>,
    /// Make a master key if there is none.
    #[arg(long)]
    allow_generated_key: bool,
}

/// Serves until it is told to stop.
///
/// # Errors
/// What to mend before it can start.
pub async fn run(args: Args) -> Result<(), Error> {
    let config = args.settings.read()?;
    log_as_json();
    refuse_sandbox(&config, &args.allow_sandbox)?;
    let key = if args.allow_generated_key {
        read_or_make_key(&config.key_file)?
    } else {
        read_key(&config.key_file)?
    };
    let app = open_here(config, &key).await?;
    let listener = TcpListener::bind(app.config.listen).await?;
    listen(app, listener).await
}

fn refuse_sandbox(config: &Config, allowed: &[String]) -> Result<(), Error> {
    if matches!(config.sms, Sms::Sandbox) && !allowed.iter().any(|party| party == "sms") {
        return Err("sms.adapter is the sandbox: no customer would get a code. Set \
                    sms.adapter = \"http\", or start with --allow-sandbox sms"
            .into());
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

fn log_as_json() {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
}
