//! An application of a test's own, on a clock that stands still until it is moved.

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::response::Response;
use omamori::app::App;
use omamori::cli::open::open;
use omamori::clock::{Clock, ManualClock, Micros, SECOND};
use omamori::config::Config;
use omamori::server;
use omamori_db::sql;
use omamori_ledger::verify;
use tower::ServiceExt;

use super::answer::Answer;
use super::fold;
use super::place::Place;
use super::rng::TestRng;

/// 2026-04-01 12:00 in Japan, where a time step and a slot of the windows begin.
pub const NOON: Micros = 1_775_012_400 * SECOND;
/// Seals the secrets of all tests.
pub const MASTER_KEY: [u8; 32] = [7; 32];
/// The largest body that a test reads.
const BODY_BYTES_MAX: usize = 1 << 20;

/// One running service: what a load balancer would choose among.
#[derive(Clone)]
pub struct Node {
    pub app: Arc<App>,
    router: Router,
}

impl Node {
    /// The whole router on `app`.
    pub fn new(app: Arc<App>) -> Self {
        Self { router: server::router(app.clone()), app }
    }

    /// Sends a request through the whole router; the body of the answer is still to come.
    pub async fn open(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request through the whole router.
    pub async fn call(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        let body = to_bytes(body, BODY_BYTES_MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Asks for a page as anybody.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// The service's figures, as the operator's port shows them.
    pub async fn figures(&self) -> String {
        self.app.metrics.scrape(&self.app).await.unwrap()
    }

    /// Entries of the journal.
    pub async fn journal_entries(&self) -> i64 {
        let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS entries FROM journal");
        self.app.stores.journal.one(count).await.unwrap().int("entries").unwrap()
    }

    /// Decisions of the gate that were recorded, allowed or not.
    pub async fn decisions(&self) -> i64 {
        let count = sql("SELECT CAST(COALESCE(SUM(last_number - first_number + 1), 0) AS BIGINT) \
                         AS decisions FROM decision_batch WHERE body <> ''");
        self.app.stores.evidence.one(count).await.unwrap().int("decisions").unwrap()
    }
}

/// The service under test, which can be restarted and joined by further nodes.
pub struct TestApp {
    node: Node,
    pub clock: Arc<ManualClock>,
    rng: Arc<TestRng>,
    place: Place,
    config: Config,
}

impl Deref for TestApp {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl TestApp {
    /// A service with empty stores and the settings that it has by default.
    pub async fn start(place: Place) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let rng = Arc::new(TestRng::default());
        // Most tests are about something else than risk rules, and do in a second what the starter
        // set rightly finds strange: `risk` puts rules in force where it wants them.
        let config = Config { store: place.store(), starter_rules: false, ..Config::default() };
        let node = start(&config, &clock, &rng).await;
        Self { node, clock, rng, place, config }
    }

    /// What time it is.
    pub fn now(&self) -> Micros {
        self.clock.now()
    }

    /// One more node on the same stores.
    pub async fn another_node(&self) -> Node {
        start(&self.config, &self.clock, &self.rng).await
    }

    /// Stops and starts again, as an operator does.
    pub async fn restart(&mut self) {
        self.node.app.close().await;
        self.node = start(&self.config, &self.clock, &self.rng).await;
    }

    /// Stops, and starts again with other settings.
    pub async fn restart_with(&mut self, set: impl FnOnce(&mut Config)) {
        self.node.app.close().await;
        set(&mut self.config);
        self.node = start(&self.config, &self.clock, &self.rng).await;
    }

    /// Stops, deletes the views, and starts again.
    pub async fn restart_without_views(&mut self) {
        self.node.app.close().await;
        self.place.delete_views().await;
        self.node = start(&self.config, &self.clock, &self.rng).await;
    }

    /// Checks the books, then throws everything away.
    pub async fn finish(self) {
        let app = &self.node.app;
        fold::check(app).await;
        app.gate.close().await;
        let report = verify(&app.stores.journal, &app.stores.views).await.unwrap();
        assert!(report.is_clean(), "{:?}", report.problems);
        app.close().await;
        drop(self.node);
        self.place.discard().await;
    }
}

async fn start(config: &Config, clock: &Arc<ManualClock>, rng: &Arc<TestRng>) -> Node {
    Node::new(open(config.clone(), &MASTER_KEY, clock.clone(), rng.clone()).await.unwrap())
}
