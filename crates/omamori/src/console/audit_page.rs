//! `/console/audit`: the log, to read and to filter.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::access::Viewer;
use super::frame::Frame;
use super::staff::{Listed, list};
use crate::app::App;
use crate::audit::list::{Filter, Stored, acts, newest};
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

const SHOWN: i64 = 100;

struct Row {
    entry: Stored,
    act: String,
    actor: String,
    subject_href: Option<String>,
}

struct Choice {
    word: String,
    name: String,
}

#[derive(Template)]
#[template(path = "console_audit.html")]
struct AuditPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    rows: Vec<Row>,
    people: Vec<Listed>,
    acts: Vec<Choice>,
    chosen: Chosen,
    older: Option<i64>,
}

/// What to show; empty means all.
#[derive(Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    act: String,
    #[serde(default)]
    subject: String,
    before: Option<i64>,
}

/// `GET /console/audit`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Query(chosen): Query<Chosen>,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let filter = Filter {
        actor: chosen.actor.clone(),
        act: chosen.act.clone(),
        subject: chosen.subject.trim().to_owned(),
        before: chosen.before,
    };
    let entries = newest(registry, &filter, SHOWN).await?;
    let older = (entries.len() as i64 == SHOWN).then(|| entries.last().map(|e| e.seq)).flatten();
    let people = list(registry).await?;
    let names: HashMap<&str, &str> =
        people.iter().map(|person| (&*person.staff_id, &*person.name)).collect();
    let rows = entries.into_iter().map(|entry| row(entry, &names, text)).collect();
    let choice = |word: String| Choice { name: text.named("act.", &word), word };
    let acts = acts(registry).await?.into_iter().map(choice).collect();
    let frame = Frame::new(&app, &staff, "audit").await?;
    page(&AuditPage { text, sandbox: app.sandbox(), frame, rows, people, acts, chosen, older })
}

fn row(entry: Stored, names: &HashMap<&str, &str>, text: Text) -> Row {
    let actor = match names.get(&*entry.actor) {
        Some(name) => (*name).to_owned(),
        None if entry.actor == crate::audit::MACHINE => text.t("console.machine").to_owned(),
        None => entry.actor.clone(),
    };
    let is_customer = entry.subject.starts_with("cus_");
    Row {
        act: text.named("act.", &entry.act),
        actor,
        subject_href: is_customer.then(|| format!("/console/customers/{}", entry.subject)),
        entry,
    }
}
