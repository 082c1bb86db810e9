//! `POST /api/wallet/v1/devices/rename`: what a phone is called.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use omamori_db::sql;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::gate::Act;
use crate::identity::binding::sound_name;
use crate::identity::customer::Customer;
use crate::identity::rate::Network;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Rename {
    device_id: String,
    name: String,
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(request): Json<Rename>,
) -> Result<StatusCode> {
    let name = sound_name(&request.name, "name")?;
    let detail = json!({ "ip": network.address(), "renamed": request.device_id });
    let _cleared = app.gate.decide(customer.asks(Act::DeviceRename, &detail), Ok(())).await?;
    let update = sql("UPDATE device SET name = $1 WHERE device_id = $2 AND customer_id = $3");
    let update = update.bind(name).bind(&request.device_id).bind(&customer.customer_id);
    match app.stores.registry.execute(update).await? {
        1 => Ok(StatusCode::NO_CONTENT),
        _ => Err(Code::NotFound.into()),
    }
}
