//! `/console/alerts`: what somebody should look at, and who does.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::access::{Approver, Viewer};
use super::approval::checked_reason;
use super::frame::Frame;
use crate::alert::{self, Alert};
use crate::app::App;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// Rows of the page.
const ROWS_MAX: i64 = 100;

#[derive(Template)]
#[template(path = "console_alerts.html")]
struct AlertsPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    may_act: bool,
    alerts: Vec<Alert>,
}

/// `GET /console/alerts`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
) -> Result<Response> {
    page(&AlertsPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "alerts").await?,
        may_act: Approver::is_of(staff.role),
        alerts: alert::newest(&app.stores.registry, ROWS_MAX).await?,
    })
}

/// What somebody does about it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: String,
}

/// `POST /api/admin/v1/alerts/{alert_id}/acknowledge`
pub(super) async fn acknowledge(
    State(app): State<Arc<App>>,
    Approver(staff): Approver,
    Path(alert_id): Path<String>,
    Json(request): Json<Reason>,
) -> Result<StatusCode> {
    let reason = checked_reason(&request.reason)?;
    alert::acknowledge(&app, &staff.actor, &staff.name, &alert_id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
