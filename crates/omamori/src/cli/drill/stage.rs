//! A service with a shop, staff and sandbox adapters, for one scenario.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use omamori_db::sql;
use omamori_drill::scenario::{Desk, Insider, Outcome, Scenario, Server, Stage, Tampering, run};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Error;
use super::office::{office, sender};
use super::tampering::tamper;
use crate::alert::{self, Kind};
use crate::app::App;
use crate::audit::Actor;
use crate::cli::demo::{publish_examples, serve_issuer};
use crate::cli::merchant::plain;
use crate::cli::open::{open, read_or_make_key};
use crate::clock::{Clock, DAY, Micros, SECOND, SystemClock};
use crate::config::{Card, Config, Store};
use crate::console::access::Role;
use crate::console::staff;
use crate::control::{self, Closing, Door, Scope};
use crate::coupon::manage::{self, Owner};
use crate::coupon::{Gift, Terms};
use crate::crowd::CrowdSettings;
use crate::merchant::{create_merchant, create_store, create_terminal};
use crate::rng::SystemRng;
use crate::server;
use crate::settlement::SettlementSettings;
use crate::settlement::calendar::Calendar;
use crate::settlement::terms::{self, Terms as PayTerms};

/// Staff look so often. (The task of a service looks every ten seconds.)
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The newest alerts, so many.
const ALERTS: i64 = 50;
const COUPON_YEN: i64 = 200;
const SCRIPT: &str = "<script>alert(1)</script>";
const FORMULA: &str = "＝HYPERLINK(\"https://thief.example\")";

/// The machine's clock, that can be put forward.
#[derive(Default)]
struct AheadClock(AtomicI64);

impl Clock for AheadClock {
    fn now(&self) -> Micros {
        SystemClock.now() + self.0.load(Ordering::SeqCst)
    }
}

/// Customers of one scenario, at most.
const CUSTOMERS: usize = 1_000;

/// A running service, with a shop and staff who watch it.
pub struct Service {
    app: Arc<App>,
    store: Store,
    stage: Arc<Stage>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

/// Starts a service on empty stores, attacks it, stops it and proves that its books add up.
///
/// # Errors
/// If the service cannot be started, or its books are not as they must be.
pub async fn attack(store: Store, folder: &Path, scenario: &Scenario) -> Result<Outcome, Error> {
    let mut service = Service::start(store, folder).await?;
    let outcome = service.attack(scenario).await?;
    service.end().await?;
    Ok(outcome)
}

impl Service {
    /// Starts one on empty stores. `folder` is for its key.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn start(store: Store, folder: &Path) -> Result<Self, Error> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let origin = format!("http://localhost:{}", address.port());
        let issuer = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let config = Config {
            listen: address,
            public_url: origin.clone(),
            store: store.clone(),
            key_file: folder.join("master.key"),
            card: Card::Sandbox { port: 0 },
            // Every attacker and customer comes from a network of their own.
            trusted_proxies: vec!["127.0.0.1/32".parse()?],
            external_sign_in: vec![serve_issuer(issuer, &origin)?],
            // A crowd signs up before the attack begins: nobody is to wait for that.
            waiting_room: CrowdSettings { signups_per_minute: 0 },
            settlement: SettlementSettings {
                sender: Some(sender()),
                ..SettlementSettings::default()
            },
            ..Config::default()
        };
        let key = read_or_make_key(&config.key_file)?;
        let clock = Arc::new(AheadClock::default());
        let app = open(config, &key, clock.clone(), Arc::new(SystemRng)).await?;
        let stage = Arc::new(shop(&app, &clock, Server { address, origin }).await?);
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(server::serve(app.clone(), listener, async move {
            let _gone = stopped.await;
        }));
        Ok(Self { app, store, stage, stop, served })
    }

    /// Lets one scenario attack it. Several do so one after the other: each has people of its own,
    /// days lie between them, and doors that were closed are open again.
    ///
    /// # Errors
    /// If a door cannot be opened again.
    pub async fn attack(&mut self, scenario: &Scenario) -> Result<Outcome, Error> {
        let door = scenario.door.as_deref().and_then(Door::of);
        let watching = self.watch(door);
        let outcome = run(&self.stage, scenario).await;
        watching.abort();
        if let Some(stage) = Arc::get_mut(&mut self.stage) {
            stage.first_customer += CUSTOMERS;
        }
        for closure in self.app.gate.controls().closed(self.app.clock.now()) {
            let (actor, id) = (Actor::machine(), &closure.control_id);
            control::open(&self.app, &actor, "drill", id, "drill").await.map_err(plain)?;
        }
        Ok(outcome.unwrap_or_else(|why| Outcome::broken_off(scenario, &why.to_string())))
    }

    /// What attackers and customers are given.
    #[must_use]
    pub fn stage(&self) -> Arc<Stage> {
        self.stage.clone()
    }

    /// Staff begin to look at the alerts, until the task is aborted.
    pub fn watch(&self, door: Option<Door>) -> JoinHandle<()> {
        self.stage.desk.watch();
        tokio::spawn(watch(Arc::downgrade(&self.app), self.stage.desk.clone(), door))
    }

    /// Stops it, and proves that its books add up.
    ///
    /// # Errors
    /// If they do not.
    pub async fn end(self) -> Result<(), Error> {
        let Self { app, store, stage, stop, served } = self;
        drop(stage);
        let _gone = stop.send(());
        served.await??;
        drop(app);
        crate::cli::verify::must_be_clean(&store).await
    }
}

/// A merchant with four registers in two stores and one whose key was revoked, another whose
/// stores have a script and a formula for names, a coupon, and somebody of staff.
async fn shop(app: &Arc<App>, clock: &Arc<AheadClock>, server: Server) -> Result<Stage, Error> {
    let merchant = create_merchant(app, "日の丸商店").await.map_err(plain)?;
    let daily = PayTerms {
        calendar: Calendar::Daily,
        fee_basis_points: 0,
        holdback_basis_points: 0,
        holdback_yen: 0,
    };
    terms::set(app, &Actor::machine(), &merchant, daily).await.map_err(plain)?;
    let mut registers = Vec::new();
    let mut stores = Vec::new();
    for name in ["新宿本店", "渋谷坂上店"] {
        stores.push(create_store(app, &merchant, name).await.map_err(plain)?);
    }
    for place in 0..4 {
        let made = create_terminal(app, &stores[place % 2], "POS", "pos").await.map_err(plain)?;
        registers.push(made.api_key);
    }
    let stolen = create_terminal(app, &stores[0], "POS", "pos").await.map_err(plain)?;
    let revoke = sql("UPDATE terminal SET revoked_at = $1 WHERE terminal_id = $2");
    let revoke = revoke.bind(app.clock.now()).bind(&stolen.terminal_id);
    app.stores.registry.execute(revoke).await?;
    let other = create_merchant(app, SCRIPT).await.map_err(plain)?;
    let rival = create_store(app, &other, SCRIPT).await.map_err(plain)?;
    let rival = create_terminal(app, &rival, SCRIPT, "pos").await.map_err(plain)?;
    let formula = create_store(app, &other, FORMULA).await.map_err(plain)?;
    let formula = create_terminal(app, &formula, "POS", "pos").await.map_err(plain)?;
    coupon(app).await?;
    publish_examples(app).await?;
    let (now, ahead) = (clock.clone(), clock.clone());
    Ok(Stage {
        server,
        registers,
        rival: Some(rival.api_key),
        formula: Some(formula.api_key),
        revoked: Some(stolen.api_key),
        insider: Some(insider(app)),
        office: Some(office(app, &merchant)),
        tampering: Some(tampering(app)),
        coupon_yen: COUPON_YEN,
        now: Box::new(move || u64::try_from(now.now() / SECOND).unwrap_or_default()),
        pass: Box::new(move |seconds| {
            let seconds = i64::try_from(seconds).unwrap_or_default();
            ahead.0.fetch_add(seconds * SECOND, Ordering::SeqCst);
        }),
        first_customer: 0,
        desk: Arc::default(),
    })
}

async fn coupon(app: &App) -> Result<(), Error> {
    let terms = Terms {
        name: "200円引き".to_owned(),
        gift: Gift::AmountOff { yen: COUPON_YEN },
        budget: 100_000,
        per_customer: 1,
        amount_min: 0,
        stores: Vec::new(),
        new_customer_days: None,
        dormant_days: None,
    };
    let (owner, now) = (Owner { merchant_id: None, by: "drill" }, app.clock.now());
    manage::create(app, owner, terms, now, now + 360 * DAY).await.map_err(plain)?;
    Ok(())
}

/// Invites somebody who turns out to be an insider.
fn insider(app: &Arc<App>) -> Insider {
    let app = Arc::downgrade(app);
    Box::new(move || {
        let app = app.clone();
        Box::pin(
            async move { staff::invite(&*app.upgrade()?, "内部 不正", Role::Fraud).await.ok() },
        )
    })
}

/// A hand in the store.
fn tampering(app: &Arc<App>) -> Tampering {
    let app = Arc::downgrade(app);
    Box::new(move |how| {
        let app = app.clone();
        Box::pin(async move {
            let Some(app) = app.upgrade() else { return false };
            tamper(&app.stores.registry, how).await.unwrap_or(false)
        })
    })
}

/// Staff who look at the alerts, and close a door at the first.
async fn watch(app: Weak<App>, desk: Arc<Desk>, door: Option<Door>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(app) = app.upgrade() else { return };
        if let Err(fault) = look(&app, &desk, door).await {
            tracing::warn!(%fault, "the drill's staff could not look");
        }
        desk.looked();
    }
}

async fn look(app: &Arc<App>, desk: &Desk, door: Option<Door>) -> Result<(), Error> {
    let before = desk.seen();
    alert::round_now(app).await.map_err(plain)?;
    let Some(began) = before.began else { return Ok(()) };
    let since = app.clock.now() - i64::try_from(began.elapsed().as_micros())?;
    let newest = alert::newest(&app.stores.registry, ALERTS).await.map_err(plain)?;
    for alert in newest.iter().filter(|alert| alert.first_at >= since) {
        // Not of the attack: days passed over a message that waited, or staff closed a door.
        let of_ours = [Kind::OutboxStuck, Kind::NotReady, Kind::DoorClosed];
        if Kind::of(&alert.kind).is_some_and(|kind| of_ours.contains(&kind)) {
            continue;
        }
        desk.alert(&alert.kind);
    }
    if let (Some(_), Some(door), None) = (desk.seen().alert, door, before.door) {
        let closing = Closing {
            door,
            scope: Scope::All,
            reason: "drill".to_owned(),
            notice_ja: String::new(),
            notice_en: String::new(),
            ends_at: None,
        };
        control::close(app, &Actor::machine(), "drill", closing).await.map_err(plain)?;
        desk.door();
    }
    Ok(())
}
