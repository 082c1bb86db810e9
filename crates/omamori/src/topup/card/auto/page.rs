//! `/topup/auto`: what is set, and the form to set it; what became of a consent.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use serde::Serialize;

use super::consent as consents;
use super::setting::{self, State};
use crate::app::App;
use crate::gate::windows::Class;
use crate::identity::{Customer, PageCustomer};
use crate::topup::card::cards::{self, Card};
use crate::wallet::Meter;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

const THRESHOLDS: [i64; 5] = [1_000, 2_000, 3_000, 5_000, 10_000];
const AMOUNTS: [i64; 5] = [3_000, 5_000, 10_000, 20_000, 30_000];
const MONTHS: [i64; 4] = [10_000, 30_000, 50_000, 100_000];

/// What a customer has set, as they see it.
#[derive(Serialize)]
pub struct AutoView {
    /// `on`, `paused` or `off`.
    state: &'static str,
    card_id: Option<String>,
    card: Option<String>,
    threshold: i64,
    amount: i64,
    /// What auto top-up has loaded in 30 days, and may.
    month: Meter,
    /// Why it is paused.
    reason: Option<crate::topup::card::Reason>,
}

async fn view(app: &App, customer: &Customer) -> Result<AutoView> {
    let registry = &app.stores.registry;
    let used = app.gate.used(customer.wallet_account, Class::AutoTopup).in_30d;
    let Some(set) = setting::find(registry, &customer.customer_id).await? else {
        return Ok(AutoView {
            state: "off",
            card_id: None,
            card: None,
            threshold: 3_000,
            amount: 5_000,
            month: Meter { used, max: 30_000 },
            reason: None,
        });
    };
    let (state, reason) = match set.state {
        State::On => ("on", None),
        State::Paused(reason) => ("paused", Some(reason)),
        State::Off => ("off", None),
    };
    Ok(AutoView {
        state,
        card: Some(cards::name(registry, &set.terms.card_id).await?),
        card_id: Some(set.terms.card_id),
        threshold: set.terms.threshold,
        amount: set.terms.amount,
        month: Meter { used, max: set.terms.month_max },
        reason,
    })
}

/// `GET /api/wallet/v1/topups/auto`
pub async fn show(Shared(app): Shared<Arc<App>>, customer: Customer) -> Result<Json<AutoView>> {
    app.topups.gateway()?;
    Ok(Json(view(&app, &customer).await?))
}

#[derive(Template)]
#[template(path = "topup_auto.html")]
struct AutoPage {
    text: Text,
    sandbox: bool,
    set: AutoView,
    reason: Option<&'static str>,
    cards: Vec<Card>,
    thresholds: Vec<i64>,
    amounts: Vec<i64>,
    months: Vec<i64>,
}

impl AutoPage {
    /// Whether a card is the one that is chosen when the page opens.
    fn chosen(&self, card: &Card, first: &bool) -> bool {
        match &self.set.card_id {
            Some(card_id) if self.cards.iter().any(|card| card.card_id == *card_id) => {
                *card_id == card.card_id
            }
            _ => *first,
        }
    }
}

/// The choices that the operator's limits allow, and what is set.
fn choices(offered: &[i64], set: i64, max: i64) -> Vec<i64> {
    let mut choices: Vec<i64> = offered.iter().copied().filter(|yen| *yen <= max).collect();
    if set <= max && !choices.contains(&set) {
        choices.push(set);
        choices.sort_unstable();
    }
    choices
}

/// `GET /topup/auto`
pub async fn auto(
    Shared(app): Shared<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    app.topups.gateway()?;
    let set = view(&app, &customer).await?;
    let limits = &app.config.limits;
    page(&AutoPage {
        text,
        sandbox: app.sandbox(),
        reason: set.reason.map(|reason| text.t(reason.text_key())),
        cards: cards::of_customer(&app.stores.registry, &customer.customer_id).await?,
        thresholds: choices(&THRESHOLDS, set.threshold, limits.balance_max),
        amounts: choices(&AMOUNTS, set.amount, limits.topup_card_max),
        months: choices(&MONTHS, set.month.max, limits.topup_card_30d),
        set,
    })
}

#[derive(Template)]
#[template(path = "topup_auto_consent.html")]
struct ConsentPage {
    text: Text,
    sandbox: bool,
    look: String,
    /// `open`, `done` or `refused`.
    status: &'static str,
    reason: Option<&'static str>,
}

/// `GET /topup/auto/consent/{consent_id}`: where the card's bank leads back to.
pub async fn consent(
    Shared(app): Shared<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
    Path(consent_id): Path<String>,
) -> Result<Response> {
    let consent = consents::own(&app, &customer, &consent_id).await?;
    page(&ConsentPage {
        text,
        sandbox: app.sandbox(),
        look: format!("/api/wallet/v1/topups/auto/consents/{consent_id}/look"),
        status: consent.status(),
        reason: consent.reason.map(|reason| text.t(reason.text_key())),
    })
}
