//! The API behind the buttons of the customer's page.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::acts;
use crate::app::App;
use crate::console::access::Support;
use crate::console::approval::{self, Asked, Proposal, checked_reason};
use crate::identity::standing;
use crate::notify::ContactKind;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

/// Why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Reason {
    reason: String,
}

/// A customer's id of an address, once there is such a customer.
async fn existing(app: &App, customer_id: String) -> Result<String> {
    Ok(standing::find(app, &customer_id)
        .await?
        .filter(|id| *id == customer_id)
        .ok_or(Code::NotFound)?)
}

/// `POST /api/admin/v1/customers/{customer_id}/freeze`: by one person at once, for a thief may be
/// at work.
pub(in crate::console) async fn freeze(
    State(app): State<Arc<App>>,
    Support(staff): Support,
    Path(customer_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    let customer_id = existing(&app, customer_id).await?;
    let reason = checked_reason(&request.reason)?;
    acts::freeze(&app, &staff.actor, &customer_id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/admin/v1/customers/{customer_id}/unfreeze`: asks a second person.
pub(in crate::console) async fn unfreeze(
    State(app): State<Arc<App>>,
    Support(staff): Support,
    Path(customer_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<Answer<Asked>> {
    let customer_id = existing(&app, customer_id).await?;
    let stopped_at = standing::stopped_at(&app, &customer_id).await?;
    let proposal = Proposal::Unfreeze { customer_id, stopped_at };
    approval::ask(&app, &staff, &proposal, &request.reason).await.map(Answer)
}

/// `POST /api/admin/v1/customers/{customer_id}/recover`: asks a second person.
pub(in crate::console) async fn recover(
    State(app): State<Arc<App>>,
    Support(staff): Support,
    Path(customer_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<Answer<Asked>> {
    let customer_id = existing(&app, customer_id).await?;
    let proposal = Proposal::AssistRecovery { customer_id };
    approval::ask(&app, &staff, &proposal, &request.reason).await.map(Answer)
}

/// `POST /api/admin/v1/customers/{customer_id}/end-sessions`
pub(in crate::console) async fn end_sessions(
    State(app): State<Arc<App>>,
    Support(staff): Support,
    Path(customer_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    let customer_id = existing(&app, customer_id).await?;
    let reason = checked_reason(&request.reason)?;
    acts::end_sessions(&app, &staff.actor, &customer_id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What to read in full, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Unmask {
    contact: ContactKind,
    reason: String,
}

/// The contact.
#[derive(Serialize)]
pub(in crate::console) struct Unmasked {
    value: String,
}

/// `POST /api/admin/v1/customers/{customer_id}/unmask`
pub(in crate::console) async fn unmask(
    State(app): State<Arc<App>>,
    Support(staff): Support,
    Path(customer_id): Path<String>,
    Json(request): Json<Unmask>,
) -> Result<Answer<Unmasked>> {
    let customer_id = existing(&app, customer_id).await?;
    let reason = checked_reason(&request.reason)?;
    let value = acts::unmask(&app, &staff.actor, &customer_id, request.contact, reason).await?;
    Ok(Answer(Unmasked { value }))
}
