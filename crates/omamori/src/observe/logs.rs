//! Where log lines go: standard error, one JSON object a line (`serve`) or text (`demo`).
//!
//! A line of a request carries the request's id and, once the gate has decided, the decision's.
//! Which lines there are, `RUST_LOG` says: `info,omamori::request=warn` leaves out the line of
//! every request.

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Lines of JSON into `writer`.
pub fn json<W>(writer: W, filter: EnvFilter) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}

/// Lines of JSON, from now on, for the whole process.
///
/// # Panics
/// If logs were started before.
pub fn start_json() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let started = tracing::subscriber::set_global_default(json(std::io::stderr, filter));
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
