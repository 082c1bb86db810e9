//! Traces for an OpenTelemetry collector, if the operator says where one is: OTLP over HTTP.
//!
//! A trace is one request: its span, and below it the waits that make it long (the decision being
//! written, the ledger's commit). Spans carry words of the program and ids that mean nothing
//! outside; log lines are not in them. A caller's `traceparent` is not believed: nobody outside
//! chooses what is traced, or ties two requests together.

use std::future::{Future, ready};
use std::pin::Pin;
use std::time::Duration;

use opentelemetry::trace::{SpanKind, Status, TracerProvider};
use opentelemetry::{KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tracing::Subscriber;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use super::TraceSettings;
use crate::secret::Secret;

/// What a collector may take for one batch. What it does not take is lost, and nothing waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why traces cannot be sent.
pub use opentelemetry_otlp::ExporterBuildError;

/// The way to the collector.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins; `None` if the settings name no collector.
    ///
    /// # Errors
    /// If the address is none.
    pub fn start(settings: &TraceSettings) -> Result<Option<Self>, ExporterBuildError> {
        let Some(endpoint) = &settings.endpoint else { return Ok(None) };
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(settings.token.clone()))
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(PATIENCE)
            .build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("omamori").with_attribute(version);
        #[expect(clippy::float_arithmetic, reason = "a share is what the sampler takes")]
        let share = f64::from(settings.percent) / 100.0;
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::TraceIdRatioBased(share))
            .with_resource(resource.build())
            .with_batch_exporter(Named(exporter))
            .build();
        Ok(Some(Self { provider }))
    }

    /// What sees the spans of the program, and no line of the log.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let ours = filter_fn(|of| of.is_span() && of.target().starts_with("omamori"));
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("omamori"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(ours)
    }

    /// Sends what is left. Blocks, for as long as a collector may take.
    pub fn stop(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Gives requests the names that OpenTelemetry has for them, on their way out.
#[derive(Debug)]
struct Named(opentelemetry_otlp::SpanExporter);

impl SpanExporter for Named {
    fn export(&self, mut batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        batch.iter_mut().filter(|span| span.name == "request").for_each(name);
        self.0.export(batch)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// HTTP server spans, semantic conventions 1.23 and later.
fn name(span: &mut SpanData) {
    let (mut method, mut route) = (String::new(), String::new());
    for KeyValue { key, value, .. } in &mut span.attributes {
        *key = match key.as_str() {
            "method" => {
                method = value.to_string();
                "http.request.method".into()
            }
            "path" => {
                route = value.to_string();
                "http.route".into()
            }
            "status" => {
                // `tracing` has no word for an unsigned number but its text.
                if let Ok(status) = value.as_str().parse::<i64>() {
                    *value = Value::I64(status);
                    if status >= 500 {
                        span.status = Status::error("");
                    }
                }
                "http.response.status_code".into()
            }
            "request_id" => "omamori.request_id".into(),
            "decision_id" => "omamori.decision_id".into(),
            _ => continue,
        };
    }
    span.name = format!("{method} {route}").into();
    span.span_kind = SpanKind::Server;
}

/// Small and blocking, as the SDK's own thread wants it.
#[derive(Debug)]
struct Client {
    agent: ureq::Agent,
    token: Option<Secret>,
}

impl Client {
    fn new(token: Option<Secret>) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .http_status_as_error(false);
        Self { agent: config.build().new_agent(), token }
    }

    fn send(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut post = self.agent.post(request.uri().to_string());
        for (name, value) in request.headers() {
            post = post.header(name, value);
        }
        if let Some(token) = &self.token {
            post = post.header("authorization", format!("Bearer {}", token.reveal()));
        }
        let answer = post.send(&request.body()[..])?;
        Ok(Response::builder().status(answer.status()).body(Bytes::new())?)
    }
}

impl HttpClient for Client {
    fn send_bytes<'client, 'sent>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        'client: 'sent,
        Self: 'sent,
    {
        Box::pin(ready(self.send(&request)))
    }
}
