//! The API behind the buttons of a case.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::audit::Actor;
use crate::case::acts::{self, Decision};
use crate::case::{self, CaseKind, Outcome};
use crate::console::access::{Fraud, Support};
use crate::console::approval::checked_reason;
use crate::id::Kind;
use crate::pos::held;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

/// Nothing more is said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Nothing {}

/// `POST /api/admin/v1/cases/{case_id}/take`
pub(in crate::console) async fn take(
    State(app): State<Arc<App>>,
    Support(staff): Support,
    Path(case_id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<StatusCode> {
    acts::take(&app, &staff.actor, &case_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Words {
    text: String,
}

/// `POST /api/admin/v1/cases/{case_id}/note`
pub(in crate::console) async fn note(
    State(app): State<Arc<App>>,
    Support(staff): Support,
    Path(case_id): Path<String>,
    Json(request): Json<Words>,
) -> Result<StatusCode> {
    acts::note(&app, &staff.actor, &case_id, &request.text).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/admin/v1/cases/{case_id}/ask`: the customer is told.
pub(in crate::console) async fn ask(
    State(app): State<Arc<App>>,
    Support(staff): Support,
    Path(case_id): Path<String>,
    Json(request): Json<Words>,
) -> Result<StatusCode> {
    acts::ask(&app, &staff.actor, &case_id, &request.text).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Other {
    case_id: String,
}

/// `POST /api/admin/v1/cases/{case_id}/link`
pub(in crate::console) async fn link(
    State(app): State<Arc<App>>,
    Support(staff): Support,
    Path(case_id): Path<String>,
    Json(request): Json<Other>,
) -> Result<StatusCode> {
    acts::link(&app, &staff.actor, &case_id, &request.case_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why, and what the customer reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Decide {
    reason: String,
    #[serde(default)]
    message: String,
}

/// `POST /api/admin/v1/cases/{case_id}/decide/{outcome}`
pub(in crate::console) async fn decide(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path((case_id, outcome)): Path<(String, String)>,
    Json(request): Json<Decide>,
) -> Result<StatusCode> {
    let outcome = Outcome::parse(&outcome).ok_or(Code::NotFound)?;
    let reason = checked_reason(&request.reason)?;
    let decision = Decision { outcome, reason, message: &request.message };
    held_payment(&app, &staff.actor, &case_id, decision).await?;
    acts::decide(&app, &staff.actor, &case_id, decision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the outcome of a held payment's case sets in motion, before the case says so: done twice it
/// is done once, and a case is never decided as released whose payment was not made.
async fn held_payment(
    app: &App,
    actor: &Actor,
    case_id: &str,
    Decision { outcome, reason, .. }: Decision<'_>,
) -> Result<()> {
    let registry = &app.stores.registry;
    let case = case::find(registry, case_id).await?.ok_or(Code::NotFound)?;
    if case.kind != CaseKind::HeldPayment || !case.state.is_in_hands_of(&actor.id) {
        return Ok(()); // another kind, or the case's own rules refuse it
    }
    for subject in case::subjects(registry, case_id).await? {
        if Kind::Authorization.parse(&subject).is_none() {
            continue;
        }
        match outcome {
            Outcome::Released => held::release(app, actor, &subject, reason).await?,
            Outcome::Refused => held::refuse(app, actor, &subject, reason).await?,
            _ => {}
        }
    }
    Ok(())
}
