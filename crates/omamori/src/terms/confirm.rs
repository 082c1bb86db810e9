//! That a customer confirms what 法13条 wants shown before the first top-up, and which version.
//!
//! GL Ⅱ-2-1-1②: the flow makes the user confirm the items at the first purchase, not at every one.
//! Here that is the first top-up, whatever way it takes: the pages of all ways show the text first,
//! and a register, an ATM and a card are refused until it is confirmed, so an app of its own cannot
//! go past it. Where nothing is published there is nothing to confirm.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use omamori_db::sql;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::page::{Shown, shown};
use super::{Kind, versions};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::Act;
use crate::identity::Customer;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::{self, rfc3339};
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// The version that a customer must confirm before the first top-up: the newest; none if they have
/// confirmed one, or nothing is published.
///
/// # Errors
/// A fault if the registry fails.
pub async fn missing(app: &App, customer_id: &str) -> Result<Option<i64>> {
    let query = sql("SELECT version FROM published_text WHERE kind = $1 AND NOT EXISTS
             (SELECT version FROM terms_confirmation WHERE customer_id = $2)
         ORDER BY version DESC LIMIT 1");
    let query = query.bind(Kind::Terms.as_str()).bind(customer_id);
    let row = app.stores.registry.optional(query).await?;
    Ok(row.map(|row| row.int("version")).transpose()?)
}

/// The gate's opinion of a top-up: whether the terms stand in its way.
///
/// # Errors
/// A fault if the registry fails.
pub async fn opinion(app: &App, customer_id: &str) -> Result<Result<(), Code>> {
    let missing = missing(app, customer_id).await?;
    Ok(if missing.is_some() { Err(Code::TermsUnconfirmed) } else { Ok(()) })
}

#[derive(Template)]
#[template(path = "topup_terms.html")]
struct TermsPage {
    text: Text,
    sandbox: bool,
    shown: Shown,
}

/// The page that stands before the ways to top up, until the customer has confirmed.
///
/// # Errors
/// A fault if the registry fails.
pub async fn in_the_way(app: &App, customer: &Customer, text: Text) -> Result<Option<Response>> {
    let Some(version) = missing(app, &customer.customer_id).await? else { return Ok(None) };
    let all = versions(&app.stores.registry, Kind::Terms).await?;
    let newest = all.iter().find(|one| one.version == version);
    let newest = newest.ok_or(Error::fault("a published version of the terms is not there"))?;
    let shown = shown(newest, Kind::Terms, text);
    page(&TermsPage { text, sandbox: app.sandbox(), shown }).map(Some)
}

/// A confirmation that was given.
#[derive(Serialize)]
pub(super) struct Confirmed {
    version: i64,
    confirmed_at: String,
}

/// Where a customer stands.
#[derive(Serialize)]
pub(super) struct Standing {
    /// To be confirmed before the first top-up.
    to_confirm: Option<i64>,
    /// What was.
    confirmed: Option<Confirmed>,
}

/// `GET /api/wallet/v1/terms`
pub(super) async fn standing(
    State(app): State<Arc<App>>,
    customer: Customer,
) -> Result<axum::Json<Standing>> {
    let query = sql("SELECT version, confirmed_at FROM terms_confirmation
         WHERE customer_id = $1 ORDER BY version DESC LIMIT 1");
    let row = app.stores.registry.optional(query.bind(&customer.customer_id)).await?;
    let confirmed = match row {
        None => None,
        Some(row) => Some(Confirmed {
            version: row.int("version")?,
            confirmed_at: rfc3339(row.int("confirmed_at")?),
        }),
    };
    let to_confirm = missing(&app, &customer.customer_id).await?;
    Ok(axum::Json(Standing { to_confirm, confirmed }))
}

/// What the customer has read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    version: i64,
}

/// `POST /api/wallet/v1/terms/confirm`: of the newest version; of an older one it is refused, for
/// that is not what stands. Repeating it changes nothing.
pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    customer: Customer,
    Json(read): Json<Read>,
) -> Result<StatusCode> {
    let registry = &app.stores.registry;
    let newest = sql("SELECT version, hash FROM published_text WHERE kind = $1
         ORDER BY version DESC LIMIT 1");
    let newest = registry.optional(newest.bind(Kind::Terms.as_str())).await?;
    let newest = newest.ok_or(Code::NotFound)?;
    let hash: [u8; 32] = newest.array("hash")?;
    let is_newest = newest.int("version")? == read.version;
    let opinion = if is_newest { Ok(()) } else { Err(Code::TermsUnconfirmed) };
    let detail = json!({ "version": read.version, "hash": crate::audit::hex(&hash) });
    let _recorded = app.gate.decide(customer.asks(Act::TermsConfirm, &detail), opinion).await?;
    let now: Micros = app.clock.now();
    let insert = sql("INSERT INTO terms_confirmation (customer_id, version, hash, confirmed_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT (customer_id, version) DO NOTHING");
    let insert = insert.bind(&customer.customer_id).bind(read.version).bind(hash).bind(now);
    registry.execute(insert).await?;
    Ok(StatusCode::NO_CONTENT)
}
