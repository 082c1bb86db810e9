//! Pages: choosing card and amount, and what became of a registration or a top-up.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::response::Response;

use super::cards::{self, Card};
use super::conversation::State;
use super::look::{own, status};
use super::register::CARDS_MAX;
use super::setup as setups;
use crate::app::App;
use crate::gate::Use;
use crate::identity::PageCustomer;
use crate::terms;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// Amounts that are offered as big buttons, in yen.
const AMOUNTS: [i64; 6] = [1_000, 3_000, 5_000, 10_000, 20_000, 30_000];

struct Choice {
    amount: i64,
    /// Whether the limits leave room for it.
    open: bool,
}

#[derive(Template)]
#[template(path = "topup_card.html")]
struct ChoosePage {
    text: Text,
    sandbox: bool,
    balance: i64,
    cards: Vec<Card>,
    cards_max: usize,
    may_add: bool,
    choices: Vec<Choice>,
    /// What the limits leave, in yen.
    room: i64,
    day_max: i64,
    month_max: i64,
}

/// `GET /topup/card`
pub async fn choose(
    Shared(app): Shared<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    app.topups.gateway()?;
    if let Some(first) = terms::confirm::in_the_way(&app, &customer, text).await? {
        return Ok(first);
    }
    let cards = cards::of_customer(&app.stores.registry, &customer.customer_id).await?;
    let (limits, account) = (&app.config.limits, customer.wallet_account);
    let balance = app.gate.balance(account);
    let room = app.gate.room(Use::TopupCard, account).min(limits.topup_card_max);
    let offered = AMOUNTS.into_iter().filter(|amount| *amount <= limits.topup_card_max);
    page(&ChoosePage {
        text,
        sandbox: app.sandbox(),
        balance,
        may_add: cards.len() < CARDS_MAX,
        cards,
        cards_max: CARDS_MAX,
        choices: offered.map(|amount| Choice { amount, open: amount <= room }).collect(),
        room: room - room % limits.topup_card_unit,
        day_max: limits.topup_card_24h,
        month_max: limits.topup_card_30d,
    })
}

#[derive(Template)]
#[template(path = "topup_progress.html")]
struct ProgressPage {
    text: Text,
    sandbox: bool,
    /// The address that the page asks what became of it.
    look: String,
    /// `unknown`, `challenge`, `open`, `credited`, `done`, `refused` or `refunded`.
    status: &'static str,
    amount: Option<i64>,
    card: Option<String>,
    reason: Option<&'static str>,
}

/// `GET /topup/card/{topup_id}`: where the card's bank leads back to.
pub async fn topup(
    Shared(app): Shared<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
    Path(topup_id): Path<String>,
) -> Result<Response> {
    let topup = own(&app, &customer, &topup_id).await.map_err(|_| Code::NotFound)?;
    page(&ProgressPage {
        text,
        sandbox: app.sandbox(),
        look: format!("/api/wallet/v1/topups/card/{topup_id}/look"),
        status: status(&topup.state),
        amount: Some(topup.amount),
        card: Some(cards::name(&app.stores.registry, &topup.card_id).await?),
        reason: match &topup.state {
            State::Refused(reason) | State::Refunded(reason) => Some(text.t(reason.text_key())),
            _ => None,
        },
    })
}

/// `GET /topup/card/setup/{setup_id}`: where the gateway leads back to.
pub async fn setup(
    Shared(app): Shared<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
    Path(setup_id): Path<String>,
) -> Result<Response> {
    let setup = setups::own(&app, &customer, &setup_id).await?;
    let reason = setup.reason.as_deref().and_then(super::Reason::parse);
    let card = match &setup.card_id {
        Some(card_id) => Some(cards::name(&app.stores.registry, card_id).await?),
        None => None,
    };
    page(&ProgressPage {
        text,
        sandbox: app.sandbox(),
        look: format!("/api/wallet/v1/cards/setups/{setup_id}/look"),
        status: match setup.state.as_str() {
            "done" => "done",
            "refused" => "refused",
            _ => "open",
        },
        amount: None,
        card,
        reason: reason.map(|reason| text.t(reason.text_key())),
    })
}
