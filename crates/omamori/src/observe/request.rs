//! One request as logs and figures see it.

use std::sync::Arc;
use std::time::Instant;

use axum::http::{Method, StatusCode};
use tracing::Span;
use tracing::field::{Empty, display};

use super::Metrics;
use crate::gate::evidence::DecisionId;
use crate::id::Kind;

/// A request from its head to that of its answer. Dropped before, its caller went away.
pub struct Seen {
    metrics: Arc<Metrics>,
    method: Method,
    template: String,
    began: Instant,
    span: Span,
    is_over: bool,
}

impl Seen {
    /// Begins. `template` is the route's, never the address, which may hold what belongs to a
    /// person.
    #[must_use]
    pub fn begin(metrics: &Arc<Metrics>, method: &Method, template: &str, id: &str) -> Self {
        metrics.request_begins();
        let span = tracing::info_span!(
            "request",
            request_id = id,
            %method,
            path = template,
            decision_id = Empty,
            status = Empty,
        );
        Self {
            metrics: metrics.clone(),
            method: method.clone(),
            template: template.to_owned(),
            began: Instant::now(),
            span,
            is_over: false,
        }
    }

    /// What its work runs in.
    #[must_use]
    pub const fn span(&self) -> &Span {
        &self.span
    }

    /// It is answered.
    pub fn end(mut self, status: StatusCode) {
        self.is_over = true;
        let took = self.began.elapsed();
        self.metrics.request_ends(&self.method, &self.template, Some(status), took);
        let elapsed_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let _entered = self.span.enter();
        let status = status.as_u16();
        self.span.record("status", status);
        if self.method.is_safe() && status < 500 {
            tracing::debug!(target: "omamori::request", status, elapsed_us, "answered");
        } else {
            tracing::info!(target: "omamori::request", status, elapsed_us, "answered");
        }
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        if !self.is_over {
            let took = self.began.elapsed();
            self.metrics.request_ends(&self.method, &self.template, None, took);
        }
    }
}

/// Writes a decision's id into the request's span, so that its lines lead to the evidence.
pub fn name_decision(decision: DecisionId) {
    let span = Span::current();
    if !span.is_disabled() {
        span.record("decision_id", display(Kind::Decision.text(decision.to_u128())));
    }
}
