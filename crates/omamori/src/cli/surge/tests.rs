//! A small world is filled, served and sold in.

use std::net::SocketAddr;
use std::time::Duration;

use omamori_drill::load::{self, Pace, Plan, Report, Source};
use omamori_drill::sale::{Sales, Settings};
use omamori_drill::signin::{Disguise, ListAttack, Place, SignIns};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

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

/// A filled folder with the service running on it, in this process.
struct Served {
    folder: tempfile::TempDir,
    app: Arc<crate::app::App>,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

impl Served {
    async fn start(world: &World, clock: &Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare::prepare(folder.path(), world, clock).await.unwrap();
        let settings = folder.path().join("surge.toml");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        std::fs::write(&settings, child::config(folder.path(), address)).unwrap();
        let config = Config::read(&settings).unwrap();
        let key = read_key(&config.key_file).unwrap();
        let app = open_here(config, &key).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server::serve(app.clone(), listener, async move {
            stopped.await.unwrap();
        }));
        Self { folder, app, address, stop, serving }
    }

    /// Asks until the source has nothing left.
    async fn ask<S: Source + Send + 'static>(&self, connections: usize, source: S) -> (Report, S) {
        let plan = Plan {
            label: String::new(),
            connections,
            pace: Pace::Closed,
            warm_up: Duration::ZERO,
            duration: Duration::from_secs(600),
        };
        let address = self.address;
        let run = tokio::task::spawn_blocking(move || load::run(address, &plan, source));
        let (report, source) = run.await.unwrap().unwrap();
        assert!(report.exhausted && report.wrong.is_empty(), "{:?}", report.wrong);
        (report, source)
    }

    async fn stop(self) -> tempfile::TempDir {
        drop(self.app);
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
        self.folder
    }
}

fn seconds_of(clock: &Arc<dyn Clock>) -> Box<dyn Fn() -> u64 + Send> {
    let clock = clock.clone();
    Box::new(move || (clock.now() / SECOND).unsigned_abs())
}

/// Everybody shows the four codes of a step, and each is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_filled_folder_sells_without_a_refusal() {
    let (world, clock) = world();
    let served = Served::start(&world, &clock).await;
    let wallet = world.customer(CUSTOMERS - 1).wallet_account;
    assert_eq!(served.app.gate.balance(wallet), i64::from(BALANCE_YEN));

    let settings = Settings { run: "test", seed: 1, unix_seconds: seconds_of(&clock) };
    let (report, _) = served.ask(4, Sales::new(world.cast(), settings)).await;
    assert!(report.right >= u64::from(4 * CUSTOMERS), "{} sales", report.right);

    let folder = served.stop().await;
    let lag = lag::measure(folder.path(), Duration::MAX).await.unwrap();
    assert!(lag.behind.is_zero(), "a server that stops lets the views catch up: {lag:?}");
}

/// The attack's requests are good ones, but for what attackers cannot have: members who send the
/// same from their phones get in, those who look like the tool with a proof of work.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_attack_enters_nowhere_and_members_sign_in() {
    const MEMBERS: u32 = 12;
    let (_, clock) = world();
    let world = World::new(CUSTOMERS, STORES, [1; 32]).with_members(MEMBERS);
    let served = Served::start(&world, &clock).await;
    let members: Vec<_> = (0..MEMBERS).map(|number| world.member(number)).collect();
    let origin = format!("http://localhost:{}", served.address.port());
    let place = Place { origin, begins_at: seconds_of(&clock)() };

    let attack = ListAttack::prepare(&place, Disguise::OneTool, &members, (400, 1_000));
    let (report, attack) = served.ask(4, attack).await;
    assert_eq!((attack.entered, report.right), (0, 400));
    assert!(attack.answers["422 proof_failed"] >= 60, "{:?}", attack.answers);
    assert!(attack.answers["429 work_required"] >= 300, "{:?}", attack.answers);

    let signins = SignIns::new(place, members, seconds_of(&clock));
    let (_, signins) = served.ask(1, signins).await;
    assert!(signins.refused.is_empty(), "{:?}", signins.refused);
    assert_eq!((signins.entered, signins.worked), (u64::from(MEMBERS), u64::from(MEMBERS / 3)));
    served.stop().await;
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
