//! `POST /api/wallet/v1/disputes`, and what is added later.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::find::{Disputed, find};
use crate::app::App;
use crate::case::notes::{self, NoteKind, checked};
use crate::case::{self, CaseKind, NewCase, Opener, evidence, list, own};
use crate::gate::Act;
use crate::identity::{Customer, Network, standing};
use crate::incident;
use crate::notify::AccountStopper;
use crate::pos::yen;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

/// Disputes of one customer that staff have not decided: each is work, and a search of the records.
const UNDECIDED_MAX: usize = 20;

/// What the customer does not know.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    /// As the history names it: `pay_…`, `top_…`, `snd_…`.
    entry_id: String,
    /// In the customer's words; may be empty.
    #[serde(default)]
    text: String,
}

/// Where it is followed.
#[derive(Serialize)]
pub(super) struct Reported {
    case_id: String,
}

/// The case of a customer's line: the same line, the same case.
pub(super) fn case_id_of(customer_id: &str, entry_id: &str) -> String {
    case::case_id(CaseKind::Dispute, &key(customer_id, entry_id))
}

/// Sender and receiver of one send each have their own.
fn key(customer_id: &str, entry_id: &str) -> String {
    format!("{customer_id}/{entry_id}")
}

/// `POST /api/wallet/v1/disputes`: no factor is asked, for a thief may be at work. The account is
/// stopped before anything else is looked at; a retry goes on where the first one stopped.
pub(super) async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(report): Json<Report>,
) -> Result<axum::Json<Reported>> {
    let disputed = find(&app, &customer, &report.entry_id).await?;
    let text = match report.text.trim() {
        "" => None,
        text => Some(checked("text", text)?),
    };
    let customer_id = customer.customer_id.as_str();
    let case_id = case_id_of(customer_id, &disputed.entry.id);
    if case::find(&app.stores.registry, &case_id).await?.is_some() {
        return Ok(axum::Json(Reported { case_id }));
    }
    let open = list::undecided_disputes(&app.stores.registry, customer_id).await?;
    let opinion = if open < UNDECIDED_MAX { Ok(()) } else { Err(Code::TooManyRequests) };
    let about = json!({
        "ip": network.address(), "session": customer.session_id, "about": disputed.entry.id,
        "case": case_id,
    });
    let _recorded = app.gate.decide(customer.asks(Act::Dispute, &about), opinion).await?;
    standing::freeze(&app, customer_id, AccountStopper::Customer).await?;
    open_case(&app, customer_id, &disputed, text).await?;
    Ok(axum::Json(Reported { case_id }))
}

async fn open_case(
    app: &App,
    customer_id: &str,
    Disputed { entry, transfer }: &Disputed,
    text: Option<&str>,
) -> Result<()> {
    let evidence = evidence::snapshot(app, customer_id, Some(transfer)).await?;
    let decision_id = evidence::decision_of(transfer);
    let new = NewCase {
        kind: CaseKind::Dispute,
        key: &key(customer_id, &entry.id),
        customer_id: Some(customer_id),
        store_id: evidence["store"]["store"].as_str(),
        subjects: std::slice::from_ref(&entry.id),
        amount: Some(if entry.amount == 0 { yen(transfer) } else { entry.amount.abs() }),
        decision_id: Some(&decision_id),
        opener: Opener::Customer(customer_id),
        evidence: &evidence,
    };
    let claimed = incident::claim(app, customer_id, transfer).await?;
    let mut tx = app.stores.registry.begin().await?;
    let (case_id, is_new) = case::open(app, &mut tx, &new).await?;
    if is_new {
        claimed.join(app, &mut tx, customer_id).await?;
    }
    if let (true, Some(text)) = (is_new, text) {
        notes::add(app, &mut tx, &case_id, (NoteKind::Reply, customer_id), text).await?;
    }
    Ok(tx.commit().await?)
}

/// Words of the customer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    text: String,
}

/// `POST /api/wallet/v1/cases/{case_id}/text`
pub(super) async fn add_text(
    State(app): State<Arc<App>>,
    customer: Customer,
    Path(case_id): Path<String>,
    Json(words): Json<Words>,
) -> Result<StatusCode> {
    own::reply(&app, &customer, &case_id, &words.text).await?;
    Ok(StatusCode::NO_CONTENT)
}
