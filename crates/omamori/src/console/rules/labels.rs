//! `/console/rules/labels`: what decisions turned out to be.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::names;
use crate::app::App;
use crate::audit::{self, Entry};
use crate::console::access::{Fraud, Viewer};
use crate::console::frame::Frame;
use crate::gate::Act;
use crate::id::Kind as IdKind;
use crate::risk::label::{self, Kind, Label, Source};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// Labels of the page.
const SHOWN: i64 = 200;

#[derive(Template)]
#[template(path = "console_rules_labels.html")]
struct LabelsPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    may_act: bool,
    kinds: [Kind; 9],
    labels: Vec<Label>,
}

/// `GET /console/rules/labels`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
) -> Result<Response> {
    let names = names(&app).await?;
    let mut labels = label::newest(&app.stores.registry, SHOWN).await?;
    for label in &mut labels {
        if let Some(name) = names.get(&label.set_by) {
            label.set_by.clone_from(name);
        }
    }
    page(&LabelsPage {
        text,
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "rules").await?,
        may_act: Fraud::is_of(staff.role),
        kinds: Kind::ALL,
        labels,
    })
}

/// What a decision turned out to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct SetLabel {
    /// `dec_…`, or what it decided: `pay_…`, `rfd_…`, `top_…`, `snd_…`.
    decision: String,
    kind: Kind,
}

/// `POST /api/admin/v1/rules/labels`
pub(in crate::console) async fn set(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Json(request): Json<SetLabel>,
) -> Result<StatusCode> {
    let found = label::decided(&app, &[request.decision.trim()]).await?;
    let found = found.first().copied().ok_or(Code::NotFound)?;
    let decision_id = IdKind::Decision.text(found.0.to_u128());
    let about = json!({ "decision": decision_id, "kind": request.kind });
    let actor = &staff.actor;
    let clearance = actor.decide(&app, Act::FraudLabel, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let by = (Source::Staff, staff.staff_id.as_str());
    label::set(&mut tx, found, request.kind, by, app.clock.now()).await?;
    let entry = Entry {
        actor,
        act: Act::FraudLabel,
        subject: &decision_id,
        before: Value::Null,
        after: about,
        reason: "",
    };
    audit::commit(&app, tx, &clearance, &entry).await?;
    Ok(StatusCode::NO_CONTENT)
}
