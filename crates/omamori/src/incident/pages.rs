//! `/affected`: was I affected? Of the incidents that the operator has published, and of those that
//! this customer was told of: what happened, and what it was on this account. Nothing of others.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use omamori_db::sql;

use super::cohort::disputed_of;
use super::moves::Move;
use super::row::{self, Incident};
use crate::app::App;
use crate::clock::Micros;
use crate::identity::PageCustomer;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// Incidents that are looked at.
const SHOWN: i64 = 20;

/// An incident as one customer sees it.
struct Shown {
    incident: Incident,
    /// `affected`, `looking` or `safe`.
    standing: &'static str,
    moves: Vec<Move>,
    loss: i64,
    /// When the last of it came back, and how much in all.
    compensated: Option<(Micros, i64)>,
}

#[derive(Template)]
#[template(path = "affected.html")]
struct AffectedPage {
    text: Text,
    sandbox: bool,
    incidents: Vec<Shown>,
}

/// `GET /affected`
pub(super) async fn affected(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let customer_id = customer.customer_id.as_str();
    let mut incidents = Vec::new();
    for incident in row::newest(&app.stores.registry, SHOWN).await? {
        incidents.extend(shown(&app, incident, customer_id).await?);
    }
    page(&AffectedPage { text, sandbox: app.sandbox(), incidents })
}

async fn shown(app: &App, incident: Incident, customer_id: &str) -> Result<Option<Shown>> {
    let registry = &app.stores.registry;
    let query = sql("SELECT state, source, told_at FROM incident_member
         WHERE incident_id = $1 AND customer_id = $2");
    let row = registry.optional(query.bind(&incident.incident_id).bind(customer_id)).await?;
    let (state, source, told) = match &row {
        Some(row) => (row.text("state")?, row.text("source")?, row.int_optional("told_at")?),
        None => (String::new(), String::new(), None),
    };
    // Who is looked at and was not told is not warned: some of them may be thieves.
    let knows = told.is_some() || source == "claim";
    if incident.published_at.is_none() && !knows {
        return Ok(None);
    }
    let standing = match &*state {
        "confirmed" => "affected",
        "suspected" if knows => "looking",
        _ => "safe",
    };
    let (mut moves, mut compensated) = (Vec::new(), None);
    if standing == "affected" {
        moves = disputed_of(registry, &incident.incident_id, customer_id).await?;
        let query = sql("SELECT r.done_at, r.moved_yen FROM incident_act_row r
             JOIN incident_act a ON a.act_id = r.act_id
             WHERE a.incident_id = $1 AND a.kind = 'compensate' AND r.subject = $2
                 AND r.moved_yen > 0 AND r.done_at IS NOT NULL");
        for row in registry.all(query.bind(&incident.incident_id).bind(customer_id)).await? {
            let (at, yen) = compensated.unwrap_or((0, 0));
            compensated = Some((row.int("done_at")?.max(at), row.int("moved_yen")? + yen));
        }
    }
    let loss = moves.iter().map(Move::loss).sum();
    Ok(Some(Shown { incident, standing, moves, loss, compensated }))
}
