//! Where log lines go: standard error, one JSON object a line (`serve`) or text (`demo`).
//!
//! A line of a request carries the request's id and, once the gate has decided, the decision's.
//! Which lines there are, `RUST_LOG` says: `info,omamori::request=warn` leaves out the line of
//! every request.

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use super::Traces;

/// Unless `RUST_LOG` says otherwise. PostgreSQL notes of each table at each start that it is there.
const USUAL: &str = "info,sqlx::postgres::notice=warn";

/// Lines of JSON into `writer`, and spans on their way to a collector.
pub fn json<W>(
    writer: W,
    filter: EnvFilter,
    traces: Option<&Traces>,
) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().json().with_span_list(false).with_writer(writer);
    let traces = traces.map(Traces::layer);
    tracing_subscriber::registry().with(traces).with(lines.with_filter(filter))
}

/// Lines of JSON, from now on, for the whole process.
///
/// # Panics
/// If logs were started before.
pub fn start_json(traces: Option<&Traces>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| USUAL.into());
    let started = tracing::subscriber::set_global_default(json(std::io::stderr, filter, traces));
    assert!(started.is_ok(), "logs are started once");
}

/// Which lines a person is shown: no requests.
pub const TEXT: &str = "warn,omamori=info,omamori::request=warn";

/// Lines for a person, from now on, for the whole process; which, `filter` says, if `RUST_LOG` says
/// nothing.
pub fn start_text(filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| filter.into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
