//! The feature over HTTP, in process, with a phone and an authenticator in software.

mod assisted;
mod attack;
pub(crate) mod authenticator;
mod closing;
mod codes;
mod contacts;
mod directory;
mod external;
mod external_issuer;
mod factors;
mod moves;
mod password;
mod password_moves;
mod password_phone;
mod phishing;
mod phone;
mod recover;
mod session;
mod signin;
mod signup;
mod stepup;
mod stepup_totp;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use omamori_db::{Db, Durability, sql};
use serde_json::Value;
use tower::ServiceExt;

use crate::app::App;
use crate::cli::open::open;
use crate::clock::{Clock, ManualClock, Micros, SECOND};
use crate::config::{Config, Store};
use crate::rng::SystemRng;
use crate::secret::Secret;
use crate::web::error::Carried;

const NUMBER: &str = "090-1234-5678";
const ORIGIN: &str = "http://localhost:8080";
const START: Micros = 1_800_000_000 * SECOND;

/// A service of a test's own, on a clock that stands still until it is moved.
pub(crate) struct House {
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    router: Router,
    _folder: tempfile::TempDir,
}

/// What came back.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    /// The stable code of a refusal; empty for an answer.
    code: &'static str,
    body: Value,
}

/// Runs each test on both engines; a test takes the house that it happens in.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::identity::tests::House::open().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::identity::tests::House::on_postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// On a schema of its own in the throw-away cluster that `tools/postgres` starts.
    pub(crate) async fn on_postgres() -> Self {
        Self::on_postgres_with(|_| {}).await
    }

    /// The same with other settings.
    async fn on_postgres_with(set: impl FnOnce(&mut Config)) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        #[expect(clippy::disallowed_methods, reason = "tests have no settings file")]
        let cluster = std::env::var("OMAMORI_TEST_POSTGRES")
            .expect("a PostgreSQL to test on: eval \"$(tools/postgres start)\"");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let schema = format!("identity_{}_{number}", std::process::id());
        let db = Db::open(&cluster, Durability::Full).await.unwrap();
        let make = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        db.execute_raw(make).await.unwrap();
        db.close().await;
        let address = Secret::new(format!("{cluster}?options=-c%20search_path%3D{schema}"));
        let store = Store::Postgres { address };
        let on_postgres = |config: &mut Config| {
            config.store = store;
            set(config);
        };
        Self::with(on_postgres).await
    }

    /// With other settings.
    async fn with(set: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Sqlite { folder: folder.path().to_owned() };
        // Risk rules have tests of their own.
        let starter_rules = false;
        let mut config =
            Config { store, public_url: ORIGIN.into(), starter_rules, ..Config::default() };
        set(&mut config);
        let clock = Arc::new(ManualClock::at(START));
        let app = open(config, &[7; 32], clock.clone(), Arc::new(SystemRng)).await.unwrap();
        let router = super::router().merge(crate::privacy::router()).with_state(app.clone());
        Self { app, clock, router, _folder: folder }
    }

    async fn call(&self, request: Request<Body>) -> Reply {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let code =
            parts.extensions.get::<Carried>().map_or("", |carried| carried.0.code().as_str());
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Reply { status: parts.status, headers: parts.headers, code, body }
    }

    /// Posts JSON to the wallet's API as a browser without a session.
    async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call(json_request(path, body)).await
    }

    /// The text of the `count`th SMS, once it is there: it is sent aside.
    async fn sms(&self, count: usize) -> String {
        let sandbox = self.app.identity.outbox().sandbox().unwrap();
        let sent = async {
            loop {
                let sent = sandbox.sent();
                if sent.len() >= count {
                    return sent[sent.len() - count].text.clone();
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), sent).await.unwrap()
    }

    async fn count(&self, table: &'static str) -> i64 {
        let query = match table {
            "customer" => sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM customer"),
            "session" => sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM session"),
            other => panic!("no count of {other}"),
        };
        self.app.stores.registry.one(query).await.unwrap().int("n").unwrap()
    }

    /// How many codes went out by SMS so far. (Of notices, none does before its worker runs.)
    fn sms_count(&self) -> usize {
        self.app.identity.outbox().sandbox().unwrap().sent().len()
    }

    /// Waits until everything that was posted so far went out, and looks that it was nothing.
    /// Messages go out aside, each in a task of the one thread of a test, first come first served:
    /// so when a marker that is posted now is there, all before it are.
    async fn nothing_more_was_sent_than(&self, count: usize) {
        self.app.identity.outbox().post("marker".to_owned(), "marker".to_owned());
        self.sms(count + 1).await;
        let sent = self.app.identity.outbox().sandbox().unwrap().sent();
        assert_eq!((sent.len(), sent[0].to.as_str()), (count + 1, "marker"), "{sent:?}");
    }

    /// The kinds of all notices, in their order.
    async fn notices(&self) -> Vec<String> {
        let query = sql("SELECT kind FROM notice ORDER BY at");
        let rows = self.app.stores.registry.all(query).await.unwrap();
        rows.iter().map(|row| row.text("kind").unwrap()).collect()
    }

    /// How many phones pay.
    async fn paying(&self) -> i64 {
        let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM device WHERE state = 'active'");
        self.app.stores.registry.one(query).await.unwrap().int("n").unwrap()
    }

    fn now_seconds(&self) -> i64 {
        self.clock.now() / SECOND
    }
}

impl Reply {
    fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.code);
        self.body
    }

    fn refused(&self, code: &str) {
        assert_eq!((self.code, self.status.is_success()), (code, false), "{}", self.status);
    }
}

fn api(path: &str) -> String {
    format!("/api/wallet/v1{path}")
}

fn json_request(path: &str, body: &Value) -> Request<Body> {
    let request = Request::post(api(path)).header("content-type", "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}
