//! `POST /api/card/v1/events`: what the gateway tells us of itself. It is signed; of charges and
//! registrations it only says where to look, so an old or repeated message changes nothing.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use omamori_db::sql;

use super::gateway::Event;
use super::{auto, chargeback, conversation, resolve, setup};
use crate::app::App;
use crate::web::codes::Code;
use crate::web::error::Result;

/// Takes a message. Who did not sign it learns nothing.
pub async fn take(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let gateway = app.topups.gateway().map_err(|_| Code::Unauthorized)?;
    let event = gateway.read_event(&headers, &body, app.clock.now()).map_err(|error| {
        tracing::warn!(%error, "a message in the card gateway's name was refused");
        Code::Unauthorized
    })?;
    let registry = &app.stores.registry;
    match event {
        Event::Charge { reference } => {
            let query = sql("SELECT topup_id FROM card_topup WHERE reference = $1");
            if let Some(row) = registry.optional(query.bind(reference)).await?
                && let Some(mut topup) =
                    conversation::find(registry, &row.text("topup_id")?).await?
            {
                resolve::go_on(&app, &mut topup).await?;
            }
        }
        Event::Setup { reference } => {
            let query = sql("SELECT setup_id FROM card_setup WHERE reference = $1");
            if let Some(row) = registry.optional(query.bind(reference)).await?
                && let Some(setup) = setup::find(registry, &row.text("setup_id")?).await?
            {
                setup::resolve(&app, &setup).await?;
            }
        }
        Event::SetupFailed { setup_id } => {
            if let Some(setup) = setup::find(registry, &setup_id).await? {
                setup::note_failure(&app, &setup).await?;
            }
        }
        Event::Consent { reference } => auto::resolve_by_reference(&app, &reference).await?,
        Event::Dispute(dispute) => {
            chargeback::note(&app, &dispute).await?;
            chargeback::reverse_due(&app).await?;
        }
        Event::Other => {}
    }
    Ok(StatusCode::NO_CONTENT)
}
