//! A copy of everything about one customer, as one JSON document.
//!
//! Its sections are those of the inventory, then what the ledger and the evidence have. Secrets,
//! hashes and sealed bytes are in none; of decisions only what concerns the customer is.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use omamori_db::{Db, Row, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::evidence;
use super::inventory::{As, Exported, INVENTORY};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Micros;
use crate::gate::Act;
use crate::identity::account::{self, Account};
use crate::identity::stepup::{self, Confirmed, Intent, Risen};
use crate::identity::{Customer, Network, devices, moves};
use crate::notify::{Notice, tell};
use crate::wallet::entry;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;
use crate::web::json::Json;
use crate::web::text::Text;

/// Copies made at once by one node: each reads much.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// More transfers, or decisions, than one copy holds; `complete` says whether that was enough.
const ENTRIES_MAX: usize = 50_000;
/// Transfers read at once.
const PAGE: usize = 500;

/// There is nothing to choose.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Export {}

#[derive(Serialize)]
struct File {
    export: Value,
}

fn intent(request: &Export, text: Text) -> Result<Intent> {
    Intent::new(Act::DataExport, request, text.t("stepup.export").to_owned())
}

/// `POST /api/wallet/v1/account/export/options`
pub(super) async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(request): Json<Export>,
) -> Result<Answer<Value>> {
    stepup::offer(&app, &customer, &intent(&request, text)?).await
}

/// `POST /api/wallet/v1/account/export`: confirmed with the passkey, on a phone that is no
/// newcomer, and told on every channel.
pub(super) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request, proof }): Json<Confirmed<Export>>,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let settled = moves::settled(registry, &customer, app.clock.now()).await?;
    let intent = intent(&request, text)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, settled).await?;
    let _place = AT_ONCE.try_acquire().map_err(|_| Error::RetryAfter(Code::Busy, 10))?;
    let export = of(&app, &customer.customer_id).await?;
    let mut tx = registry.begin().await?;
    let device = devices::name(&mut tx, &customer.device_id).await?;
    tell(&app, &mut tx, &customer.customer_id, &Notice::DataExported { device }).await?;
    let risen = Risen::new(&app, &mut tx, &customer, File { export }).await?;
    tx.commit().await?;
    let as_file = [
        (header::CONTENT_DISPOSITION, "attachment; filename=\"omamori-export.json\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((as_file, risen).into_response())
}

/// The copy, for staff. It is made only after it is written down who wanted it.
///
/// # Errors
/// A fault if a store fails or there is no such customer.
pub async fn for_staff(app: &App, actor: &Actor, customer_id: &str) -> Result<Value> {
    let act = Act::DataExport;
    let clearance = actor.decide(app, act, Some(customer_id), &json!({}), Ok(())).await?;
    let tx = app.stores.registry.begin().await?;
    let (before, after) = (Value::Null, Value::Null);
    let entry = Entry { actor, act, subject: customer_id, before, after, reason: "" };
    audit::commit(app, tx, &clearance, &entry).await?;
    of(app, customer_id).await
}

/// The copy.
///
/// # Errors
/// A fault if a store fails or there is no such customer.
pub async fn of(app: &App, customer_id: &str) -> Result<Value> {
    let account = account::find(&app.stores.registry, customer_id).await?;
    let mut copy = Map::new();
    copy.insert("format".into(), json!("omamori-export/1"));
    copy.insert("issuer".into(), json!(app.config.issuer_name));
    copy.insert("made_at".into(), json!(rfc3339(app.clock.now())));
    for table in INVENTORY {
        if let Exported::Rows { name, select, columns } = table.exported {
            let rows = section(&app.stores.registry, select, columns, customer_id).await?;
            copy.insert(name.into(), Value::Array(rows));
        }
    }
    let purse = app.gate.purse(account.wallet_account);
    copy.insert("balance".into(), json!(purse.balance()));
    copy.insert("of_it_free".into(), json!(purse.free_total()));
    copy.insert("points".into(), json!(purse.points_total()));
    let (payments, all_payments) = payments(app, &account).await?;
    let (decisions, all_decisions) = decisions(app, &account).await?;
    copy.insert("payments".into(), Value::Array(payments));
    copy.insert("decisions".into(), Value::Array(decisions));
    copy.insert("complete".into(), json!(all_payments && all_decisions));
    Ok(Value::Object(copy))
}

async fn section(
    registry: &Db,
    select: &'static str,
    columns: &[(&str, As)],
    customer_id: &str,
) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    for row in registry.all(sql(select).bind(customer_id)).await? {
        let mut members = Map::new();
        for (place, (name, kind)) in columns.iter().enumerate() {
            members.insert((*name).to_owned(), value(&row, place, *kind)?);
        }
        rows.push(Value::Object(members));
    }
    Ok(rows)
}

fn value(row: &Row, place: usize, kind: As) -> Result<Value> {
    Ok(match kind {
        As::Text => json!(row.text_optional(place)?),
        As::Int => json!(row.int(place)?),
        As::Time => json!(row.int_optional(place)?.map(rfc3339)),
        As::Json => serde_json::from_str(&row.text(place)?)?,
    })
}

/// Newest first, with what was bought where the evidence has it still; and whether that is all.
async fn payments(app: &App, account: &Account) -> Result<(Vec<Value>, bool)> {
    let mut found = Vec::new();
    let mut before = None;
    while found.len() < ENTRIES_MAX {
        let transfers = app.gate.statement(account.wallet_account, before, PAGE).await?;
        let records = app.gate.evidence(&transfers).await?;
        for (transfer, record) in transfers.iter().zip(records) {
            before = Some(transfer.timestamp);
            let Some(entry) = entry::entry(app, account.wallet_account, transfer).await? else {
                continue;
            };
            let mut entry = serde_json::to_value(entry)?;
            for name in ["items", "description", "order_receipt_number", "reason"] {
                match record.as_ref().map(|record| &record["detail"][name]) {
                    Some(Value::Null) | None => {}
                    Some(known) => entry[name] = known.clone(),
                }
            }
            found.push(entry);
        }
        if transfers.len() < PAGE {
            return Ok((found, true));
        }
    }
    Ok((found, false))
}

/// What the gate decided about the customer, in order; and whether that is all.
async fn decisions(app: &App, account: &Account) -> Result<(Vec<Value>, bool)> {
    let mut found = Vec::new();
    let mut from = account.created_at - evidence::BATCH_SPAN;
    while from <= app.clock.now() {
        let step = evidence::decisions(&app.stores.evidence, &account.customer_id, from).await?;
        found.extend(step.iter().map(about_the_customer));
        if found.len() > ENTRIES_MAX {
            return Ok((found, false));
        }
        from += evidence::STEP;
    }
    Ok((found, true))
}

/// Of a decision, what is about its customer; the rest may be about a shop, or about others.
fn about_the_customer(decision: &Value) -> Value {
    let at: Option<Micros> = decision["at"].as_i64();
    let mut shown = Map::new();
    shown.insert("at".into(), json!(at.map(rfc3339)));
    for name in ["act", "verdict", "reason", "device", "amount"] {
        if !decision[name].is_null() {
            shown.insert(name.into(), decision[name].clone());
        }
    }
    if !decision["detail"]["ip"].is_null() {
        shown.insert("ip".into(), decision["detail"]["ip"].clone());
    }
    Value::Object(shown)
}
