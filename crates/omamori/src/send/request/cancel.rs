//! `POST /api/wallet/v1/money-requests/{request_id}/cancel`: asks no longer.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use omamori_db::sql;

use super::list::{RequestView, view};
use super::row;
use crate::app::App;
use crate::identity::Customer;
use crate::web::codes::Code;
use crate::web::error::Result;

/// Calls it off. What was paid stays paid.
pub async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(request_id): Path<String>,
) -> Result<Answer<RequestView>> {
    let registry = &app.stores.registry;
    let cancel = sql("UPDATE money_request SET canceled_at = $1
         WHERE request_id = $2 AND asker_id = $3 AND canceled_at IS NULL");
    let cancel = cancel.bind(app.clock.now()).bind(&request_id).bind(&customer.customer_id);
    registry.execute(cancel).await?;
    let asked = row::find(registry, &request_id).await?;
    let mine = asked.filter(|asked| asked.asker_id == customer.customer_id);
    let asked = mine.ok_or(Code::RequestNotFound)?;
    Ok(Answer(view(&app, &asked, &customer.customer_id).await?))
}
