//! `POST /api/wallet/v1/cards/register`: a customer begins to register a card. The card is typed
//! on the gateway's page; how often that may be tried is limited here (guideline of 2019-04-16
//! against the use of stolen card numbers with code payments, Payments Japan).

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use omamori_db::{Tx, sql};
use serde::Serialize;
use serde_json::Value;

use super::CLAIM;
use super::gateway::SetupOrder;
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::gate::Act;
use crate::id::Kind;
use crate::identity::stepup::{self, Confirmed, Intent, Nothing, Risen};
use crate::identity::{Customer, Network, account, long_bound};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::json::Json;
use crate::web::text::Text;

/// Cards of one customer at a time.
pub const CARDS_MAX: usize = 3;
/// Registrations begun in 24 hours, and in 30 days.
const BEGUN_24H: i64 = 5;
const BEGUN_30D: i64 = 15;
/// Registrations in 24 hours that came to nothing at the gateway.
const FAILED_24H: i64 = 3;

fn intent(text: Text) -> Result<Intent> {
    Intent::new(Act::CardRegister, &(), text.t("stepup.card_register").to_owned())
}

/// `POST /api/wallet/v1/cards/register/options`
pub async fn options(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
) -> Result<Answer<Value>> {
    app.gate.open_door(Act::CardRegister, None, Some(&customer.customer_id))?;
    app.topups.gateway()?;
    stepup::offer(&app, &customer, &intent(text)?).await
}

/// A registration that has begun.
#[derive(Serialize)]
pub struct Begun {
    setup_id: String,
    /// The gateway's page on which the card is typed.
    url: String,
}

/// `POST /api/wallet/v1/cards/register`
pub async fn handle(
    State(app): State<Arc<App>>,
    customer: Customer,
    network: Network,
    text: Text,
    Json(Confirmed { request: Nothing {}, proof }): Json<Confirmed<Nothing>>,
) -> Result<Risen<Begun>> {
    let gateway = app.topups.gateway()?;
    let opinion = standing(&app, &customer).await?;
    let intent = intent(text)?;
    let _cleared = stepup::require(&app, &customer, network, &intent, &proof, opinion).await?;
    let setup_id = ask(&app, &customer).await?;
    let order = SetupOrder {
        return_url: format!("{}/topup/card/setup/{setup_id}", app.config.public_url),
        id: setup_id.clone(),
        language: text.lang,
    };
    let opened = gateway.open_setup(&order).await.map_err(|error| {
        tracing::warn!(setup_id, %error, "a registration was not opened");
        Error::from(Code::GatewayUnavailable)
    })?;
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE card_setup SET state = 'opened', reference = $1, holder = $2
         WHERE setup_id = $3 AND state = 'asked'");
    let update = update.bind(opened.reference).bind(opened.holder).bind(&setup_id);
    if tx.execute(update).await? != 1 {
        return Err(Code::GatewayUnavailable.into()); // it took too long
    }
    let begun = Begun { setup_id, url: opened.url };
    let risen = Risen::new(&app, &mut tx, &customer, begun).await?;
    tx.commit().await?;
    Ok(risen)
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
    // Looked at once more where nothing can come between, by `ask`.
    let mut tx = registry.begin().await?;
    within_limits(&mut tx, &customer.customer_id, now).await
}

/// Counts the registration before the gateway hears of it.
async fn ask(app: &App, customer: &Customer) -> Result<String> {
    let now = app.clock.now();
    let mut tx = app.stores.registry.begin().await?;
    lock(&mut tx, &customer.customer_id).await?;
    within_limits(&mut tx, &customer.customer_id, now).await??;
    let setup_id = Kind::CardSetup.random_text(app.rng.as_ref());
    let insert = sql("INSERT INTO card_setup (setup_id, customer_id, state, attempts, next_at,
             looked_at, created_at)
         VALUES ($1, $2, 'asked', CAST(0 AS BIGINT), $3, $4, $4)");
    let insert = insert.bind(&setup_id).bind(&customer.customer_id);
    tx.execute(insert.bind(now + CLAIM).bind(now)).await?;
    tx.commit().await?;
    Ok(setup_id)
}

/// Makes transactions about the cards of one customer come one after the other.
pub async fn lock(tx: &mut Tx, customer_id: &str) -> Result<()> {
    let update = sql("UPDATE customer SET status = status WHERE customer_id = $1");
    tx.execute(update.bind(customer_id)).await?;
    Ok(())
}

/// How many cards a customer has.
pub async fn count_cards(tx: &mut Tx, customer_id: &str) -> Result<usize> {
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM card
         WHERE customer_id = $1 AND state = 'active'");
    Ok(usize::try_from(tx.one(count.bind(customer_id)).await?.int("n")?).unwrap_or(usize::MAX))
}

async fn within_limits(tx: &mut Tx, customer_id: &str, now: Micros) -> Result<Result<(), Code>> {
    if count_cards(tx, customer_id).await? >= CARDS_MAX {
        return Ok(Err(Code::CardsMax));
    }
    let count = sql("SELECT CAST(COUNT(*) AS BIGINT) AS month,
             CAST(COALESCE(SUM(CASE WHEN created_at > $1 THEN 1 ELSE 0 END), 0) AS BIGINT) AS day,
             CAST(COALESCE(SUM(CASE WHEN created_at > $1 AND state = 'refused'
                 THEN 1 ELSE 0 END), 0) AS BIGINT) AS failed
         FROM card_setup WHERE customer_id = $2 AND created_at > $3");
    let count = count.bind(now - DAY).bind(customer_id).bind(now - 30 * DAY);
    let row = tx.one(count).await?;
    let many = row.int("month")? >= BEGUN_30D
        || row.int("day")? >= BEGUN_24H
        || row.int("failed")? >= FAILED_24H;
    Ok(if many { Err(Code::CardTries) } else { Ok(()) })
}
