//! One incident on one screen: clock, cohort, figures, acts, log.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::list::form_time;
use super::{name, names};
use crate::app::App;
use crate::audit;
use crate::clock::{MINUTE, Micros};
use crate::console::access::{Fraud, IncidentDesk, Support, Viewer};
use crate::console::dashboard::Plot;
use crate::console::frame::Frame;
use crate::control::Door;
use crate::gate::chart::wallet_account_id;
use crate::incident::act::{self, ActKind, Planned, Progress};
use crate::incident::cohort::{self, Count, Lists, Member};
use crate::incident::counting::{self, Job};
use crate::incident::log::{Line, Times, timeline};
use crate::incident::moves::Move;
use crate::incident::receivers::{self, Receiver};
use crate::incident::report::{self, plots};
use crate::incident::row::{self, Incident};
use crate::incident::{Money, Query as Question};
use crate::merchant::desk;
use crate::notify::fill;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// Members and moves that the page shows.
const MEMBERS_SHOWN: usize = 200;

/// A member with what they lost.
struct Shown {
    member: Member,
    loss: i64,
}

/// An act with how far it is.
struct ActShown {
    planned: Planned,
    progress: Progress,
    by: String,
}

struct StoreShown {
    name: String,
    store_id: String,
    customers: i64,
    yen: i64,
}

#[derive(Template)]
#[template(path = "console_incident.html")]
struct IncidentPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    incident: Incident,
    opened_by: String,
    times: Times,
    lists: Lists,
    members: Vec<Shown>,
    /// Who received what members lost, each with what is in the wallet now.
    receivers: Vec<(Receiver, i64)>,
    /// Each with how it stands.
    moves: Vec<(Move, String)>,
    /// The question in words, and as it is written.
    words: Vec<String>,
    written: String,
    version: i64,
    from: String,
    until: String,
    money_is_after: bool,
    counts: Vec<Count>,
    /// The count that is being made.
    counting: Option<Job>,
    /// What a count again found, if that was asked for last.
    again: Option<String>,
    stores: Vec<StoreShown>,
    plots: Vec<Plot>,
    acts: Vec<ActShown>,
    lines: Vec<Line>,
    kinds: Vec<ActKind>,
    doors: &'static [Door],
    reports: &'static [report::Kind],
    may_review: bool,
    may_act: bool,
    sees_networks: bool,
}

/// What is pointed at, for the form.
#[derive(Deserialize)]
pub(in crate::console) struct Pointed {
    #[serde(default)]
    touching: String,
}

/// `GET /console/incidents/{incident_id}`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Path(incident_id): Path<String>,
    Query(Pointed { touching }): Query<Pointed>,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let incident = row::find(registry, &incident_id).await?;
    let names = names(registry).await?;
    let sees_networks = Support::is_of(staff.role) || IncidentDesk::is_of(staff.role);
    let mut lines = timeline(registry, &incident).await?;
    let times = Times::of(&lines);
    for line in &mut lines {
        line.actor = match line.actor.as_str() {
            audit::MACHINE => text.t("incident.machine").to_owned(),
            actor => name(&names, actor),
        };
        line.detail = told(text, line);
    }
    lines.reverse();
    let lists = Lists::read(registry, &incident_id).await?;
    let saved = cohort::versions(registry, &incident_id).await?.into_iter().next();
    let version = saved.as_ref().map_or(0, |saved| saved.version);
    let saved = saved.map(|saved| saved.query);
    let question = question(&app, &incident, saved.as_ref(), &touching).await?;
    let losses = lists.losses();
    let shown = |member: &Member| Shown {
        loss: losses.get(&*member.customer_id).copied().unwrap_or_default(),
        member: member.clone(),
    };
    let members = lists.members.iter().take(MEMBERS_SHOWN).map(shown).collect();
    let counting = counting::newest(registry, &incident_id).await?;
    let counts = cohort::counts(registry, &incident_id).await?;
    page(&IncidentPage {
        frame: Frame::new(&app, &staff, "incidents").await?,
        sandbox: app.sandbox(),
        opened_by: name(&names, &incident.opened_by),
        members,
        receivers: receivers(&app, &incident_id).await?,
        moves: moves(&app, &incident_id).await?,
        words: saved.as_ref().map_or_else(Vec::new, |saved| saved.words(text)),
        written: question.as_ref().map_or_else(String::new, Question::written),
        from: form_time(question.as_ref().map_or(incident.first_event_at, |q| q.from)),
        until: question.as_ref().and_then(|q| q.until).map(form_time).unwrap_or_default(),
        money_is_after: question.as_ref().is_none_or(|q| q.money == Money::After),
        version,
        again: again(text, counting.as_ref(), &counts),
        counting: counting.filter(|job| job.is_waiting),
        counts,
        stores: stores(&app, &lists).await?,
        plots: plots(&lists.extent).collect(),
        acts: acts(&app, &incident_id, &names).await?,
        kinds: ActKind::ALL.into_iter().filter(|kind| kind.may(staff.role)).collect(),
        doors: Door::ALL,
        reports: &report::Kind::ALL,
        may_review: Fraud::is_of(staff.role) && incident.is_open(),
        may_act: IncidentDesk::is_of(staff.role) && incident.is_open(),
        sees_networks,
        times,
        lists,
        lines,
        incident,
        text,
    })
}

/// What a line of the log says, in words: acts and functions by their names, yen as yen.
fn told(text: Text, line: &Line) -> String {
    let yen = |word: &str| word.parse().map_or_else(|_| word.to_owned(), filters::yen_text);
    let words: Vec<&str> = line.detail.split(' ').collect();
    match (line.event.as_str(), words.as_slice()) {
        ("act_planned" | "act_done", [kind, rows, sum]) => {
            format!("{} · {rows} · {}", text.named("incident.act_", kind), yen(sum))
        }
        ("act_asked" | "act_approved" | "act_refused" | "act_started", [kind]) => {
            text.named("incident.act_", kind)
        }
        ("alert", [kind, subject @ ..]) => {
            format!("{} {}", text.named("alert.kind_", kind), subject.join(" "))
        }
        ("door_closed" | "door_opened", [door, "all"]) => text.named("door.", door),
        ("door_closed" | "door_opened", [door, scope @ ..]) => {
            format!("{} · {}", text.named("door.", door), scope.join(" "))
        }
        ("counted", [number, customers, sum]) => format!("{number} · {customers} · {}", yen(sum)),
        _ => line.detail.clone(),
    }
}

fn again(text: Text, job: Option<&Job>, counts: &[Count]) -> Option<String> {
    let job = job.filter(|job| job.is_again)?;
    let count = counts.iter().find(|count| count.number == job.number)?;
    let key = if job.same? { "incident.same" } else { "incident.not_same" };
    Some(fill(text.t(key), &[("customers", count.figures.customers.to_string())]))
}

/// The question that the form begins with: what was pointed at, else the saved one, else all that
/// the incident's source touched.
async fn question(
    app: &App,
    incident: &Incident,
    saved: Option<&Question>,
    touching: &str,
) -> Result<Option<Question>> {
    if touching.is_empty() && saved.is_some() {
        return Ok(saved.cloned());
    }
    let what = if touching.is_empty() { &incident.source } else { touching };
    let Some(mut pointed) = Question::touching(app, what).await? else {
        return Ok(saved.cloned());
    };
    if let Some(saved) = saved {
        let mut all = saved.clone();
        for group in pointed.any {
            if !all.any.contains(&group) {
                all.any.push(group);
            }
        }
        return Ok(Some(all));
    }
    pointed.from = pointed.from.min(incident.first_event_at);
    Ok(Some(pointed))
}

async fn receivers(app: &App, incident_id: &str) -> Result<Vec<(Receiver, i64)>> {
    let mut all = receivers::list(&app.stores.registry, incident_id).await?;
    all.truncate(MEMBERS_SHOWN);
    let there = |one: &Receiver| app.gate.paid(wallet_account_id(&one.customer_id));
    Ok(all.into_iter().map(|one| (one.clone(), there(&one))).collect())
}

async fn moves(app: &App, incident_id: &str) -> Result<Vec<(Move, String)>> {
    let mut moves = cohort::moves(&app.stores.registry, incident_id).await?;
    // What nobody looked at yet comes first.
    moves.sort_by_key(|(_, state)| state != "claimed");
    moves.truncate(MEMBERS_SHOWN);
    Ok(moves)
}

async fn stores(app: &App, lists: &Lists) -> Result<Vec<StoreShown>> {
    let mut merchants = BTreeMap::new();
    for store in &lists.extent.stores {
        if merchants.contains_key(&store.store_id) {
            continue;
        }
        if let Some(merchant) = desk::find(&app.stores.registry, &store.store_id).await? {
            for one in merchant.stores {
                merchants.insert(one.store_id, format!("{} {}", merchant.name, one.name));
            }
        }
    }
    let shown = |store: &crate::incident::figures::ByStore| StoreShown {
        name: merchants.get(&store.store_id).cloned().unwrap_or_default(),
        store_id: store.store_id.clone(),
        customers: store.customers,
        yen: store.yen,
    };
    Ok(lists.extent.stores.iter().map(shown).collect())
}

async fn acts(
    app: &App,
    incident_id: &str,
    names: &std::collections::HashMap<String, String>,
) -> Result<Vec<ActShown>> {
    let registry = &app.stores.registry;
    let all = act::progress_of_all(registry, incident_id).await?;
    let mut acts = Vec::new();
    for planned in act::of(registry, incident_id).await? {
        let progress = all.get(&planned.act_id).copied().unwrap_or_default();
        acts.push(ActShown { by: name(names, &planned.planned_by), progress, planned });
    }
    Ok(acts)
}

/// How many of a hundred.
pub(super) const fn percent(done: i64, rows: i64) -> i64 {
    if rows == 0 { 100 } else { done * 100 / rows }
}

impl ActShown {
    fn percent(&self) -> i64 {
        percent(self.progress.done, self.planned.rows)
    }
}

impl IncidentPage {
    /// How long after the first event.
    fn minutes(&self, at: &Micros) -> i64 {
        (at - self.times.began).max(0) / MINUTE
    }

    /// When it began, as the form has it.
    fn first(&self) -> String {
        form_time(self.incident.first_event_at)
    }
}
