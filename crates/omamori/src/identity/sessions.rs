//! Ending sessions from the settings: one, or all but this one.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use omamori_db::sql;
use serde::Deserialize;
use serde_json::json;

use super::customer::Customer;
use super::rate::Network;
use super::session;
use crate::app::App;
use crate::db::changes::{self, Subject};
use crate::gate::Act;
use crate::web::error::Result;
use crate::web::json::Json;

/// The request of [`end`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    session_id: String,
}

/// `POST /api/wallet/v1/sessions/end`: one of the customer's own, on this phone. Of one that is not
/// there, or is another's, the same is true afterwards: the customer does not have it.
pub(super) async fn end(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(request): Json<End>,
) -> Result<StatusCode> {
    let detail = json!({ "ip": network.address(), "session": request.session_id });
    let _cleared = app.gate.decide(customer.asks(Act::SessionEnd, &detail), Ok(())).await?;
    let delete = sql("DELETE FROM session
         WHERE session_id = $1 AND customer_id = $2 AND device_id = $3");
    let delete = delete.bind(&request.session_id).bind(&customer.customer_id);
    app.stores.registry.execute(delete.bind(&customer.device_id)).await?;
    changes::changed(&app, Subject::Notices(customer.wallet_account)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/wallet/v1/sessions/end-others`: all but this one.
pub(super) async fn end_others(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
) -> Result<StatusCode> {
    let detail = json!({ "ip": network.address(), "kept": customer.session_id });
    let _cleared = app.gate.decide(customer.asks(Act::SessionEnd, &detail), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    session::end_others(&mut tx, &customer).await?;
    tx.commit().await?;
    changes::changed(&app, Subject::Notices(customer.wallet_account)).await?;
    Ok(StatusCode::NO_CONTENT)
}
