//! `/console/cases/cse_…`: one case on one screen, with what was seen when it was opened and what
//! has happened on the account.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::{Row, names, row};
use crate::app::App;
use crate::case::notes::{self, Note, NoteKind};
use crate::case::{self, Case, Outcome, evidence, list};
use crate::clock::Micros;
use crate::console::access::{Fraud, Staff, Support, Viewer};
use crate::console::customer::timeline::{Timeline, timeline};
use crate::console::frame::Frame;
use crate::gate::windows::Class;
use crate::id::Kind;
use crate::identity::desk::{Overview, overview};
use crate::identity::devices::{Device, SessionSummary, devices, sessions};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters::{self, japan};
use crate::web::page::page;
use crate::web::text::Text;

/// Something that was said, with the name of who said it.
struct Said {
    note: Note,
    by: String,
}

/// What the case is about.
struct Subject {
    id: String,
    href: Option<String>,
}

/// The account as it stands now.
struct Holder {
    overview: Overview,
    balance: i64,
    paid_30d: i64,
    devices: Vec<Device>,
    sessions: Vec<SessionSummary>,
    timeline: Timeline,
    others: Vec<Row>,
}

impl Holder {
    /// How many browsers are signed in on a phone.
    fn sessions_on(&self, device_id: &str) -> usize {
        self.sessions.iter().filter(|session| session.device_id == device_id).count()
    }
}

/// A fact of the evidence, for the eye; the whole is below it.
struct Fact {
    name: &'static str,
    value: String,
}

#[derive(Template)]
#[template(path = "console_case.html")]
struct CasePage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    row: Row,
    subjects: Vec<Subject>,
    facts: Vec<Fact>,
    /// For who may see it.
    evidence: Option<String>,
    said: Vec<Said>,
    linked: Vec<Row>,
    holder: Option<Holder>,
    outcomes: &'static [Outcome],
    may_act: bool,
    may_decide: bool,
    is_mine: bool,
}

/// Where the timeline begins.
#[derive(Deserialize)]
pub(in crate::console) struct Place {
    before: Option<Micros>,
}

/// `GET /console/cases/{case_id}`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Path(case_id): Path<String>,
    Query(place): Query<Place>,
) -> Result<Response> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let case = case::find(registry, &case_id).await?.ok_or(Code::NotFound)?;
    let names = names(registry).await?;
    let may_act = Support::is_of(staff.role);
    let seen = evidence::of(registry, &case_id).await?;
    let linked = list::linked(registry, &case_id).await?.into_iter();
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let said = notes::of(registry, &case_id).await?.into_iter();
    // Words among staff are no more than the evidence is.
    let said = said.filter(|note| may_act || note.kind != NoteKind::Note);
    let mut holder = holder(&app, &case, place.before, &staff, text).await?;
    if let (Some(holder), Some(customer)) = (&mut holder, &case.customer_id) {
        let others = list::of_customer(registry, customer, 20).await?.into_iter();
        let others = others.filter(|other| other.case_id != case_id);
        holder.others = others.map(|other| row(other, &names, now)).collect();
    }
    page(&CasePage {
        frame: Frame::new(&app, &staff, "cases").await?,
        subjects: case::subjects(registry, &case_id).await?.into_iter().map(subject).collect(),
        facts: facts(&seen, may_act),
        evidence: (may_act && seen.as_object().is_some_and(|object| !object.is_empty()))
            .then(|| format!("{seen:#}")),
        said: said.map(|note| Said { by: name(&note.author), note }).collect(),
        linked: linked.map(|other| row(other, &names, now)).collect(),
        outcomes: case.kind.outcomes(),
        may_decide: Fraud::is_of(staff.role),
        is_mine: case.state.is_in_hands_of(&staff.staff_id),
        row: row(case, &names, now),
        sandbox: app.sandbox(),
        holder,
        may_act,
        text,
    })
}

fn subject(id: String) -> Subject {
    let is_payment = Kind::Payment.parse(&id).or_else(|| Kind::Refund.parse(&id)).is_some();
    let is_held = Kind::Authorization.parse(&id).is_some();
    let page = is_payment.then_some("payments").or(is_held.then_some("authorizations"));
    Subject { href: page.map(|page| format!("/console/{page}/{id}")), id }
}

async fn holder(
    app: &App,
    case: &Case,
    before: Option<Micros>,
    staff: &Staff,
    text: Text,
) -> Result<Option<Holder>> {
    let Some(customer_id) = case.customer_id.as_deref() else { return Ok(None) };
    let (registry, now) = (&app.stores.registry, app.clock.now());
    let Some(overview) = overview(registry, customer_id, now).await? else { return Ok(None) };
    let account = &overview.account;
    let sees_evidence = Support::is_of(staff.role);
    Ok(Some(Holder {
        balance: app.gate.balance(account.wallet_account),
        paid_30d: app.gate.used(account.wallet_account, Class::Payment).in_30d,
        devices: devices(registry, customer_id).await?,
        sessions: sessions(registry, customer_id, now).await?,
        timeline: timeline(app, account, before, sees_evidence, text).await?,
        others: Vec::new(),
        overview,
    }))
}

/// What an eye looks for first. Addresses and phones only for who may see evidence.
fn facts(seen: &Value, sees_evidence: bool) -> Vec<Fact> {
    let decision = &seen["decision"];
    let store = ["merchant", "name"].map(|part| seen["store"][part].as_str().unwrap_or_default());
    let mut facts = vec![
        ("console.case_store", store.join(" ").trim().to_owned()),
        ("console.case_terminal", shown(&seen["transfer"]["terminal_number"])),
        ("console.case_reason", shown(&seen["reason"])),
        ("console.case_found", shown(&seen["found"])),
        ("console.case_taken", shown(&seen["taken"])),
        ("console.case_lost", shown(&seen["lost"])),
    ];
    if sees_evidence {
        facts.push(("console.case_device", shown(&decision["device"])));
        facts.push(("console.case_step", moment(&seen["code"]["step_began"])));
        facts.push(("console.case_address", shown(&decision["detail"]["ip"])));
    }
    facts.retain(|(_, value)| !value.is_empty());
    facts.into_iter().map(|(name, value)| Fact { name, value }).collect()
}

/// An instant of the evidence (RFC 3339) on Japan's clocks, to the second: a code lives for 30.
fn moment(value: &Value) -> String {
    let at = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let at = at.map(|at| japan(at.as_microsecond()));
    at.map_or_else(String::new, |at| at.strftime("%Y/%m/%d %H:%M:%S").to_string())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
