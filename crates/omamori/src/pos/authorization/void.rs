//! `POST /api/pos/v1/authorizations/{merchant_authorization_id}/void`: what was set aside goes
//! back. Voiding one that is not here takes its id, so that it cannot be made when it arrives late.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};

use super::create::{Behind, behind};
use super::inquiry::{AuthorizationAnswer, answer, buried};
use super::reservation::{Reservation, State};
use super::{AuthorizationDetail, authorization_id};
use crate::app::App;
use crate::gate::{Act, Question};
use crate::pos::auth::Terminal;
use crate::pos::fields::Fields;
use crate::pos::model::SaleDetail;
use crate::pos::tombstone::{bury, is_tombstone};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// It may become another state in between; more often than this is not a race.
const TRIES: usize = 8;

/// Voids.
#[utoipa::path(post, path = "/api/pos/v1/authorizations/{merchant_authorization_id}/void",
    tag = "authorizations", operation_id = "void_authorization",
    params(("merchant_authorization_id" = String, Path, description = "The merchant's own id",
        min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses((status = 200, body = AuthorizationAnswer),
        (status = "4XX", body = crate::pos::shelf::ErrorAnswer),
        (status = "5XX", body = crate::pos::shelf::ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn create(
    Shared(app): Shared<Arc<App>>,
    terminal: Terminal,
    Path(merchant_authorization_id): Path<String>,
) -> Result<axum::Json<AuthorizationAnswer>> {
    let mut fields = Fields::default();
    fields.id("merchant_authorization_id", &merchant_authorization_id);
    fields.done()?;
    let merchant_id = &terminal.store.merchant_id;
    let id = authorization_id(merchant_id, &merchant_authorization_id);
    for _ in 0..TRIES {
        let Some(found) = app.gate.transfer_certainly(id).await? else {
            let detail = AuthorizationDetail {
                merchant_authorization_id: merchant_authorization_id.clone(),
                sale: SaleDetail {
                    merchant_id: merchant_id.clone(),
                    store_id: terminal.store.store_id.clone(),
                    terminal_id: terminal.terminal_id.clone(),
                    ..SaleDetail::default()
                },
            };
            let place = (&*terminal.store, terminal.place());
            bury(&app, place, Act::AuthorizationVoid, id, &detail).await?;
            continue;
        };
        if is_tombstone(&found.transfer) {
            return buried(&app, &found.transfer).await;
        }
        let made = Reservation::find(&app, id).await?.ok_or(Code::AuthorizationNotFound)?;
        match made.state(&app).await? {
            State::Captured(_) => return Err(Code::AuthorizationCaptured.into()),
            // What a void is to bring about.
            State::Voided { .. } | State::Expired { .. } => return answer(&app, &made).await,
            State::Open => {}
        }
        let Behind { customer_id, device_id, detail } = behind(&app, &made).await?;
        let question = Question {
            customer: customer_id.as_deref(),
            device: device_id.as_deref(),
            terminal: Some(terminal.place()),
            amount: Some(made.spending().amount()),
            ..Question::plain(Act::AuthorizationVoid, &detail)
        };
        let clearance = app.gate.decide(question, Ok(())).await?;
        // It stands there now, or something else came first: look again.
        made.void(&app, clearance, terminal.terminal_number).await?;
        app.gate.catch_up().await?;
    }
    Err(Error::RetryAfter(Code::Busy, 1))
}
