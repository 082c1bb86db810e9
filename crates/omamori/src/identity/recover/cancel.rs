//! `POST /api/wallet/v1/recover/cancel`: one tap on any phone of the account.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::cancel_all;
use crate::app::App;
use crate::gate::Act;
use crate::identity::customer::Holder;
use crate::identity::rate::Network;
use crate::web::error::Result;

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    Holder { customer, .. }: Holder,
    network: Network,
) -> Result<StatusCode> {
    let detail = json!({ "ip": network.address(), "session": customer.session_id });
    let _cleared = app.gate.decide(customer.asks(Act::RecoverCancel, &detail), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    cancel_all(&mut tx, &customer.customer_id, app.clock.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
