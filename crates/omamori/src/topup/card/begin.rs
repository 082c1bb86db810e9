//! `POST /api/wallet/v1/topups/card`: the customer asks for a top-up by card, confirmed for
//! exactly this amount of exactly this card.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cards::{self, Card};
use super::conversation::{self, Origin, State, Topup};
use super::gateway::{ChargeOrder, Confirmation, GatewayError, Presence, Reason};
use super::look::{view, view_now};
use super::{ledger, resolve};
use crate::app::App;
use crate::gate::limits::Limits;
use crate::gate::{Act, Clearance, Question, Use};
use crate::id::{Kind, derive};
use crate::identity::stepup::{self, Confirmed, Intent, Risen};
use crate::identity::{Customer, Network, account, long_bound};
use crate::notify::fill;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::yen_text;
use crate::web::json::Json;
use crate::web::text::Text;

/// A top-up by card.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The page's own id of this request: a repetition uses it again.
    request_id: String,
    /// `crd_…`.
    card_id: String,
    /// Yen.
    amount: i64,
}

/// A page's own id of a request.
///
/// # Errors
/// It is none.
pub fn check_request_id(id: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (16..=64).contains(&id.len()) && id.bytes().all(plain) {
        Ok(())
    } else {
        Err(Error::field("request_id", "malformed"))
    }
}

impl Ask {
    fn check(&self, limits: &Limits) -> Result<()> {
        check_request_id(&self.request_id)?;
        let unit = limits.topup_card_unit;
        if self.amount < unit || self.amount > 1_000_000 || self.amount % unit != 0 {
            return Err(Error::field("amount", "out_of_range"));
        }
        Ok(())
    }

    fn topup_id(&self, customer: &Customer) -> String {
        let parts = [customer.customer_id.as_bytes(), self.request_id.as_bytes()];
        Kind::Topup.text(derive("card-topup", &parts))
    }

    fn intent(&self, card: &Card, text: Text) -> Result<Intent> {
        let values = [("card", card.name()), ("amount", yen_text(self.amount))];
        Intent::new(Act::TopupCard, self, fill(text.t("stepup.card_topup"), &values))
    }
}

/// `POST /api/wallet/v1/topups/card/options`
pub async fn options(
    Shared(app): Shared<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(ask): Json<Ask>,
) -> Result<Answer<Value>> {
    app.gate.open_door(Act::TopupCard, None, Some(&customer.customer_id))?;
    ask.check(&app.config.limits)?;
    app.topups.gateway()?;
    let card = cards::find(&app.stores.registry, &customer.customer_id, &ask.card_id).await?;
    stepup::offer(&app, &customer, &ask.intent(&card, text)?).await
}

/// `POST /api/wallet/v1/topups/card`
pub async fn handle(
    Shared(app): Shared<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: ask, proof }): Json<Confirmed<Ask>>,
) -> Result<Response> {
    ask.check(&app.config.limits)?;
    let registry = &app.stores.registry;
    let topup_id = ask.topup_id(&customer);
    if let Some(earlier) = conversation::find(registry, &topup_id).await? {
        if earlier.card_id != ask.card_id || earlier.amount != ask.amount {
            return Err(Code::TopupIdReused.into());
        }
        // The answer was lost, and the confirmation is used up: nothing is done anew.
        return Ok(Answer(view_now(&app, &earlier).await?).into_response());
    }
    let card = cards::find(registry, &customer.customer_id, &ask.card_id).await?;
    let intent = ask.intent(&card, text)?;
    let confirmed = stepup::confirm(&app, &customer, &intent, &proof).await?;
    let opinion = confirmed.and(standing(&app, &customer, &ask).await?);
    let clearance = clear(&app, &customer, network, (&ask, &card), opinion).await?;
    let topup = Topup {
        topup_id,
        customer_id: customer.customer_id.clone(),
        card_id: ask.card_id,
        origin: Origin::Customer,
        amount: ask.amount,
        state: State::Asked,
        attempts: 0,
        created_at: app.clock.now(),
    };
    // On a task of its own: a customer who leaves does not cut the conversation off.
    let (service, wallet) = (app.clone(), customer.wallet_account);
    let talk = tokio::spawn(async move { begin(&service, clearance, topup, &card, wallet).await });
    let topup = talk.await.map_err(|_| Error::fault("a conversation with the gateway broke"))??;
    let answer = view(&topup.topup, topup.url);
    let mut tx = app.stores.registry.begin().await?;
    let risen = Risen::new(&app, &mut tx, &customer, answer).await?;
    tx.commit().await?;
    Ok(risen.into_response())
}

async fn standing(app: &App, customer: &Customer, ask: &Ask) -> Result<Result<(), Code>> {
    let registry = &app.stores.registry;
    if account::find(registry, &customer.customer_id).await?.frozen {
        return Ok(Err(Code::AccountFrozen));
    }
    if ask.amount > app.config.limits.topup_card_max {
        return Ok(Err(Code::LimitTopupAmount));
    }
    long_bound(registry, customer, app.clock.now()).await
}

async fn clear(
    app: &App,
    customer: &Customer,
    network: Network,
    (ask, card): (&Ask, &Card),
    opinion: Result<(), Code>,
) -> Result<Clearance> {
    let detail = json!({
        "ip": network.address(), "session": customer.session_id, "card": ask.card_id,
        "request": ask.request_id,
    });
    let mut question = customer.asks_proven(network, Act::TopupCard, &detail);
    question.facts.card = Some(&card.fingerprint);
    question.facts.card_since = Some(card.created_at);
    let question = Question {
        amount: Some(ask.amount),
        admission: Some(app.gate.admission(Use::TopupCard, customer.wallet_account, ask.amount)),
        ..question
    };
    app.gate.decide(question, opinion).await
}

/// A conversation that has begun, and where its holder must go, if anywhere.
pub struct Begun {
    /// Where it is.
    pub topup: Topup,
    /// The page of the card's bank.
    pub url: Option<String>,
}

/// Reserves, opens, and asks the card.
///
/// # Errors
/// A limit that was used up in between; a fault. What the gateway does not answer is no error
/// here: it is a state.
pub async fn begin(
    app: &App,
    clearance: Clearance,
    mut topup: Topup,
    card: &Card,
    wallet: u128,
) -> Result<Begun> {
    let registry = &app.stores.registry;
    if !conversation::insert(registry, &topup).await? {
        let there = conversation::find(registry, &topup.topup_id).await?;
        let topup = there.ok_or(Error::fault("a top-up by card came and went"))?;
        return Ok(Begun { topup, url: None }); // the same request, on another connection
    }
    if let Err(refused) = ledger::reserve(app, clearance, &topup, wallet).await {
        // A fault leaves it for the worker, which releases what may have been reserved.
        if !matches!(refused, Error::Fault(_)) {
            conversation::withdraw(registry, &topup).await?;
        }
        return Err(refused);
    }
    let url = talk(app, &mut topup, card).await?;
    resolve::go_on(app, &mut topup).await?;
    Ok(Begun { topup, url })
}

/// Opens the charge, and asks the card to pay it.
async fn talk(app: &App, topup: &mut Topup, card: &Card) -> Result<Option<String>> {
    let (registry, gateway) = (&app.stores.registry, app.topups.gateway()?);
    let order = ChargeOrder {
        id: topup.topup_id.clone(),
        holder: card.holder.clone(),
        token: card.token.clone(),
        amount: topup.amount,
    };
    let reference = match gateway.open_charge(&order).await {
        Ok(reference) => reference,
        // Whatever became of it, no card was asked.
        Err(error) => {
            tracing::warn!(topup_id = topup.topup_id, %error, "a charge was not opened");
            let reason = match error {
                GatewayError::Unknown(_) => Reason::Unreachable,
                GatewayError::Refused { .. } => Reason::GatewayRefused,
            };
            conversation::advance(registry, topup, State::Releasing(reason)).await?;
            return Ok(None);
        }
    };
    let opened = State::Opened { reference: reference.clone() };
    if !conversation::advance(registry, topup, opened).await? {
        return Ok(None); // it took so long that the worker gave it up: the card is not asked
    }
    let presence = match topup.origin {
        Origin::Customer => Presence::Holder {
            return_url: format!("{}/topup/card/{}", app.config.public_url, topup.topup_id),
        },
        Origin::Auto => Presence::Consented,
    };
    let ask = Confirmation { id: topup.topup_id.clone(), reference: reference.clone(), presence };
    match gateway.confirm_charge(&ask).await {
        Ok(charge) => {
            let url = super::look::challenge_url(&charge);
            resolve::follow(app, topup, &reference, charge).await?;
            Ok(url)
        }
        // It may have been paid. The worker asks until it is known; so does the page.
        Err(error) => {
            tracing::warn!(topup_id = topup.topup_id, %error, "a card's answer is unknown");
            Ok(None)
        }
    }
}
