//! `POST /api/wallet/v1/devices/end`: a phone that was replaced loses its right to undo the move,
//! because it is sold, lost or broken. Confirmed by step-up, and not on the move's first day:
//! else whoever takes an account over would begin with this.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::gate::Act;
use crate::identity::customer::Customer;
use crate::identity::moves;
use crate::identity::rate::Network;
use crate::identity::stepup::{self, Confirmed, Intent, Risen};
use crate::notify::fill;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;
use crate::web::text::Text;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct End {
    device_id: String,
}

#[derive(Serialize)]
pub(in crate::identity) struct Ended {}

async fn intent(app: &App, customer: &Customer, request: &End, text: Text) -> Result<Intent> {
    let query = sql("SELECT name FROM device
         WHERE device_id = $1 AND customer_id = $2 AND state = 'replaced'");
    let query = query.bind(&request.device_id).bind(&customer.customer_id);
    let row = app.stores.registry.optional(query).await?.ok_or(Code::NotFound)?;
    let words = fill(text.t("stepup.device_end"), &[("device", row.text("name")?)]);
    Intent::new(Act::DeviceEnd, request, words)
}

pub(in crate::identity) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(request): Json<End>,
) -> Result<Answer<Value>> {
    stepup::offer(&app, &customer, &intent(&app, &customer, &request, text).await?).await
}

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request, proof }): Json<Confirmed<End>>,
) -> Result<Risen<Ended>> {
    let intent = intent(&app, &customer, &request, text).await?;
    let settled = moves::settled(&app.stores.registry, &customer, app.clock.now()).await?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, settled).await?;
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE device SET state = 'ended'
         WHERE device_id = $1 AND customer_id = $2 AND state = 'replaced'");
    tx.execute(update.bind(&request.device_id).bind(&customer.customer_id)).await?;
    let settle = sql("UPDATE device_move SET state = 'settled'
         WHERE from_device_id = $1 AND customer_id = $2 AND state = 'done'");
    tx.execute(settle.bind(&request.device_id).bind(&customer.customer_id)).await?;
    let sessions = sql("DELETE FROM session WHERE device_id = $1 AND customer_id = $2");
    tx.execute(sessions.bind(&request.device_id).bind(&customer.customer_id)).await?;
    let risen = Risen::new(&app, &mut tx, &customer, Ended {}).await?;
    tx.commit().await?;
    Ok(risen)
}
