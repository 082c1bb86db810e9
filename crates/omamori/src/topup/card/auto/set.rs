//! `POST /api/wallet/v1/topups/auto`: the customer agrees to charges without them, confirmed for
//! exactly these terms; then the card's bank is asked who it is. And the one tap that ends it.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use omamori_db::{Tx, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::consent::{self, ConsentView};
use super::{Terms, setting};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::Act;
use crate::id::{Kind, derive};
use crate::identity::stepup::{self, Confirmed, Intent, Risen};
use crate::identity::{Customer, Network, account, long_bound};
use crate::notify::fill;
use crate::topup::card::CLAIM;
use crate::topup::card::begin::check_request_id;
use crate::topup::card::cards::{self, Card};
use crate::topup::card::look::Nothing;
use crate::topup::card::register::lock;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::yen_text;
use crate::web::json::Json;
use crate::web::text::Text;

/// Consents begun in 24 hours: each asks a bank.
const BEGUN_24H: i64 = 5;

/// What is agreed to.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The page's own id of this request: a repetition uses it again.
    request_id: String,
    card_id: String,
    threshold: i64,
    amount: i64,
    month_max: i64,
}

impl Ask {
    fn terms(&self) -> Terms {
        let Self { card_id, threshold, amount, month_max, .. } = self;
        Terms {
            card_id: card_id.clone(),
            threshold: *threshold,
            amount: *amount,
            month_max: *month_max,
        }
    }

    fn check(&self, app: &App) -> Result<()> {
        check_request_id(&self.request_id)?;
        self.terms().check(&app.config.limits)
    }

    fn consent_id(&self, customer: &Customer) -> String {
        let parts = [customer.customer_id.as_bytes(), self.request_id.as_bytes()];
        Kind::AutoConsent.text(derive("auto-consent", &parts))
    }

    fn intent(&self, card: &Card, text: Text) -> Result<Intent> {
        let values = [
            ("card", card.name()),
            ("threshold", yen_text(self.threshold)),
            ("amount", yen_text(self.amount)),
            ("month", yen_text(self.month_max)),
        ];
        Intent::new(Act::AutoTopupSet, self, fill(text.t("stepup.auto_topup"), &values))
    }
}

/// `POST /api/wallet/v1/topups/auto/options`
pub async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    Json(ask): Json<Ask>,
) -> Result<Answer<Value>> {
    app.gate.open_door(Act::AutoTopupSet, None, Some(&customer.customer_id))?;
    ask.check(&app)?;
    app.topups.gateway()?;
    let card = cards::find(&app.stores.registry, &customer.customer_id, &ask.card_id).await?;
    stepup::offer(&app, &customer, &ask.intent(&card, text)?).await
}

/// A consent, wrapped.
#[derive(Serialize)]
struct Begun {
    consent: ConsentView,
}

/// `POST /api/wallet/v1/topups/auto`
pub async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: ask, proof }): Json<Confirmed<Ask>>,
) -> Result<Response> {
    ask.check(&app)?;
    let registry = &app.stores.registry;
    let consent_id = ask.consent_id(&customer);
    if let Some(earlier) = consent::find(registry, &consent_id).await? {
        if earlier.terms != ask.terms() {
            return Err(Code::TopupIdReused.into());
        }
        // The answer was lost, and the confirmation is used up: nothing is done anew.
        let url = consent::resolve(&app, &earlier).await?;
        let earlier = consent::own(&app, &customer, &consent_id).await?;
        return Ok(Answer(Begun { consent: earlier.view(url) }).into_response());
    }
    let card = cards::find(registry, &customer.customer_id, &ask.card_id).await?;
    let intent = ask.intent(&card, text)?;
    let confirmed = stepup::confirm(&app, &customer, &intent, &proof).await?;
    let opinion = confirmed.and(standing(&app, &customer).await?);
    let detail = json!({
        "ip": network.address(), "session": customer.session_id, "consent": consent_id,
        "terms": ask.terms(),
    });
    let _cleared = app.gate.decide(customer.asks(Act::AutoTopupSet, &detail), opinion).await?;
    insert(&app, &customer, &consent_id, &ask.terms()).await?;
    // On a task of its own: a customer who leaves does not cut the conversation off.
    let service = app.clone();
    let id = consent_id.clone();
    let talk = tokio::spawn(async move {
        let consent = consent::find(&service.stores.registry, &id).await?;
        let consent = consent.ok_or(Error::fault("a consent came and went"))?;
        consent::ask(&service, &consent, &card).await
    });
    let url = talk.await.map_err(|_| Error::fault("a conversation with the gateway broke"))??;
    let consent = consent::own(&app, &customer, &consent_id).await?.view(url);
    let mut tx = registry.begin().await?;
    let risen = Risen::new(&app, &mut tx, &customer, Begun { consent }).await?;
    tx.commit().await?;
    Ok(risen.into_response())
}

async fn standing(app: &App, customer: &Customer) -> Result<Result<(), Code>> {
    let (registry, now) = (&app.stores.registry, app.clock.now());
    if account::find(registry, &customer.customer_id).await?.frozen {
        return Ok(Err(Code::AccountFrozen));
    }
    let settled = long_bound(registry, customer, now).await?;
    if settled.is_err() {
        return Ok(settled);
    }
    // Looked at once more where nothing can come between, by `insert`.
    within_tries(&mut registry.begin().await?, &customer.customer_id, now).await
}

async fn within_tries(tx: &mut Tx, customer_id: &str, now: Micros) -> Result<Result<(), Code>> {
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM auto_consent
         WHERE customer_id = $1 AND created_at > $2");
    let begun = tx.one(count.bind(customer_id).bind(now - DAY)).await?.int("n")?;
    Ok(if begun >= BEGUN_24H { Err(Code::CardTries) } else { Ok(()) })
}

/// Counts the consent before the gateway hears of it. It takes the place of one that is open.
async fn insert(app: &App, customer: &Customer, consent_id: &str, terms: &Terms) -> Result<()> {
    let (now, id) = (app.clock.now(), &customer.customer_id);
    let mut tx = app.stores.registry.begin().await?;
    lock(&mut tx, id).await?;
    within_tries(&mut tx, id, now).await??;
    let older = sql("UPDATE auto_consent
         SET state = 'refused', reason = 'abandoned', next_at = NULL, done_at = $1
         WHERE customer_id = $2 AND done_at IS NULL");
    tx.execute(older.bind(now).bind(id)).await?;
    let insert = sql("INSERT INTO auto_consent (consent_id, customer_id, card_id, threshold,
             amount, month_max, state, attempts, next_at, looked_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'asked', CAST(0 AS BIGINT), $7, $8, $8)");
    let insert = insert.bind(consent_id).bind(id).bind(&terms.card_id).bind(terms.threshold);
    let insert = insert.bind(terms.amount).bind(terms.month_max).bind(now + CLAIM).bind(now);
    match tx.execute(insert).await {
        Ok(_) => Ok(tx.commit().await?),
        // The same request, on another connection: that one asks the bank.
        Err(omamori_db::Error::UniqueViolation) => Err(Error::RetryAfter(Code::Busy, 1)),
        Err(error) => Err(error.into()),
    }
}

/// `POST /api/wallet/v1/topups/auto/off`: no factor is asked, for it only protects.
pub async fn off(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    Json(Nothing {}): Json<Nothing>,
) -> Result<StatusCode> {
    let detail = json!({ "ip": network.address() });
    let _cleared = app.gate.decide(customer.asks(Act::AutoTopupEnd, &detail), Ok(())).await?;
    let mut tx = app.stores.registry.begin().await?;
    lock(&mut tx, &customer.customer_id).await?;
    setting::turn_off(&app, &mut tx, &customer.customer_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
