//! Traces, against a collector that is this test.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Request, header};
use axum::routing::post;
use omamori::observe::{TraceSettings, Traces, logs};
use omamori::secret::Secret;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::support::app::TestApp;
use crate::support::customer::Customer;
use crate::support::place::Place;
use crate::support::shop::Register;

/// What a collector was sent: headers and bodies.
type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

async fn take(State(received): State<Received>, headers: HeaderMap, body: Bytes) {
    received.lock().push((headers, body));
}

/// A collector, and its address.
async fn collector() -> (Received, String) {
    let received = Received::default();
    let routes = Router::new().route("/v1/traces", post(take)).with_state(received.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (received, address)
}

fn settings(endpoint: String) -> TraceSettings {
    let token = Some(Secret::new("a-token-of-the-collector".to_owned()));
    TraceSettings { endpoint: Some(endpoint), token, percent: 100 }
}

fn text(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A sale, traced; gives what the customer and the till must not find in it.
async fn some_life(traces: &Traces) -> Vec<String> {
    let lines = logs::json(std::io::sink, EnvFilter::new("info"), Some(traces));
    // Two subscribers, so that each thread's own is asked: see `notices/smtp.rs`.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let traced = tracing::subscriber::set_default(lines);
    let app = TestApp::start(Place::sqlite()).await;
    let (register, customer) = (Register::new(&app.app).await, Customer::new(&app.app).await);
    customer.load(&app, &register, 5_000).await;
    let code = customer.code(app.now());
    register.sell(&app, "s-1", &code, 300).await.ok();
    let stranger = Request::get(format!("/receipt/{}", customer.phone()))
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header(header::USER_AGENT, "090-1111-2222");
    app.call(stranger.body(axum::body::Body::empty()).unwrap()).await;
    let (token, key) = (customer.token.clone(), register.key.clone());
    let customer_id = customer.customer_id.clone();
    let phone = customer.phone();
    app.finish().await;
    drop(traced);
    vec![code, token, key, customer_id, phone[1..].to_owned(), "1111-2222".to_owned()]
}

/// Goal: who runs the service sees where the time of a sale goes. Attack: who reads the traces
/// learns who paid; a caller chooses the trace that a request belongs to.
#[tokio::test]
async fn a_sale_is_one_trace_and_names_no_person() {
    let (received, address) = collector().await;
    let traces = Traces::start(&settings(address)).unwrap().unwrap();
    let secrets = some_life(&traces).await;
    tokio::task::spawn_blocking(move || traces.stop()).await.unwrap();

    let received = received.lock();
    let mut spans = Vec::new();
    for (headers, body) in &*received {
        assert_eq!(headers[header::AUTHORIZATION], "Bearer a-token-of-the-collector");
        assert_eq!(headers[header::CONTENT_TYPE], "application/x-protobuf");
        let raw = String::from_utf8_lossy(body);
        for secret in &secrets {
            assert!(!raw.contains(secret), "{secret} is in a trace");
        }
        for resource in ExportTraceServiceRequest::decode(body.clone()).unwrap().resource_spans {
            for scope in resource.scope_spans {
                spans.extend(scope.spans);
            }
        }
    }
    let sale = spans.iter().find(|span| span.name == "POST /api/pos/v1/payments").unwrap();
    assert_eq!(sale.kind, 2, "a server's");
    assert_eq!(text(sale, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(text(sale, "http.route").as_deref(), Some("/api/pos/v1/payments"));
    assert!(text(sale, "omamori.decision_id").unwrap().starts_with("dec_"));
    assert!(sale.parent_span_id.is_empty() && sale.events.is_empty());
    for part in ["evidence.record", "ledger.commit"] {
        let part = spans.iter().find(|span| span.name == part && span.trace_id == sale.trace_id);
        assert_eq!(part.unwrap().parent_span_id, sale.span_id);
    }
    let of_a_stranger = spans.iter().find(|span| span.name.starts_with("GET /receipt/{")).unwrap();
    assert!(of_a_stranger.parent_span_id.is_empty());
    assert_ne!(of_a_stranger.trace_id[0], 0x0a, "the caller's trace is not believed");
}

/// Goal: a collector that is not there costs nobody a sale, and no answer.
#[tokio::test]
async fn a_collector_that_is_not_there_stops_nothing() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let traces = Traces::start(&settings(format!("http://{gone}/v1/traces"))).unwrap().unwrap();
    some_life(&traces).await;
    tokio::task::spawn_blocking(move || traces.stop()).await.unwrap();
    assert!(Traces::start(&TraceSettings::default()).unwrap().is_none(), "off by default");
}
