//! What a risk rule wants the customer to confirm at the phone, because it began at a register.
//!
//! The register is refused; the phone is told; the customer confirms with passkey or app and shows
//! the code again. What was confirmed counts for some minutes, for this customer, store and kind
//! of act, up to this amount.

use std::sync::Arc;

use askama::Template;
use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use omamori_db::{Db, Row, sql};
use omamori_risk::act::Act as RiskAct;
use serde::Serialize;
use serde_json::Value;

use super::Asked;
use crate::app::App;
use crate::clock::{MINUTE, Micros};
use crate::gate::Act;
use crate::id::Kind;
use crate::identity::stepup::{self, Confirmed, Intent, Nothing, Risen};
use crate::identity::{Customer, Network, PageCustomer};
use crate::merchant::StoreEntry;
use crate::notify::{Notice, fill, tell};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::filters::yen_text;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// How long a confirmation counts: to show the code again, and for a reader that failed once.
pub const COUNTS: Micros = 5 * MINUTE;
/// How long the customer can answer.
const OPEN: Micros = 10 * MINUTE;

/// The customer's pages and API.
pub fn router() -> axum::Router<Arc<App>> {
    axum::Router::new()
        .route("/confirm", get(show))
        .route("/api/wallet/v1/confirmations", get(list))
        .route("/api/wallet/v1/confirmations/{confirmation_id}/options", post(options))
        .route("/api/wallet/v1/confirmations/{confirmation_id}", post(confirm))
        .route("/api/wallet/v1/confirmations/{confirmation_id}/decline", post(decline))
}

/// Whether the customer confirmed an act of this kind, at this store, of at least this amount, a
/// few minutes ago.
///
/// # Errors
/// A fault if the registry fails.
pub(super) async fn is_confirmed(registry: &Db, asked: &Asked<'_>) -> Result<bool> {
    let (Some(customer_id), Some(place)) = (asked.customer, asked.terminal) else {
        return Ok(false);
    };
    let query = sql("SELECT confirmation_id FROM act_confirmation
         WHERE customer_id = $1 AND store_id = $2 AND act = $3 AND amount >= $4
           AND confirmed_at > $5 LIMIT 1");
    let query = query.bind(customer_id).bind(place.store_id).bind(asked.act.as_str());
    let query = query.bind(asked.amount.unwrap_or_default()).bind(asked.at - COUNTS);
    Ok(registry.optional(query).await?.is_some())
}

/// Asks the customer, if a register was refused for want of it: the phone is told. A register that
/// tries again does not ask again.
///
/// # Errors
/// A fault if the registry fails.
pub async fn ask(
    app: &App,
    customer_id: &str,
    store: &StoreEntry,
    act: RiskAct,
    amount: i64,
) -> Result<()> {
    let (now, store_id) = (app.clock.now(), store.store_id.as_str());
    let mut tx = app.stores.registry.begin().await?;
    let open = sql("SELECT confirmation_id FROM act_confirmation
         WHERE customer_id = $1 AND store_id = $2 AND act = $3 AND amount = $4 AND asked_at > $5
           AND confirmed_at IS NULL AND declined_at IS NULL LIMIT 1");
    let open = open.bind(customer_id).bind(store_id).bind(act.as_str()).bind(amount);
    if tx.optional(open.bind(now - OPEN)).await?.is_some() {
        return Ok(());
    }
    let insert = sql("INSERT INTO act_confirmation
            (confirmation_id, customer_id, act, store_id, amount, asked_at)
         VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.bind(Kind::Confirmation.random_text(app.rng.as_ref())).bind(customer_id);
    tx.execute(insert.bind(act.as_str()).bind(store_id).bind(amount).bind(now)).await?;
    let store = store.name.clone();
    tell(app, &mut tx, customer_id, &Notice::ConfirmAsked { amount, store }).await?;
    Ok(tx.commit().await?)
}

/// One that waits for the customer.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    confirmation_id: String,
    /// `payment`, `topup_cash`, `topup_atm`.
    act: String,
    store_name: String,
    amount: i64,
    #[serde(serialize_with = "rfc3339")]
    asked_at: Micros,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn rfc3339<S: serde::Serializer>(at: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&filters::rfc3339(*at))
}

fn read(row: &Row) -> omamori_db::Result<Waiting> {
    Ok(Waiting {
        confirmation_id: row.text("confirmation_id")?,
        act: row.text("act")?,
        store_name: row.text("name")?,
        amount: row.int("amount")?,
        asked_at: row.int("asked_at")?,
    })
}

async fn waiting(app: &App, customer_id: &str) -> Result<Vec<Waiting>> {
    let query = sql("SELECT a.confirmation_id, a.act, a.amount, a.asked_at, s.name
         FROM act_confirmation a JOIN store s ON s.store_id = a.store_id
         WHERE a.customer_id = $1 AND a.asked_at > $2 AND a.confirmed_at IS NULL
           AND a.declined_at IS NULL ORDER BY a.asked_at DESC LIMIT 5");
    let query = query.bind(customer_id).bind(app.clock.now() - OPEN);
    let rows = app.stores.registry.all(query).await?;
    Ok(rows.iter().map(read).collect::<omamori_db::Result<_>>()?)
}

/// One of the customer's, if it waits. Another's is not there.
async fn find(app: &App, customer: &Customer, confirmation_id: &str) -> Result<Waiting> {
    let waiting = waiting(app, &customer.customer_id).await?;
    let found = waiting.into_iter().find(|one| one.confirmation_id == confirmation_id);
    found.ok_or_else(|| Code::NotFound.into())
}

/// What waits, wrapped.
#[derive(Serialize)]
pub struct Confirmations {
    confirmations: Vec<Waiting>,
}

/// `GET /api/wallet/v1/confirmations`
async fn list(State(app): State<Arc<App>>, customer: Customer) -> Result<Answer<Confirmations>> {
    let confirmations = waiting(&app, &customer.customer_id).await?;
    Ok(Answer(Confirmations { confirmations }))
}

fn intent(one: &Waiting, text: Text) -> Result<Intent> {
    let values = [("amount", yen_text(one.amount)), ("store", one.store_name.clone())];
    let key = if one.act == RiskAct::Payment.as_str() {
        "confirm.words_payment"
    } else {
        "confirm.words_topup"
    };
    Intent::new(Act::ActConfirm, &(&one.confirmation_id, one.amount), fill(text.t(key), &values))
}

/// `POST /api/wallet/v1/confirmations/{confirmation_id}/options`
async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Path(confirmation_id): Path<String>,
) -> Result<Answer<Value>> {
    let one = find(&app, &customer, &confirmation_id).await?;
    stepup::offer(&app, &customer, &intent(&one, text)?).await
}

/// What was answered.
#[derive(Serialize)]
struct Done {}

/// `POST /api/wallet/v1/confirmations/{confirmation_id}`
async fn confirm(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Path(confirmation_id): Path<String>,
    Json(Confirmed { request: Nothing {}, proof }): Json<Confirmed<Nothing>>,
) -> Result<Risen<Done>> {
    let one = find(&app, &customer, &confirmation_id).await?;
    let intent = intent(&one, text)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE act_confirmation SET confirmed_at = $1
         WHERE confirmation_id = $2 AND customer_id = $3 AND confirmed_at IS NULL
           AND declined_at IS NULL");
    let update = update.bind(app.clock.now()).bind(&confirmation_id).bind(&customer.customer_id);
    if tx.execute(update).await? != 1 {
        return Err(Code::NotFound.into());
    }
    let risen = Risen::new(&app, &mut tx, &customer, Done {}).await?;
    tx.commit().await?;
    Ok(risen)
}

/// `POST /api/wallet/v1/confirmations/{confirmation_id}/decline`: it is not the customer.
async fn decline(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(confirmation_id): Path<String>,
) -> Result<StatusCode> {
    let one = find(&app, &customer, &confirmation_id).await?;
    let detail = serde_json::json!({ "confirmation": one.confirmation_id });
    let question = customer.asks(Act::ActDecline, &detail);
    let _recorded = app.gate.decide(question, Ok(())).await?;
    let update = sql("UPDATE act_confirmation SET declined_at = $1
         WHERE confirmation_id = $2 AND customer_id = $3 AND confirmed_at IS NULL");
    let update = update.bind(app.clock.now()).bind(&confirmation_id).bind(&customer.customer_id);
    match app.stores.registry.execute(update).await? {
        1 => Ok(StatusCode::NO_CONTENT),
        _ => Err(Error::from(Code::NotFound)),
    }
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    text: Text,
    sandbox: bool,
    waiting: Vec<Waiting>,
}

/// `GET /confirm`: what a register is waiting for.
async fn show(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let waiting = waiting(&app, &customer.customer_id).await?;
    page(&ConfirmPage { text, sandbox: app.sandbox(), waiting })
}
