//! What the operator's engineers see of the service, and what nobody sees.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use omamori::clock::SystemClock;
use omamori::config::{Card, Config, Mail, Push, Sms};
use omamori::console::access::Role;
use omamori::control::{self, Closing, Door, Scope};
use omamori::observe::doctor::{Finding, Level, examine};
use omamori::observe::{logs, ops};
use omamori::secret::Secret;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::ServiceExt;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::app::{MASTER_KEY, TestApp};
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::on_both_engines;
use crate::support::place::Place;
use crate::support::shop::Register;
use crate::weakness::documents::repository;

on_both_engines!(
    figures_tell_what_happened_by_template,
    strangers_do_not_read_figures,
    a_node_is_ready_until_it_drains_or_its_ledger_stops,
    the_dashboard_asks_for_figures_that_exist,
);

/// A top-up, a sale, a refund, a refusal and a message.
async fn some_life(app: &TestApp) -> (Register, Customer) {
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(app, &register, 5_000).await;
    register.sell(app, "s-1", &customer.code(app.now()), 300).await.ok();
    register.refund(app, "r-1", "s-1", 100).await.ok();
    let too_much = register.sell(app, "s-2", &customer.code(app.now()), 90_000).await;
    assert_eq!(too_much.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", too_much.text());
    app.get("/no/such/place/090-1111-2222").await;
    (register, customer)
}

fn value_of(figures: &str, series: &str) -> Option<String> {
    let of = |line: &str| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned);
    figures.lines().find_map(of)
}

/// Goal: the figures add up, and no label holds what a caller sent.
async fn figures_tell_what_happened_by_template(app: &mut TestApp) {
    let (_, customer) = some_life(app).await;
    let figures = app.figures().await;
    let allowed = "omamori_decisions_total{act=\"payment\",verdict=\"allow\",reason=\"\"}";
    assert_eq!(value_of(&figures, allowed).as_deref(), Some("1"), "{figures}");
    let refused = "omamori_decisions_total{act=\"payment\",verdict=\"refuse\",\
                   reason=\"insufficient_funds\"}";
    assert_eq!(value_of(&figures, refused).as_deref(), Some("1"));
    let sales = "omamori_http_requests_total{method=\"POST\",path=\"/api/pos/v1/payments\",\
                 status=\"200\"}";
    assert_eq!(value_of(&figures, sales).as_deref(), Some("1"));
    let lost = "omamori_http_requests_total{method=\"GET\",path=\"-\",status=\"404\"}";
    assert_eq!(value_of(&figures, lost).as_deref(), Some("1"));
    assert_eq!(value_of(&figures, "omamori_http_open_requests").as_deref(), Some("0"));
    assert_eq!(value_of(&figures, "omamori_ledger_running").as_deref(), Some("1"));
    for of_somebody in ["090-1111", &customer.customer_id, "s-1", "/no/such"] {
        assert!(!figures.contains(of_somebody), "{of_somebody}");
    }
    let closing = Closing {
        door: Door::SignUp,
        scope: Scope::All,
        reason: "a test".into(),
        notice_ja: String::new(),
        notice_en: String::new(),
        ends_at: None,
    };
    control::close(&app.app, &omamori::audit::Actor::machine(), "test", closing).await.unwrap();
    let figures = app.figures().await;
    let closed = value_of(&figures, "omamori_doors_closed{door=\"signup\"}");
    assert_eq!(closed.as_deref(), Some("1"));
}

async fn ask(app: &TestApp, path: &str, token: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).unwrap();
    let (parts, body) = ops::router(app.app.clone()).oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (parts.status, String::from_utf8(body.to_vec()).unwrap())
}

/// Attack: a stranger who reaches a port asks for the figures.
async fn strangers_do_not_read_figures(app: &mut TestApp) {
    for path in ["/metrics", "/console/metrics", "/api/admin/v1/metrics"] {
        assert_eq!(app.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(ask(app, "/metrics", None).await.0, StatusCode::OK, "this machine alone");
    let token = "a-token-that-nobody-guesses";
    app.restart_with(|config| config.metrics.token = Some(Secret::new(token.to_owned()))).await;
    for (given, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some(""), StatusCode::UNAUTHORIZED),
        (Some("a-token-that-nobody-guesse"), StatusCode::UNAUTHORIZED),
        (Some("a-token-that-nobody-guesses-"), StatusCode::UNAUTHORIZED),
        (Some(token), StatusCode::OK),
    ] {
        for path in ["/metrics", "/readyz", "/healthz"] {
            assert_eq!(ask(app, path, given).await.0, status, "{path} {given:?}");
        }
    }
}

/// Goal: a load balancer stops sending before anybody is turned away, and strangers learn one word.
async fn a_node_is_ready_until_it_drains_or_its_ledger_stops(app: &mut TestApp) {
    assert_eq!(app.get("/healthz").await.text(), "ok\n");
    let ready = app.get("/readyz").await;
    assert_eq!((ready.status, ready.text()), (StatusCode::OK, "ready\n"));
    app.app.readiness.drain();
    let draining = app.get("/readyz").await;
    assert_eq!(draining.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(draining.text(), "not ready\n");
    assert_eq!(app.get("/status").await.status, StatusCode::OK, "who is there is served");
    let (status, why) = ask(app, "/readyz", None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(why.contains("about to stop") && why.contains("money_notices"), "{why}");
    app.restart().await;
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
    let other = app.another_node().await;
    other.app.gate.close().await;
    assert_eq!(other.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(other.get("/healthz").await.status, StatusCode::OK);
    other.app.close().await;
}

/// Goal: no panel of the dashboard is empty because a figure was renamed.
async fn the_dashboard_asks_for_figures_that_exist(app: &mut TestApp) {
    some_life(app).await;
    app.app.metrics.shed("signup");
    let figures = app.figures().await;
    let told: BTreeSet<&str> = figures
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(['{', ' ']).next().unwrap())
        .collect();
    let file = repository().join("deploy/grafana/omamori.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut asked = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let is_word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            let words = query.split(is_word).filter(|word| word.starts_with("omamori_"));
            asked.extend(words.map(str::to_owned));
        }
    }
    assert!(asked.len() > 10, "the dashboard is not read");
    for figure in &asked {
        assert!(told.contains(figure.as_str()), "{figure} is not told:\n{told:?}");
    }
}

/// Lines that were logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Attack: whoever reads the logs learns who pays, and can pay in their place. Everything is logged
/// here, to the last detail of every crate, which no operator does.
#[tokio::test]
async fn logs_name_requests_and_decisions_and_no_person() {
    let lines = Lines::default();
    // Two subscribers, so that each thread's own is asked: see `notices/smtp.rs`.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let logged = tracing::subscriber::set_default(logs::json(
        lines.clone(),
        EnvFilter::new("trace,sqlx=debug"),
        None,
    ));
    let app = TestApp::start(Place::sqlite()).await;
    let number = "090-7654-3210";
    let started = json!({ "phone": number }).to_string();
    let started = Request::post("/api/wallet/v1/signup/start")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(started))
        .unwrap();
    app.call(started).await.ok();
    let (register, customer) = some_life(&app).await;
    let code = customer.code(app.now());
    register.sell(&app, "s-9", &code, 10).await.ok();
    customer.get(&app, "/history").await;
    customer.get(&app, "/settings").await;
    let stopped = customer.post(&app, "/account/stop", &json!({})).await;
    assert!(stopped.status.is_success());
    let person = Person::new(&app.app, Role::Support).await;
    person.get(&app, &format!("/console/customers/{}", customer.customer_id)).await;
    while app.app.identity.outbox().sandbox().unwrap().sent().is_empty() {
        tokio::task::yield_now().await;
    }
    let message = app.app.identity.outbox().sandbox().unwrap().sent()[0].text.clone();
    let digits: String = message.chars().filter(char::is_ascii_digit).collect();
    let (token, key) = (customer.token.clone(), register.key.clone());
    app.finish().await;
    drop(logged);
    let text = String::from_utf8(lines.0.lock().clone()).unwrap();
    let secrets = [
        number.to_owned(),
        number.replace('-', ""),
        format!("+81{}", &number.replace('-', "")[1..]),
        customer.phone(),
        format!("+81{}", &customer.phone()[1..]),
        code,
        token,
        key,
        digits[digits.len() - 6..].to_owned(),
        "担当者".to_owned(),
        "日の丸".to_owned(),
        "0901111".to_owned(),
        "090-1111".to_owned(),
    ];
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} was logged");
    }
    let answered: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["fields"]["message"] == "answered")
        .collect();
    let sales: Vec<&Value> =
        answered.iter().filter(|line| line["span"]["path"] == "/api/pos/v1/payments").collect();
    assert_eq!(sales.len(), 3);
    for line in sales {
        let span = &line["span"];
        assert!(span["request_id"].as_str().unwrap().starts_with("req_"), "{line}");
        assert!(span["decision_id"].as_str().unwrap().starts_with("dec_"), "{line}");
    }
}

fn found<'a>(findings: &'a [Finding], about: &str) -> Vec<&'a Finding> {
    findings.iter().filter(|finding| finding.about == about).collect()
}

/// Goal: the doctor passes a sound installation, and each thing that is wrong gets a line that says
/// what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_says_what_to_mend() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("master.key");
    let store = omamori::config::Store::Sqlite { folder: folder.path().to_owned() };
    let config = Config { store, key_file: key.clone(), ..Config::default() };
    let before = examine(&config, &SystemClock).await;
    assert_eq!(found(&before, "master key")[0].level, Level::Failure);
    assert!(found(&before, "store").iter().all(|f| f.text.contains("omamori migrate")));
    assert!(!folder.path().join("registry.sqlite").exists(), "it changes nothing");
    omamori::cli::open::read_or_make_key(&key).unwrap();
    let app = omamori::cli::open::open_here(config.clone(), &MASTER_KEY).await.unwrap();
    let (register, customer) = (Register::new(&app).await, Customer::new(&app).await);
    let node = crate::support::app::Node::new(app.clone());
    let code = customer.code(app.clock.now());
    register.top_up(&node, "t-1", &code, 1_000).await.ok();
    app.close().await;
    let sound = examine(&config, &SystemClock).await;
    let failures: Vec<_> = sound.iter().filter(|f| f.level == Level::Failure).collect();
    assert_eq!(failures, Vec::<&Finding>::new());
    assert!(found(&sound, "journal")[0].text.contains("entries are sound"));
    let sandbox = found(&sound, "outside parties")[0];
    assert!(sandbox.level == Level::Warning && sandbox.text.contains("sms, mail, push"));

    let no_proxy = Config {
        public_url: "https://pay.example.jp".into(),
        sms: Sms::Http { url: "https://sms.example/".into(), token: Secret::new("t".into()) },
        mail: Mail::None,
        push: Push::None,
        card: Card::None,
        ..config.clone()
    };
    let no_proxy = examine(&no_proxy, &SystemClock).await;
    assert_eq!(found(&no_proxy, "TLS")[0].level, Level::Failure);
    assert_eq!(found(&no_proxy, "outside parties")[0].level, Level::Fine);

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let journal = omamori_db::Db::open(
        &format!("sqlite:{}", folder.path().join("journal.sqlite").display()),
        omamori_db::Durability::Full,
    )
    .await
    .unwrap();
    let tampered = "UPDATE journal SET first_timestamp = first_timestamp + 1 WHERE seq = 1";
    assert_eq!(journal.execute(omamori_db::sql(tampered)).await.unwrap(), 1);
    journal.close().await;
    let wrong = examine(&config, &SystemClock).await;
    let key = found(&wrong, "master key")[0];
    assert!(key.level == Level::Failure && key.text.contains("chmod 600"), "{key:?}");
    let journal = found(&wrong, "journal")[0];
    assert!(journal.level == Level::Failure && journal.text.contains("omamori verify"));
}
