//! A small world is filled, served and sold in.

use std::time::Duration;

use omamori_drill::load::{self, Pace, Plan};
use omamori_drill::sale::{Sales, Settings};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::closed_loop::{Pay, Payment};
use super::engine::Engine;
use super::world::BALANCE_YEN;
use super::*;
use crate::cli::open::{open_here, read_key};
use crate::clock::SECOND;
use crate::config::Config;
use crate::server;

const CUSTOMERS: u32 = 30;
const STORES: u32 = 7;

fn world() -> (Arc<World>, Arc<dyn Clock>) {
    (Arc::new(World::new(CUSTOMERS, STORES, [1; 32])), Arc::new(SystemClock))
}

/// Everybody shows the four codes of a step, and each is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_filled_folder_sells_without_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let (world, clock) = world();
    prepare::prepare(folder.path(), &world, &clock).await.unwrap();
    let settings = folder.path().join("surge.toml");
    std::fs::write(&settings, child::config(folder.path(), ([127, 0, 0, 1], 80).into())).unwrap();
    let config = Config::read(&settings).unwrap();
    let app = open_here(config.clone(), &read_key(&config.key_file).unwrap()).await.unwrap();
    let wallet = world.customer(CUSTOMERS - 1).wallet_account;
    assert_eq!(app.gate.balance(wallet), i64::from(BALANCE_YEN));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(server::serve(app, listener, async move {
        stopped.await.unwrap();
    }));

    let unix_seconds = Box::new(move || (clock.now() / SECOND).unsigned_abs());
    let sales = Sales::new(world.cast(), Settings { run: "test", seed: 1, unix_seconds });
    let plan = Plan {
        label: String::new(),
        connections: 4,
        pace: Pace::Closed,
        warm_up: Duration::ZERO,
        duration: Duration::from_secs(600),
    };
    let run = tokio::task::spawn_blocking(move || load::run(address, &plan, sales));
    let (report, _) = run.await.unwrap().unwrap();
    assert!(report.exhausted && report.wrong.is_empty(), "{:?}", report.wrong);
    assert!(report.right >= u64::from(4 * CUSTOMERS), "{} sales", report.right);

    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    let lag = lag::measure(folder.path()).await.unwrap();
    assert!(lag.behind.is_zero(), "a server that stops lets the views catch up: {lag:?}");
}

#[tokio::test]
async fn the_engine_takes_the_chain_of_a_sale() {
    let folder = tempfile::tempdir().unwrap();
    let (world, clock) = world();
    let address = format!("sqlite:{}", folder.path().join("ledger.sqlite").display());
    let engine = Engine::prepare(&address, &world, &clock).await.unwrap();
    let payment = Payment { number: 0, payer: CUSTOMERS - 1, store: STORES - 1, amount: 300 };
    assert_eq!(engine.pay(payment).await, Ok(()));
    assert_eq!(engine.pay(payment).await, Err("Exists".to_owned()), "not twice");
    let too_much = Payment { number: 1, amount: BALANCE_YEN, ..payment };
    assert_eq!(engine.pay(too_much).await, Err("ExceedsCredits".to_owned()));
    engine.close().await;
}

#[tokio::test]
async fn a_folder_that_exists_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let args = SurgeArgs {
        customers: 1,
        stores: 1,
        seconds: 1,
        data: folder.path().to_owned(),
        keep: false,
        postgres: None,
        list_attack: false,
        output: None,
    };
    assert!(matches!(run(args).await, Err(SurgeError::FolderExists(_))));
    assert!(folder.path().exists());
}
