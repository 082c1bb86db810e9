//! `/console/rules/edit`: the text of a person's draft, the signals beside it, and the test bench:
//! what the draft says to a decision of the past.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use omamori_db::sql;
use omamori_risk::signal::{Kind, Signal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ask, draft, effect};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::clock::Micros;
use crate::console::access::{Fraud, Staff};
use crate::console::approval::checked_reason;
use crate::console::frame::Frame;
use crate::gate::Act;
use crate::id::Kind as IdKind;
use crate::risk::{Past, backtest, label, rules};
use crate::web::error::Result;
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// A decision over again.
struct Bench {
    decision_id: String,
    act: &'static str,
    at: Micros,
    amount: i64,
    /// What the rules of then said.
    then: Says,
    /// What the draft says.
    now: Says,
    signals: Vec<(&'static str, String)>,
}

struct Says {
    version: Option<i64>,
    effect: Option<String>,
    hits: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "console_rules_edit.html")]
struct EditPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    rules: String,
    saved_at: Option<Micros>,
    in_force: i64,
    /// How many rules there are, or why it may not be published.
    checked: Result<usize, String>,
    signals: &'static [Signal],
    asked: String,
    bench: Option<Bench>,
    not_found: bool,
}

/// Which decision of the past.
#[derive(Deserialize)]
pub(in crate::console) struct Chosen {
    #[serde(default)]
    decision: String,
}

/// `GET /console/rules/edit`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    text: Text,
    Query(chosen): Query<Chosen>,
) -> Result<Response> {
    let (rules, saved_at) = draft(&app, &staff.staff_id).await?;
    let asked = chosen.decision.trim().to_owned();
    let bench = if asked.is_empty() { None } else { bench(&app, &rules, &asked, text).await? };
    let checked = rules::check(&rules);
    page(&EditPage {
        sandbox: app.sandbox(),
        frame: Frame::new(&app, &staff, "rules").await?,
        saved_at,
        in_force: app.gate.risk().in_force().version,
        checked: checked.map(|set| set.rules().count()).map_err(|refused| refused.to_string()),
        signals: Signal::ALL,
        not_found: !asked.is_empty() && bench.is_none(),
        asked,
        bench,
        rules,
        text,
    })
}

/// A draft that may not be published says nothing to a decision.
async fn bench(app: &App, rules: &str, asked: &str, text: Text) -> Result<Option<Bench>> {
    let (Ok(set), Some(id)) = (rules::check(rules), label::decision_of(app, asked).await?) else {
        return Ok(None);
    };
    let Some(record) = app.gate.records(&[id]).await?.pop().flatten() else { return Ok(None) };
    let Some(past) = Past::read(&record.to_string()) else { return Ok(None) };
    let now = backtest::again(&set, &past);
    let told = |hits: &[omamori_risk::engine::Hit]| {
        hits.iter().map(|hit| (hit.rule.to_string(), effect(hit.effect, text))).collect()
    };
    let words = |found: Option<_>| found.map(|found| effect(found, text));
    Ok(Some(Bench {
        decision_id: IdKind::Decision.text(id.to_u128()),
        act: past.recorded.event.act.as_str(),
        at: past.recorded.event.at,
        amount: past.recorded.event.amount,
        then: Says { version: past.version, effect: words(past.effect), hits: told(&past.hits) },
        now: Says { version: None, effect: words(now.effect), hits: told(&now.hits) },
        signals: known(&past)?,
    }))
}

/// What was known then, in the order of the catalogue.
fn known(past: &Past) -> Result<Vec<(&'static str, String)>> {
    let signals = serde_json::to_value(&past.recorded.signals)?;
    let value = |signal: &Signal| match &signals[signal.as_str()] {
        Value::Null => None,
        Value::String(word) => Some((signal.as_str(), word.clone())),
        other => Some((signal.as_str(), other.to_string())),
    };
    Ok(Signal::ALL.iter().filter_map(value).collect())
}

/// A text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Draft {
    rules: String,
}

/// `POST /api/admin/v1/rules/draft`: keeps what a person is writing, good or not. It is theirs.
pub(in crate::console) async fn save(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Json(request): Json<Draft>,
) -> Result<StatusCode> {
    let Staff { actor, staff_id, .. } = &staff;
    let about = json!({ "sha256": super::sha256(&request.rules) });
    let clearance = actor.decide(&app, Act::RulesDraft, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let insert = sql("INSERT INTO risk_draft (staff_id, rules, based_on, updated_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT (staff_id) DO UPDATE SET rules = excluded.rules,
            based_on = excluded.based_on, updated_at = excluded.updated_at");
    let insert = insert.bind(staff_id).bind(&request.rules);
    let insert = insert.bind(app.gate.risk().in_force().version).bind(app.clock.now());
    tx.execute(insert).await?;
    let entry = Entry {
        actor,
        act: Act::RulesDraft,
        subject: rules::SUBJECT,
        before: Value::Null,
        after: about,
        reason: "",
    };
    audit::commit(&app, tx, &clearance, &entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A text, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Propose {
    rules: String,
    reason: String,
}

/// What was asked for.
#[derive(Serialize)]
pub(in crate::console) struct Proposed {
    version: i64,
    approval_id: String,
}

/// `POST /api/admin/v1/rules/propose`: makes a version of a text and asks a second person to put it
/// in force. What fails, loops or costs too much is refused with the reason.
pub(in crate::console) async fn propose(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Json(request): Json<Propose>,
) -> Result<axum::Json<Proposed>> {
    let reason = checked_reason(&request.reason)?;
    rules::check(&request.rules)?;
    let actor = &staff.actor;
    let about = json!({ "sha256": super::sha256(&request.rules) });
    let clearance = actor.decide(&app, Act::RulesPropose, None, &about, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let version = rules::propose(&app, &mut tx, &request.rules, reason, &staff.staff_id).await?;
    let mut after = about;
    after["version"] = json!(version);
    let entry = Entry {
        actor,
        act: Act::RulesPropose,
        subject: rules::SUBJECT,
        before: Value::Null,
        after,
        reason,
    };
    audit::commit(&app, tx, &clearance, &entry).await?;
    let found = rules::find(&app.stores.registry, version).await?;
    let asked = ask(&app, &staff, &found, reason).await?;
    Ok(axum::Json(Proposed { version, approval_id: asked.approval_id }))
}
