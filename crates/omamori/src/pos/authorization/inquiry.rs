//! `GET /api/pos/v1/authorizations/…`: what became of an authorization, from the ledger itself.

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use omamori_ledger::Transfer;
use serde::Serialize;
use utoipa::ToSchema;

use super::reservation::{Reservation, State};
use super::{AuthorizationDetail, authorization_id};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::chart::TransferCode;
use crate::id::Kind;
use crate::pos::auth::Terminal;
use crate::pos::fields::is_id;
use crate::pos::inquiry::{LIST_MAX, ListQuery};
use crate::pos::model::{ItemDetail, PaymentView, detail, detail_of, micros, payment_view};
use crate::pos::tombstone::is_tombstone;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::rfc3339;

/// A store's account carries much else: so many transfers are looked at for each authorization.
const TRANSFERS_EACH: usize = 8;

/// What became of an authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationStatus {
    /// The amount is set aside.
    Authorized,
    /// It was captured: there is a payment.
    Captured,
    /// It was voided, or voided before it arrived.
    Voided,
    /// Its time was over.
    Expired,
}

impl From<&State> for AuthorizationStatus {
    fn from(state: &State) -> Self {
        match state {
            State::Open => Self::Authorized,
            State::Captured(_) => Self::Captured,
            State::Voided { .. } => Self::Voided,
            State::Expired { .. } => Self::Expired,
        }
    }
}

/// An authorization, as the API shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuthorizationView {
    /// `aut_…`.
    pub authorization_id: String,
    /// The merchant's own id.
    pub merchant_authorization_id: String,
    /// What became of it.
    pub status: AuthorizationStatus,
    /// Yen that were set aside; 0 if it was voided before it arrived.
    pub amount: i64,
    /// Always `JPY`.
    pub currency: &'static str,
    /// RFC 3339, UTC.
    pub authorized_at: String,
    /// When it ends by itself, RFC 3339, UTC.
    pub expires_at: Option<String>,
    /// When it was captured, voided or expired, RFC 3339, UTC.
    pub ended_at: Option<String>,
    /// `sto_…`.
    pub store_id: String,
    /// `ter_…`.
    pub terminal_id: String,
    /// The number on the paper.
    pub order_receipt_number: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What it is for.
    pub items: Vec<ItemDetail>,
}

impl AuthorizationView {
    /// Of a reservation.
    pub(super) fn of(made: &Reservation, state: &State, about: AuthorizationDetail) -> Self {
        let ended_at = match state {
            State::Open => None,
            State::Captured(capture) => Some(micros(capture)),
            State::Voided { at } | State::Expired { at } => Some(*at),
        };
        let view = Self::empty(&made.transfer, about);
        Self {
            status: state.into(),
            amount: made.spending().amount(),
            expires_at: Some(rfc3339(made.until())),
            ended_at: ended_at.map(rfc3339),
            ..view
        }
    }

    fn empty(transfer: &Transfer, about: AuthorizationDetail) -> Self {
        let AuthorizationDetail { merchant_authorization_id, sale } = about;
        Self {
            authorization_id: Kind::Authorization.text(transfer.id),
            merchant_authorization_id,
            status: AuthorizationStatus::Voided,
            amount: 0,
            currency: "JPY",
            authorized_at: rfc3339(micros(transfer)),
            expires_at: None,
            ended_at: Some(rfc3339(micros(transfer))),
            store_id: sale.store_id,
            terminal_id: sale.terminal_id,
            order_receipt_number: sale.order_receipt_number,
            description: sale.description,
            items: sale.items,
        }
    }
}

/// An authorization, and its payment once there is one.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuthorizationAnswer {
    /// The authorization.
    pub authorization: AuthorizationView,
    /// The payment that captured it.
    pub payment: Option<PaymentView>,
}

/// The answer about a reservation.
///
/// # Errors
/// A fault if a store fails.
pub(super) async fn answer(
    app: &App,
    made: &Reservation,
) -> Result<axum::Json<AuthorizationAnswer>> {
    let state = made.state(app).await?;
    let about = detail(app, &made.transfer).await?;
    let payment = match &state {
        State::Captured(capture) => Some(payment_view(app, capture).await?),
        _ => None,
    };
    let authorization = AuthorizationView::of(made, &state, about);
    Ok(axum::Json(AuthorizationAnswer { authorization, payment }))
}

/// The answer about one that was voided before it arrived.
pub(super) async fn buried(
    app: &App,
    tombstone: &Transfer,
) -> Result<axum::Json<AuthorizationAnswer>> {
    let about = detail(app, tombstone).await?;
    let authorization = AuthorizationView::empty(tombstone, about);
    Ok(axum::Json(AuthorizationAnswer { authorization, payment: None }))
}

/// Finds an authorization.
#[utoipa::path(get, path = "/api/pos/v1/authorizations/{merchant_authorization_id}",
    tag = "authorizations", operation_id = "find_authorization",
    params(("merchant_authorization_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = AuthorizationAnswer),
        (status = "4XX", body = crate::pos::shelf::ErrorAnswer),
        (status = "5XX", body = crate::pos::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn authorization(
    Shared(app): Shared<Arc<App>>,
    terminal: Terminal,
    Path(merchant_authorization_id): Path<String>,
) -> Result<axum::Json<AuthorizationAnswer>> {
    let not_found = || Error::Refused(Code::AuthorizationNotFound);
    if !is_id(&merchant_authorization_id) {
        return Err(not_found());
    }
    let id = authorization_id(&terminal.store.merchant_id, &merchant_authorization_id);
    let found = app.gate.transfer_certainly(id).await?.ok_or_else(not_found)?;
    if is_tombstone(&found.transfer) {
        return buried(&app, &found.transfer).await;
    }
    let made = Reservation::find(&app, id).await?.ok_or_else(not_found)?;
    answer(&app, &made).await
}

/// Authorizations, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuthorizationList {
    /// Of the calling terminal's store.
    pub authorizations: Vec<AuthorizationView>,
}

/// Lists the store's last authorizations.
#[utoipa::path(get, path = "/api/pos/v1/authorizations", tag = "authorizations",
    operation_id = "list_authorizations",
    params(("limit" = Option<usize>, Query, description = "1–100, default 20",
        minimum = 1, maximum = 100)),
    responses((status = 200, body = AuthorizationList),
        (status = "4XX", body = crate::pos::shelf::ErrorAnswer),
        (status = "5XX", body = crate::pos::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn list(
    Shared(app): Shared<Arc<App>>,
    terminal: Terminal,
    query: std::result::Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<axum::Json<AuthorizationList>> {
    let Query(query) = query.map_err(|_| Error::field("limit", "malformed"))?;
    let limit = query.limit.unwrap_or(20);
    if !(1..=LIST_MAX).contains(&limit) {
        return Err(Error::field("limit", "out_of_range"));
    }
    let found = last(&app, terminal.store.sales_account, limit).await?.into_iter();
    let authorizations =
        found.map(|(made, state, about)| AuthorizationView::of(&made, &state, about)).collect();
    Ok(axum::Json(AuthorizationList { authorizations }))
}

/// The last authorizations of a store, by its account of sales: with what stands behind them.
async fn last(
    app: &App,
    account: u128,
    limit: usize,
) -> Result<Vec<(Reservation, State, AuthorizationDetail)>> {
    let transfers = app.gate.statement(account, None, limit * TRANSFERS_EACH).await?;
    let is_one = |transfer: &Transfer| {
        transfer.code == TransferCode::Authorization.number() && transfer.is_pending()
    };
    let found: Vec<Transfer> = transfers.into_iter().filter(is_one).take(limit).collect();
    let records = app.gate.evidence(&found).await?;
    let mut all = Vec::with_capacity(found.len());
    for (transfer, record) in found.iter().zip(records) {
        let Some(made) = Reservation::find(app, transfer.id).await? else { continue };
        let state = made.state(app).await?;
        all.push((made, state, detail_of(record)?));
    }
    Ok(all)
}

/// An authorization, for the merchant's own people.
pub struct SetAside {
    /// The merchant's own id.
    pub merchant_authorization_id: String,
    /// Yen.
    pub amount: i64,
    /// When.
    pub at: Micros,
    /// Until when.
    pub until: Micros,
    /// What became of it.
    pub state: &'static str,
}

/// The last authorizations of a store, by its account of sales.
///
/// # Errors
/// A fault if a store fails.
pub async fn set_aside(app: &App, account: u128, limit: usize) -> Result<Vec<SetAside>> {
    let shown = |(made, state, about): (Reservation, State, AuthorizationDetail)| SetAside {
        merchant_authorization_id: about.merchant_authorization_id,
        amount: made.spending().amount(),
        at: micros(&made.transfer),
        until: made.until(),
        state: state.as_str(),
    };
    Ok(last(app, account, limit).await?.into_iter().map(shown).collect())
}
