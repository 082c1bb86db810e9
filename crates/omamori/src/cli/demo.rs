//! `omamori demo`: the whole service with a shop, on the embedded store and sandbox adapters.
//!
//! It is the same service as `serve`; what it adds is a merchant with three stores and a shelf,
//! a file with the keys of their registers (a demo may keep what production shows once), and a
//! few lines that say what to try.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::merchant::plain;
use super::open::{open_here, read_or_make_key};
use super::{say, serve};
use crate::app::App;
use crate::checkout::shop;
use crate::clock::{DAY, SystemClock};
use crate::config::{Card, Config, Store};
use crate::console::access::Role;
use crate::console::staff;
use crate::coupon::manage::{self, Owner};
use crate::coupon::{Gift, Terms};
use crate::identity::external::ExternalSignIn;
use crate::identity::external::sandbox::Issuer;
use crate::merchant::{create_merchant, create_store, create_terminal, invite, put_product};
use crate::observe::{MetricsSettings, logs, ops};
use crate::rng::SystemRng;

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
    /// The port of the figures, `/metrics`; without it there are none.
    #[arg(long)]
    metrics_port: Option<u16>,
}

/// What the demo remembers besides the service's own stores.
#[derive(Serialize, Deserialize)]
struct Memory {
    merchant_id: String,
    stores: Vec<DemoStore>,
    /// Of the online shop; a demo of an earlier version has none.
    #[serde(default)]
    online_key: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct DemoStore {
    name: String,
    till_key: String,
    pos_key: String,
}

/// The sandbox issuer's port, from the service's.
const ISSUER_PORT: u16 = 1_000;
const MERCHANT: &str = "日の丸商店";
const ONLINE_STORE: &str = "オンライン店";
/// Where the shop of `docs/checkout.md` runs.
const ONLINE_ORIGIN: &str = "http://localhost:3000";
const STORES: [&str; 3] = ["新宿本店", "渋谷坂上店", "札幌駅前店"];
/// Twelve digits; the check digit is computed. 20–29 are for use inside a shop (GS1).
const SHELF: [(&str, &str, i64); 12] = [
    ("200000000001", "おにぎり 鮭", 160),
    ("200000000002", "おにぎり 梅", 140),
    ("200000000003", "たまごサンド", 298),
    ("200000000004", "緑茶 600ml", 158),
    ("200000000005", "ホットコーヒー R", 130),
    ("200000000006", "肉まん", 150),
    ("200000000007", "からあげ棒", 192),
    ("200000000008", "プリン", 178),
    ("200000000009", "のど飴", 214),
    ("200000000010", "ビニール傘", 770),
    ("200000000011", "幕の内弁当", 598),
    ("200000000012", "牛乳 1L", 268),
];

/// Runs the demo.
///
/// # Errors
/// If the data folder or the port cannot be used.
pub async fn run(args: Args) -> Result<(), Error> {
    logs::start_text();
    std::fs::create_dir_all(&args.data)?;
    let mut config = Config {
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
    let watched = ops::bind(&config.metrics).await?;
    let bind = async |port| {
        let bound = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await;
        bound.map_err(|error| format!("port {port} cannot be used ({error}); try another --port"))
    };
    let listener = bind(args.port).await?;
    let issuer_port = args.port.checked_add(ISSUER_PORT).ok_or("--port is too large")?;
    config.external_sign_in = vec![serve_issuer(bind(issuer_port).await?, &config.public_url)?];
    let key = read_or_make_key(&config.key_file)?;
    let app = open_here(config, &key).await?;
    if let Some(watched) = watched {
        ops::start(&app, watched);
    }
    let memory = remember_or_make(&app, &args.data.join("demo.json")).await?;
    let invitation = invite(&app, &memory.merchant_id, "店長").await.map_err(plain)?;
    let desk = staff::invite(&app, "デモ 管理者", Role::Admin).await.map_err(plain)?;
    welcome(&app.config.public_url, &memory, &invitation, &desk);
    serve::listen(app, listener).await
}

/// An issuer of accounts to sign in with, on a port of its own, as if it were somebody else's.
fn serve_issuer(listener: TcpListener, service: &str) -> Result<ExternalSignIn, Error> {
    let address = format!("http://{}", listener.local_addr()?);
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let issuer = Issuer::new(address, service, clock, rng);
    let settings = issuer.settings();
    tracing::warn!(issuer = issuer.address, "sandbox: this issuer lets everybody be anybody");
    tokio::spawn(async move { axum::serve(listener, issuer.router()).await });
    Ok(settings)
}

async fn remember_or_make(app: &App, file: &Path) -> Result<Memory, Error> {
    if let Ok(text) = std::fs::read_to_string(file) {
        return Ok(serde_json::from_str(&text)?);
    }
    let memory = make(app).await?;
    // Written last and whole: a demo that was interrupted while it was made is made again.
    let draft = file.with_extension("draft");
    std::fs::write(&draft, serde_json::to_string_pretty(&memory)?)?;
    std::fs::rename(&draft, file)?;
    Ok(memory)
}

async fn make(app: &App) -> Result<Memory, Error> {
    let merchant_id = create_merchant(app, MERCHANT).await.map_err(plain)?;
    let mut stores = Vec::with_capacity(STORES.len());
    for name in STORES {
        let store_id = create_store(app, &merchant_id, name).await.map_err(plain)?;
        let till = create_terminal(app, &store_id, "レジ1", "till").await.map_err(plain)?;
        let pos = create_terminal(app, &store_id, "POS", "pos").await.map_err(plain)?;
        stores.push(DemoStore {
            name: name.to_owned(),
            till_key: till.api_key,
            pos_key: pos.api_key,
        });
    }
    for (digits, name, unit_price) in SHELF {
        let jan = format!("{digits}{}", check_digit(digits));
        put_product(app, &merchant_id, &jan, name, unit_price).await.map_err(plain)?;
    }
    begin_campaigns(app, &merchant_id).await?;
    let store_id = create_store(app, &merchant_id, ONLINE_STORE).await.map_err(plain)?;
    let online = shop::create(app, &store_id, "EC", ONLINE_ORIGIN).await.map_err(plain)?;
    Ok(Memory { merchant_id, stores, online_key: Some(online.api_key) })
}

/// The onigiri for new customers, which the operator pays, and a coupon of the merchant.
async fn begin_campaigns(app: &App, merchant_id: &str) -> Result<(), Error> {
    let (digits, ..) = SHELF[0];
    let onigiri = Terms {
        name: "はじめてのおにぎり無料".to_owned(),
        gift: Gift::FreeItem { jan: format!("{digits}{}", check_digit(digits)), max_yen: 180 },
        budget: 100_000,
        per_customer: 1,
        amount_min: 0,
        stores: Vec::new(),
        new_customer_days: Some(30),
    };
    let discount = Terms {
        name: "500円以上で100円引き".to_owned(),
        gift: Gift::AmountOff { yen: 100 },
        budget: 50_000,
        per_customer: 3,
        amount_min: 500,
        new_customer_days: None,
        ..onigiri.clone()
    };
    let (now, by) = (app.clock.now(), "demo");
    for (merchant_id, terms) in [(None, onigiri), (Some(merchant_id), discount)] {
        let owner = Owner { merchant_id, by };
        manage::create(app, owner, terms, now, now + 180 * DAY).await.map_err(plain)?;
    }
    Ok(())
}

/// The last digit of a JAN-13 (GS1 General Specifications 7.9).
fn check_digit(digits: &str) -> u32 {
    let weighted = digits.bytes().rev().enumerate();
    let sum: u32 =
        weighted.map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 3 } else { 1 }).sum();
    (10 - sum % 10) % 10
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
    say("  Ctrl-C stops it; nothing is lost.");
    say("");
}

fn tell_online(url: &str, key: &str) {
    let order = format!(
        r#"{{"merchant_payment_id":"web-1","amount":500,"success_url":"{ONLINE_ORIGIN}/done","cancel_url":"{ONLINE_ORIGIN}/"}}"#
    );
    say(format_args!("  web shop     {ONLINE_ORIGIN} (docs/checkout.md has one)   key: {key}"));
    say("               or make an order and open its checkout_url:");
    say(format_args!("  curl {url}/api/checkout/v1/orders -H 'Authorization: Bearer {key}' \\"));
    say(format_args!("    -H 'Content-Type: application/json' -d '{order}'"));
}

#[cfg(test)]
mod tests {
    #[test]
    fn check_digits_are_those_of_gs1() {
        assert_eq!(super::check_digit("490123456789"), 4);
        assert_eq!(super::check_digit("200000000001"), 5);
    }
}
