//! `omamori demo`: the whole service with a shop, on the embedded store and sandbox adapters.
//!
//! It is the same service as `serve`; what it adds is a merchant with three stores and a shelf,
//! a file with the keys of their registers (a demo may keep what production shows once), and a
//! few lines that say what to try. With `--month`, thirty days of life before that: [`month`].

mod books;
mod month;
mod shop;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::merchant::plain;
use super::open::{open_here, read_or_make_key};
use super::{say, serve};
use crate::app::App;
use crate::clock::SystemClock;
use crate::config::{Card, Config, Store};
use crate::console::access::Role;
use crate::console::staff;
use crate::identity::external::ExternalSignIn;
use crate::identity::external::sandbox::Issuer;
use crate::merchant::invite;
use crate::observe::{MetricsSettings, logs, ops};
use crate::rng::SystemRng;
use crate::terms::{Kind, publish, versions};

use month::Found;
use shop::{Campaigns, Memory};

type Error = Box<dyn std::error::Error>;

/// Where the demo lives.
#[derive(clap::Args)]
pub struct Args {
    /// The folder for its data; made if missing, kept between runs.
    #[arg(long, default_value = "data/demo")]
    data: PathBuf,
    /// The port on this machine.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// First fill it with a month of life: 2,000 customers, 60,000 sales in three stores, top-ups,
    /// coupons, points, refunds, sending. Takes some minutes, once.
    #[arg(long)]
    month: bool,
    #[command(flatten)]
    kind: month::Kind,
    /// The port of the figures, `/metrics`; without it there are none.
    #[arg(long)]
    metrics_port: Option<u16>,
}

/// The sandbox issuer's port, from the service's.
const ISSUER_PORT: u16 = 1_000;

/// Runs the demo.
///
/// # Errors
/// If the data folder or the port cannot be used.
pub async fn run(args: Args) -> Result<(), Error> {
    std::fs::create_dir_all(&args.data)?;
    let found = month::find(&args.data)?;
    let makes_month = month::is_to_be_made(args.month, &found, &args.data)?;
    logs::start_text(if makes_month { "error" } else { logs::TEXT });
    let config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], args.port)),
        public_url: format!("http://localhost:{}", args.port),
        store: Store::Sqlite { folder: args.data.clone() },
        key_file: args.data.join("master.key"),
        card: Card::Sandbox { port: args.port.saturating_add(1) },
        metrics: MetricsSettings {
            enabled: args.metrics_port.is_some(),
            listen: SocketAddr::from(([127, 0, 0, 1], args.metrics_port.unwrap_or_default())),
            token: None,
        },
        ..Config::default()
    };
    if makes_month {
        month::make(&config, &args.data, args.kind, bind(args.port).await?).await?;
    } else if let Found::Half { .. } = found {
        say("This folder holds a month that was not finished. `--month` makes it anew.");
    }
    serve_demo(config, &args).await
}

async fn serve_demo(mut config: Config, args: &Args) -> Result<(), Error> {
    let watched = ops::bind(&config.metrics).await?;
    let listener = bind(args.port).await?;
    let issuer_port = args.port.checked_add(ISSUER_PORT).ok_or("--port is too large")?;
    config.external_sign_in = vec![serve_issuer(bind(issuer_port).await?, &config.public_url)?];
    let key = read_or_make_key(&config.key_file)?;
    let app = open_here(config, &key).await?;
    publish_examples(&app).await?;
    let file = args.data.join(shop::FILE);
    let memory = shop::remember_or_make(&app, &file, Campaigns::Few).await?;
    if let Some(watched) = watched {
        ops::start(&app, watched);
    }
    let invitation = invite(&app, &memory.merchant_id, "店長").await.map_err(plain)?;
    let desk = staff::invite(&app, "デモ 管理者", Role::Admin).await.map_err(plain)?;
    welcome(&app.config.public_url, &memory, &invitation, &desk);
    serve::listen(app, listener).await
}

/// The texts that the law asks for, as examples.
pub(super) async fn publish_examples(app: &App) -> Result<(), Error> {
    let texts = [
        (Kind::Terms, include_str!("../../../../deploy/texts/terms.example.toml")),
        (Kind::Compensation, include_str!("../../../../deploy/texts/compensation.example.toml")),
    ];
    for (kind, text) in texts {
        if versions(&app.stores.registry, kind).await.map_err(plain)?.is_empty() {
            publish(&app.stores.registry, kind, text, "demo", app.clock.now()).await?;
        }
    }
    Ok(())
}

async fn bind(port: u16) -> Result<TcpListener, Error> {
    let bound = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await;
    Ok(bound
        .map_err(|error| format!("port {port} cannot be used ({error}); try another --port"))?)
}

/// An issuer of accounts to sign in with, on a port of its own, as if it were somebody else's.
pub(super) fn serve_issuer(listener: TcpListener, service: &str) -> Result<ExternalSignIn, Error> {
    let address = format!("http://{}", listener.local_addr()?);
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let issuer = Issuer::new(address, service, clock, rng);
    let settings = issuer.settings();
    tracing::warn!(issuer = issuer.address, "sandbox: this issuer lets everybody be anybody");
    tokio::spawn(async move { axum::serve(listener, issuer.router()).await });
    Ok(settings)
}

fn welcome(url: &str, memory: &Memory, invitation: &str, desk: &str) {
    let store = &memory.stores[0];
    say("");
    say("  お守りPay (Omamori) is running on this machine. Everything stays in its data folder.");
    say("  SMS, e-mail and push are a sandbox: nothing is sent; read them on the page below.");
    say("");
    say(format_args!("  wallet       {url}/          sign up with any 090… number"));
    say(format_args!("  messages     {url}/demo/sms"));
    say(
        "  sign-in      \"Sandbox ID\" stands in for a password: an issuer where anybody is anybody",
    );
    say(format_args!("  till         {url}/till      key of {}: {}", store.name, store.till_key));
    say(format_args!("  merchant     {url}/merchant?invite={invitation}"));
    say(format_args!("  console      {url}/console#invite={desk}"));
    say(format_args!("  POS API      {url}/api       key: {}", store.pos_key));
    if let Some(key) = &memory.online_key {
        tell_online(url, key);
    }
    say("");
    say("  Try: sign up in one window, open the till in another, take ¥3,000 in cash with the");
    say("  wallet's code, sell something with the next code, and watch the wallet.");
    say("  Ctrl-C stops it; nothing is lost. --month fills an empty folder with a month of life.");
    say("");
}

fn tell_online(url: &str, key: &str) {
    let origin = shop::ONLINE_ORIGIN;
    let order = format!(
        r#"{{"merchant_payment_id":"web-1","amount":500,"success_url":"{origin}/done","cancel_url":"{origin}/"}}"#
    );
    say(format_args!("  web shop     {origin} (docs/checkout.md has one)   key: {key}"));
    say("               or make an order and open its checkout_url:");
    say(format_args!("  curl {url}/api/checkout/v1/orders -H 'Authorization: Bearer {key}' \\"));
    say(format_args!("    -H 'Content-Type: application/json' -d '{order}'"));
}
