//! `POST /api/wallet/v1/recover/cancel`: one tap on any phone of the account; and `…/code`: what
//! every contact was sent when the day began, typed on any device.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use omamori_db::{Db, sql};
use serde::Deserialize;
use serde_json::json;

use super::cancel_all;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::{Act, Question};
use crate::identity::customer::Holder;
use crate::identity::rate::Network;
use crate::identity::recovery;
use crate::secret::Secret;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;

pub(in crate::identity) async fn handle(
    State(app): State<Arc<App>>,
    Holder { customer, .. }: Holder,
    network: Network,
) -> Result<StatusCode> {
    let detail = json!({ "ip": network.address(), "session": customer.session_id });
    let _cleared = app.gate.decide(customer.asks(Act::RecoverCancel, &detail), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    cancel_all(&app, &mut tx, &customer.customer_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Cancel {
    code: Secret,
}

pub(in crate::identity) async fn by_code(
    State(app): State<Arc<App>>,
    network: Network,
    Json(request): Json<Cancel>,
) -> Result<StatusCode> {
    let now = app.clock.now();
    app.identity.doors.recover.check(network, now)?;
    let hash = recovery::typed(request.code.reveal());
    let hash = hash.ok_or_else(|| Error::field("code", "malformed"))?;
    let customer_id = whose(&app.stores.registry, hash, now).await?;
    let detail = json!({ "ip": network.address(), "step": "cancel_code" });
    let question = Question {
        customer: customer_id.as_deref(),
        ..Question::plain(Act::RecoverCancel, &detail)
    };
    let opinion = customer_id.as_ref().map(|_| ()).ok_or(Code::ProofFailed);
    let _cleared = app.gate.decide(question, opinion).await?;
    let customer_id = customer_id.ok_or(Code::ProofFailed)?;
    let mut tx = app.stores.registry.begin().await?;
    cancel_all(&app, &mut tx, &customer_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose recovery the code calls off, or has called off: a second tap gets the same answer.
async fn whose(registry: &Db, hash: [u8; 32], now: Micros) -> Result<Option<String>> {
    let query = sql("SELECT customer_id FROM recovery
         WHERE cancel_code_hash = $1 AND state IN ('cooling', 'canceled') AND expires_at > $2");
    let row = registry.optional(query.bind(hash).bind(now)).await?;
    Ok(row.map(|row| row.text("customer_id")).transpose()?)
}
