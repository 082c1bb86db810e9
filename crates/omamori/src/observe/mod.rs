//! Watching the service: figures, logs, and whether it is ready.
//!
//! - [`Metrics`]: counters and times, read at `/metrics` on a port of its own ([`ops`]).
//! - [`Seen`]: one span and one log line a request, with its id and its decision's.
//! - [`Readiness`]: `/healthz` (the process lives) and `/readyz` (send requests here).
//! - [`Traces`]: the same spans for an OpenTelemetry collector, if there is one.
//! - [`doctor`]: what `omamori doctor` looks at.
//!
//! What always holds: nothing here carries personal data. Labels are words of the program (a
//! route's template, never its path), lines carry ids that mean nothing outside, and a test
//! searches the logs of a whole flow for numbers, names, codes and tokens.

pub mod doctor;
pub mod logs;
mod metrics;
pub mod ops;
mod ready;
mod request;
mod settings;
mod traces;

pub use metrics::Metrics;
pub use ready::{Readiness, router};
pub use request::{Seen, name_decision};
pub use settings::{MetricsSettings, TraceSettings};
pub use traces::{ExporterBuildError, Traces};
