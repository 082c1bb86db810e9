//! `/console/staff`: who is at the desks. Each change takes two people.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use super::{Listed, checked_name, list, must_exist};
use crate::app::App;
use crate::console::access::{Admin, Role, Viewer};
use crate::console::approval::{self, Asked, Proposal};
use crate::console::frame::Frame;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

#[derive(Template)]
#[template(path = "console_staff.html")]
struct StaffPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    people: Vec<Listed>,
    roles: [Role; 5],
    may_change: bool,
}

/// `GET /console/staff`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
) -> Result<Response> {
    let frame = Frame::new(&app, &staff, "staff").await?;
    let people = list(&app.stores.registry).await?;
    let may_change = Admin::is_of(staff.role);
    page(&StaffPage { text, sandbox: app.sandbox(), frame, people, roles: Role::ALL, may_change })
}

/// Whom to invite.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Invite {
    name: String,
    role: Role,
    reason: String,
}

/// `POST /api/admin/v1/staff/invite`
pub(in crate::console) async fn invite(
    State(app): State<Arc<App>>,
    Admin(staff): Admin,
    Json(request): Json<Invite>,
) -> Result<axum::Json<Asked>> {
    let proposal = Proposal::InviteStaff { name: checked_name(&request.name)?, role: request.role };
    approval::ask(&app, &staff, &proposal, &request.reason).await.map(axum::Json)
}

/// The role to give.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct ChangeRole {
    role: Role,
    reason: String,
}

/// `POST /api/admin/v1/staff/{staff_id}/role`
pub(in crate::console) async fn change_role(
    State(app): State<Arc<App>>,
    Admin(staff): Admin,
    Path(staff_id): Path<String>,
    Json(request): Json<ChangeRole>,
) -> Result<axum::Json<Asked>> {
    must_exist(&app.stores.registry, &staff_id).await?;
    let proposal = Proposal::ChangeRole { staff_id, role: request.role };
    approval::ask(&app, &staff, &proposal, &request.reason).await.map(axum::Json)
}

/// Why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Remove {
    reason: String,
}

/// `POST /api/admin/v1/staff/{staff_id}/remove`
pub(in crate::console) async fn remove(
    State(app): State<Arc<App>>,
    Admin(staff): Admin,
    Path(staff_id): Path<String>,
    Json(request): Json<Remove>,
) -> Result<axum::Json<Asked>> {
    must_exist(&app.stores.registry, &staff_id).await?;
    let proposal = Proposal::RemoveStaff { staff_id };
    approval::ask(&app, &staff, &proposal, &request.reason).await.map(axum::Json)
}
