//! What is counted and timed.
//!
//! Made once a service, not once a process, so that two services in one process (tests, a demo)
//! do not count together.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use omamori_db::{Db, sql};
use omamori_ledger::{BatchSeen, Observer};
use parking_lot::RwLock;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use crate::app::App;
use crate::clock::SECOND;
use crate::control::Door;
use crate::gate::Act;
use crate::web::error::Result;

type Label = (&'static str, &'static str);
type Counters<const N: usize> = Family<[Label; N], Counter>;
type Gauges<const N: usize> = Family<[Label; N], Gauge>;
type Histograms<const N: usize> = Family<[Label; N], Histogram, fn() -> Histogram>;

/// From half a millisecond to about 16 s, each twice the one before.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_5, 2.0, 16))
}

/// From 1 to 512, each twice the one before.
fn group_sizes() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 10))
}

/// The figures of one service.
pub struct Metrics {
    registry: Registry,
    requests: Counters<3>,
    request_seconds: Histograms<1>,
    open_requests: Gauge,
    shed: Counters<1>,
    decisions: Counters<3>,
    decision_group: Histogram,
    decision_seconds: Histogram,
    ledger_group: Histogram,
    ledger_wait: Histogram,
    ledger_commit: Histogram,
    ledger_conflicts: Counter,
    messages: Counters<2>,
    scraped: Scraped,
}

/// What is looked up when somebody asks.
#[derive(Default)]
struct Scraped {
    ledger_queue: Gauge,
    ledger_position: Gauge,
    ledger_running: Gauge,
    follower_lag: Gauges<1>,
    outbox: Gauges<1>,
    outbox_oldest: Gauge,
    doors: Gauges<1>,
    connections: Gauges<2>,
    ready: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("omamori");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program that runs", version);
        let mut it = Adding(&mut registry);
        let requests = it.add("http_requests", "Requests answered", Counters::default());
        let request_seconds = it.add(
            "http_request_seconds",
            "From the first byte of a request to the head of its answer",
            Histograms::new_with_constructor(seconds),
        );
        let open_requests = it.add("http_open_requests", "Requests at work", Gauge::default());
        let shed: Counters<1> =
            it.add("http_shed", "Requests turned away unheard", Counters::default());
        let decisions = it.add("decisions", "Decisions of the gate", Counters::default());
        let decision_group =
            it.add("decision_group_records", "Decisions of one row", group_sizes());
        let decision_seconds =
            it.add("decision_commit_seconds", "To make a row of decisions durable", seconds());
        let ledger_group = it.add("ledger_group_requests", "Requests of one entry", group_sizes());
        let ledger_wait =
            it.add("ledger_queue_seconds", "The first of a group waits for the writer", seconds());
        let ledger_commit =
            it.add("ledger_commit_seconds", "To make an entry of the journal durable", seconds());
        let ledger_conflicts = it.add(
            "ledger_conflicts",
            "Entries built again because another node was faster",
            Counter::default(),
        );
        let messages: Counters<2> =
            it.add("messages", "Tries to send a message", Counters::default());
        for class in crate::load::Class::ALL {
            drop(shed.get_or_create(&[("class", class.as_str())]));
        }
        for channel in crate::notify::Channel::ALL {
            for outcome in ["sent", "failed"] {
                let labels = [("channel", channel.as_str()), ("outcome", outcome)];
                drop(messages.get_or_create(&labels)); // there from the beginning, at 0
            }
        }
        let scraped = Scraped::register(&mut it);
        Self {
            registry,
            requests,
            request_seconds,
            open_requests,
            shed,
            decisions,
            decision_group,
            decision_seconds,
            ledger_group,
            ledger_wait,
            ledger_commit,
            ledger_conflicts,
            messages,
            scraped,
        }
    }

    /// A request begins.
    pub(super) fn request_begins(&self) {
        self.open_requests.inc();
    }

    /// It is answered, or its caller went away (`None`).
    pub(super) fn request_ends(
        &self,
        method: &Method,
        template: &str,
        status: Option<StatusCode>,
        took: Duration,
    ) {
        self.open_requests.dec();
        let path = word(template);
        let status = status.map_or("gone", |status| word(status.as_str()));
        let labels = [("method", method_word(method)), ("path", path), ("status", status)];
        self.requests.get_or_create(&labels).inc();
        self.request_seconds.get_or_create(&[("path", path)]).observe(took.as_secs_f64());
    }

    /// A request of a class was turned away because too many were at work.
    pub fn shed(&self, class: &'static str) {
        self.shed.get_or_create(&[("class", class)]).inc();
    }

    /// The gate decided.
    pub fn decided(&self, act: Act, verdict: &'static str, reason: Option<&'static str>) {
        let labels =
            [("act", act_word(act)), ("verdict", verdict), ("reason", reason.unwrap_or(""))];
        self.decisions.get_or_create(&labels).inc();
    }

    /// A row of decisions is durable.
    pub fn recorded(&self, decisions: usize, took: Duration) {
        self.decision_group.observe(as_f64(decisions));
        self.decision_seconds.observe(took.as_secs_f64());
    }

    /// A message was handed over, or was not.
    pub fn message(&self, channel: &'static str, outcome: &'static str) {
        self.messages.get_or_create(&[("channel", channel), ("outcome", outcome)]).inc();
    }

    /// All figures in the OpenMetrics text format.
    ///
    /// # Errors
    /// A fault if the registry fails.
    pub async fn scrape(&self, app: &App) -> Result<String> {
        self.scraped.look(app).await?;
        let mut text = String::with_capacity(64 << 10);
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        Ok(text)
    }
}

impl Observer for Metrics {
    fn committed(&self, batch: &BatchSeen) {
        self.ledger_group.observe(as_f64(batch.requests));
        self.ledger_wait.observe(batch.waited.as_secs_f64());
        self.ledger_commit.observe(batch.took.as_secs_f64());
        self.ledger_conflicts.inc_by(batch.conflicts as u64);
    }
}

struct Adding<'a>(&'a mut Registry);

impl Adding<'_> {
    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }
}

impl Scraped {
    fn register(it: &mut Adding<'_>) -> Self {
        Self {
            ledger_queue: it.add(
                "ledger_queue_requests",
                "Requests that wait for the ledger's writer",
                Gauge::default(),
            ),
            ledger_position: it.add(
                "ledger_position",
                "The newest entry of the journal that this node knows",
                Gauge::default(),
            ),
            ledger_running: it.add(
                "ledger_running",
                "1 while the ledger takes requests",
                Gauge::default(),
            ),
            follower_lag: it.add(
                "follower_lag_entries",
                "Entries of the journal that a follower has not taken in",
                Gauges::default(),
            ),
            outbox: it.add(
                "outbox_messages",
                "Messages that wait to be sent, of all nodes",
                Gauges::default(),
            ),
            outbox_oldest: it.add(
                "outbox_oldest_seconds",
                "Age of the oldest message that waits",
                Gauge::default(),
            ),
            doors: it.add("doors_closed", "Closings of a function in force", Gauges::default()),
            connections: it.add("store_connections", "Connections to a store", Gauges::default()),
            ready: it.add("ready", "1 while requests may be sent here", Gauge::default()),
        }
    }

    async fn look(&self, app: &App) -> Result<()> {
        let condition = app.gate.condition();
        self.ledger_queue.set(as_i64(condition.queued));
        self.ledger_position.set(condition.position.cast_signed());
        self.ledger_running.set(i64::from(condition.is_running));
        for (name, behind) in condition.followers {
            self.follower_lag.get_or_create(&[("follower", name)]).set(behind.cast_signed());
        }
        let closed = app.gate.controls().closed(app.clock.now());
        for door in Door::ALL {
            let count = closed.iter().filter(|closure| closure.door == *door).count();
            self.doors.get_or_create(&[("door", door.as_str())]).set(as_i64(count));
        }
        let stores = &app.stores;
        for (name, db) in [
            ("journal", &stores.journal),
            ("views", &stores.views),
            ("registry", &stores.registry),
            ("evidence", &stores.evidence),
        ] {
            let used = db.pool();
            for (state, count) in [("open", used.open), ("idle", used.idle), ("max", used.max)] {
                let labels = [("store", name), ("state", state)];
                self.connections.get_or_create(&labels).set(i64::from(count));
            }
        }
        self.look_at_outbox(app, &stores.registry).await?;
        self.ready.set(i64::from(app.readiness.look(app).await.is_ready()));
        Ok(())
    }

    async fn look_at_outbox(&self, app: &App, registry: &Db) -> Result<()> {
        let waiting = sql("SELECT channel, CAST(COUNT(*) AS BIGINT) AS n,
                CAST(MIN(created_at) AS BIGINT) AS oldest
             FROM delivery WHERE state = 'waiting' GROUP BY channel");
        let (now, mut oldest) = (app.clock.now(), app.clock.now());
        let rows = registry.all(waiting).await?;
        for channel in crate::notify::Channel::ALL {
            let name = channel.as_str();
            let mut count = 0;
            for row in &rows {
                if row.text("channel")? == name {
                    count = row.int("n")?;
                    oldest = oldest.min(row.int("oldest")?);
                }
            }
            self.outbox.get_or_create(&[("channel", name)]).set(count);
        }
        self.outbox_oldest.set((now - oldest) / SECOND);
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "group sizes are small")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

fn as_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A method as a label: a caller may send any word.
fn method_word(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// The gate's word for an act, as its records have it.
fn act_word(act: Act) -> &'static str {
    /// More than there are acts.
    const ACTS_MAX: usize = 512;
    static WORDS: [OnceLock<&str>; ACTS_MAX] = [const { OnceLock::new() }; ACTS_MAX];
    let Some(place) = WORDS.get(act as usize) else { return "other" };
    place.get_or_init(|| match serde_json::to_value(act) {
        Ok(serde_json::Value::String(text)) => word(&text),
        _ => "other",
    })
}

/// A text that lives as long as the process: route templates, status codes and acts, of which
/// there are a few hundred. Never anything that a caller chooses.
fn word(text: &str) -> &'static str {
    static WORDS: RwLock<Option<HashSet<&'static str>>> = RwLock::new(None);
    if let Some(known) = WORDS.read().as_ref().and_then(|words| words.get(text)) {
        return known;
    }
    let mut words = WORDS.write();
    let words = words.get_or_insert_default();
    if let Some(known) = words.get(text) {
        return known;
    }
    let new: &'static str = String::leak(text.to_owned());
    words.insert(new);
    new
}
