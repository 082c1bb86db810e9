//! What became of a top-up by card: asked by the page that waits for it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State as Shared};
use omamori_db::{Db, sql, sql_built};
use serde::Serialize;

use super::conversation::{self, State, Topup};
use super::gateway::{ChargeState, Reason};
use super::{LOOK_EVERY, resolve};
use crate::app::App;
use crate::id::Kind;
use crate::identity::Customer;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::json::Json;

/// A top-up, as its customer sees it.
#[derive(Serialize)]
pub struct TopupView {
    topup: Detail,
}

#[derive(Serialize)]
struct Detail {
    topup_id: String,
    /// `unknown`, `challenge`, `credited`, `refused` or `refunded`.
    status: &'static str,
    amount: i64,
    currency: &'static str,
    reason: Option<Reason>,
    /// The page of the card's bank, if it waits for its holder.
    url: Option<String>,
}

/// Where the card's holder must go.
pub fn challenge_url(charge: &ChargeState) -> Option<String> {
    match charge {
        ChargeState::Challenge { url } => Some(url.clone()),
        _ => None,
    }
}

/// The word for the customer: what is not known yet is unknown, whatever step it is at.
pub const fn status(state: &State) -> &'static str {
    match state {
        State::Challenge { .. } => "challenge",
        State::Credited => "credited",
        State::Refused(_) => "refused",
        State::Refunded(_) => "refunded",
        State::Asked
        | State::Opened { .. }
        | State::Charged { .. }
        | State::Releasing(_)
        | State::Refunding { .. } => "unknown",
    }
}

/// The view of a state.
pub fn view(topup: &Topup, url: Option<String>) -> TopupView {
    let url = url.filter(|_| matches!(topup.state, State::Challenge { .. }));
    TopupView {
        topup: Detail {
            topup_id: topup.topup_id.clone(),
            status: status(&topup.state),
            amount: topup.amount,
            currency: "JPY",
            reason: topup.state.reason(),
            url,
        },
    }
}

/// The view with the bank's page asked for again.
///
/// # Errors
/// A fault if a store fails.
pub async fn view_now(app: &App, topup: &Topup) -> Result<TopupView> {
    let url = match &topup.state {
        State::Challenge { reference } => {
            let charge = app.topups.gateway()?.find_charge(reference).await;
            charge.ok().as_ref().and_then(challenge_url)
        }
        _ => None,
    };
    Ok(view(topup, url))
}

/// The customer's own top-up.
///
/// # Errors
/// [`Code::TopupNotFound`]; a fault if the registry fails.
pub async fn own(app: &App, customer: &Customer, topup_id: &str) -> Result<Topup> {
    let found = conversation::find(&app.stores.registry, topup_id).await?;
    let mine = found.filter(|topup| topup.customer_id == customer.customer_id);
    Ok(mine.ok_or(Code::TopupNotFound)?)
}

/// `GET /api/wallet/v1/topups/card/{topup_id}`
pub async fn show(
    Shared(app): Shared<Arc<App>>,
    customer: Customer,
    Path(topup_id): Path<String>,
) -> Result<Answer<TopupView>> {
    Ok(Answer(view(&own(&app, &customer, &topup_id).await?, None)))
}

/// Nothing.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// `POST /api/wallet/v1/topups/card/{topup_id}/look`: asks the gateway, at most once a second.
pub async fn look(
    Shared(app): Shared<Arc<App>>,
    customer: Customer,
    Path(topup_id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer<TopupView>> {
    let mut topup = own(&app, &customer, &topup_id).await?;
    let now = app.clock.now();
    let update = sql("UPDATE card_topup SET looked_at = $1
         WHERE topup_id = $2 AND looked_at <= $3 AND done_at IS NULL");
    let update = update.bind(now).bind(&topup_id).bind(now - LOOK_EVERY);
    if app.stores.registry.execute(update).await? == 1 {
        resolve::go_on(&app, &mut topup).await?;
    }
    Ok(Answer(view_now(&app, &topup).await?))
}

/// Top-ups of one query.
const NAMED_AT_ONCE: usize = 500;

/// The cards that top-ups were made with, by their transfers: for lists.
///
/// # Errors
/// A fault if the registry fails.
pub async fn names_of_topups(registry: &Db, topups: &[u128]) -> Result<HashMap<u128, String>> {
    let mut names = HashMap::new();
    for topups in topups.chunks(NAMED_AT_ONCE) {
        let places: Vec<_> = (1..=topups.len()).map(|place| format!("${place}")).collect();
        let mut query = sql_built(format!(
            "SELECT t.topup_id, c.brand, c.last4 FROM card_topup t
             JOIN card c ON c.card_id = t.card_id WHERE t.topup_id IN ({})",
            places.join(", ")
        ));
        for topup in topups {
            query.push(Kind::Topup.text(*topup));
        }
        for row in registry.all(query).await? {
            let Some(topup) = Kind::Topup.parse(&row.text("topup_id")?) else { continue };
            names.insert(topup, super::cards::label(&row.text("brand")?, &row.text("last4")?));
        }
    }
    Ok(names)
}

/// The card that a top-up was made with: for the history.
///
/// # Errors
/// A fault if the registry fails.
pub async fn name_of_topup(registry: &Db, topup_id: &str) -> Result<Option<String>> {
    let query = sql("SELECT c.brand, c.last4 FROM card_topup t
         JOIN card c ON c.card_id = t.card_id WHERE t.topup_id = $1");
    let Some(row) = registry.optional(query.bind(topup_id)).await? else { return Ok(None) };
    Ok(Some(super::cards::label(&row.text("brand")?, &row.text("last4")?)))
}
