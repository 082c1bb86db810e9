//! What time it is here, for phones whose clock is off: codes and proofs depend on it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::app::App;

/// The answer.
#[derive(Serialize)]
pub(super) struct Now {
    now_ms: i64,
}

/// `GET /api/wallet/v1/time`
pub(super) async fn now(State(app): State<Arc<App>>) -> Json<Now> {
    Json(Now { now_ms: app.clock.now() / 1_000 })
}
