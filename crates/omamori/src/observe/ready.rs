//! `/healthz` and `/readyz`: one word for load balancers, who see no more than that. The reasons
//! are on the operator's own port.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use serde::Serialize;

use crate::app::App;
use crate::db::{EVIDENCE, REGISTRY};

/// A store that has not answered by then does not count as one.
const ANSWER: Duration = Duration::from_secs(2);
/// For so long an answer is given again: strangers ask too, and must not make work.
const FRESH: Duration = Duration::from_millis(500);
/// A follower that is further behind shows customers a past that has gone.
const LAG_MAX: u64 = 10_000;

/// One thing that must be as it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Empty if it is as it should be.
    pub problem: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report(pub Vec<Check>);

impl Report {
    /// Whether requests may be sent here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.iter().all(|check| check.problem.is_empty())
    }
}

/// Whether a load balancer may send requests here.
#[derive(Default)]
pub struct Readiness {
    stopping: AtomicBool,
    last: Mutex<Option<(Instant, Report)>>,
}

impl Readiness {
    /// The service is about to stop: from now on it is not ready.
    pub fn drain(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Looks, unless that was done just now.
    pub async fn look(&self, app: &App) -> Report {
        let stopping = self.stopping.load(Ordering::SeqCst);
        let fresh = |last: &(Instant, Report)| last.0.elapsed() < FRESH;
        let known = self.last.lock().as_ref().filter(|last| fresh(last)).map(|last| last.1.clone());
        let mut report = match known {
            Some(report) => report,
            None => {
                let report = look(app).await;
                *self.last.lock() = Some((Instant::now(), report.clone()));
                report
            }
        };
        let problem = if stopping { "it is about to stop" } else { "" };
        report.0.push(Check { name: "serving", problem: problem.to_owned() });
        report
    }
}

async fn look(app: &App) -> Report {
    let stores = &app.stores;
    let mut checks = Vec::new();
    for (name, db) in [
        ("journal", &stores.journal),
        ("views", &stores.views),
        ("registry", &stores.registry),
        ("evidence", &stores.evidence),
    ] {
        let problem = match tokio::time::timeout(ANSWER, db.ping()).await {
            Ok(Ok(())) => String::new(),
            Ok(Err(error)) => format!("it does not answer: {error}"),
            Err(_) => format!("it has not answered within {} s", ANSWER.as_secs()),
        };
        checks.push(Check { name, problem });
    }
    for (name, db, steps) in [
        ("registry schema", &stores.registry, REGISTRY),
        ("evidence schema", &stores.evidence, EVIDENCE),
    ] {
        let store = if name.starts_with("registry") { "registry" } else { "evidence" };
        let wanted = steps.iter().map(|step| step.version).max().unwrap_or_default();
        let problem = match tokio::time::timeout(ANSWER, db.schema_version(store)).await {
            Ok(Ok(version)) if version >= wanted => String::new(),
            Ok(Ok(version)) => format!("step {version} of {wanted}: run omamori migrate"),
            Ok(Err(_)) | Err(_) => "it cannot be read".to_owned(),
        };
        checks.push(Check { name, problem });
    }
    let condition = app.gate.condition();
    let problem = if condition.is_running { "" } else { "the ledger has stopped: read the log" };
    checks.push(Check { name: "ledger", problem: problem.to_owned() });
    for (name, behind) in condition.followers {
        let is_late = behind > LAG_MAX;
        let problem = if is_late { format!("{behind} entries behind") } else { String::new() };
        checks.push(Check { name, problem });
    }
    Report(checks)
}

/// The two routes that everybody may ask for.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(health)).route("/readyz", get(ready))
}

async fn health() -> &'static str {
    "ok\n"
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.readiness.look(&app).await.is_ready() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}
