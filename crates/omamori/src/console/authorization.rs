//! `/console/authorizations/aut_…`: value that is set aside for a payment, or for a payment that
//! waits for a decision; and that decision.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::access::{Fraud, Support, Viewer};
use super::approval::checked_reason;
use super::frame::Frame;
use crate::app::App;
use crate::clock::Micros;
use crate::gate::purse::total;
use crate::id::Kind;
use crate::pos::{Reservation, ReservationState, held, micros};
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::json::Json;
use crate::web::page::page;
use crate::web::text::Text;

/// What is set aside of one kind.
struct Part {
    name: &'static str,
    amount: i64,
}

#[derive(Template)]
#[template(path = "console_authorization.html")]
struct AuthorizationPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    authorization_id: String,
    status: &'static str,
    is_held: bool,
    may_decide: bool,
    amount: i64,
    at: Micros,
    until: Micros,
    payment_id: Option<String>,
    customer_id: Option<String>,
    store_id: String,
    store_name: String,
    merchant_name: String,
    terminal_number: u64,
    parts: Vec<Part>,
    /// The decision's record with all signals; none for who only looks, or past its retention.
    evidence: Option<String>,
}

/// `GET /console/authorizations/{authorization_id}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
    Path(id): Path<String>,
) -> Result<Response> {
    let number = Kind::Authorization.parse(&id).ok_or(Code::NotFound)?;
    let made = Reservation::find(&app, number).await?.ok_or(Code::NotFound)?;
    let record = app.gate.evidence(std::slice::from_ref(&made.transfer)).await?.pop().flatten();
    let customer_id = record.as_ref().and_then(|r| r["customer"].as_str()).map(str::to_owned);
    let sees = Support::is_of(staff.role);
    let evidence = record.as_ref().filter(|_| sees).map(|record| format!("{record:#}"));
    let state = made.state(&app).await?;
    let spending = made.spending();
    let store = app.merchants.store_by_account(made.transfer.credit_account_id).await?;
    let named = |store: &crate::merchant::StoreEntry| {
        (store.store_id.clone(), store.name.clone(), store.merchant_name.clone())
    };
    let (store_id, store_name, merchant_name) = store.as_deref().map(named).unwrap_or_default();
    let mut parts = vec![
        Part { name: "console.part_discount", amount: spending.discounted() },
        Part { name: "console.part_points", amount: total(&spending.points) },
        Part { name: "console.part_free", amount: total(&spending.free) },
        Part { name: "console.part_paid", amount: spending.paid },
    ];
    parts.retain(|part| part.amount > 0);
    let is_open = state == ReservationState::Open;
    page(&AuthorizationPage {
        frame: Frame::new(&app, &staff, "authorization").await?,
        authorization_id: Kind::Authorization.text(number),
        status: if is_open && made.is_held() { "held" } else { state.as_str() },
        is_held: made.is_held(),
        may_decide: made.is_held() && is_open && Fraud::is_of(staff.role),
        amount: spending.amount(),
        at: micros(&made.transfer),
        until: made.until(),
        payment_id: match state {
            ReservationState::Captured(capture) => Some(Kind::Payment.text(capture.id)),
            _ => None,
        },
        customer_id,
        store_id,
        store_name,
        merchant_name,
        terminal_number: made.transfer.user_data_64,
        parts,
        evidence,
        sandbox: app.sandbox(),
        text,
    })
}

/// Why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: String,
}

/// `POST /api/admin/v1/held/{authorization_id}/release`
pub(super) async fn release(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(id): Path<String>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<StatusCode> {
    held::release(&app, &staff.actor, &id, checked_reason(&reason)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/admin/v1/held/{authorization_id}/refuse`
pub(super) async fn refuse(
    State(app): State<Arc<App>>,
    Fraud(staff): Fraud,
    Path(id): Path<String>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<StatusCode> {
    held::refuse(&app, &staff.actor, &id, checked_reason(&reason)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
