//! `/console/rules`: the risk rules in force, every version before them, and the way to others:
//! draft, check, back-test, four eyes, publication.

pub(super) mod backtest;
pub(super) mod edit;
pub(super) mod labels;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use omamori_db::sql;
use omamori_risk::rule::{Both, Effect, Mode, Rule, RuleFile};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::access::{Fraud, Staff, Viewer};
use super::approval::{self, Asked, Proposal};
use super::frame::Frame;
use super::staff;
use crate::app::App;
use crate::clock::Micros;
use crate::risk;
use crate::risk::rules::{self, Publication, Version};
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// Versions and publications of the list.
const SHOWN: i64 = 30;

/// How a rule of one version stands to another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Same,
    Added,
    Changed,
    Removed,
}

impl Change {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

struct Row {
    rule: Rule,
    title: String,
    reason: String,
    acts: String,
    effect: String,
    is_live: bool,
    change: Change,
    hits_24h: i64,
    hits_7d: i64,
}

struct VersionRow {
    version: Version,
    by: String,
    is_in_force: bool,
}

struct PublicationRow {
    publication: Publication,
    by: String,
}

#[derive(Template)]
#[template(path = "console_rules.html")]
struct RulesPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    may_act: bool,
    /// The version that is shown, and the one in force.
    shown: i64,
    in_force: i64,
    note: String,
    rows: Vec<Row>,
    versions: Vec<VersionRow>,
    publications: Vec<PublicationRow>,
}

/// Which version; the one in force if left out.
#[derive(Deserialize)]
pub(super) struct Chosen {
    version: Option<i64>,
}

/// `GET /console/rules`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Query(chosen): Query<Chosen>,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let in_force = app.gate.risk().in_force().version;
    let shown = chosen.version.unwrap_or(in_force);
    let (rules, note) = read(&app, shown, in_force, text).await?;
    let (live, _) = read(&app, in_force, in_force, text).await?;
    let names = names(&app).await?;
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let version = |version: Version| VersionRow {
        by: name(&version.created_by),
        is_in_force: version.version == in_force,
        version,
    };
    let publication = |publication: Publication| PublicationRow {
        by: name(&publication.published_by),
        publication,
    };
    page(&RulesPage {
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "rules").await?,
        may_act: Fraud::is_of(staff.role),
        shown,
        in_force,
        note,
        rows: rows(&app, rules, &live, text),
        versions: rules::newest(registry, SHOWN).await?.into_iter().map(version).collect(),
        publications: rules::publications(registry, SHOWN)
            .await?
            .into_iter()
            .map(publication)
            .collect(),
        text,
    })
}

/// The rules of a version, and its note. A service without rules has no version.
async fn read(app: &App, version: i64, in_force: i64, text: Text) -> Result<(Vec<Rule>, String)> {
    if version == 0 && in_force == 0 {
        return Ok((Vec::new(), String::new()));
    }
    let found = rules::find(&app.stores.registry, version).await?;
    let file = RuleFile::parse(&found.rules).map_err(|error| Error::Fault(Box::new(error)))?;
    let is_starter = found.created_by.is_empty();
    let note = if is_starter { text.t("rules.by_program").to_owned() } else { found.note };
    Ok((file.rules, note))
}

async fn names(app: &App) -> Result<HashMap<String, String>> {
    let people = staff::list(&app.stores.registry).await?;
    Ok(people.into_iter().map(|person| (person.staff_id, person.name)).collect())
}

/// The rules of a version, then those in force that it does not have.
fn rows(app: &App, rules: Vec<Rule>, live: &[Rule], text: Text) -> Vec<Row> {
    let now = app.clock.now();
    let standing = |rule: &Rule| match live.iter().find(|other| other.id == rule.id) {
        None => Change::Added,
        Some(other) if other == rule => Change::Same,
        Some(_) => Change::Changed,
    };
    let removed: Vec<Rule> =
        live.iter().filter(|old| rules.iter().all(|rule| rule.id != old.id)).cloned().collect();
    let row = |(rule, change): (Rule, Change)| Row {
        title: in_words(&rule.title, text).to_owned(),
        reason: in_words(reason(&rule), text).to_owned(),
        acts: rule.acts.iter().map(|act| act.as_str()).collect::<Vec<_>>().join(", "),
        effect: effect(rule.effect, text),
        is_live: rule.mode == Mode::Live,
        hits_24h: app.gate.risk().hits(&rule.id, now, 24),
        hits_7d: app.gate.risk().hits(&rule.id, now, 7 * 24),
        rule,
        change,
    };
    let there = rules.into_iter().map(|rule| (standing(&rule), rule));
    let there = there.map(|(change, rule)| (rule, change));
    there.chain(removed.into_iter().map(|rule| (rule, Change::Removed))).map(row).collect()
}

fn in_words(both: &Both, text: Text) -> &str {
    if text.lang() == "ja" { &both.ja } else { &both.en }
}

/// Why there is a rule. A service that began before the starter rules had Japanese reasons keeps
/// their text word by word; what they say in Japanese is known all the same.
fn reason(rule: &Rule) -> &Both {
    static STARTER: LazyLock<Vec<Rule>> =
        LazyLock::new(|| RuleFile::parse(risk::STARTER).map_or_else(|_| vec![], |file| file.rules));
    let is_old = |one: &&Rule| one.id == rule.id && one.reason.en == rule.reason.ja;
    STARTER.iter().find(is_old).map_or(&rule.reason, |one| &one.reason)
}

/// An effect, in words.
fn effect(effect: Effect, text: Text) -> String {
    match effect {
        Effect::Score(points) => format!("{} {points:+}", text.t("rules.effect_score")),
        Effect::Alert => text.t("rules.effect_alert").to_owned(),
        Effect::StepUp => text.t("rules.effect_step_up").to_owned(),
        Effect::Hold => text.t("rules.effect_hold").to_owned(),
        Effect::Refuse => text.t("rules.effect_refuse").to_owned(),
    }
}

/// Why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: String,
}

/// `POST /api/admin/v1/rules/versions/{version}/publish`: asks for a version that exists; an older
/// one is the way back.
pub(super) async fn publish(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(version): Path<i64>,
    Json(request): Json<Reason>,
) -> Result<axum::Json<Asked>> {
    let found = rules::find(&app.stores.registry, version).await?;
    ask(&app, &staff, &found, &request.reason).await.map(axum::Json)
}

/// Asks a second person to put a version in force.
async fn ask(app: &App, staff: &Staff, version: &Version, reason: &str) -> Result<Asked> {
    rules::check(&version.rules)?;
    let sha256 = sha256(&version.rules);
    let proposal = Proposal::PublishRules { version: version.version, sha256 };
    approval::ask(app, staff, &proposal, reason).await
}

/// What two people agree on is these very words.
pub(super) fn sha256(rules: &str) -> String {
    Sha256::digest(rules).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a person is writing: the rules in force if nothing yet.
async fn draft(app: &App, staff_id: &str) -> Result<(String, Option<Micros>)> {
    let query = sql("SELECT rules, updated_at FROM risk_draft WHERE staff_id = $1");
    if let Some(row) = app.stores.registry.optional(query.bind(staff_id)).await? {
        return Ok((row.text("rules")?, Some(row.int("updated_at")?)));
    }
    match app.gate.risk().in_force().version {
        0 => Ok((String::new(), None)),
        version => Ok((rules::find(&app.stores.registry, version).await?.rules, None)),
    }
}
