//! `POST /api/wallet/v1/signout`: ends this session. The phone stays bound; it signs in again
//! with the passkey.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use super::customer::Customer;
use super::rate::Network;
use super::session;
use crate::app::App;
use crate::gate::Act;
use crate::web::error::Result;

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
) -> Result<impl IntoResponse> {
    let detail = json!({ "ip": network.address(), "session": customer.session_id });
    let _cleared = app.gate.decide(customer.asks(Act::SignOut, &detail), Ok(())).await?;
    session::end(&app, &customer).await?;
    Ok((StatusCode::NO_CONTENT, [session::clear_cookie(&app.config)?]))
}
