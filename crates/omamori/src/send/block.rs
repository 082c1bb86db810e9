//! Hearing nothing more of somebody: what they send or ask is not shown, and nobody tells them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use omamori_db::{Db, sql};

use super::{request, take};
use crate::app::App;
use crate::clock::Micros;
use crate::identity::{Customer, account};
use crate::web::codes::Code;
use crate::web::error::Result;

/// `POST /api/wallet/v1/sends/{send_id}/block`: who sent this.
pub async fn sender(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(send_id): Path<String>,
) -> Result<StatusCode> {
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    let (row, _) = take::addressed(&app, &account, &send_id).await?;
    insert(&app.stores.registry, &customer.customer_id, &row.sender_id, app.clock.now()).await
}

/// `POST /api/wallet/v1/money-requests/{request_id}/block`: who asked for this.
pub async fn asker(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(request_id): Path<String>,
) -> Result<StatusCode> {
    let account = account::find(&app.stores.registry, &customer.customer_id).await?;
    let asked = request::row::find(&app.stores.registry, &request_id).await?;
    let mine = asked.filter(|asked| asked.to_phone.as_deref() == Some(account.phone.as_str()));
    let asked = mine.ok_or(Code::RequestNotFound)?;
    insert(&app.stores.registry, &customer.customer_id, &asked.asker_id, app.clock.now()).await
}

async fn insert(registry: &Db, by: &str, blocked: &str, now: Micros) -> Result<StatusCode> {
    let insert = sql("INSERT INTO send_block (customer_id, blocked_id, created_at)
         VALUES ($1, $2, $3) ON CONFLICT (customer_id, blocked_id) DO NOTHING");
    registry.execute(insert.bind(by).bind(blocked).bind(now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a customer wants to hear nothing of another.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn stands(registry: &Db, by: &str, blocked: &str) -> Result<bool> {
    let query = sql("SELECT created_at FROM send_block WHERE customer_id = $1 AND blocked_id = $2");
    Ok(registry.optional(query.bind(by).bind(blocked)).await?.is_some())
}
